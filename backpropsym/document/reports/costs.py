"""Why backprop: what every way to the gradient costs, and elimination step by step, as text and as data."""

from __future__ import annotations

from typing import Any

from backpropsym.derive.analyses.array_costs import Operations, tensor_costs
from backpropsym.derive.analyses.elimination import Elimination, eliminate
from backpropsym.derive.analyses.operation_counts import gradient_costs
from backpropsym.derive.derivation import count_text
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.document.formulas import Line, Node, Prose, Route
from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.errors import NotScalarError
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import of_numbers

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
    costs, proven = tensor_costs(graph), dict[str, dict[str, bool]]()
    if of_numbers(graph, graph.objective):
        local = LocalDerivatives(graph)
        greedy, best = (eliminate(local, [graph.objective], parameters, order) for order in ("markowitz", "best"))
        costs = gradient_costs(local, graph.objective, parameters) | {"markowitz": greedy.cost, "best": best.cost}
        proven = {"best": {"exact": best.exact}}
    forms = {form: _counts(cost) | proven.get(form, {}) for form, cost in costs.items()}
    return {"of": graph.objective, "wrt": parameters, "forms": forms}


def _counts(cost: Operations) -> dict[str, int | str]:
    """Numbers, or formulas in the symbolic widths as text."""
    counts = {"multiplications": cost.multiplications, "additions": cost.additions}
    return {key: value if isinstance(value, int) else str(value) for key, value in counts.items()}


def costs_page(graph: Graph) -> Page:
    """The same as a page."""

    def table() -> tuple[Table]:
        data = costs_data(graph)
        rows = []
        for form, cost in data["forms"].items():
            note = {True: "proven", False: "not proven", None: ""}[cost.get("exact")]
            rows.append((form, _count(cost["multiplications"]), _count(cost["additions"]), note))
        title = f"all derivatives of {data['of']} by parameters, functions and local derivatives given"
        return (Table(title, ("form", "multiplications", "additions", ""), tuple(rows), frozenset({1, 2, 3})),)

    return Page(Notation.of(graph), table, lambda: costs_data(graph))


def _count(value: int | str) -> str:
    return value if isinstance(value, str) else count_text(value)


def elimination_of(graph: Graph, order: str) -> Elimination:
    """The elimination of all between the parameters and the objective.

    Raises
    ------
    NotScalarError : the network has tensors.
    """
    if not of_numbers(graph, graph.objective):
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
        **_counts(found.cost),
        "steps": [
            {
                "node": step.node,
                "removed": [list(link) for link in step.removed],
                "added": [list(link) for link in step.added],
                "merged": [list(link) for link in step.merged],
                **_counts(step.cost),
                "total": _counts(step.total),
            }
            for step in found.steps
        ],
        "links": [list(link) for link in found.links],
    }


def elimination_page(graph: Graph, found: Elimination) -> Page:
    """The same as a page, a row a node."""

    def table() -> tuple[Table]:
        rows: list[tuple[Prose, ...]] = []
        for number, step in enumerate(found.steps, 1):
            changed = [_link(link, "") for link in step.added] + [_link(link, "+ ") for link in step.merged]
            left = len(changed) - _MOST_LINKS
            shown = tuple(part for link in changed[:_MOST_LINKS] for part in (", ", *link))[1:]
            links = (*shown, f" and {left:,} more" if left > 0 else "") if shown else "none"
            counts = (len(step.removed), step.cost.multiplications, step.total.multiplications)
            rows.append((str(number), Node(step.node), links, *(f"{count:,}" for count in counts)))
        cost, proven = found.cost, ", proven the fewest" if found.exact else ""
        title = f"{found.order}: {cost.multiplications:,} multiplications and {cost.additions:,} additions{proven}"
        heads = ("", "node", "links in their place", "links out", "multiplications", "so far")
        more = len(rows) - _MOST_STEPS
        notes = (f"{more:,} more",) if more > 0 else ()
        return (Table(title, heads, tuple(rows[:_MOST_STEPS]), frozenset({3, 4, 5}), notes),)

    return Page(Notation.of(graph), table, lambda: elimination_data(found))


def _link(link: Edge, sign: str) -> Line:
    return sign, Route(tuple(link))
