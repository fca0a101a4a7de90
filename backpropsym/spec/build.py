"""From a declaration to a verified graph; all mistakes are reported together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from backpropsym.errors import FormulaError, NetworkError, Problem, ShapeError, did_you_mean
from backpropsym.formula.names import name_problem
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.tree import Call, Expr, Limits, Name, called, names, node_names, walk
from backpropsym.graph import Graph, Node, Role, find_cycle, topological_order
from backpropsym.ops.index_lowering import IndexLowering
from backpropsym.ops.kinds import Elementwise, Shape
from backpropsym.ops.lowering import Lowered, Lowering
from backpropsym.ops.table import FunctionTable
from backpropsym.spec.declaration import Declaration
from backpropsym.spec.heads import settle_heads
from backpropsym.spec.functions import call_signatures, declared_functions, settle_abstract

LOSS = "loss"
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
    formulas = _formulas(declaration, table, found)
    table = settle_abstract(table, formulas.values())
    for name, formula in formulas.items():
        _check_formula(name, formula, roles, table, declaration, found)
    _check_namespaces(roles, table, declaration, found)
    _check_cycle(formulas, declaration, found)
    _check_output(declaration, roles, formulas, found)
    values = _numbers("values", declaration.values, roles, declaration, found)
    constants = _numbers("constants", declaration.constants, roles, declaration, found)
    if found:
        raise NetworkError(sorted(found, key=lambda each: (each.where.line or 0) if each.where else 0))
    nodes = _nodes(declaration, roles, formulas, table)
    loss = LOSS if declaration.loss is not None else None
    assert declaration.output is not None
    graph = Graph(nodes, declaration.output, loss, declaration.title, table, constants, values)
    return replace(graph, warnings=_warnings(graph, declaration))


def _nodes(
    declaration: Declaration, roles: Mapping[str, Role], formulas: Mapping[str, Expr], table: FunctionTable
) -> dict[str, Node]:
    """Leaves, then the nodes as written, each preceded by the anonymous ones inside its formula.

    Raises
    ------
    ShapeError : one problem for each node whose shapes do not fit.
    """
    shapes: dict[str, Shape] = {}
    for role, section in _LEAVES:
        for name, entry in getattr(declaration, section).items():
            shapes[name] = np.shape(entry) if role is Role.CONSTANT else tuple(entry)
    nodes = {name: Node(name, role, shapes[name]) for name, role in roles.items() if role is not Role.VALUE}
    lowered: dict[str, list[Lowered]] = {}
    problems: list[Problem] = []
    for name in topological_order(_uses(declaration, formulas)):
        try:
            if all(parent in shapes for parent in _used(declaration, name, formulas[name])):
                lowered[name] = _lower(name, declaration, formulas[name], shapes, table)
                shapes[name] = lowered[name][-1].shape
        except ShapeError as error:
            section = "nodes" if name in declaration.nodes else ""
            problems.extend(each.at(declaration.places(section, name, each.span)) for each in error.problems)
    if problems:
        raise ShapeError(problems)
    for name in formulas:
        nodes |= {each.name: Node(each.name, Role.VALUE, each.shape, each.op, each.parents) for each in lowered[name]}
    return nodes


def _used(declaration: Declaration, name: str, formula: Expr) -> tuple[str, ...]:
    return node_names(formula, declaration.indices.get(name, ()))


def _uses(declaration: Declaration, formulas: Mapping[str, Expr]) -> dict[str, tuple[str, ...]]:
    """For each node, the other nodes that its formula uses."""
    return {
        name: tuple(each for each in _used(declaration, name, formula) if each in formulas)
        for name, formula in formulas.items()
    }


def _lower(
    name: str, declaration: Declaration, formula: Expr, shapes: dict[str, Shape], table: FunctionTable
) -> list[Lowered]:
    if name in declaration.indices or any(isinstance(part, Limits) for part in walk(formula)):
        free = declaration.indices.get(name, ())
        return IndexLowering(name, shapes, table, free, declaration.offsets).root(formula)
    parents = names(formula)
    if not any(shapes[parent] for parent in parents) and all(function in table for function in called(formula)):
        return [Lowered(name, Elementwise(formula), (), parents)]
    return Lowering(name, shapes, table).root(formula)


def _roles(declaration: Declaration, problems: list[Problem]) -> dict[str, Role]:
    """Every declared name with its role; bad and repeated names become problems."""
    roles: dict[str, Role] = {}
    sections: list[tuple[Role, str, Mapping[str, Any]]] = [
        (role, section, getattr(declaration, section)) for role, section in _LEAVES
    ]
    sections.append((Role.VALUE, "nodes", declaration.nodes))
    for role, section, declared in sections:
        for name, entry in declared.items():
            place = declaration.places(section, name, None)
            problem = name_problem(name)
            if problem:
                problems.append(problem.at(place))
            elif name in roles:
                message = f"{name} is declared twice: as {_article(roles[name])} and as {_article(role)}"
                problems.append(Problem(message, place, fix="give one of them another name"))
            if section != "constants" and role is not Role.VALUE:
                problems.extend(problem.at(place) for problem in _shape_problems(name, entry))
            roles.setdefault(name, role)
    if declaration.loss is not None:
        if LOSS in roles:
            place = declaration.places("nodes", LOSS, None)
            message = "loss is declared twice: as a node and by loss = ..."
            problems.append(Problem(message, place, fix="rename the node, or leave out loss = ..."))
        roles.setdefault(LOSS, Role.VALUE)
    return roles


def _shape_problems(name: str, shape: Sequence[Any]) -> list[Problem]:
    """What is wrong with a declared shape: sizes are positive whole numbers or symbols such as "n"."""
    problems = []
    for size in shape:
        whole = isinstance(size, int) and not isinstance(size, bool) and size > 0
        symbol = isinstance(size, str) and name_problem(size) is None
        if not whole and not symbol:
            fix = f'write {name} = [3, 2], or a symbol: {name} = ["n"]'
            problems.append(Problem(f"{size!r} in the shape of {name} is not a size", fix=fix))
    return problems


def _article(role: Role) -> str:
    return f"an {role}" if role is Role.INPUT else f"a {role if role is not Role.VALUE else 'node'}"


def _formulas(declaration: Declaration, table: FunctionTable, problems: list[Problem]) -> dict[str, Expr]:
    """The formulas of the nodes and of the loss, as trees."""
    formulas: dict[str, Expr] = {}
    written: list[tuple[str, str, str | Expr]] = [("nodes", name, text) for name, text in declaration.nodes.items()]
    if declaration.loss is not None:
        written.append(("", LOSS, declaration.loss))
    signatures = call_signatures(table)
    for name, function in table.own.items():
        if function.abstract:
            signatures[name] = replace(signatures[name], variadic=len(function.arguments) == 1)
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
                problems.append(replace(problem, where=declaration.places(section, name, span)))
    return formulas


def _check_formula(
    name: str,
    formula: Expr,
    roles: Mapping[str, Role],
    table: FunctionTable,
    declaration: Declaration,
    problems: list[Problem],
) -> None:
    """Unknown names, and functions called in two ways."""
    section = "" if name == LOSS and name not in declaration.nodes else "nodes"
    unknown = {each for each in _used(declaration, name, formula) if each not in roles}
    for part in walk(formula):
        message, fix = "", None
        if isinstance(part, Name) and part.name in unknown:
            if part.name in table:
                message, fix = f"{part.name} is a function", f"call it: {part.name}(...)"
            else:
                message = f"{part.name} is not declared"
                fix = did_you_mean(part.name, roles, "declare it as an input, a parameter or a node")
        elif isinstance(part, Call) and (arity := _wrong_arity(part, table)):
            message = arity
        if message:
            problems.append(Problem(message, declaration.places(section, name, part.span), fix=fix))


def _wrong_arity(call: Call, table: FunctionTable) -> str:
    function = table.get(call.function)
    if function is not None and function.abstract and len(call.arguments) != len(function.arguments):
        return f"{call.function} is called with {len(call.arguments)} and with {len(function.arguments)} arguments"
    return ""


def _check_namespaces(
    roles: Mapping[str, Role], table: FunctionTable, declaration: Declaration, problems: list[Problem]
) -> None:
    for key in declaration.functions:
        name = key.split("(")[0].strip()
        if name in table.own and name in roles:
            place = declaration.places("functions", key, None)
            problems.append(Problem(f"{name} is both a node and a function", place, fix="rename one of them"))


def _check_cycle(formulas: Mapping[str, Expr], declaration: Declaration, problems: list[Problem]) -> None:
    cycle = find_cycle(_uses(declaration, formulas))
    if cycle:
        place = declaration.places("nodes", cycle[0], None)
        message = f"nodes depend on each other in a circle: {' -> '.join(cycle)}"
        problems.append(Problem(message, place, fix="a node may use only what can be computed before it"))


def _check_output(
    declaration: Declaration, roles: Mapping[str, Role], formulas: Mapping[str, Expr], problems: list[Problem]
) -> None:
    output = declaration.output
    if output is None:
        used = {each for uses in _uses(declaration, formulas).values() for each in uses}
        last = [name for name in formulas if name not in used and name != LOSS] or list(formulas)
        fix = f'add output = "{last[-1]}"' if last else 'add output = "..." and at least one node'
        problems.append(Problem("the network has no output", declaration.places("", "", None), fix=fix))
    elif output not in roles:
        place = declaration.places("", "output", None)
        fix = did_you_mean(output, declaration.nodes, "name one of the nodes")
        problems.append(Problem(f"the output {output!r} is not a node", place, fix=fix))


def _numbers(
    section: str,
    given: Mapping[str, Any],
    roles: Mapping[str, Role],
    declaration: Declaration,
    problems: list[Problem],
) -> dict[str, float]:
    """Declared numbers as floats."""
    numbers: dict[str, float] = {}
    for name, value in given.items():
        place = declaration.places(section, name, None)
        if name not in roles:
            fix = did_you_mean(name, roles, "give numbers to inputs, targets and parameters")
            problems.append(Problem(f"{section} gives a number to {name}, which is not declared", place, fix=fix))
        elif section == "values" and roles[name] in (Role.VALUE, Role.CONSTANT):
            message = f"{name} is {_article(roles[name])}: its number is not free"
            problems.append(Problem(message, place, fix="give numbers to inputs, targets and parameters"))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            problems.append(Problem(f"the value of {name} is not a number", place, fix=f"write {name} = 1.0"))
        elif not _finite(value):
            problems.append(Problem(f"the value of {name} is not finite", place, fix=f"write {name} = 1.0"))
        else:
            numbers[name] = float(value)
    return numbers


def _finite(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _warnings(graph: Graph, declaration: Declaration) -> tuple[Problem, ...]:
    """Leaves and nodes that nothing uses."""
    ends = {graph.output, graph.objective}
    reached = graph.ancestors(graph.output) | graph.ancestors(graph.objective)
    found = []
    for name, node in graph.nodes.items():
        if name in reached or name in ends or (node.role is Role.TARGET and graph.loss is None):
            continue
        section = "nodes" if node.role is Role.VALUE else f"{node.role}s"
        message = f"{_article(node.role)[2:].strip()} {name} is not used by {' or '.join(sorted(ends))}"
        place = declaration.places(section, name, None)
        found.append(Problem(message, place, fix="remove it, or use it", kind="warning"))
    return tuple(found)
