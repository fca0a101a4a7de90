"""What is in a network, at a glance: nodes by role, parameters, functions, paths, and the cost of each form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypedDict

from backpropsym.derive.analyses.operation_counts import gradient_costs
from backpropsym.derive.array_derivation import equation_of
from backpropsym.derive.derivation import count_text
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.derive.paths.path_space import PathSpace
from backpropsym.document.derivation.conventions import called_by
from backpropsym.document.formulas import Math, Prose, Typed, Words
from backpropsym.document.model import Equations, Page, Part, Row, Table
from backpropsym.document.notation.names import Notation
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Expr, Index, called, children, rebuild
from backpropsym.graph.graph import Graph, Role, Shape

MOST_COSTED = 2_000_000
"""Parameters times links above which the costs of the forms are left out: they take a sweep for each parameter."""

_LONGEST_LIST = 12
_LONGEST_TABLE = 40
_LONGEST_FORMULA = 100


class Operations(TypedDict):
    """What all derivatives of the objective by parameters cost, the local derivatives taken as computed."""

    multiplications: int
    additions: int


class Summary(TypedDict):
    """What is in a network.

    Attributes
    ----------
    parameter_count, parameter_formula : the numbers to be learned; no count where a size is symbolic.
    shapes : of what is no scalar.
    nodes : formulas by name.
    indices : of the nodes whose formula is that of an entry.
    paths : from each parameter to the objective; those of layers where nodes have axes. None where the network is too
        large to count them.
    operations : by form; None as well where nodes have axes.
    """

    title: str
    output: str
    loss: str | None
    objective: str
    inputs: list[str]
    targets: list[str]
    parameters: list[str]
    constants: list[str]
    parameter_count: int | None
    parameter_formula: str
    shapes: dict[str, list[int | str]]
    nodes: dict[str, str]
    indices: dict[str, list[str]]
    links: int
    functions: list[str]
    paths: dict[str, int] | None
    operations: dict[str, Operations] | None
    warnings: list[str]


def summary_data(graph: Graph) -> Summary:
    """What is in `graph` as plain data."""
    parameters = graph.names(Role.PARAMETER)
    shapes = [graph[name].shape for name in parameters]
    links = sum(len(node.parents) for node in graph.nodes.values())
    equations = _equations(graph)
    shaped = [node.name for node in graph.nodes.values() if node.shape]
    small = len(parameters) * links <= MOST_COSTED
    return {
        "title": graph.title,
        "output": graph.output,
        "loss": graph.loss,
        "objective": graph.objective,
        "inputs": list(graph.names(Role.INPUT)),
        "targets": list(graph.names(Role.TARGET)),
        "parameters": list(parameters),
        "constants": list(graph.names(Role.CONSTANT)),
        "parameter_count": _entries(shapes),
        "parameter_formula": _entries_formula(shapes),
        "shapes": {name: list(graph[name].shape) for name in shaped if graph[name].named},
        "nodes": {name: to_text(_as_typed(right)) for name, (_, right) in equations.items()},
        "indices": {
            name: [to_text(each) for each in left.subscripts]
            for name, (left, _) in equations.items()
            if isinstance(left, Index)
        },
        "links": links,
        "functions": _functions(graph),
        "paths": _paths_of(graph) if small else None,
        "operations": _operations_of_forms(graph, parameters) if small and not shaped else None,
        "warnings": [problem.message for problem in graph.warnings],
    }


def _equations(graph: Graph) -> dict[str, tuple[Expr, Expr]]:
    """Both sides of the equation of each node that somebody named."""
    return {node.name: equation_of(graph, node) for node in graph.nodes.values() if node.op is not None and node.named}


def _as_typed(expr: Expr) -> Expr:
    """`expr` with sums as the formula language has them."""
    parts = tuple(map(_as_typed, children(expr)))
    if isinstance(expr, Call) and expr.function == "Sum":
        return Call("sum", parts)
    return rebuild(expr, parts) if parts else expr


def _paths_of(graph: Graph) -> dict[str, int]:
    """Paths from each parameter to the objective, through the nodes that somebody named."""
    named = graph.named
    return {name: PathSpace(named, name, graph.objective).count for name in graph.names(Role.PARAMETER)}


def _operations_of_forms(graph: Graph, parameters: Sequence[str]) -> dict[str, Operations]:
    """Operations by form."""
    costs = gradient_costs(LocalDerivatives(graph), graph.objective, parameters)
    return {
        form: {"multiplications": cost.multiplications, "additions": cost.additions} for form, cost in costs.items()
    }


def _entries(shapes: Iterable[Shape]) -> int | None:
    """The number of entries of all shapes together; None where one is symbolic."""
    total = 0
    for shape in shapes:
        if any(isinstance(size, str) for size in shape):
            return None
        total += math.prod(int(size) for size in shape)
    return total


def _entries_formula(shapes: Iterable[Shape]) -> str:
    """The same as a formula: scalars counted together, then one product a tensor."""
    listed = list(shapes)
    scalars = sum(not shape for shape in listed)
    products = ["*".join(f"({size})" if " " in str(size) else str(size) for size in shape) for shape in listed if shape]
    return " + ".join([*([str(scalars)] if scalars or not products else []), *products])


def summary_page(graph: Graph) -> Page:
    """The same as a page."""

    def parts() -> tuple[Part, ...]:
        data = summary_data(graph)
        return (_overview(graph, data), _nodes(graph), *_paths(data), *_operations(data))

    return Page(Notation.of(graph), parts, lambda: summary_data(graph))


def _overview(graph: Graph, data: Summary) -> Table:
    """What the network is called, and a line a role."""
    rows: list[tuple[Prose, ...]] = []
    for label, names in (("inputs", data["inputs"]), ("targets", data["targets"]), ("constants", data["constants"])):
        if names:
            rows.append((label, f"{len(names):,}: {_listed(names)}"))
    rows.append(("parameters", _parameters(data)))
    if data["shapes"]:
        sized = [f"{name} ({', '.join(map(str, shape))})" for name, shape in data["shapes"].items()]
        rows.append(("shapes", _listed(sized)))
    rows.append(("nodes", f"{len(data['nodes']):,}, {data['links']:,} links"))
    rows.append(("output", data["output"]))
    if data["loss"]:
        rows.append(("loss", _typed(_as_typed(equation_of(graph, graph[data["loss"]])[1]))))
    rows += [("" if at else "functions", Words(fact)) for at, fact in enumerate(data["functions"])]
    return Table(graph.title, (), tuple(rows))


def _typed(expr: Expr) -> Math:
    """A formula; of a very long one the beginning, in words."""
    text = to_text(expr)
    if len(text) <= _LONGEST_FORMULA:
        return Typed(expr)
    return Words(f"{text[:_LONGEST_FORMULA].rstrip()} ...")


def _parameters(data: Summary) -> str:
    """How many numbers are to be learned, and the names of the parameters."""
    count, formula = data["parameter_count"], data["parameter_formula"]
    number = formula if count is None else f"{count:,}"
    if count is not None and formula != str(count):
        number += f" = {formula}"
    return f"{number}: {_listed(data['parameters'])}" if data["parameters"] else number


def _functions(graph: Graph) -> list[str]:
    """One entry a function that the network calls: its definition and its convention at kinks."""
    table = graph.functions
    found: dict[str, None] = {}
    for node in graph.nodes.values():
        if node.formula is not None:
            found.update(dict.fromkeys(called(node.formula)))
    kinked = called_by(graph, graph.nodes)
    entries = []
    for name in found:
        body = table.definition(name) if name in table.own else None
        what = f"{name} abstract" if table[name].abstract else f"{name} = {to_text(body)}" if body else name
        entries.append(", ".join(part for part in (what, table[name].kink if name in kinked else "") if part))
    return entries


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_LONGEST_LIST])
    return shown if len(names) <= _LONGEST_LIST else f"{shown} and {len(names) - _LONGEST_LIST:,} more"


def _nodes(graph: Graph) -> Equations:
    """The formulas of the nodes."""
    equations = list(_equations(graph).values())
    rows = (Row(Typed(left), _typed(_as_typed(right))) for left, right in equations[:_LONGEST_TABLE])
    return Equations(tuple(rows), max(len(equations) - _LONGEST_TABLE, 0))


def _paths(data: Summary) -> Iterator[Table]:
    """How many paths lead from each parameter to the objective."""
    by_count: dict[int, list[str]] = {}
    for name, count in (data["paths"] or {}).items():
        by_count.setdefault(count, []).append(name)
    rows = tuple((count_text(count), f"from {_listed(names)}") for count, names in sorted(by_count.items()))
    if rows:
        yield Table(f"paths to {data['objective']}", (), rows[:_LONGEST_TABLE], frozenset({0}))


def _operations(data: Summary) -> Iterator[Table]:
    """What the whole gradient costs in each form."""
    costs = data["operations"] or {}
    rows = tuple(
        (form, count_text(cost["multiplications"]), count_text(cost["additions"])) for form, cost in costs.items()
    )
    if rows:
        title = f"operations for all derivatives of {data['objective']}, local derivatives given"
        yield Table(title, ("form", "multiplications", "additions"), rows, frozenset({1, 2}))
