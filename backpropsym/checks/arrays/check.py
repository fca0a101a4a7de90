"""Checks of networks of arrays: every link, every gradient, every form, and the kernels.

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
from backpropsym.checks.arrays.forms import FormsFound, compare_forms
from backpropsym.checks.arrays.links import total_product, wrong_links, wrong_sums
from backpropsym.checks.arrays.sample_points import ArrayPoint, ArrayPoints, find_points, with_sizes
from backpropsym.checks.arrays.unrolled import Unrolled, unrolled
from backpropsym.checks.arrays.work import SMALL_WORK, entries, work
from backpropsym.checks.comparisons import suite
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.conventions import declared_conventions
from backpropsym.checks.edges import EPS, ratio
from backpropsym.checks.exact import AGREE
from backpropsym.checks.finite_differences import spread
from backpropsym.checks.judgement import ROUNDINGS, TOLERANCE, Comparison, Measured, judged
from backpropsym.checks.measured import of_forms, of_links, of_rows
from backpropsym.checks.plan import Plan
from backpropsym.checks.report import Fault, Kink, Report, Row, Verdict, undefined_report
from backpropsym.evaluate.choices import position_nodes
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import entry_name
from backpropsym.ops.kinds import Contraction, Elementwise, Reduction

DIRECTIONS = 2
ENTRIES = 24
FEW_ENTRIES = 6
MANY_ENTRIES = 240
HALF = 0.5
"""Of what is left of the time is for complex steps and differences, and of that for complex steps."""
WORK = 1_500_000_000
STENCIL = 40
HOW = "value is the Euclidean norm of a derivative"


def check_arrays(graph: Graph, plan: Plan) -> Report:
    """Compare everything that the network gives with numerics; a row for every parameter, else for every input."""
    random = np.random.default_rng(plan.seed)
    graph, notes = _with_one_objective(with_sizes(graph, plan.at), random)
    whole = position_nodes(graph)  # a position moves in no small steps
    names = [name for name in graph.names(Role.PARAMETER) or graph.names(Role.INPUT) if name not in whole]
    points = find_points(graph, plan.at, plan.samples, random)
    chosen = [points.found[index] for index in points.chosen][: plan.samples]
    subject = Subject(graph, chosen, random, plan, points.lost)
    before, wrong_values = suite.run(suite.BEFORE, subject)
    if not points.found:
        return undefined_report(graph, names, plan.seed, points.notes, before, wrong_values)
    derived = [*wrong_links(graph, points.found, random), *wrong_sums(graph, points.found)]
    small = unrolled(graph)
    reached = [name for name in names if name in graph.ancestors(graph.objective)]
    comparison, sampled, every = _compare(graph, reached, points, small, random, plan)
    wrong = bool(wrong_values or derived or comparison.wrong.any())
    first, wrong_first = suite.run(suite.FIRST, subject, wrong)
    forms = FormsFound() if wrong else compare_forms(graph, reached, chosen, small, random, plan.budget)
    rows = _Rows(graph, points, comparison, derived, forms, small, random)
    made = tuple(rows.row(name) for name in names)
    of_derivation = tuple(dict.fromkeys([*derived, *(fault for row in made for fault in row.faults)]))
    last, wrong_last = suite.run((*suite.last(), *plan.others), subject, wrong or bool(of_derivation))
    count = sum(len(node.parents) for node in graph.nodes.values()) * len(points.found)
    links = of_links(count, derived, points.own_left_out)
    left = [suite.WRONG_ALREADY] if wrong else sorted(forms.notes)
    return Report(
        of=graph.objective,
        rows=made,
        points=len(points.found),
        stepped=len(points.chosen),
        seed=plan.seed,
        title=graph.title,
        faults=(*wrong_values, *of_derivation, *wrong_first, *wrong_last),
        notes=(*notes, *points.notes, *sampled, HOW),
        comparisons=(*before, *links, *of_rows(comparison, made, every), *first, of_forms(made, left), *last),
    )


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


def _compare(
    graph: Graph,
    names: Sequence[str],
    points: ArrayPoints,
    small: Unrolled | None,
    random: np.random.Generator,
    plan: Plan,
) -> tuple[Comparison, list[str], str]:
    """Derivatives along directions and at entries, against complex steps and extrapolated differences.

    Returns
    -------
    The comparison, notes, and why differences were taken along some directions only; empty where along all.
    """
    effort, budget = work(graph), plan.budget.part(HALF)
    most = MANY_ENTRIES if plan.thorough else ENTRIES if effort <= SMALL_WORK else FEW_ENTRIES
    jobs = directions(names, points.found, points.chosen, random, DIRECTIONS, most)
    notes = _sampled(graph, names, most)
    lines = ArrayLines(graph, points.found, budget.part(HALF))
    at = [points.found[index] for index in jobs.points]
    pairs = list(zip(jobs.names, at, jobs.directions, strict=True))
    derived = np.array([total_product(point.adjoints[name], direction) for name, point, direction in pairs])
    size = np.array([total_product(point.magnitudes[name], np.abs(direction)) for name, point, direction in pairs])
    steps, reached = lines.complex_steps(jobs)
    lost = reached & ~(np.isfinite(steps) & np.isfinite(size))
    off = np.where(reached & ~lost, ratio(derived, steps, size), 0.0)
    lines.budget = budget
    every = 1 if plan.thorough else max(1, math.ceil(len(jobs) * effort * STENCIL / WORK))
    taken = np.flatnonzero((np.arange(len(jobs)) % every == 0) | (off > TOLERANCE))
    slopes = spread(lines.differences(jobs.part(taken), size[taken]), taken, len(jobs))
    blocked = np.array([point.crosses(name) for name, point, _ in pairs], bool)
    objective = np.array([float(point.values[graph.objective]) for point in at])
    found = Measured(jobs, derived, size, off, reached, lost, slopes, blocked, objective)
    verdicts = judged(found, _tolerance(graph), lambda suspicious: _wrong(found, points, small, suspicious))
    return verdicts, notes, f"one in {every}, for the network is large" if every > 1 else ""


def _sampled(graph: Graph, names: Sequence[str], most: int) -> list[str]:
    large = [f"{name} ({count:,})" for name in names if (count := entries(graph[name].shape)) > most]
    if not large:
        return []
    more = " and more" if len(large) > 5 else ""
    listed = ", ".join(large[:5]) + more
    return [f"compared along {DIRECTIONS} random directions and at {most} random entries a point: {listed}"]


def _tolerance(graph: Graph) -> float:
    """32 roundings, or the number of links of the longest path where that is more."""
    longest = dict.fromkeys(graph.nodes, 0)
    for name in graph.order:
        longest[name] = max((longest[parent] + 1 for parent in graph.nodes[name].parents), default=0)
    return max(TOLERANCE, float(longest[graph.objective]))


def _wrong(found: Measured, points: ArrayPoints, small: Unrolled | None, suspicious: Array) -> Array:
    """Which of the suspicious jobs are wrong: in a small network by fifty digits, else by far more than roundings."""
    wrong = np.zeros(len(found.jobs), bool)
    jobs = found.jobs
    assert isinstance(jobs, Directions)
    for row in np.flatnonzero(suspicious).tolist():
        numeric_gap = float(found.ratio[row])
        gap = 0.0
        if small is not None:
            numeric, gap = small.slope(points.found[jobs.points[row]], jobs.names[row], jobs.directions[row])
            numeric_gap = float(ratio(found.derived[row], numeric, found.size[row])) if math.isfinite(numeric) else 0.0
        wrong[row] = (math.isfinite(found.derived[row]) and numeric_gap > ROUNDINGS) or gap > AGREE
    return wrong


class _Rows:
    """Rows of a report, one a parameter."""

    def __init__(
        self,
        graph: Graph,
        points: ArrayPoints,
        comparison: Comparison,
        faults: Sequence[Fault],
        forms: FormsFound,
        small: Unrolled | None,
        random: np.random.Generator,
    ) -> None:
        self.graph = graph
        self.points = points
        self.comparison = comparison
        self.faults = faults
        self.forms = forms
        self.small = small
        self.random = random

    def row(self, name: str) -> Row:
        """The row of one derivative."""
        found, points = self.comparison, self.points
        jobs = np.array([job for job, each in enumerate(found.jobs.names) if each == name], int)
        norms = tuple(float(np.linalg.norm(points.found[at].adjoints.get(name, 0.0))) for at in points.chosen)
        if name not in self.graph.ancestors(self.graph.objective):
            return Row(name, Verdict.OK, norms, 0.0, notes=(f"{self.graph.objective} does not depend on {name}",))
        gap = self._fifty_digits(name)
        faults = self._faults(name, jobs, gap)
        return Row(
            name,
            found.verdict(jobs, bool(faults), points.given),
            norms,
            *found.worst(jobs),
            gap,
            tuple(self.forms.agree[name]) if name in self.forms.agree else None,
            faults,
            tuple(self._kink(name, job) for job in jobs[found.kink[jobs]].tolist()),
            int(found.near[jobs].sum()),
            found.passed(jobs),
            found.notes(jobs, "directions"),
        )

    def _fifty_digits(self, name: str) -> float:
        """The disagreement in fifty digits along a direction, at the first point with no kink on the paths."""
        if self.small is None:
            return math.nan
        free = [self.points.found[at] for at in self.points.chosen if not self.points.found[at].crosses(name)]
        if not free:
            return math.nan
        return self.small.slope(free[0], name, self.random.uniform(0.5, 1.5, np.shape(free[0].values[name])))[1]

    def _faults(self, name: str, jobs: Array, gap: float) -> tuple[Fault, ...]:
        """Faults of links on the paths and of forms; without any, of the sum itself."""
        graph, found = self.graph, self.comparison
        kept = set(graph.between(name, graph.objective))
        faults = [fault for fault in self.faults if fault.edge is not None and set(fault.edge) <= kept]
        wrong = jobs[found.wrong[jobs]]
        if len(wrong) and not faults:
            job = int(wrong[0])
            assert isinstance(found.jobs, Directions)
            position = found.jobs.entries[job]
            numeric = float(found.derived[job] + found.ratio[job] * EPS * found.size[job])
            what = name if position is None else entry_name(name, position)
            derived = f"{found.derived[job]:.12g}" + (" along a direction" if position is None else "")
            faults.append(Fault(f"d{graph.objective}/d{what}", derived, numeric))
        if gap > AGREE and not faults:
            faults.append(Fault(f"the unrolled network's d{graph.objective}/d{name}", f"off by {gap:.2g}", 0.0))
        return (*faults, *self.forms.faults.get(name, ()))

    def _kink(self, name: str, job: int) -> Kink:
        found = self.comparison
        assert isinstance(found.jobs, Directions)
        at = int(found.jobs.points[job])
        derived, left, right = (float(each[job]) for each in (found.derived, found.left, found.right))
        position = found.jobs.entries[job]
        where = "along a direction" if position is None else entry_name(name, position).removeprefix(name)
        number = self.points.chosen.index(at)
        return Kink(number, derived, left, right, self._conventions(name, self.points.found[at]), where)

    def _conventions(self, name: str, point: ArrayPoint) -> tuple[str, ...]:
        """What declares the slope at the kinks between `name` and the objective."""
        told: dict[str, None] = {}
        for node in self.graph.between(name, self.graph.objective):
            if np.any(point.kinks.get(node, False)):
                told |= dict.fromkeys(_conventions(self.graph, self.graph[node]))
        return tuple(told)


def _conventions(graph: Graph, node: Node) -> tuple[str, ...]:
    match node.op:
        case Elementwise(formula):
            return tuple(declared_conventions(graph, formula))
        case Reduction(function):
            return (f"a tie of {function} goes to the first entry",)
    return ()
