"""What a check measures, in networks of numbers and of arrays alike, and the report that follows from it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from backpropsym.arrays import Array
from backpropsym.checks.comparisons import suite
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.edges import ratio
from backpropsym.checks.exact import AGREE
from backpropsym.checks.finite_differences import Jobs, Lines, spread
from backpropsym.checks.judgement import TOLERANCE, Comparison, Measured, judged
from backpropsym.checks.measured import of_forms, of_links, of_rows
from backpropsym.checks.plan import Plan
from backpropsym.checks.report import Fault, Kink, Report, Row, undefined_report
from backpropsym.checks.time_budget import Budget
from backpropsym.graph.graph import Graph

HALF = 0.5
"""Of what is left of the time is for complex steps and differences, and of that for complex steps."""


@dataclass
class FormsFound:
    """What agrees and what does not, by what is derived by, and what was not compared.

    Attributes
    ----------
    agree : the forms that agree wherever they were compared.
    faults : the forms that do not.
    left : what was left out, and why.
    """

    agree: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def leave(self, what: str) -> None:
        """Say once what is left out."""
        if what not in self.left:
            self.left.append(what)


class Measurements(ABC):
    """The derivatives of one network at points, with what judges them.

    Attributes
    ----------
    graph : the network, with one number as its objective.
    names : what is derived by: a row each.
    subject : the network at some of the points, as what values and kernels are compared with.
    count : the number of points; links are compared at all of them.
    given : how many of the first points are the person's own numbers.
    chosen : the points at which whole derivatives are compared.
    unit : what a job of a row is called.
    """

    graph: Graph
    names: Sequence[str]
    subject: Subject
    count: int
    given: int
    chosen: Sequence[int]
    notes: tuple[str, ...]
    own_left_out: str
    unit: str

    @property
    def of(self) -> str:
        """What is derived."""
        return self.graph.objective

    @property
    @abstractmethod
    def links(self) -> int:
        """The number of local derivatives at one point."""

    @abstractmethod
    def wrong_locally(self) -> list[Fault]:
        """Local derivatives that are not those of their node, and adjoints that are not the sum of their parts."""

    @abstractmethod
    def jobs(self, plan: Plan) -> tuple[Jobs, list[str]]:
        """The derivatives that are compared as a whole, and what to say of their choice."""

    @abstractmethod
    def lines(self, budget: Budget) -> Lines:
        """The objective along the directions of jobs."""

    @abstractmethod
    def derived(self, jobs: Jobs) -> tuple[Array, Array]:
        """The derived derivative of each job, and the sum of the absolute values of its path products."""

    @abstractmethod
    def every(self, jobs: int, thorough: bool) -> int:
        """Of how many jobs one gets differences, which are dear in large networks."""

    @abstractmethod
    def at_points(self, jobs: Jobs) -> tuple[Array, Array]:
        """For each job whether a kink lies on its paths, and the value of the objective."""

    @abstractmethod
    def wrong_among(self, found: Measured, suspicious: Array) -> Array:
        """Which of the suspicious jobs are wrong beyond what rounding explains."""

    @abstractmethod
    def forms(self, plan: Plan, wrong: bool) -> FormsFound:
        """Every form of every derivation, compared with the derivative; `wrong` is whether that is known as wrong."""

    @abstractmethod
    def values(self, name: str) -> tuple[float, ...]:
        """The number that stands for a derivative at each chosen point."""

    @abstractmethod
    def exact(self, name: str) -> float:
        """The disagreement in fifty digits at the first point with no kink on the paths; nan where none was taken."""

    @abstractmethod
    def whole_fault(self, name: str, comparison: Comparison, job: int) -> Fault:
        """A derivative that is wrong, where no link and no form is."""

    @abstractmethod
    def conventions(self, name: str, point: int) -> tuple[str, ...]:
        """What declares the slope at the kinks on paths from `name`."""

    def where(self, name: str, jobs: Jobs, job: int) -> str:
        """Along what a job moves a leaf with axes."""
        return ""

    def settled(self, name: str) -> Row | None:
        """The row of a name where nothing needs to be compared."""
        return None

    def tolerance(self) -> float:
        """The most that is accepted, in eps times a sum of absolute path products.

        32, or the number of links of the longest path where that is more: each link is one more rounding.
        """
        longest = dict.fromkeys(self.graph.nodes, 0)
        for name in self.graph.order:
            longest[name] = max((longest[parent] + 1 for parent in self.graph[name].parents), default=0)
        return max(TOLERANCE, float(longest[self.of]))

    def compare(self, plan: Plan) -> tuple[Comparison, list[str], str]:
        """Derivatives of the objective against complex steps and extrapolated differences.

        Returns
        -------
        The comparison, notes, and why differences were taken of some derivatives only; empty where of all.
        """
        budget = plan.budget.part(HALF)
        jobs, notes = self.jobs(plan)
        lines, tolerance = self.lines(budget.part(HALF)), self.tolerance()
        derived, size = self.derived(jobs)
        steps, reached = lines.complex_steps(jobs)
        lost = reached & ~(np.isfinite(steps) & np.isfinite(size))
        off = np.where(reached & ~lost, ratio(derived, steps, size), 0.0)
        lines.budget = budget
        every = self.every(len(jobs), plan.thorough)
        taken = np.flatnonzero((np.arange(len(jobs)) % every == 0) | (off > tolerance))
        slopes = spread(lines.differences(jobs.part(taken), size[taken]), taken, len(jobs))
        found = Measured(jobs, derived, size, off, reached, lost, slopes, *self.at_points(jobs))
        verdicts = judged(found, tolerance, lambda suspicious: self.wrong_among(found, suspicious))
        return verdicts, notes, f"one in {every}, for the network is large" if every > 1 else ""


def checked(found: Measurements, plan: Plan) -> Report:
    """The report of a network: values, links, derivatives, forms and kernels, each where what it rests on holds."""
    before, wrong_values = suite.run(suite.BEFORE, found.subject)
    if not found.count:
        return undefined_report(found.graph, found.names, plan.seed, found.notes, before, wrong_values)
    derived = found.wrong_locally()
    comparison, notes, every = found.compare(plan)
    wrong = bool(wrong_values or derived or comparison.wrong.any())
    first, wrong_first = suite.run(suite.FIRST, found.subject, wrong)
    forms = found.forms(plan, wrong)
    rows = _Rows(found, comparison, derived, forms)
    made = tuple(rows.row(name) for name in found.names)
    of_derivation = tuple(dict.fromkeys([*derived, *(fault for row in made for fault in row.faults)]))
    last, wrong_last = suite.run((*suite.last(), *plan.others), found.subject, wrong or bool(of_derivation))
    links = of_links(found.links * found.count, derived, found.own_left_out)
    return Report(
        of=found.of,
        rows=made,
        points=found.count,
        stepped=len(found.chosen),
        seed=plan.seed,
        title=found.graph.title,
        faults=(*wrong_values, *of_derivation, *wrong_first, *wrong_last),
        notes=(*found.notes, *notes),
        comparisons=(*before, *links, *of_rows(comparison, made, every), *first, of_forms(made, forms.left), *last),
    )


class _Rows:
    """Rows of a report, one a derivative."""

    def __init__(self, found: Measurements, comparison: Comparison, faults: Sequence[Fault], forms: FormsFound) -> None:
        self.found = found
        self.comparison = comparison
        self.faults = faults
        self.forms = forms
        self.jobs: dict[str, list[int]] = {}
        for job, name in enumerate(comparison.jobs.names):
            self.jobs.setdefault(name, []).append(job)

    def row(self, name: str) -> Row:
        """The row of one derivative."""
        found, comparison = self.found, self.comparison
        settled = found.settled(name)
        if settled is not None:
            return settled
        jobs = np.array(self.jobs.get(name, ()), int)
        gap = found.exact(name)
        faults = self._faults(name, jobs, gap)
        return Row(
            name,
            comparison.verdict(jobs, bool(faults) or gap > AGREE, found.given),
            found.values(name),
            *comparison.worst(jobs),
            gap,
            tuple(self.forms.agree[name]) if name in self.forms.agree else None,
            faults,
            tuple(self._kink(name, job) for job in jobs[comparison.kink[jobs]].tolist()),
            int(comparison.near[jobs].sum()),
            comparison.passed(jobs),
            comparison.notes(jobs, found.unit),
        )

    def _faults(self, name: str, jobs: Array, gap: float) -> tuple[Fault, ...]:
        """Faults of links on the paths and of forms; without any, of the derivative as a whole."""
        kept = set(self.found.graph.between(name, self.found.of)) if self.faults else set[str]()
        faults = [fault for fault in self.faults if fault.edge is not None and set(fault.edge) <= kept]
        wrong = jobs[self.comparison.wrong[jobs]]
        if len(wrong) and not faults:
            faults.append(self.found.whole_fault(name, self.comparison, int(wrong[0])))
        if not math.isnan(gap) and gap > AGREE and not faults:
            faults.append(Fault(f"d{self.found.of}/d{name} in fifty digits", f"off by {gap:.2g}", 0.0))
        return (*faults, *self.forms.faults.get(name, ()))

    def _kink(self, name: str, job: int) -> Kink:
        compared = self.comparison
        point = int(compared.jobs.points[job])
        derived, left, right = (float(each[job]) for each in (compared.derived, compared.left, compared.right))
        number = list(self.found.chosen).index(point)
        told = self.found.conventions(name, point)
        return Kink(number, derived, left, right, told, self.found.where(name, compared.jobs, job))
