"""The whole check of a network: points, numerics, forms, kernels, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np

from backpropsym.arrays import Values
from backpropsym.checks.arrays.check import check_arrays
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.comparison_result import NOT_FINITE, merged
from backpropsym.checks.comparisons import registry, suite
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.conventions import declared_conventions
from backpropsym.checks.exact import AGREE
from backpropsym.checks.faults import on_paths, wrong_edges, wrong_spellings, wrong_sums
from backpropsym.checks.forms import PARTS, FormsVerdict, compare_forms
from backpropsym.checks.gradients import Numbers, compare, fifty_digits, row_names
from backpropsym.checks.judgement import Comparison
from backpropsym.checks.measured import of_forms, of_links, of_rows
from backpropsym.checks.plan import SECONDS, Plan
from backpropsym.checks.report import Fault, Kink, Report, Row, Verdict, undefined_report
from backpropsym.checks.sample_points import Points, find_points
from backpropsym.checks.time_budget import OUT_OF_TIME, Budget, Progress
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.evaluate.given_numbers import given_numbers
from backpropsym.evaluate.number_systems import Switching
from backpropsym.evaluate.random_functions import ROUNDS, abstract_functions, concrete
from backpropsym.graph.graph import Graph

EXACT_EDGES = 100
POINTS = 4
"""As many points, or the samples where they are more, are compared with kernels."""


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

    Each derived derivative is compared with a complex step of the forward formulas, with Richardson
    extrapolation of differences inside the nearest kink, in small networks with differences in fifty digits, and
    with every other form of the same derivation; each edge is compared on its own, so that a wrong local
    derivative is named. A difference of rounding and one of the formula are told apart in fifty digits. Values are
    compared with the reference interpreter, and all that kernels give with what was proved so.

    Parameters
    ----------
    samples : the number of points; the network's own numbers, where complete, are the first. A network with kinks
        gets as many more as it takes to see each switch on both sides.
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
    checked = local or LocalDerivatives(graph)
    at = given_numbers(graph, at or {})
    if not abstract_functions(graph):
        report = _check(checked, Plan(max(1, samples), seed, at, budget, thorough, tuple(others)))
        return replace(report, seconds=budget.elapsed, limit=limit)
    random = np.random.default_rng(seed)
    reports = []
    for turn in range(ROUNDS):
        stand_in = LocalDerivatives(concrete(graph, random), checked.replaced)
        part = budget.part(1 / (ROUNDS - turn))
        reports.append(_check(stand_in, Plan(max(1, samples), seed + turn, at, part, thorough, tuple(others))))
    names = ", ".join(abstract_functions(graph))
    note = f"{names} abstract: checked with {ROUNDS} random smooth functions in their places"
    notes = (note, *reports[0].notes)
    return replace(_merged(reports), seed=seed, notes=notes, seconds=budget.elapsed, limit=limit)


def _check(local: LocalDerivatives, plan: Plan) -> Report:
    graph, random = local.graph, np.random.default_rng(plan.seed)
    if not graph.scalar:
        return check_arrays(graph, plan)
    points = find_points(graph, plan.at, plan.samples, random)
    subject = _subject(graph, points, plan, random)
    before, wrong_values = suite.run(suite.BEFORE, subject)
    names = row_names(graph)
    if not points.count:
        return undefined_report(graph, names, plan.seed, points.notes, before, wrong_values)
    numbers = Numbers(local, points)
    edges = wrong_edges(numbers)
    derived = [*edges, *wrong_spellings(numbers, edges), *wrong_sums(numbers)]
    links = of_links(len(numbers.edges) * points.count, derived, points.own_left_out)
    comparison, notes, every = compare(numbers, random, plan)
    wrong = bool(wrong_values or derived or comparison.wrong.any())
    first, wrong_first = suite.run(suite.FIRST, subject, wrong)
    small = len(numbers.edges) <= EXACT_EDGES
    exact = fifty_digits(numbers, names) if small else {}
    forms, left = _forms(numbers, names, random, plan.budget)
    rows = _Rows(numbers, comparison, derived, exact, forms)
    made = tuple(rows.row(name) for name in names)
    of_derivation = tuple(dict.fromkeys([*derived, *(fault for row in made for fault in row.faults)]))
    last, wrong_last = suite.run((*suite.last(), *plan.others), subject, wrong or bool(of_derivation))
    return Report(
        of=numbers.of,
        rows=made,
        points=points.count,
        stepped=len(points.chosen),
        seed=plan.seed,
        title=graph.title,
        faults=(*wrong_values, *of_derivation, *wrong_first, *wrong_last),
        notes=(*points.notes, *notes),
        comparisons=(*before, *links, *of_rows(comparison, made, every), *first, of_forms(made, left), *last),
    )


def _subject(graph: Graph, points: Points, plan: Plan, random: np.random.Generator) -> Subject:
    """The network at some of the points, as what kernels are compared with."""
    switching, wanted = Switching(graph.functions), graph.ancestors(graph.objective)
    leaves = [name for name, node in graph.nodes.items() if node.op is None and name in wanted]
    chosen = [ArrayPoint(graph, {name: points.values[name][at] for name in leaves}, switching) for at in points.chosen]
    lost = [ArrayPoint(graph, points.lost, switching)] if points.lost else []
    return Subject(graph, chosen[: max(plan.samples, POINTS)], random, plan, lost)


def _forms(
    numbers: Numbers, names: Sequence[str], random: np.random.Generator, budget: Budget
) -> tuple[dict[str, FormsVerdict], list[str]]:
    """The forms of each derivation compared, in random order, until the budget is spent."""
    spent = 0
    found: dict[str, FormsVerdict] = {}
    order = [names[index] for index in random.permutation(len(names))]
    for done, name in enumerate(order):
        derivation = Derivation(numbers.local, numbers.of, name)
        if spent > PARTS or budget.spent:
            break
        finite = np.isfinite(numbers.derivative(name)) & numbers.plain
        values = {node: value[finite] for node, value in numbers.points.values.items()}
        places = np.flatnonzero(finite)
        found[name] = compare_forms(
            derivation,
            numbers.derivative(name)[finite],
            numbers.magnitude(name)[finite],
            numbers.tolerance,
            values,
            lambda index, places=places: numbers.exact(int(places[index])),  # type: ignore[misc]
        )
        spent += found[name].parts
        budget.show("forms", done + 1, len(order))
    why = OUT_OF_TIME if budget.spent else "the network is large"
    left = [f"{len(names) - len(found)} of {len(names)} derivatives: {why}"] if len(found) < len(names) else []
    infinite = int(np.count_nonzero(~numbers.plain))
    left += [f"{infinite} of {numbers.points.count} points: a local derivative is {NOT_FINITE}"] if infinite else []
    return found, left


class _Rows:
    """Rows of a report from the arrays of a comparison."""

    def __init__(
        self,
        numbers: Numbers,
        comparison: Comparison,
        faults: Sequence[Fault],
        exact: Mapping[str, float],
        forms: Mapping[str, FormsVerdict],
    ) -> None:
        self.numbers = numbers
        self.comparison = comparison
        self.faults = faults
        self.exact = exact
        self.forms = forms
        self.jobs: dict[str, list[int]] = {}
        for job, name in enumerate(comparison.jobs.names):
            self.jobs.setdefault(name, []).append(job)

    def row(self, name: str) -> Row:
        """The row of one derivative."""
        found = self.comparison
        jobs = np.array(self.jobs.get(name, ()), int)
        forms = self.forms.get(name)
        faults = self._faults(name, jobs)
        gap = self.exact.get(name, float("nan"))
        return Row(
            name,
            found.verdict(jobs, bool(faults) or gap > AGREE, self.numbers.points.given),
            tuple(map(float, self.numbers.derivative(name)[self.numbers.points.chosen])),
            *found.worst(jobs),
            gap,
            None if forms is None else forms.agree,
            faults,
            tuple(self._kink(name, job) for job in jobs if found.kink[job]),
            int(found.near[jobs].sum()),
            found.passed(jobs),
            found.notes(jobs, "points"),
        )

    def _faults(self, name: str, jobs: Any) -> tuple[Fault, ...]:
        """Faults of edges on the paths and of forms; without any, of the sum itself."""
        found, of = self.comparison, self.numbers.of
        faults = list(on_paths(self.numbers, self.faults, name)) if self.faults else []
        wrong = jobs[found.wrong[jobs]]
        if len(wrong) and not faults:
            job = int(wrong[0])
            point = int(found.jobs.points[job])
            numeric = self.numbers.exact(point).numeric(name)
            faults.append(Fault(f"d{of}/d{name}", f"{found.derived[job]:.12g}", numeric))
        forms = self.forms.get(name)
        if forms is not None:
            for form, (value, reference) in forms.differ.items():
                faults.append(Fault(f"form {form} of d{of}/d{name}", f"{value:.12g}", reference))
        return tuple(faults)

    def _kink(self, name: str, job: int) -> Kink:
        found = self.comparison
        point = int(found.jobs.points[job])
        derived, left, right = (float(each[job]) for each in (found.derived, found.left, found.right))
        position = int(np.searchsorted(self.numbers.points.chosen, point))
        return Kink(position, derived, left, right, self._conventions(name, point))

    def _conventions(self, name: str, point: int) -> tuple[str, ...]:
        """What the functions that are at a kink between `name` and the objective declare."""
        graph, kink = self.numbers.graph, self.numbers.points.edges.kink
        told: dict[str, None] = {}
        for node in graph.between(name, self.numbers.of):
            op = graph.nodes[node].op
            if op is not None and node in kink and kink[node][point]:
                told |= dict.fromkeys(declared_conventions(graph, op.formula))
        return tuple(told)


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
