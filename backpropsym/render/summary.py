"""What is in a network, at a glance: nodes by role, parameters, functions, paths, and the cost of each form."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from backpropsym.derive.derivation import Derivation, count_text
from backpropsym.derive.local import LocalDerivatives
from backpropsym.derive.operations import gradient_costs
from backpropsym.errors import printable
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import called
from backpropsym.graph import Graph, Role

MOST_COSTED = 2_000_000
"""Parameters times links above which the costs of the forms are left out: they take a sweep for each parameter."""

_LONGEST_LIST = 12
_LONGEST_TABLE = 40
_LONGEST_FORMULA = 100


def summary_data(graph: Graph) -> dict[str, Any]:
    """What is in `graph` as plain data.

    Returns
    -------
    Keys `title`, `output`, `loss`, `objective`, the names of each role, `parameter_count`, `nodes` (formulas by
    name), `links`, `functions`, `paths` (from each parameter to the objective), `operations` by form, `warnings`.
    Operations are multiplications and additions for all derivatives of the objective by parameters, the local
    derivatives taken as computed. `paths` and `operations` are None where the network is too large to count them.
    """
    local = LocalDerivatives(graph)
    parameters = graph.names(Role.PARAMETER)
    links = sum(len(node.parents) for node in graph.nodes.values())
    small = len(parameters) * links <= MOST_COSTED
    costs = gradient_costs(local, graph.objective, parameters) if small else {}
    return {
        "title": graph.title,
        "output": graph.output,
        "loss": graph.loss,
        "objective": graph.objective,
        **{f"{role}s": list(graph.names(role)) for role in Role if role is not Role.VALUE},
        "parameter_count": len(parameters),
        "nodes": {node.name: to_text(node.op.formula) for node in graph.nodes.values() if node.op is not None},
        "links": links,
        "functions": _functions(graph),
        "paths": {name: Derivation(local, graph.objective, name).count for name in parameters} if small else None,
        "operations": {
            form: {"multiplications": cost.multiplications, "additions": cost.additions} for form, cost in costs.items()
        }
        or None,
        "warnings": [problem.message for problem in graph.warnings],
    }


def summary_text(graph: Graph) -> Text:
    """The same for people."""
    data = summary_data(graph)
    result = Text(printable(graph.title) + "\n\n" if graph.title else "", style="bold")
    for label, names in (("inputs", "inputs"), ("targets", "targets"), ("constants", "constants")):
        if data[names]:
            result.append(_line(label, f"{len(data[names]):,}: {_listed(data[names])}"))
    count = data["parameter_count"]
    result.append(_line("parameters", f"{count:,}: {_listed(data['parameters'])}" if count else "0"))
    result.append(_line("nodes", f"{len(data['nodes']):,}, {data['links']:,} links"))
    result.append(_line("output", data["output"]))
    if data["loss"]:
        result.append(_line("loss", data["nodes"][data["loss"]]))
    for position, fact in enumerate(data["functions"]):
        result.append(_line("" if position else "functions", fact))
    return result + _nodes(data) + _paths(data) + _operations(data)


def _functions(graph: Graph) -> list[str]:
    """One entry a function that the network calls: its definition and its convention at kinks."""
    table = graph.functions
    found: dict[str, None] = {}
    for node in graph.nodes.values():
        if node.op is not None:
            found.update(dict.fromkeys(called(node.op.formula)))
    entries = []
    for name in found:
        body = table.definition(name) if name in table.own else None
        what = f"{name} abstract" if table[name].abstract else f"{name} = {to_text(body)}" if body else name
        entries.append(", ".join(part for part in (what, table[name].kink) if part))
    return entries


def _line(label: str, text: str) -> str:
    return f"  {label:<12}{text}\n"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_LONGEST_LIST])
    return shown if len(names) <= _LONGEST_LIST else f"{shown} and {len(names) - _LONGEST_LIST:,} more"


def _nodes(data: dict[str, Any]) -> Text:
    """The formulas of the nodes."""
    nodes = list(data["nodes"].items())
    width = max((len(name) for name, _ in nodes), default=0)
    shown = [(name, _shortened(formula)) for name, formula in nodes[:_LONGEST_TABLE]]
    body = "".join(f"  {name:<{width}} = {formula}\n" for name, formula in shown)
    more = len(nodes) - _LONGEST_TABLE
    return Text("\n" + body + (f"  and {more:,} more\n" if more > 0 else ""))


def _shortened(formula: str) -> str:
    return formula if len(formula) <= _LONGEST_FORMULA else formula[:_LONGEST_FORMULA].rstrip() + " ..."


def _paths(data: dict[str, Any]) -> Text:
    """How many paths lead from each parameter to the objective."""
    if not data["paths"]:
        return Text()
    by_count: dict[int, list[str]] = {}
    for name, count in data["paths"].items():
        by_count.setdefault(count, []).append(name)
    shown = sorted(by_count.items())[:_LONGEST_TABLE]
    lines = [f"  {count_text(count)} from {_listed(names)}\n" for count, names in shown]
    return Text(f"\npaths to {data['objective']}\n" + "".join(lines))


def _operations(data: dict[str, Any]) -> Text:
    """What the whole gradient costs in each form."""
    costs = data["operations"]
    if not costs:
        return Text()
    rows = [("form", "multiplications", "additions")]
    rows += [(form, count_text(cost["multiplications"]), count_text(cost["additions"])) for form, cost in costs.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"  {row[0]:<{widths[0]}}   {row[1]:>{widths[1]}}   {row[2]:>{widths[2]}}\n" for row in rows]
    return Text(f"\noperations for all derivatives of {data['objective']}, local derivatives given\n" + "".join(lines))
