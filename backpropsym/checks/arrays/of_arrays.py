"""What a check measures in a network of arrays: derivatives along directions and at entries.

A parameter is compared along random directions, which see all its entries at once, and entry by entry; of a large
one, along directions and at some entries. The tolerance is the rounding of the sum of absolute path products, by a
reverse sweep on magnitudes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backpropsym.arrays import Array
from backpropsym.checks.arrays.finite_differences import ArrayLines, Directions, directions
from backpropsym.checks.arrays.forms import compare_forms
from backpropsym.checks.arrays.links import total_product, wrong_links, wrong_sums
from backpropsym.checks.arrays.sample_points import find_points, with_sizes
from backpropsym.checks.arrays.unrolled import unrolled
from backpropsym.checks.arrays.work import SMALL_WORK, entries, work
from backpropsym.checks.comparisons import suite
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.conventions import declared_conventions
from backpropsym.checks.edges import EPS, ratio
from backpropsym.checks.exact import AGREE
from backpropsym.checks.finite_differences import Jobs, Lines
from backpropsym.checks.judgement import ROUNDINGS, Comparison, Measured
from backpropsym.checks.measurements import FormsFound, Measurements
from backpropsym.checks.plan import Plan
from backpropsym.checks.report import Fault, Row, Verdict
from backpropsym.checks.time_budget import Budget
from backpropsym.evaluate.choices import whole_nodes
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import entry_name
from backpropsym.ops.kinds import Contraction, Elementwise, Reduction

DIRECTIONS = 2
ENTRIES = 24
FEW_ENTRIES = 6
MANY_ENTRIES = 240
WORK = 1_500_000_000
STENCIL = 40
HOW = "value is the Euclidean norm of a derivative"


class OfArrays(Measurements):
    """The derivatives of a network of arrays: by every parameter, else by every input."""

    unit = "directions"

    def __init__(self, graph: Graph, plan: Plan, random: np.random.Generator) -> None:
        self.graph, notes = _with_one_objective(with_sizes(graph, plan.at), random)
        self.random = random
        whole = whole_nodes(self.graph)  # a position moves in no small steps
        leaves = self.graph.names(Role.PARAMETER) or self.graph.names(Role.INPUT)
        self.names = [name for name in leaves if name not in whole]
        points = find_points(self.graph, plan.at, plan.samples, random)
        self.points = points.found
        self.count, self.given, self.chosen = len(points.found), points.given, points.chosen
        self.notes, self.own_left_out = (*notes, *points.notes), points.own_left_out
        self.first = [points.found[index] for index in points.chosen][: plan.samples]
        self.subject = Subject(self.graph, self.first, random, plan, points.lost)
        self.small = unrolled(self.graph)
        self.effort = work(self.graph)

    @property
    def links(self) -> int:
        """See Measurements."""
        return sum(len(node.parents) for node in self.graph.nodes.values())

    @property
    def reached(self) -> list[str]:
        """Those of the names on which the objective depends."""
        above = self.graph.ancestors(self.of)
        return [name for name in self.names if name in above]

    def wrong_locally(self) -> list[Fault]:
        """See Measurements."""
        return [*wrong_links(self.graph, self.points, self.random), *wrong_sums(self.graph, self.points)]

    def jobs(self, plan: Plan) -> tuple[Directions, list[str]]:
        """Each leaf at each chosen point along directions and at entries."""
        most = MANY_ENTRIES if plan.thorough else ENTRIES if self.effort <= SMALL_WORK else FEW_ENTRIES
        jobs = directions(self.reached, self.points, self.chosen, self.random, DIRECTIONS, most)
        return jobs, [*_sampled(self.graph, self.reached, most), HOW]

    def lines(self, budget: Budget) -> Lines:
        """See Measurements."""
        return ArrayLines(self.graph, self.points, budget)

    def derived(self, jobs: Jobs) -> tuple[Array, Array]:
        """See Measurements."""
        assert isinstance(jobs, Directions)
        at = (self.points[index] for index in jobs.points)
        moved = list(zip(jobs.names, at, jobs.directions, strict=True))
        derived = [total_product(point.adjoints[name], direction) for name, point, direction in moved]
        sizes = [total_product(point.magnitudes[name], np.abs(direction)) for name, point, direction in moved]
        return np.array(derived), np.array(sizes)

    def every(self, jobs: int, thorough: bool) -> int:
        """See Measurements."""
        return 1 if thorough else max(1, math.ceil(jobs * self.effort * STENCIL / WORK))

    def at_points(self, jobs: Jobs) -> tuple[Array, Array]:
        """See Measurements."""
        at = [self.points[index] for index in jobs.points]
        blocked = [point.crosses(name) for name, point in zip(jobs.names, at, strict=True)]
        return np.array(blocked, bool), np.array([float(point.values[self.of]) for point in at])

    def wrong_among(self, found: Measured, suspicious: Array) -> Array:
        """Which of the suspicious jobs are wrong: by fifty digits if small, else by many roundings."""
        wrong = np.zeros(len(found.jobs), bool)
        jobs, small = found.jobs, self.small
        assert isinstance(jobs, Directions)
        for row in np.flatnonzero(suspicious).tolist():
            off = float(found.ratio[row])
            gap = 0.0
            if small is not None:
                numeric, gap = small.slope(self.points[jobs.points[row]], jobs.names[row], jobs.directions[row])
                off = float(ratio(found.derived[row], numeric, found.size[row])) if math.isfinite(numeric) else 0.0
            wrong[row] = (math.isfinite(found.derived[row]) and off > ROUNDINGS) or gap > AGREE
        return wrong

    def forms(self, plan: Plan, wrong: bool) -> FormsFound:
        """See Measurements; not where the derivative is wrong already."""
        if wrong:
            return FormsFound(left=[suite.WRONG_ALREADY])
        return compare_forms(self.graph, self.reached, self.first, self.small, self.random, plan.budget)

    def settled(self, name: str) -> Row | None:
        """The row of a name on which the objective does not depend."""
        if name in self.graph.ancestors(self.of):
            return None
        return Row(name, Verdict.OK, self.values(name), 0.0, notes=(f"{self.of} does not depend on {name}",))

    def values(self, name: str) -> tuple[float, ...]:
        """See Measurements."""
        return tuple(float(np.linalg.norm(self.points[at].adjoints.get(name, 0.0))) for at in self.chosen)

    def exact(self, name: str) -> float:
        """See Measurements; along a direction, in small networks."""
        free = [self.points[at] for at in self.chosen if not self.points[at].crosses(name)]
        if self.small is None or not free:
            return math.nan
        return self.small.slope(free[0], name, self.random.uniform(0.5, 1.5, np.shape(free[0].values[name])))[1]

    def whole_fault(self, name: str, comparison: Comparison, job: int) -> Fault:
        """See Measurements."""
        assert isinstance(comparison.jobs, Directions)
        position = comparison.jobs.entries[job]
        numeric = float(comparison.derived[job] + comparison.ratio[job] * EPS * comparison.size[job])
        what = name if position is None else entry_name(name, position)
        derived = f"{comparison.derived[job]:.12g}" + (" along a direction" if position is None else "")
        return Fault(f"d{self.of}/d{what}", derived, numeric)

    def conventions(self, name: str, point: int) -> tuple[str, ...]:
        """See Measurements."""
        told: dict[str, None] = {}
        for node in self.graph.between(name, self.of):
            if np.any(self.points[point].kinks.get(node, False)):
                told |= dict.fromkeys(_conventions(self.graph, self.graph[node]))
        return tuple(told)

    def where(self, name: str, jobs: Jobs, job: int) -> str:
        """See Measurements."""
        assert isinstance(jobs, Directions)
        position = jobs.entries[job]
        return "along a direction" if position is None else entry_name(name, position).removeprefix(name)


def _with_one_objective(graph: Graph, random: np.random.Generator) -> tuple[Graph, list[str]]:
    """The graph with one number as its objective: the sum of an array's entries with random weights."""
    of = graph.objective
    shape = graph[of].shape
    if not shape:
        return graph, []
    weights, total = f"weights_of_{of}", f"weighted_{of}"
    while weights in graph.nodes or total in graph.nodes:
        weights, total = f"{weights}_", f"{total}_"
    numbers = random.uniform(0.5, 1.5, [int(size) for size in shape]) * random.choice(
        [-1.0, 1.0], [int(s) for s in shape]
    )
    letters = "abcdefghijklmnopqrstuvwxyz"[: len(shape)]
    nodes = {
        **graph.nodes,
        weights: Node(weights, Role.CONSTANT, shape),
        total: Node(total, Role.VALUE, (), Contraction(f"{letters},{letters}->", (of, weights)), (of, weights)),
    }
    constants = {**graph.constants, weights: numbers}
    note = f"{of} has axes: {total} is the sum of its entries with random weights"
    return replace(graph, nodes=nodes, output=total, constants=constants), [note]


def _sampled(graph: Graph, names: Sequence[str], most: int) -> list[str]:
    large = [f"{name} ({count:,})" for name in names if (count := entries(graph[name].shape)) > most]
    if not large:
        return []
    more = " and more" if len(large) > 5 else ""
    listed = ", ".join(large[:5]) + more
    return [f"compared along {DIRECTIONS} random directions and at {most} random entries a point: {listed}"]


def _conventions(graph: Graph, node: Node) -> tuple[str, ...]:
    match node.op:
        case Elementwise(formula):
            return tuple(declared_conventions(graph, formula))
        case Reduction(function):
            return (f"a tie of {function} goes to the first entry",)
    return ()
