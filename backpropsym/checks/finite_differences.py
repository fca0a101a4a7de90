"""Numeric derivatives of the whole objective: complex steps, and differences extrapolated to a step of zero."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.checks.time_budget import Budget
from backpropsym.evaluate.arithmetic import REAL, evaluate
from backpropsym.evaluate.number_systems import STEP, BranchRecorder, Switching, WatchedSteps, step_slopes
from backpropsym.graph.graph import Graph

LEVELS = 8
FIRST_STEP = 0.1
SHORTER = 0.25
MAX_SHORTENINGS = 8
ENTRIES = 16_384
NUMBERS = 3_000_000
GOOD = 1e-10

_COLUMNS = np.concatenate([[0.0], 2.0 ** -np.arange(LEVELS), -(2.0 ** -np.arange(LEVELS))])
_CENTRAL = np.zeros(len(_COLUMNS), int)
_SIDES = np.concatenate([[0], np.full(LEVELS, LEVELS), np.full(LEVELS, 2 * LEVELS)])
_NEAREST = np.array([LEVELS, 2 * LEVELS])


@dataclass(frozen=True)
class Jobs:
    """Derivatives to take: the objective by leaf `names[i]` at point `points[i]`."""

    names: Sequence[str]
    points: Array

    def __len__(self) -> int:
        return len(self.names)

    def part(self, chosen: Array) -> Jobs:
        """The jobs at some positions."""
        return Jobs([self.names[index] for index in chosen], self.points[chosen])


@dataclass(frozen=True)
class Slopes:
    """Extrapolated differences, one a job.

    Attributes
    ----------
    value, error : the slope and how far the tableau is from settled.
    clean : whether all points of the stencil took the branches of the base point.
    touching : whether the base point lies exactly on a switch along this direction.
    left, right : the one-sided slopes where `touching`, else nan.
    taken : whether differences were taken; where not, all else says nothing.
    """

    value: Array
    error: Array
    clean: Array
    touching: Array
    left: Array
    right: Array
    taken: Array


class Lines(ABC):
    """One number as a function of a step along each job's direction, around points where everything is known.

    Parameters
    ----------
    budget : when it is spent, the jobs that are left are not done.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()

    def complex_steps(self, jobs: Jobs) -> tuple[Array, Array]:
        """d of / d leaf by a complex step, one number a job, and which jobs were done; nan where it tells nothing."""
        found, done = np.full(len(jobs), np.nan), np.zeros(len(jobs), bool)
        for chunk in self._chunks("complex steps", jobs, 1):
            part = jobs.part(chunk)
            ends = self._shifted(part, np.full((len(part), 1), 1j * STEP))
            found[chunk], done[chunk] = step_slopes(ends[:, 0]), True
        return found, done

    def differences(self, jobs: Jobs, sizes: Array) -> Slopes:
        """d of / d leaf by Richardson extrapolation of central differences inside the nearest kink.

        The step is shortened until every point of the stencil takes the branches of the base point and the
        tableau settles to `GOOD` times the job's size. On a kink, both one-sided slopes are taken.

        References
        ----------
        Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in Engineering Software 4, 1982.
        """
        whole = unexamined(len(jobs))
        for chunk in self._chunks("differences", jobs, len(_COLUMNS)):
            put(whole, chunk, self._difference_chunk(jobs.part(chunk), sizes[chunk]))
        return whole

    def _difference_chunk(self, jobs: Jobs, sizes: Array) -> Slopes:
        count = len(jobs)
        value, error = np.full(count, np.nan), np.full(count, np.inf)
        clean, touching = np.zeros(count, bool), np.zeros(count, bool)
        step = FIRST_STEP * self._scales(jobs)
        waiting = np.arange(count)
        for _ in range(MAX_SHORTENINGS):
            part, recorder = jobs.part(waiting), BranchRecorder(len(waiting), _CENTRAL, _NEAREST)
            found, blur, fine = self._central(part, step[waiting], recorder)
            better = waiting[fine & (blur < error[waiting])]
            inside = np.isin(waiting, better)
            value[better], error[better] = found[inside], blur[inside]
            clean[waiting[fine]] = True
            touching[waiting] = recorder.touching
            waiting = waiting[~recorder.touching & ((error[waiting] > GOOD * sizes[waiting]) | ~clean[waiting])]
            if not len(waiting):
                break
            step[waiting] *= SHORTER
        left, right = self._one_sided(jobs, np.flatnonzero(touching))
        return Slopes(value, error, clean & ~touching, touching, left, right, np.ones(count, bool))

    def _central(self, jobs: Jobs, step: Array, recorder: BranchRecorder) -> tuple[Array, Array, Array]:
        """Slope, its error, and whether the whole stencil stays on the branches of the base point."""
        ends = self._shifted(jobs, step[:, None] * _COLUMNS, recorder)
        with np.errstate(all="ignore"):
            widths = 2 * step[:, None] * _COLUMNS[1 : LEVELS + 1]
            slopes = (ends[:, 1 : LEVELS + 1] - ends[:, LEVELS + 1 :]) / widths
            value, error = extrapolated(slopes, 4.0)
        return value, error, _usable(recorder, ends)

    def _one_sided(self, jobs: Jobs, chosen: Array) -> tuple[Array, Array]:
        """Left and right slopes of the jobs `chosen`, nan for the others; infinite where the objective jumps."""
        left, right = np.full(len(jobs), np.nan), np.full(len(jobs), np.nan)
        waiting, step = chosen, FIRST_STEP * self._scales(jobs)
        for _ in range(MAX_SHORTENINGS + 4):
            if not len(waiting):
                break
            part, recorder = jobs.part(waiting), BranchRecorder(len(waiting), _SIDES, _NEAREST)
            ends = self._shifted(part, step[waiting, None] * _COLUMNS, recorder)
            with np.errstate(all="ignore"):
                slopes = (ends[:, 1:] - ends[:, :1]) / (step[waiting, None] * _COLUMNS[1:])
            fine = _usable(recorder, ends)
            for side, columns in ((right, slopes[:, :LEVELS]), (left, slopes[:, LEVELS:])):
                side[waiting[fine]] = _limit(columns[fine])
            waiting = waiting[~fine]
            step[waiting] *= SHORTER
        return left, right

    @abstractmethod
    def _scales(self, jobs: Jobs) -> Array:
        """For each job the size of what is stepped, at least 1."""

    @abstractmethod
    def _shifted(self, jobs: Jobs, offsets: Array, recorder: BranchRecorder | None = None) -> Array:
        """The objective, shape (jobs, columns), with each job's leaf moved by its row of `offsets`.

        Where offsets are complex and tell nothing, nan.
        """

    def _size(self, name: str) -> int:
        """How many numbers a step in a leaf changes, where many steps cannot be taken together."""
        return 1

    def _chunks(self, what: str, jobs: Jobs, columns: int) -> Iterator[Array]:
        """Jobs that are done together, until the time is over: the first job of every leaf comes before the second."""
        count = len(jobs)
        largest = max(map(self._size, dict.fromkeys(jobs.names)), default=1)
        width = max(1, min(ENTRIES, NUMBERS // largest) // columns)
        seen: Counter[str] = Counter()
        turns = []
        for name in jobs.names:
            turns.append(seen[name])
            seen[name] += 1
        order = np.argsort(turns, kind="stable") if count > width else np.arange(count)
        for start in range(0, count, width):
            if self.budget.spent:
                return
            yield order[start : start + width]
            self.budget.show(what, min(start + width, count), count)


class Objective(Lines):
    """One node as a function of one leaf at a time, around points where every node's value is known.

    Parameters
    ----------
    values : the value of every node, shape (points,).
    """

    def __init__(self, graph: Graph, of: str, values: Mapping[str, Array], budget: Budget | None = None) -> None:
        super().__init__(budget)
        self.graph = graph
        self.of = of
        self.values = values
        self.within = graph.ancestors(of)
        self.switching = Switching(graph.functions)
        self.branching = frozenset(
            name
            for name in self.within
            if (op := graph.nodes[name].op) is not None and self.switching.branches(op.formula)
        )

    def _scales(self, jobs: Jobs) -> Array:
        """See Lines."""
        own = np.array([self.values[name][point] for name, point in zip(jobs.names, jobs.points, strict=True)])
        scales: Array = np.maximum(np.abs(own), 1.0)
        return scales

    def _shifted(self, jobs: Jobs, offsets: Array, recorder: BranchRecorder | None = None) -> Array:
        """See Lines."""
        watched = WatchedSteps()
        arithmetic = watched if np.iscomplexobj(offsets) else REAL
        moved: dict[str, Numeric] = {}
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(jobs.names):
            rows.setdefault(name, []).append(row)
        for name, own in rows.items():
            shift = np.zeros_like(offsets)
            shift[own] = offsets[own]
            moved[name] = self.values[name][jobs.points][:, None] + shift
        still = {name: value for name, value in moved.items() if name in self.within}
        table = self.graph.functions
        with np.errstate(all="ignore"):
            for name in self.graph.order:
                node = self.graph.nodes[name]
                if node.op is None or name not in self.within or not any(each in moved for each in node.parents):
                    continue
                for parent in node.parents:
                    if parent not in still:
                        still[parent] = self.values[parent][jobs.points][:, None]
                if recorder is not None and name in self.branching:
                    evaluate(node.op.formula, still, self.switching.table, recorder)
                still[name] = moved[name] = evaluate(node.op.formula, still, table, arithmetic)
        end = moved.get(self.of, self.values[self.of][jobs.points][:, None])
        return np.where(watched.doubtful(offsets.shape), np.nan, end)


def _usable(recorder: BranchRecorder, ends: Array) -> Array:
    """Which stencils stay on the branches of their references and have finite ends."""
    return np.logical_and(recorder.same.all(axis=1), np.isfinite(ends).all(axis=1))


def unexamined(count: int) -> Slopes:
    """Slopes of jobs for which no difference was taken."""
    none, no = np.full(count, np.nan), np.zeros(count, bool)
    return Slopes(none.copy(), none.copy(), no.copy(), no.copy(), none.copy(), none.copy(), no.copy())


def put(whole: Slopes, places: Array, part: Slopes) -> None:
    """Set the slopes of the jobs at some places."""
    for each in fields(Slopes):
        getattr(whole, each.name)[places] = getattr(part, each.name)


def spread(slopes: Slopes, taken: Array, count: int) -> Slopes:
    """Slopes of the jobs `taken` as slopes of all jobs."""
    whole = unexamined(count)
    put(whole, taken, slopes)
    return whole


def extrapolated(slopes: Array, ratio: float) -> tuple[Array, Array]:
    """The limit of each row of slopes for halved steps, and how far its tableau is from settled.

    Parameters
    ----------
    slopes : shape (rows, levels), the step halved from column to column.
    ratio : by how much halving the step shrinks the first error term: 4 for central differences, 2 for one-sided.
    """
    best, error = slopes[:, 0].copy(), np.full(len(slopes), np.inf)
    previous = [slopes[:, 0]]
    for level in range(1, slopes.shape[1]):
        current = [slopes[:, level]]
        for order in range(1, level + 1):
            gain = ratio**order - 1.0
            current.append(current[-1] + (current[-1] - previous[order - 1]) / gain)
            blur = np.maximum(np.abs(current[-1] - current[-2]), np.abs(current[-1] - previous[order - 1]))
            better = blur < error
            best, error = np.where(better, current[-1], best), np.where(better, blur, error)
        previous = current
    return best, error


def _limit(slopes: Array) -> Array:
    """The one-sided slope from slopes at halved steps; infinite where the function jumps at the end of the steps."""
    with np.errstate(all="ignore"):
        value, _ = extrapolated(slopes, 2.0)
        rises = np.abs(slopes) * 2.0 ** -np.arange(slopes.shape[1])
        jump, blur = extrapolated(rises, 2.0)
    jumps = (jump > 10 * blur) & (jump > 1e-6 * rises.max(axis=1, initial=0.0))
    return np.where(jumps, np.copysign(np.inf, slopes[:, -1]), value)
