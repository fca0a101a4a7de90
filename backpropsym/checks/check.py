"""The whole check of a network: points, numerics, forms, kernels, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

import numpy as np

from backpropsym.arrays import Values
from backpropsym.checks.arrays.of_arrays import OfArrays
from backpropsym.checks.comparison_result import merged
from backpropsym.checks.comparisons import registry
from backpropsym.checks.measurements import checked
from backpropsym.checks.of_numbers import OfNumbers
from backpropsym.checks.plan import SECONDS, Plan
from backpropsym.checks.report import Report, Verdict
from backpropsym.checks.sample_points import find_points
from backpropsym.checks.time_budget import Budget, Progress
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.evaluate.given_numbers import given_numbers
from backpropsym.evaluate.random_functions import ROUNDS, abstract_functions, concrete
from backpropsym.graph.graph import Graph


class CheckOptions(TypedDict, total=False):
    """What `Network.check` may be told besides the number of samples and the seed."""

    at: Values | None
    progress: Progress | None
    seconds: float
    thorough: bool


def check_graph(
    graph: Graph,
    samples: int = 3,
    seed: int = 0,
    local: LocalDerivatives | None = None,
    at: Values | None = None,
    progress: Progress | None = None,
    seconds: float = SECONDS,
    thorough: bool = False,
    others: Sequence[registry.Comparison] = (),
) -> Report:
    """Compare everything that a network gives with independent numerics: values, derivatives, forms and kernels.

    Each derivative is compared with a complex step, with extrapolated differences inside the nearest kink, in small
    networks in fifty digits, and in every form; each edge on its own, so that a wrong local derivative is named. Values
    are compared with the reference interpreter, and all that kernels give with what was proved so.

    Parameters
    ----------
    samples : the number of points, the network's own numbers first; with kinks more, to see each switch on both sides.
    seed : of the random points; the same seed gives the same report, as far as the time reaches.
    local : the local derivatives to check; default: those that the graph derives.
    at : numbers that take precedence over the network's own.
    progress : called with what is done, how much of it, and of how much.
    seconds : how long it may take; what is not reached by then is named, and the report is not complete.
    thorough : without a limit of time, and with what takes very long.
    others : comparisons of what is made of derivations elsewhere, such as their texts.

    Raises
    ------
    ValuesError : numbers are given to what the network does not have.
    """
    limit = None if thorough else seconds
    budget = Budget(limit, progress)
    own = local or LocalDerivatives(graph)
    at = given_numbers(graph, at or {})
    plan = Plan(max(1, samples), seed, at, budget, thorough, tuple(others))
    report = _with_stand_ins(own, plan) if abstract_functions(graph) else _check(own, plan)
    return replace(report, seconds=budget.elapsed, limit=limit)


def _with_stand_ins(own: LocalDerivatives, plan: Plan) -> Report:
    """The report of a network with abstract functions, for which others stand in."""
    graph, random = own.graph, np.random.default_rng(plan.seed)
    reports = []
    for turn in range(ROUNDS):
        stand_in = LocalDerivatives(concrete(graph, random), own.replaced)
        part = replace(plan, seed=plan.seed + turn, budget=plan.budget.part(1 / (ROUNDS - turn)))
        reports.append(_check(stand_in, part))
    names = ", ".join(abstract_functions(graph))
    note = f"{names} abstract: checked with {ROUNDS} random smooth functions in their places"
    return replace(_merged(reports), seed=plan.seed, notes=(note, *reports[0].notes))


def _check(local: LocalDerivatives, plan: Plan) -> Report:
    graph, random = local.graph, np.random.default_rng(plan.seed)
    if not graph.scalar:
        return checked(OfArrays(graph, plan, random), plan)
    return checked(OfNumbers(local, find_points(graph, plan.at, plan.samples, random), plan, random), plan)


def _merged(reports: Sequence[Report]) -> Report:
    """One report of several checks of the same derivatives: the gravest verdict and the worst numbers of each."""
    gravity = list(Verdict)
    rows = []
    for same in zip(*(report.rows for report in reports), strict=True):
        gravest = min(same, key=lambda row: gravity.index(row.verdict))
        listed = [row.forms for row in same if row.forms is not None]
        rows.append(
            replace(
                gravest,
                values=tuple(value for row in same for value in row.values),
                ratio=max(row.ratio for row in same),
                differences=float(np.fmax.reduce([row.differences for row in same])),
                exact=float(np.fmax.reduce([row.exact for row in same])),
                forms=min(listed, key=len) if listed else None,
                faults=tuple(dict.fromkeys(fault for row in same for fault in row.faults)),
                kinks=tuple(kink for row in same for kink in row.kinks),
                near=sum(row.near for row in same),
                passed=sum(row.passed for row in same),
            )
        )
    faults = tuple(dict.fromkeys(fault for report in reports for fault in report.faults))
    points, stepped = (sum(getattr(report, name) for report in reports) for name in ("points", "stepped"))
    comparisons = tuple(map(merged, zip(*(report.comparisons for report in reports), strict=True)))
    return replace(reports[0], rows=tuple(rows), points=points, stepped=stepped, faults=faults, comparisons=comparisons)
