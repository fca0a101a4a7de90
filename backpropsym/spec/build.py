"""From a declaration to a verified graph; all mistakes are reported together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from numbers import Real
from typing import Any, SupportsFloat

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.errors import FormulaError, NetworkError, Problem, counted, did_you_mean
from backpropsym.evaluate.given_numbers import has_boolean
from backpropsym.formula.names import name_problem
from backpropsym.formula.parse import Signature, parse_formula
from backpropsym.formula.tree import Call, Compare, Expr, Name, Number, walk
from backpropsym.graph.graph import Block, Graph, Node, Role, find_cycle
from backpropsym.graph.name_parts import patterns_of
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.ops.real_numbers import real_array
from backpropsym.spec.declaration import Declaration
from backpropsym.spec.functions import (
    call_signatures,
    cycle_text,
    declared_formulas,
    declared_functions,
    settle_abstract,
)
from backpropsym.spec.heads import settle_heads, shape_problem
from backpropsym.spec.locate import words
from backpropsym.spec.lower import LOSS, inner_uses, lowered_nodes, used_names
from backpropsym.spec.namespaces import own_function_clashes
from backpropsym.spec.notation import notation_problems
from backpropsym.spec.numbers import undefined_numbers

MAX_PROBLEMS = 100
_LEAVES = (
    (Role.INPUT, "inputs"),
    (Role.TARGET, "targets"),
    (Role.PARAMETER, "parameters"),
    (Role.CONSTANT, "constants"),
)


def build(declaration: Declaration, problems: list[Problem] | None = None) -> Graph:
    """The graph of a declaration.

    Parameters
    ----------
    problems : mistakes found by an earlier stage, reported with those found here.

    Raises
    ------
    NetworkError : one problem for each mistake in the declaration, in the order of their lines.
    """
    found = list(problems or [])
    settle_heads(declaration, found)
    roles = _roles(declaration, found)
    table = declared_functions(declaration, found)
    formulas = _formulas(declaration, roles, table, found)
    own = dict(declared_formulas(declaration, table))
    table = settle_abstract(table, [*formulas.values(), *own.values()])
    used = {name: used_names(declaration, name, formula) for name, formula in formulas.items()}
    for name, formula in formulas.items():
        unknown = {parent for parent in used[name] if parent not in roles}
        _check_formula(name, formula, unknown, roles, table, declaration, found)
    for key, formula in own.items():
        _check_calls("functions", key, formula, table, declaration, found)
    found += own_function_clashes(roles, table, declaration)
    _check_symbols(roles, declaration, found)
    _check_cycle(used, declaration, found)
    _check_output(declaration, roles, used, found)
    values = _numbers("values", declaration.values, roles, declaration, found)
    constants = _numbers("constants", declaration.constants, roles, declaration, found)
    for key, message, fix in notation_problems(declaration.notation, [*roles, *table.own]):
        found.append(Problem(message, declaration.places("notation", key, None), fix=fix))
    if found:
        raise NetworkError(_listed(found))
    nodes, blocks = lowered_nodes(declaration, roles, formulas, used, table)
    graph = _graph(declaration, nodes, blocks, table, formulas, constants, values)
    assert len(graph.order) == len(graph.nodes), "a circle is a problem that was reported above"
    return graph


def _graph(
    declaration: Declaration,
    nodes: dict[str, Node],
    blocks: tuple[Block, ...],
    table: FunctionTable,
    formulas: Mapping[str, Expr],
    constants: dict[str, Any],
    values: dict[str, Any],
) -> Graph:
    """The graph of a declaration without mistakes, with its warnings."""
    assert declaration.output is not None
    graph = Graph(
        nodes,
        declaration.output,
        LOSS if declaration.loss is not None else None,
        declaration.title,
        table,
        constants,
        values,
        blocks=blocks,
        written={name: formula for name, formula in formulas.items() if name not in declaration.indices},
        notation=declaration.notation,
    )
    return replace(graph, warnings=_warnings(graph, declaration))


def _listed(problems: list[Problem]) -> list[Problem]:
    """The first problems by line, and a word on the rest."""
    ordered = sorted(problems, key=lambda each: (each.where.line or 0) if each.where else 0)
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    return [*ordered[:MAX_PROBLEMS], Problem("there are more mistakes", fix="correct these first")]


def _roles(declaration: Declaration, problems: list[Problem]) -> dict[str, Role]:
    """Every declared name with its role; bad and repeated names become problems."""
    roles: dict[str, Role] = {}
    sections: list[tuple[Role, str, Mapping[str, Any]]] = [
        (role, section, getattr(declaration, section)) for role, section in _LEAVES
    ]
    sections.append((Role.VALUE, "nodes", declaration.nodes))
    for role, section, declared in sections:
        for name, entry in declared.items():
            problem = name_problem(name)
            if problem:
                declaration.unreadable |= words(name)
            elif name in roles:
                message = f"{name} is declared twice: as {_article(roles[name])} and as {_article(role)}"
                problem = Problem(message, fix="give one of them another name")
            elif section != "constants" and role is not Role.VALUE:
                problem = shape_problem(name, entry)
            if problem:
                problems.append(problem.at(declaration.places(section, name, None)))
            roles.setdefault(name, role)
    if declaration.loss is not None:
        if LOSS in roles:
            place = declaration.places("", LOSS, None)
            message = f"loss is declared twice: as {_article(roles[LOSS])} and by loss = ..."
            problems.append(Problem(message, place, fix="rename the one, or leave out loss = ..."))
        roles.setdefault(LOSS, Role.VALUE)
    return roles


def _article(role: Role) -> str:
    return f"an {role}" if role is Role.INPUT else f"a {role if role is not Role.VALUE else 'node'}"


def _formulas(
    declaration: Declaration, roles: Mapping[str, Role], table: FunctionTable, problems: list[Problem]
) -> dict[str, Expr]:
    """The formulas of the nodes and of the loss, as trees."""
    formulas: dict[str, Expr] = {}
    written: list[tuple[str, str, str | Expr]] = [("nodes", name, text) for name, text in declaration.nodes.items()]
    if declaration.loss is not None:
        written.append(("", LOSS, declaration.loss))
    signatures = call_signatures(table)
    for name, function in table.own.items():
        if function.abstract:
            signatures[name] = replace(signatures[name], variadic=len(function.arguments) == 1)
    signatures |= {name: Signature(name, ("x",), {}, variadic=True) for name in declaration.unreadable}
    for section, name, text in written:
        if isinstance(text, Expr):
            formulas[name] = text
            continue
        try:
            formulas[name] = parse_formula(text, signatures)
        except FormulaError as error:
            for problem in error.problems:
                inner = problem.where
                span = (inner.column, inner.column + inner.width) if inner and inner.width else None
                called = text[slice(*span)] if span else ""
                if problem.message == f"{called} is not a function" and called in roles:
                    problem = replace(problem, message=f"{called} is a node", fix=f"write a product: {called}*(...)")
                problems.append(replace(problem, where=declaration.places(section, name, span)))
    return formulas


def _check_formula(
    key: str,
    formula: Expr,
    unknown: set[str],
    roles: Mapping[str, Role],
    table: FunctionTable,
    declaration: Declaration,
    problems: list[Problem],
) -> None:
    """Unknown names and numbers out of range in the formula of a node or of the loss."""
    section = "" if key == LOSS and key not in declaration.nodes else "nodes"
    for part in walk(formula):
        if len(problems) > MAX_PROBLEMS:
            return
        message, fix = "", None
        if isinstance(part, Name) and part.name in unknown and part.name not in declaration.unreadable:
            if part.name in table:
                message, fix = f"{part.name} is a function", f"call it: {part.name}(...)"
            else:
                message = f"{part.name} is not declared"
                fix = did_you_mean(part.name, roles, "declare it as an input, a parameter or a node")
        elif isinstance(part, Number) and not _finite(part.value):
            message, fix = "a number is outside the range of floating point", "rescale the formula"
        elif isinstance(part, Call) and part.function in roles and part.function in table:
            message, fix = f"{part.function} is both a node and a function", "rename the node"
        if message:
            problems.append(Problem(message, declaration.places(section, key, part.span), fix=fix))
    _check_calls(section, key, formula, table, declaration, problems)


def _check_calls(
    section: str,
    key: str,
    formula: Expr,
    table: FunctionTable,
    declaration: Declaration,
    problems: list[Problem],
) -> None:
    """Unknown functions, wrong numbers of arguments, comparisons outside `where`, and numbers such as 1/0."""
    before = len(problems)
    parts = list(walk(formula))
    conditions = {id(part.arguments[0]) for part in parts if isinstance(part, Call) and part.function == "where"}
    for part in parts:
        message, fix = "", None
        if isinstance(part, Compare) != (id(part) in conditions):
            message = "a comparison stands only, and always, as the first argument of where"
            fix = "where(x > 0, a, b)"
        elif isinstance(part, Call) and part.function not in declaration.unreadable:
            message, fix = _wrong_call(part, table)
        if message:
            problems.append(Problem(message, declaration.places(section, key, part.span), fix=fix))
    if len(problems) == before:
        for span, message, fix in undefined_numbers(formula, table):
            problems.append(Problem(message, declaration.places(section, key, span), fix=fix))


def _wrong_call(call: Call, table: FunctionTable) -> tuple[str, str | None]:
    """What is wrong with a call, and the fix; an empty text where nothing is."""
    composition = COMPOSITIONS.get(call.function)
    if composition is not None and (composition.signature.reduces or call.function not in table):
        return "", None
    if call.function not in table:
        fix = did_you_mean(call.function, table, "declare it under [functions]")
        return f"{call.function} is not a function of this network", fix
    function, count = table[call.function], len(call.arguments)
    if len(function.required) <= count <= len(function.arguments):
        return "", None
    if function.abstract:
        message = f"{call.function} is called with {count} and with {len(function.arguments)} arguments"
        return message, "call it with the same number of arguments everywhere"
    usage = f"{call.function}({', '.join(function.arguments)})"
    return f"{call.function} is called with {counted(count, 'argument')}", f"write {usage}"


def _check_symbols(roles: Mapping[str, Role], declaration: Declaration, problems: list[Problem]) -> None:
    """A symbolic size is a number in formulas, so that no node may have its name."""
    for name, role in roles.items():
        if name in declaration.symbols:
            section = next(section for each, section in (*_LEAVES, (Role.VALUE, "nodes")) if each is role)
            place = declaration.places(section, name, None)
            problems.append(Problem(f"{name} is both {_article(role)} and a size", place, fix="rename one of them"))


def _check_cycle(used: Mapping[str, tuple[str, ...]], declaration: Declaration, problems: list[Problem]) -> None:
    cycle = find_cycle(inner_uses(used))
    if cycle:
        place = declaration.places("nodes", cycle[0], None)
        message = f"nodes depend on each other in a circle: {cycle_text(cycle)}"
        problems.append(Problem(message, place, fix="a node may use only what can be computed before it"))


def _check_output(
    declaration: Declaration,
    roles: Mapping[str, Role],
    used: Mapping[str, tuple[str, ...]],
    problems: list[Problem],
) -> None:
    output = declaration.output
    if "output" in declaration.unreadable or output in declaration.unreadable:
        return
    if output is None:
        parents = {parent for names in used.values() for parent in names}
        last = [name for name in used if name not in parents and name != LOSS] or list(used)
        fix = f'add output = "{last[-1]}"' if last else 'add output = "..." and at least one node'
        problems.append(Problem("the network has no output", declaration.places("", "", None), fix=fix))
    elif output not in roles and (declaration.nodes or not problems):
        place = declaration.places("", "output", None)
        fix = did_you_mean(output, declaration.nodes, "name one of the nodes")
        problems.append(Problem(f"the output {output!r} is not a node", place, fix=fix))


def _numbers(
    section: str,
    given: Mapping[str, object],
    roles: Mapping[str, Role],
    declaration: Declaration,
    problems: list[Problem],
) -> dict[str, Numeric]:
    """Declared numbers as floats, and as arrays where nodes have axes."""
    numbers: dict[str, Numeric] = {}
    for name, value in given.items():
        place = declaration.places(section, name, None)
        if name in declaration.unreadable or len(problems) > MAX_PROBLEMS:
            continue
        if name not in roles:
            fix = did_you_mean(name, roles, "give numbers to inputs, targets and parameters")
            problems.append(Problem(f"{section} gives a number to {name}, which is not declared", place, fix=fix))
        elif section == "values" and roles[name] in (Role.VALUE, Role.CONSTANT):
            message = f"{name} is {_article(roles[name])}: its number is not free"
            problems.append(Problem(message, place, fix="give numbers to inputs, targets and parameters"))
        elif isinstance(value, list | np.ndarray):
            array = _array(name, value, section, declaration)
            if isinstance(array, Problem):
                problems.append(array.at(place))
            else:
                numbers[name] = array
        elif isinstance(value, bool) or not isinstance(value, Real):
            problems.append(Problem(f"the value of {name} is not a number", place, fix=f"write {name} = 1.0"))
        elif not _finite(value):
            problems.append(Problem(f"the value of {name} is not finite", place, fix=f"write {name} = 1.0"))
        else:
            numbers[name] = float(value)
    return numbers


def _array(name: str, value: object, section: str, declaration: Declaration) -> Array | Problem:
    """A nested list as an array in the declared shape; else what is wrong with it."""
    numbers, wrong = real_array(value)
    wrong = wrong or ("it holds true or false" if has_boolean(value) else "")
    if wrong:
        return Problem(f"the value of {name} is not an array of numbers: {wrong}", fix=f"write {name} = [1.0, 2.0]")
    array: Array = numbers.astype(float)
    if not np.all(np.isfinite(array)):
        return Problem(f"the value of {name} is not finite", fix="give finite numbers")
    leaves = (declaration.inputs, declaration.targets, declaration.parameters)
    declared = next((leaf[name] for leaf in leaves if name in leaf), array.shape)
    fits = len(declared) == array.ndim and all(
        isinstance(want, str) or want == size for want, size in zip(declared, array.shape, strict=True)
    )
    if section == "values" and not fits:
        return Problem(f"the value of {name} has the shape {array.shape}", fix=f"its declared shape is {declared}")
    return array


def _finite(value: SupportsFloat) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _warnings(graph: Graph, declaration: Declaration) -> tuple[Problem, ...]:
    """Leaves and nodes that nothing uses, and patterns of names that none fits."""
    ends = {graph.output, graph.objective}
    reached = graph.ancestors(graph.output) | graph.ancestors(graph.objective)
    found = []
    for name, node in graph.nodes.items():
        if not node.named or name in reached or name in ends or (node.role is Role.TARGET and graph.loss is None):
            continue
        section = "nodes" if node.role is Role.VALUE else f"{node.role}s"
        message = f"{_article(node.role)[2:].strip()} {name} is not used by {' or '.join(sorted(ends))}"
        place = declaration.places(section, name, None)
        found.append(Problem(message, place, fix="remove it, or use it", kind="warning"))
    return (*found, *_idle_patterns(graph, declaration))


def _idle_patterns(graph: Graph, declaration: Declaration) -> Iterator[Problem]:
    """Patterns of the table [notation] that no name fits."""
    fitted = {pattern for name in (*graph.nodes, *graph.functions.own) for pattern in patterns_of(name)}
    for key in declaration.notation:
        if "#" in key and key not in fitted:
            fix = 'write as many # as the names have indices: "w##" fits w12, w_1_2 and w1_2'
            place = declaration.places("notation", key, None)
            yield Problem(f"no name fits the pattern {key}", place, fix=fix, kind="warning")
