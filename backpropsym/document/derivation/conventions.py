"""What a reader must know beside a derivative: what f is, its slope at kinks, and what f' stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backpropsym.derive.derivation import Derivation
from backpropsym.document.formulas import Definition, Formula, Function, Joined, Math, Prose, Sketch, Words
from backpropsym.document.notation.idioms import ROOT
from backpropsym.document.writers.mathematics import written
from backpropsym.document.writers.tree_writer import KEPT, ONES, Writer
from backpropsym.formula.tree import ONE, Add, Call, Div, Expr, Mul, Name, Number, Pow, Tuple, called, names, size, walk
from backpropsym.graph.graph import Graph
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import Elementwise, Reduction
from backpropsym.ops.reducer import FOLDS, REDUCERS, filled

_LARGEST_DEFINITION = 60
_NEVER_NEGATIVE = ("square", "exp", "abs", "relu", "softplus", "sigmoid", "cosh", "sqrt", "softmax")


def conventions(derivation: Derivation, writer: Writer) -> list[str]:
    """One entry a fact about the functions on the paths: f = relu, f'(0) = 0; written by `writer`."""
    return [written(fact, writer) for fact in convention_parts(derivation)]


def convention_parts(derivation: Derivation) -> tuple[Math, ...]:
    """The same for a page."""
    graph = derivation.graph
    between = graph.between(derivation.wrt, derivation.of)
    return fact_parts(graph, [name for name in between if name != derivation.wrt])


def facts(graph: Graph, nodes: Sequence[str], writer: Writer) -> list[str]:
    """One entry a fact about the functions that `nodes` call: f = relu, f'(0) = 0; written by `writer`."""
    return [written(fact, writer) for fact in fact_parts(graph, nodes)]


def fact_parts(graph: Graph, nodes: Sequence[str]) -> tuple[Math, ...]:
    """The same for a page."""
    table = graph.functions
    found: dict[Math, None] = {}
    for name in called_by(graph, nodes):
        if name in table.own:
            found.setdefault(_definition(name, table))
        if table[name].kink:
            found.setdefault(Words(table[name].kink))
    reductions = {node.op.function for node in map(graph.__getitem__, nodes) if isinstance(node.op, Reduction)}
    for function in sorted(name for name in reductions if REDUCERS[name].extreme):
        found.setdefault(Words(f"a tie of {function} over axes goes to the first entry"))
    return tuple(found)


def here(graph: Graph, nodes: Sequence[str]) -> tuple[Prose, ...]:
    """The facts about the functions that `nodes` call as one sentence; none where there are none."""
    known = fact_parts(graph, nodes)
    listed = tuple(part for fact in known for part in (", ", fact))[1:]
    return (("Here ", *listed, "."),) if known else ()


def spelled_out(exprs: Iterable[Expr], table: FunctionTable, writer: Writer) -> list[str]:
    """What derivatives of functions in `exprs` stand for, and which sums keep their axis; written by `writer`."""
    return [written(part, writer) for part in definition_parts(exprs, table)]


def definition_parts(exprs: Iterable[Expr], table: FunctionTable) -> tuple[Math, ...]:
    """One equation for each derivative such as tanh'(x) in `exprs` whose formula a reader cannot look up at once.

    Behind them, which sums over axes keep their axis: formulas do not write that option.
    """
    exprs = tuple(exprs)
    equations: dict[str, Math] = {}
    for prime in (prime for expr in exprs for prime in called(expr)):
        parent = table.parent(prime)
        if prime in equations or parent is None or parent[0] == ROOT or _alias(parent[0], table):
            continue
        body = table.definition(prime)
        if body is not None and size(body) <= _LARGEST_DEFINITION:
            head = Call(prime, tuple(map(Name, table[prime].required)))
            equations[prime] = Definition(head, table.written(body))
    return (*equations.values(), *kept_axes(exprs))


def kept_axes(exprs: Iterable[Expr]) -> tuple[Math, ...]:
    """A line for each kind of reduction that keeps its axis; one in full where others of its look do not."""
    calls = [(part, dict(part.options)) for expr in exprs for part in walk(expr) if isinstance(part, Call)]
    dropped = {(call.function, options["axis"]) for call, options in calls if "axis" in options and KEPT not in options}
    lines: dict[Math, None] = {}
    for call, options in calls:
        axis = options.get("axis")
        if axis is None or KEPT not in options or ONES in options:
            continue
        look = Formula(call) if (call.function, axis) in dropped else Sketch(call.function, axis)
        axes = "axes" if isinstance(axis, Tuple) else "axis"
        lines.setdefault(Joined((look, Words(f" keeps the {axes}, with size 1")), ""))
    return tuple(lines)


def called_by(graph: Graph, nodes: Iterable[str]) -> list[str]:
    """The functions that `nodes` call, and those that the network's own functions call in turn."""
    table = graph.functions
    found: dict[str, None] = {}
    for name in nodes:
        formula = graph[name].formula
        if formula is not None:
            found.update(dict.fromkeys(_called_on_nodes(formula, graph)))
    for name in list(found):
        definition = table.definition(name) if name in table.own and not _alias(name, table) else None
        if definition is not None:
            found.update(dict.fromkeys(called(definition)))
    return list(found)


def _called_on_nodes(formula: Expr, graph: Graph) -> tuple[str, ...]:
    """The functions that `formula` calls on more than constants; a root of what is surely positive has no kink."""
    calls = [
        part for part in walk(formula) if isinstance(part, Call) and not graph.nodes.keys().isdisjoint(names(part))
    ]
    return tuple(
        part.function
        for part in calls
        if part.function not in ("sqrt", ROOT) or not _is_positive(part.arguments[0], graph)
    )


def _is_positive(expr: Expr, graph: Graph) -> bool:
    """Whether `expr` is above zero whatever the numbers: a positive constant and what is never negative."""
    match expr:
        case Number(value):
            return value > 0
        case Div(above, below):
            return _is_positive(above, graph) and _is_positive(below, graph)
        case Add(terms):
            return any(_is_positive(term, graph) for term in terms) and all(
                _is_never_negative(term, graph) for term in terms
            )
        case _:
            return False


def _is_never_negative(expr: Expr, graph: Graph) -> bool:
    match expr:
        case Name(name) if name in graph.nodes:
            match graph[name].op:
                case Reduction(function, operand):
                    return _is_never_negative(Call(function, (Name(operand),)), graph)
                case Elementwise(formula) if not graph[name].named:
                    return _is_never_negative(formula, graph)
                case _:
                    return False
        case Pow(_, exponent):
            return exponent.denominator == 1 and exponent.numerator % 2 == 0
        case Mul((one, other)) if one == other:
            return True
        case Add(parts) | Mul(parts):
            return all(_is_never_negative(part, graph) for part in parts)
        case Div(above, below):
            return _is_never_negative(above, graph) and _is_positive(below, graph)
        case Call(function, (body,)) if function in FOLDS:
            return _is_never_negative(body, graph)
        case Call(function, (body,)) if function in REDUCERS:
            definition = filled(REDUCERS[function].definition, {"x": body, "n": ONE}, graph.functions)
            return _is_never_negative(definition, graph)
        case Call(function):
            return function in _NEVER_NEGATIVE
        case _:
            return _is_positive(expr, graph)


def _definition(name: str, table: FunctionTable) -> Math:
    """A function of the network itself: f = relu, f(x) = x*sigmoid(x), or f abstract."""
    body = table.definition(name)
    if body is None:
        return Joined((Function(name), Words(" abstract")), "")
    alias = _alias(name, table)
    if alias:
        return Joined((Function(name), Words(alias)))
    return Definition(Call(name, tuple(map(Name, table[name].arguments))), body)


def _alias(name: str, table: FunctionTable) -> str:
    """The registered function that `name` is just another name of, else nothing."""
    if name not in table.own:
        return ""
    match table.definition(name):
        case Call(target, arguments) if arguments == tuple(map(Name, table[name].arguments)):
            return target
        case _:
            return ""
