"""The gradient of a network as a network: its adjoint programme as nodes, to be derived, drawn and compiled again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.entry_derivation import read_entry, scalar_names
from backpropsym.derive.forms.programme import adjoints
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import LimitError, NotScalarError
from backpropsym.formula.algebra import add, div, mul, neg, power
from backpropsym.formula.tree import ONE, ZERO, Add, Call, Div, Expr, Mul, Name, Neg, Number, Pow, names
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import entry_count, entry_name, require_sizes, unroll
from backpropsym.ops.differentiate import partials_size
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import Elementwise

MOST_ENTRIES = 20_000
"""A network of tensors with more entries than this has no gradient network."""

MOST_WRT = 2_000

MOST_PARTS = 3_000_000
"""Where the formulas of second derivatives have about so many parts, they are not derived: beyond it lie minutes."""


def scalar_network(graph: Graph, of: str | None) -> tuple[Graph, str]:
    """The network entry by entry, and the scalar `of` in it; default: the output where it is one, else the loss.

    Raises
    ------
    LimitError : symbolic sizes, or more than 20,000 entries.
    NotScalarError : `of` has axes.
    """
    name, position = read_entry(of or graph.default_target, graph)
    if graph[name].shape and position is None:
        at = entry_name(name, (0,) * len(graph[name].shape))
        message = f"{name} has axes, and second derivatives are those of one number"
        raise NotScalarError(message, fix=f"choose an entry: --of '{at}'")
    require_sizes(graph)
    count = entry_count(graph)
    if count > MOST_ENTRIES:
        raise LimitError(
            f"the arrays of the network have {count:,} entries, and its gradient is written out entry by entry",
            details=(f"at most {MOST_ENTRIES:,} are",),
            fix="take a smaller network of the same kind",
        )
    return unroll(graph), entry_name(name, position or ())


def gradient_graph(graph: Graph, of: str | None = None, wrt: Sequence[str] = ()) -> Graph:
    """The network that computes the derivatives of `of`: the network itself and one node an adjoint.

    The node called dA_dB holds d A / d B. With one name in `wrt` that derivative is the output. With several (default:
    every parameter) the output is `slope`, the sum of their derivatives times the inputs t_NAME, which name a
    direction; the gradient of `slope` is therefore the Hessian times that direction.

    Raises
    ------
    LimitError : a network of tensors too large to be unrolled, derivatives too long, or more than 2,000 names.
    NotScalarError : `of` has axes.

    References
    ----------
    Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994.
    """
    wanted = scalar_names(graph, wrt or graph.names(Role.PARAMETER), MOST_WRT)
    flat, target = scalar_network(graph, of)
    _require_short(flat)
    local = LiveDerivatives(flat)
    steps = adjoints(local, target, wanted)
    known: dict[str, Expr] = {target: ONE}
    nodes: dict[str, Node] = dict(flat.nodes)
    symbols: dict[str, str] = {}
    for equation in steps.equations[1:]:
        right = add(steps.parts(equation, known))
        symbols[equation.by] = symbol = steps.symbols[equation.by]
        known[equation.by] = Name(symbol) if right != ZERO else ZERO
        nodes[symbol] = _node(symbol, right)
    for name in wanted:
        if name not in symbols:
            symbols[name] = _unused(f"d{target}_d{name}", nodes)
            nodes[symbols[name]] = _node(symbols[name], known.get(name, ZERO))
    output = symbols[wanted[0]] if len(wanted) == 1 else _slope(nodes, [(name, symbols[name]) for name in wanted])
    derivatives = {**flat.derivatives, **{symbol: (target, name) for name, symbol in symbols.items()}}
    return _reaching(replace(flat, nodes=nodes, output=output, loss=None, blocks=(), derivatives=derivatives))


def _node(name: str, formula: Expr) -> Node:
    return Node(name, Role.VALUE, (), Elementwise(formula), names(formula))


def _unused(name: str, taken: Mapping[str, Node]) -> str:
    while name in taken:
        name += "_"
    return name


def _slope(nodes: dict[str, Node], pairs: Sequence[tuple[str, str]]) -> str:
    """Add the derivative along a direction, whose coordinates are inputs."""
    terms = []
    for name, symbol in pairs:
        step = _unused(f"t_{name}", nodes)
        nodes[step] = Node(step, Role.INPUT)
        terms.append(Mul((Name(step), Name(symbol))))
    slope = _unused("slope", nodes)
    nodes[slope] = _node(slope, add(terms))
    return slope


def _reaching(graph: Graph) -> Graph:
    """The leaves, and those computed nodes that the output depends on."""
    kept = graph.ancestors(graph.output)
    nodes = {name: node for name, node in graph.nodes.items() if name in kept or node.role is not Role.VALUE}
    return replace(graph, nodes=nodes, derivatives=_described(graph.derivatives, nodes))


def _described(derivatives: Mapping[str, tuple[str, str]], nodes: Mapping[str, Node]) -> dict[str, tuple[str, str]]:
    """What the nodes that hold derivatives hold, down to the first node, even where a step between is no node."""
    kept: dict[str, tuple[str, str]] = {}
    waiting = [name for name in nodes if name in derivatives]
    while waiting:
        name = waiting.pop()
        kept[name] = derivatives[name]
        waiting += [step for step in derivatives[name] if step in derivatives and step not in kept]
    return {name: pair for name, pair in derivatives.items() if name in kept}


class LiveDerivatives(LocalDerivatives):
    """Local derivatives in which functions that are zero everywhere, such as the second derivative of ReLU, are 0.

    Parameters
    ----------
    derived : the same of other nodes' links, where they are known already.
    """

    def __init__(
        self, graph: Graph, replaced: Mapping[Edge, Expr] | None = None, derived: LiveDerivatives | None = None
    ):
        super().__init__(graph, replaced)
        if derived is not None:
            self._by_target = derived._by_target

    def of(self, target: str) -> Mapping[str, Expr]:
        """d target / d parent for each parent."""
        if target not in self._by_target:
            table = self.graph.functions
            self._by_target[target] = {by: without_zeros(each, table) for by, each in super().of(target).items()}
        return self._by_target[target]


def without_zeros(expr: Expr, table: FunctionTable) -> Expr:
    """`expr` with calls of derivatives that are zero everywhere resolved."""
    match expr:
        case Call("where", (condition, then, otherwise)):
            branches = without_zeros(then, table), without_zeros(otherwise, table)
            return ZERO if branches == (ZERO, ZERO) else Call("where", (condition, *branches))
        case Call(function):
            return ZERO if _vanishes(function, table) else expr
        case Add(terms):
            return add(without_zeros(term, table) for term in terms)
        case Mul(factors):
            return mul(without_zeros(factor, table) for factor in factors)
        case Neg(operand):
            return neg(without_zeros(operand, table))
        case Div(numerator, denominator):
            return div(without_zeros(numerator, table), denominator)
        case Pow(base, exponent) if exponent > 0:
            inner = without_zeros(base, table)
            return ZERO if inner == ZERO else power(inner, exponent)
        case _:
            return expr


def _vanishes(function: str, table: FunctionTable) -> bool:
    """Whether a derivative is zero everywhere, perhaps under another name."""
    body = table.definition(function) if table.parent(function) is not None else None
    if isinstance(body, Call):
        return _vanishes(body.function, table)
    return isinstance(body, Number) and body == ZERO


def live(graph: Graph) -> LiveDerivatives:
    """The derivatives on the links of `graph` that are not zero everywhere: for paths, not for values.

    Raises
    ------
    LimitError : the formulas of `graph` are too long to be derived.
    """
    _require_short(graph)
    local = LiveDerivatives(graph)
    nodes = {
        name: replace(node, parents=tuple(each for each in node.parents if local.of(name).get(each) != ZERO))
        for name, node in graph.nodes.items()
    }
    return LiveDerivatives(replace(graph, nodes=nodes), derived=local)


def _require_short(graph: Graph) -> None:
    parts = {node.name: partials_size(node.formula) for node in graph.nodes.values() if node.formula is not None}
    if sum(parts.values()) > MOST_PARTS:
        longest = max(parts, key=parts.__getitem__)
        raise LimitError(
            f"written out entry by entry the derivatives would have some {sum(parts.values()):,} parts",
            details=(f"the longest are those of {longest}", f"at most {MOST_PARTS:,} are written"),
            fix="give the steps inside its formula names of their own, such as a mean and a variance",
        )


class HigherDerivation(Derivation):
    """A derivation in a gradient network, on the links that are not zero everywhere.

    Parameters
    ----------
    whole : the gradient network.
    paths : the derivatives on its live links, as `live` gives them.
    """

    def __init__(self, whole: Graph, paths: LocalDerivatives, of: str, wrt: str) -> None:
        super().__init__(paths, of, wrt)
        # Only paths avoid the dead links: a node is computed from all that its formula names.
        self.graph = whole

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.graph, self.local, self.of, self.wrt)


def scalar_derivation(graph: Graph, of: str, wrt: str) -> Derivation:
    """The derivation between two nodes of a network of scalars, which may be a gradient network."""
    if graph.derivatives:
        return HigherDerivation(graph, live(graph), of, wrt)
    return Derivation(LocalDerivatives(graph), of, wrt)
