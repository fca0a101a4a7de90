"""What a check measures in a network of numbers: every derivative at every point, judged in fifty digits."""

from __future__ import annotations

import math

import numpy as np

from backpropsym.arrays import Array
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.comparison_result import NOT_FINITE
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.conventions import declared_conventions
from backpropsym.checks.faults import wrong_edges, wrong_spellings, wrong_sums
from backpropsym.checks.finite_differences import Jobs, Lines, Objective
from backpropsym.checks.forms import PARTS, compare_forms
from backpropsym.checks.gradients import Numbers, is_wrong, row_names
from backpropsym.checks.judgement import Comparison, Measured
from backpropsym.checks.measurements import FormsFound, Measurements
from backpropsym.checks.plan import Plan
from backpropsym.checks.report import Fault
from backpropsym.checks.sample_points import Points
from backpropsym.checks.time_budget import OUT_OF_TIME, Budget
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.evaluate.number_systems import Switching
from backpropsym.graph.graph import Graph

WORK = 3_000_000_000
STENCIL = 17
EXACT_EDGES = 100
POINTS = 4
"""As many points, or the samples where they are more, are compared with kernels."""


class OfNumbers(Measurements):
    """The derivatives of a network of numbers.

    Parameters
    ----------
    local : the local derivatives under check.
    """

    unit = "points"

    def __init__(self, local: LocalDerivatives, points: Points, plan: Plan, random: np.random.Generator) -> None:
        self.graph = local.graph
        self.names = row_names(self.graph)
        self.points, self.random = points, random
        self.numbers = Numbers(local, points)
        self.count, self.given = points.count, points.given
        self.chosen = points.chosen.tolist()
        self.notes, self.own_left_out = points.notes, points.own_left_out
        self.subject = _subject(self.graph, points, plan, random)

    @property
    def links(self) -> int:
        """See Measurements."""
        return len(self.numbers.edges)

    def wrong_locally(self) -> list[Fault]:
        """See Measurements."""
        edges = wrong_edges(self.numbers)
        return [*edges, *wrong_spellings(self.numbers, edges), *wrong_sums(self.numbers)]

    def jobs(self, plan: Plan) -> tuple[Jobs, list[str]]:
        """Every name at every chosen point, or at fewer points where that is too much work."""
        names = [name for name in self.names if name in self.points.values]
        most, chosen = math.inf if plan.thorough else WORK, self.points.chosen
        count = int(min(len(chosen), max(1, most // max(1, len(names) * self.links))))
        notes = []
        if count < len(chosen):
            notes.append(f"complex steps at {count} of {len(chosen)} points each: the network is large")
        first = [index if count < len(chosen) else 0 for index in range(len(names))]
        pairs = [
            (name, chosen[(start + turn) % len(chosen)])
            for name, start in zip(names, first, strict=True)
            for turn in range(count)
        ]
        return Jobs([name for name, _ in pairs], np.array([point for _, point in pairs], int)), notes

    def lines(self, budget: Budget) -> Lines:
        """See Measurements."""
        return Objective(self.graph, self.of, self.points.values, budget)

    def derived(self, jobs: Jobs) -> tuple[Array, Array]:
        """See Measurements."""
        pairs = list(zip(jobs.names, jobs.points, strict=True))
        derived = [self.numbers.derivative(name)[point] for name, point in pairs]
        return np.array(derived), np.array([self.numbers.size(name)[point] for name, point in pairs])

    def every(self, jobs: int, thorough: bool) -> int:
        """See Measurements."""
        return 1 if thorough else max(1, math.ceil(jobs * self.links * STENCIL / WORK))

    def at_points(self, jobs: Jobs) -> tuple[Array, Array]:
        """See Measurements."""
        pairs = zip(jobs.names, jobs.points, strict=True)
        blocked = np.array([self.numbers.blocked(name)[point] for name, point in pairs], bool)
        return blocked, self.points.values[self.of][jobs.points]

    def wrong_among(self, found: Measured, suspicious: Array) -> Array:
        """Which of the suspicious jobs are wrong in fifty digits.

        A formula that agrees there to thirty is right, and its blur is rounding.
        """
        jobs, derived, size = found.jobs, found.derived, found.size
        wrong = np.zeros(len(jobs), bool)
        for point in np.unique(jobs.points[suspicious]):
            rows = np.flatnonzero(suspicious & (jobs.points == point))
            sizes = {jobs.names[row]: float(size[row]) for row in rows.tolist()}
            gaps = self.numbers.exact(int(point)).disagreeing(list(sizes), sizes, self.random)
            for row in rows.tolist():
                wrong[row] = jobs.names[row] in gaps and is_wrong(gaps[jobs.names[row]], float(derived[row]))
        return wrong

    def forms(self, plan: Plan, wrong: bool) -> FormsFound:
        """See Measurements; in random order, until the budget is spent."""
        numbers, found, spent = self.numbers, FormsFound(), 0
        order = [self.names[index] for index in self.random.permutation(len(self.names))]
        for done, name in enumerate(order):
            if spent > PARTS or plan.budget.spent:
                break
            spent += self._forms_by(name, found)
            plan.budget.show("forms", done + 1, len(order))
        if len(found.agree) < len(self.names):
            why = OUT_OF_TIME if plan.budget.spent else "the network is large"
            found.leave(f"{len(self.names) - len(found.agree)} of {len(self.names)} derivatives: {why}")
        infinite = int(np.count_nonzero(~numbers.plain))
        if infinite:
            found.leave(f"{infinite} of {self.count} points: a local derivative is {NOT_FINITE}")
        return found

    def _forms_by(self, name: str, found: FormsFound) -> int:
        """The forms of one derivation, compared; how many parts of formulas it took."""
        numbers = self.numbers
        finite = np.isfinite(numbers.derivative(name)) & numbers.plain
        places = np.flatnonzero(finite)
        verdict = compare_forms(
            Derivation(numbers.local, self.of, name),
            numbers.derivative(name)[finite],
            numbers.magnitude(name)[finite],
            self.tolerance(),
            {node: value[finite] for node, value in self.points.values.items()},
            lambda index: numbers.exact(int(places[index])),
        )
        found.agree[name] = list(verdict.agree)
        found.faults[name] = [
            Fault(f"form {form} of d{self.of}/d{name}", f"{value:.12g}", reference)
            for form, (value, reference) in verdict.differ.items()
        ]
        return verdict.parts

    def values(self, name: str) -> tuple[float, ...]:
        """See Measurements."""
        return tuple(map(float, self.numbers.derivative(name)[self.points.chosen]))

    def exact(self, name: str) -> float:
        """See Measurements; in small networks."""
        numbers = self.numbers
        free = np.flatnonzero(~numbers.blocked(name)[self.points.chosen])
        if self.links > EXACT_EDGES or not len(free) or name not in numbers.adjoints:
            return math.nan
        point = self.chosen[int(free[0])]
        return numbers.exact(point).gradient_gap(name, float(numbers.size(name)[point]))

    def whole_fault(self, name: str, comparison: Comparison, job: int) -> Fault:
        """See Measurements."""
        numeric = self.numbers.exact(int(comparison.jobs.points[job])).numeric(name)
        return Fault(f"d{self.of}/d{name}", f"{comparison.derived[job]:.12g}", numeric)

    def conventions(self, name: str, point: int) -> tuple[str, ...]:
        """See Measurements."""
        told: dict[str, None] = {}
        for node in self.graph.between(name, self.of):
            op, kinks = self.graph.nodes[node].op, self.points.edges.kink
            if op is not None and node in kinks and kinks[node][point]:
                told |= dict.fromkeys(declared_conventions(self.graph, op.formula))
        return tuple(told)


def _subject(graph: Graph, points: Points, plan: Plan, random: np.random.Generator) -> Subject:
    """The network at some of the points, as what kernels are compared with."""
    switching, wanted = Switching(graph.functions), graph.ancestors(graph.objective)
    leaves = [name for name, node in graph.nodes.items() if node.op is None and name in wanted]
    chosen = [ArrayPoint(graph, {name: points.values[name][at] for name in leaves}, switching) for at in points.chosen]
    lost = [ArrayPoint(graph, points.lost, switching)] if points.lost else []
    return Subject(graph, chosen[: max(plan.samples, POINTS)], random, plan, lost)
