"""Why backprop: what every way to the gradient costs, and elimination step by step, as text and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from backpropsym.derive.analyses.array_costs import tensor_costs
from backpropsym.derive.analyses.elimination import Elimination, eliminate
from backpropsym.derive.analyses.operation_counts import gradient_costs
from backpropsym.derive.derivation import count_text
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.unicode import AsciiWriter, TextWriter, UnicodeWriter
from backpropsym.errors import NotScalarError
from backpropsym.graph.graph import Graph, Role

_MOST_STEPS = 60
_MOST_LINKS = 6


def costs_data(graph: Graph) -> dict[str, Any]:
    """The multiplications and additions of every form of the whole gradient.

    Returns
    -------
    Keys `of` and `wrt`, and `forms`: of scalars `paths`, `forward`, `backward` and the orders of elimination, each with
    `multiplications`, `additions` and, of `best`, whether that is proven (`exact`); of tensors `value`, `backward` and
    `forward`, with numbers, or with formulas in the symbolic widths as text.
    """
    parameters = list(graph.names(Role.PARAMETER))
    forms: dict[str, dict[str, object]] = {}
    if graph.scalar:
        local = LocalDerivatives(graph)
        for form, cost in gradient_costs(local, graph.objective, parameters).items():
            forms[form] = {"multiplications": cost.multiplications, "additions": cost.additions}
        for order in ("markowitz", "best"):
            found = eliminate(local, [graph.objective], parameters, order)
            cost = found.cost
            forms[order] = {"multiplications": cost.multiplications, "additions": cost.additions}
            forms[order] |= {"exact": found.exact} if order == "best" else {}
    else:
        for form, formulas in tensor_costs(graph).items():
            counts = {"multiplications": formulas.multiplications, "additions": formulas.additions}
            forms[form] = {key: value if isinstance(value, int) else str(value) for key, value in counts.items()}
    return {"of": graph.objective, "wrt": parameters, "forms": forms}


def costs_text(graph: Graph) -> Text:
    """The same as a table."""
    data = costs_data(graph)
    notes = {"best": {True: "proven", False: "not proven"}}
    rows = [("form", "multiplications", "additions", "")]
    for form, cost in data["forms"].items():
        note = notes.get(form, {}).get(cost.get("exact"), "")
        rows.append((form, _count(cost["multiplications"]), _count(cost["additions"]), note))
    head = f"all derivatives of {data['of']} by parameters, functions and local derivatives given\n\n"
    return Text(head, style="bold").append(_table(rows, 1), style="not bold")


def _count(value: int | str) -> str:
    return value if isinstance(value, str) else count_text(value)


def _table(rows: Sequence[tuple[str, ...]], left: int) -> str:
    """Rows with the first `left` columns to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        sides = ["<"] * left + [">"] * (len(row) - left)
        cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)]
        lines.append("  " + "   ".join(cells).rstrip() + "\n")
    return "".join(lines)


def elimination_of(graph: Graph, order: str) -> Elimination:
    """The elimination of all between the parameters and the objective.

    Raises
    ------
    NotScalarError : the network has tensors.
    """
    if not graph.scalar:
        raise NotScalarError(
            "nodes are eliminated one by one in networks of scalars",
            fix="leave out --order for the formulas, or show a network of tensors by its neurons: --level neurons",
        )
    return eliminate(LocalDerivatives(graph), [graph.objective], graph.names(Role.PARAMETER), order)


def elimination_data(found: Elimination) -> dict[str, object]:
    """The steps of an elimination as plain data: for each the node, its links, and the cost so far."""
    return {
        "order": found.order,
        "exact": found.exact,
        "multiplications": found.cost.multiplications,
        "additions": found.cost.additions,
        "steps": [
            {
                "node": step.node,
                "removed": [list(link) for link in step.removed],
                "added": [list(link) for link in step.added],
                "merged": [list(link) for link in step.merged],
                "multiplications": step.cost.multiplications,
                "additions": step.cost.additions,
                "total": {"multiplications": step.total.multiplications, "additions": step.total.additions},
            }
            for step in found.steps
        ],
        "links": [list(link) for link in found.links],
    }


def elimination_text(graph: Graph, found: Elimination, ascii: bool = False) -> Text:
    """The same as a table, a line a node."""
    writer: TextWriter = (AsciiWriter if ascii else UnicodeWriter)(Notation.of(graph))
    rows: list[tuple[str, ...]] = [("", "node", "links in their place", "links out", "multiplications", "so far")]
    for number, step in enumerate(found.steps[:_MOST_STEPS], 1):
        changed = _links(step.added, writer, "") + _links(step.merged, writer, "+ ")
        left = len(changed) - _MOST_LINKS
        shown = ", ".join(changed[:_MOST_LINKS]) + (f" and {left:,} more" if left > 0 else "")
        counts = (len(step.removed), step.cost.multiplications, step.total.multiplications)
        rows.append((str(number), writer.name(step.node), shown or "none", *(f"{count:,}" for count in counts)))
    cost = found.cost
    proven = ", proven the fewest" if found.exact else ""
    head = f"{found.order}: {cost.multiplications:,} multiplications and {cost.additions:,} additions{proven}\n\n"
    page = Text(head, style="bold").append(_table(rows, 3), style="not bold")
    more = len(found.steps) - _MOST_STEPS
    return page.append(f"  {writer.dots} {more:,} more\n" if more > 0 else "", style="not bold dim")


def _links(links: Sequence[Edge], writer: TextWriter, sign: str) -> list[str]:
    return [sign + writer.path(link) for link in links]
