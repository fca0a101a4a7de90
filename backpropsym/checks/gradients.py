"""Every gradient of a network, proved against numerics that share no code with the derivation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.checks.edges import kinks_on_paths, ratio, reverse_sweep
from backpropsym.checks.exact import AGREE, ExactPoint
from backpropsym.checks.finite_differences import Jobs, Objective, spread
from backpropsym.checks.judgement import TOLERANCE, Comparison, Measured, judged
from backpropsym.checks.plan import Plan
from backpropsym.checks.sample_points import Points
from backpropsym.derive.forms.programme import Programme, adjoints
from backpropsym.derive.local.link_numbers import local_numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.evaluate.scalar_evaluation import Evaluate, in_range
from backpropsym.graph.graph import Graph, Role

WORK = 3_000_000_000
STENCIL = 17
HALF = 0.5
"""Of what is left of the time is for complex steps and differences, and of that for complex steps."""


class Numbers:
    """The derivation in numbers at points: local derivatives, adjoints, and what rounding may blur.

    Parameters
    ----------
    local : the local derivatives under check.
    """

    def __init__(self, local: LocalDerivatives, points: Points) -> None:
        self.local = local
        self.graph: Graph = local.graph
        self.of = self.graph.objective
        self.points = points
        self._exact: dict[int, ExactPoint] = {}

    @cached_property
    def tolerance(self) -> float:
        """The most that is accepted, in eps times a sum of absolute path products.

        32, or the number of links of the longest path where that is more: each link is one more rounding.
        """
        longest = dict.fromkeys(self.graph.nodes, 0)
        for name in self.graph.order:
            longest[name] = max((longest[parent] + 1 for parent in self.graph.nodes[name].parents), default=0)
        return max(TOLERANCE, float(longest[self.of]))

    @cached_property
    def edges(self) -> dict[Edge, Array]:
        """The derived local derivative of every edge, shape (points,)."""
        shape = (self.points.count,)
        found = local_numbers(self.local, self.points.edges.slope, self.points.values)
        return {edge: np.broadcast_to(np.asarray(number, float), shape) for edge, number in found.items()}

    @cached_property
    def plain(self) -> Array:
        """At which points every local derivative, computed as it is written, is finite, shape (points,)."""
        found = np.ones(self.points.count, bool)
        for edge in self.points.edges.slope:
            found &= np.isfinite(in_range(self._written(edge), self.points.values, self.graph.functions))
        return found

    def _written(self, edge: Edge) -> Callable[[Evaluate], Numeric]:
        return lambda number: number(self.local[edge])

    @cached_property
    def programme(self) -> Programme:
        """The backward programme under check."""
        return adjoints(self.local, self.of)

    @cached_property
    def adjoints(self) -> dict[str, Array]:
        """The adjoint of every node by the backward programme, shape (points,)."""
        shape = (self.points.count,)
        found: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            for equation in self.programme.equations:
                parts = [found[name] * self.edges[link] for name, link in equation.parts]
                found[equation.by] = sum(parts, np.zeros(shape)) if parts else np.ones(shape)
        return found

    @cached_property
    def sizes(self) -> dict[str, Array]:
        """For every node the sum over paths of |products of numeric local derivatives|, shape (points,)."""
        totals = reverse_sweep(self.graph, self.of, self.points.edges.size)
        return {name: np.broadcast_to(total, (self.points.count,)) for name, total in totals.items()}

    def derivative(self, name: str) -> Array:
        """The derived derivative of the objective by a node, shape (points,); zero where no path leads to it."""
        return self.adjoints.get(name, np.zeros(self.points.count))

    def size(self, name: str) -> Array:
        """The sum of the absolute path products of a node, shape (points,)."""
        return self.sizes.get(name, np.zeros(self.points.count))

    @cached_property
    def magnitudes(self) -> dict[str, Array]:
        """For every node the sum over paths of |products of derived local derivatives|, shape (points,)."""
        totals = reverse_sweep(self.graph, self.of, {edge: np.abs(number) for edge, number in self.edges.items()})
        return {name: np.broadcast_to(total, (self.points.count,)) for name, total in totals.items()}

    def magnitude(self, name: str) -> Array:
        """What rounding may blur in the derived derivative by a node, were its local derivatives right."""
        return np.fmax(self.size(name), self.magnitudes.get(name, np.zeros(self.points.count)))

    @cached_property
    def crossings(self) -> dict[str, Array]:
        """For every node, whether a path from it crosses a kink, shape (points,)."""
        found = kinks_on_paths(self.graph, self.of, self.points.edges)
        return {name: np.broadcast_to(each, (self.points.count,)) for name, each in found.items()}

    def blocked(self, name: str) -> Array:
        """At which points a path from a node crosses a kink, shape (points,)."""
        return self.crossings.get(name, np.zeros(self.points.count, bool))

    def exact(self, point: int) -> ExactPoint:
        """The network in fifty digits at a point."""
        if point not in self._exact:
            here = {name: float(value[point]) for name, value in self.points.values.items()}
            leaves = {name: value for name, value in here.items() if self.graph.nodes[name].op is None}
            self._exact[point] = ExactPoint(self.local, self.of, leaves)
        return self._exact[point]


def row_names(graph: Graph) -> tuple[str, ...]:
    """What a check derives by: the parameters, else the inputs."""
    return graph.names(Role.PARAMETER) or graph.names(Role.INPUT)


def compare(numbers: Numbers, random: np.random.Generator, plan: Plan) -> tuple[Comparison, list[str], str]:
    """Every derivative of the objective against complex steps and extrapolated differences.

    What disagrees is judged in fifty digits: a formula that agrees there to thirty is right, and its blur is
    rounding; else it is wrong.

    Returns
    -------
    The comparison, notes, and why differences were taken of some derivatives only; empty where of all.
    """
    budget, most = plan.budget.part(HALF), math.inf if plan.thorough else WORK
    names = [name for name in row_names(numbers.graph) if name in numbers.points.values]
    jobs, notes = _jobs(numbers, names, most)
    objective = Objective(numbers.graph, numbers.of, numbers.points.values, budget.part(HALF))
    derived = np.array([numbers.derivative(n)[p] for n, p in zip(jobs.names, jobs.points, strict=True)])
    size = np.array([numbers.size(n)[p] for n, p in zip(jobs.names, jobs.points, strict=True)])
    steps, reached = objective.complex_steps(jobs)
    lost = reached & ~(np.isfinite(steps) & np.isfinite(size))
    off = np.where(reached & ~lost, ratio(derived, steps, size), 0.0)
    objective.budget = budget
    taken, every = _differenced(numbers, jobs, off, most)
    slopes = spread(objective.differences(jobs.part(taken), size[taken]), taken, len(jobs))
    blocked = np.array([numbers.blocked(n)[p] for n, p in zip(jobs.names, jobs.points, strict=True)], bool)
    at = numbers.points.values[numbers.of][jobs.points]
    found = Measured(jobs, derived, size, off, reached, lost, slopes, blocked, at)
    verdicts = judged(found, numbers.tolerance, lambda suspicious: _wrong(numbers, found, suspicious, random))
    return verdicts, notes, every


def _jobs(numbers: Numbers, names: Sequence[str], most: float) -> tuple[Jobs, list[str]]:
    """Every name at every chosen point, or at fewer points where that is too much work."""
    chosen = numbers.points.chosen
    per_point = max(1, len(names) * len(numbers.edges))
    count = int(min(len(chosen), max(1, most // per_point)))
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


def _differenced(numbers: Numbers, jobs: Jobs, off: Array, most: float) -> tuple[Array, str]:
    """The jobs for which differences are taken: all, or a share of a large network's; always the suspicious."""
    work = len(jobs) * len(numbers.edges) * STENCIL
    if work <= most:
        return np.arange(len(jobs)), ""
    every = math.ceil(work / most)
    share = np.arange(len(jobs)) % every == 0
    return np.flatnonzero(share | (off > numbers.tolerance)), f"one in {every}, for the network is large"


def _wrong(numbers: Numbers, found: Measured, suspicious: Array, random: np.random.Generator) -> Array:
    """Which of the suspicious jobs are wrong in fifty digits."""
    jobs, derived, size = found.jobs, found.derived, found.size
    wrong = np.zeros(len(jobs), bool)
    for point in np.unique(jobs.points[suspicious]):
        rows = np.flatnonzero(suspicious & (jobs.points == point))
        sizes = {jobs.names[row]: float(size[row]) for row in rows.tolist()}
        gaps = numbers.exact(int(point)).disagreeing(list(sizes), sizes, random)
        for row in rows.tolist():
            wrong[row] = jobs.names[row] in gaps and is_wrong(gaps[jobs.names[row]], float(derived[row]))
    return wrong


def fifty_digits(numbers: Numbers, names: Sequence[str]) -> dict[str, float]:
    """For each name the disagreement in fifty digits at the first point where no kink is on its paths."""
    found = {}
    for name in names:
        free = [int(point) for point in numbers.points.chosen if not numbers.blocked(name)[point]]
        if free and name in numbers.adjoints:
            found[name] = numbers.exact(free[0]).gradient_gap(name, float(numbers.size(name)[free[0]]))
    return found


def is_wrong(gap: float, derived: float) -> bool:
    """Whether a disagreement in fifty digits is more than their rounding.

    Where the derived number is not finite and fifty digits give none either, the point decides nothing.
    """
    return gap > AGREE if not math.isfinite(derived) else not gap <= AGREE
