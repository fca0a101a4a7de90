"""What is in a network, at a glance: nodes by role, parameters, functions, paths, and the cost of each form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypedDict

from rich.text import Text

from backpropsym.derive.analyses.operation_counts import gradient_costs
from backpropsym.derive.array_derivation import equation_of
from backpropsym.derive.derivation import Derivation, count_text
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.derive.paths.path_space import PathSpace
from backpropsym.document.derivation.conventions import called_by
from backpropsym.errors import printable
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
    paths : from each parameter to the objective; those of layers where nodes have axes. None where a network of
        scalars is too large to count them.
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
    equations = {
        node.name: equation_of(graph, node) for node in graph.nodes.values() if node.op is not None and node.named
    }
    local = LocalDerivatives(graph) if graph.scalar and len(parameters) * links <= MOST_COSTED else None
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
        "shapes": {node.name: list(node.shape) for node in graph.nodes.values() if node.shape and node.named},
        "nodes": {name: to_text(_as_typed(right)) for name, (_, right) in equations.items()},
        "indices": {
            name: [to_text(each) for each in left.subscripts]
            for name, (left, _) in equations.items()
            if isinstance(left, Index)
        },
        "links": links,
        "functions": _functions(graph),
        "paths": _paths_of_scalars(local, parameters) if local else _layer_paths(graph),
        "operations": _operations_of_forms(local, parameters) if local else None,
        "warnings": [problem.message for problem in graph.warnings],
    }


def _as_typed(expr: Expr) -> Expr:
    """`expr` with sums as the formula language has them."""
    parts = tuple(map(_as_typed, children(expr)))
    if isinstance(expr, Call) and expr.function == "Sum":
        return Call("sum", parts)
    return rebuild(expr, parts) if parts else expr


def _layer_paths(graph: Graph) -> dict[str, int] | None:
    """Layer-level paths from each parameter of a network of tensors to the objective."""
    if graph.scalar:
        return None
    return {name: PathSpace(graph.named, name, graph.objective).count for name in graph.names(Role.PARAMETER)}


def _paths_of_scalars(local: LocalDerivatives, parameters: Sequence[str]) -> dict[str, int]:
    """Paths from each parameter to the objective."""
    return {name: Derivation(local, local.graph.objective, name).count for name in parameters}


def _operations_of_forms(local: LocalDerivatives, parameters: Sequence[str]) -> dict[str, Operations]:
    """Operations by form."""
    costs = gradient_costs(local, local.graph.objective, parameters)
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


def summary_text(graph: Graph) -> Text:
    """The same for people."""
    data = summary_data(graph)
    result = Text(printable(graph.title) + "\n\n" if graph.title else "", style="bold")
    for label, names in (("inputs", data["inputs"]), ("targets", data["targets"]), ("constants", data["constants"])):
        if names:
            result.append(_line(label, f"{len(names):,}: {_listed(names)}"))
    result.append(_line("parameters", _parameters(data)))
    if data["shapes"]:
        sized = [f"{name} ({', '.join(map(str, shape))})" for name, shape in data["shapes"].items()]
        result.append(_line("shapes", _listed(sized)))
    result.append(_line("nodes", f"{len(data['nodes']):,}, {data['links']:,} links"))
    result.append(_line("output", data["output"]))
    if data["loss"]:
        result.append(_line("loss", data["nodes"][data["loss"]]))
    for position, fact in enumerate(data["functions"]):
        result.append(_line("" if position else "functions", fact))
    return result + _nodes(data) + _paths(data) + _operations(data)


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


def _line(label: str, text: str) -> str:
    return f"  {label:<12}{text}\n"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_LONGEST_LIST])
    return shown if len(names) <= _LONGEST_LIST else f"{shown} and {len(names) - _LONGEST_LIST:,} more"


def _nodes(data: Summary) -> Text:
    """The formulas of the nodes."""
    indices = data["indices"]
    nodes = [
        (f"{name}[{','.join(indices[name])}]" if name in indices else name, formula)
        for name, formula in data["nodes"].items()
    ]
    width = max((len(name) for name, _ in nodes), default=0)
    shown = [(name, _shortened(formula)) for name, formula in nodes[:_LONGEST_TABLE]]
    body = "".join(f"  {name:<{width}} = {formula}\n" for name, formula in shown)
    more = len(nodes) - _LONGEST_TABLE
    return Text("\n" + body + (f"  and {more:,} more\n" if more > 0 else ""))


def _shortened(formula: str) -> str:
    return formula if len(formula) <= _LONGEST_FORMULA else formula[:_LONGEST_FORMULA].rstrip() + " ..."


def _paths(data: Summary) -> Text:
    """How many paths lead from each parameter to the objective."""
    if not data["paths"]:
        return Text()
    by_count: dict[int, list[str]] = {}
    for name, count in data["paths"].items():
        by_count.setdefault(count, []).append(name)
    shown = sorted(by_count.items())[:_LONGEST_TABLE]
    lines = [f"  {count_text(count)} from {_listed(names)}\n" for count, names in shown]
    return Text(f"\npaths to {data['objective']}\n" + "".join(lines))


def _operations(data: Summary) -> Text:
    """What the whole gradient costs in each form."""
    costs = data["operations"]
    if not costs:
        return Text()
    rows = [("form", "multiplications", "additions")]
    rows += [(form, count_text(cost["multiplications"]), count_text(cost["additions"])) for form, cost in costs.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"  {row[0]:<{widths[0]}}   {row[1]:>{widths[1]}}   {row[2]:>{widths[2]}}\n" for row in rows]
    return Text(f"\noperations for all derivatives of {data['objective']}, local derivatives given\n" + "".join(lines))
