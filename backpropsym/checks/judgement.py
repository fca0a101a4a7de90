"""Derived derivatives against two kinds of numerics, judged: right, wrong, on a kink, near one, or undefined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from backpropsym.arrays import Array
from backpropsym.checks.edges import EPS
from backpropsym.checks.finite_differences import Jobs, Slopes
from backpropsym.checks.report import Verdict

TOLERANCE = 32.0
SAME_SLOPES = 1e-6
LOOSE = 1e-8
UNSETTLED = 20.0
ROUNDINGS = 1e4


@dataclass(frozen=True)
class Measured:
    """What was measured, one entry a job: a derivative of the objective at point `jobs.points[i]`.

    Attributes
    ----------
    derived, size : the derived derivative and the sum of the absolute values of its path products.
    ratio : |derived - complex step| in eps * size; zero where they were not compared.
    reached : for which jobs complex steps were taken; time may have ended before.
    lost : of which of them the complex step is no finite number, as at the beginning of a root.
    slopes : extrapolated differences, of the jobs for which they were taken.
    blocked : whether a path of the job crosses a kink.
    objective : the value of the objective at the job's point.
    """

    jobs: Jobs
    derived: Array
    size: Array
    ratio: Array
    reached: Array
    lost: Array
    slopes: Slopes
    blocked: Array
    objective: Array


@dataclass(frozen=True)
class Comparison:
    """Derived derivatives against numerics, one entry a job.

    Attributes
    ----------
    reached : which jobs were compared at all.
    lost : which of them no complex step can judge.
    differenced : of which differences were taken.
    ratio : |derived - complex step| in eps * size.
    differences : |derived - extrapolated differences| / size; nan where none was taken.
    kink, near : whether the point is on a kink along the leaf, or too close to one.
    left, right : one-sided slopes on kinks.
    wrong, undefined, blurred : mismatches; derivatives that are not finite; right formulas that rounding blurs.
    """

    jobs: Jobs
    reached: Array
    lost: Array
    differenced: Array
    derived: Array
    size: Array
    ratio: Array
    differences: Array
    kink: Array
    near: Array
    left: Array
    right: Array
    wrong: Array
    undefined: Array
    blurred: Array

    def verdict(self, jobs: Array, faulty: bool, given: int) -> Verdict:
        """What some jobs of one derivative say together; the first `given` points are the person's own."""
        if faulty or self.wrong[jobs].any():
            return Verdict.MISMATCH
        if self._matters(self.undefined, jobs, given):
            return Verdict.UNDEFINED
        if self.kink[jobs].any():
            return Verdict.KINK
        if len(jobs) and not self.reached[jobs].any():
            return Verdict.UNREACHED
        return Verdict.NEAR if self._matters(self.near, jobs, given) else Verdict.OK

    def _matters(self, flags: Array, jobs: Array, given: int) -> bool:
        """Whether flagged jobs include one at a point that the person gave, or leave no other."""
        own = self.jobs.points[jobs] < given
        return bool(len(jobs)) and bool((flags[jobs] & own).any() or flags[jobs].all())

    def decided(self, jobs: Array) -> Array:
        """Those of the jobs that no kink and no undefined derivative keeps from a comparison."""
        return jobs[(self.reached & ~(self.kink | self.near | self.undefined))[jobs]]

    def passed(self, jobs: Array) -> int:
        """How many of the jobs agree with all numerics."""
        return int((self.reached & ~(self.wrong | self.undefined | self.kink | self.near))[jobs].sum())

    def worst(self, jobs: Array) -> tuple[float, float]:
        """The largest `ratio` and the largest of `differences` of the decided jobs."""
        decided = self.decided(jobs)
        ratio = float(np.max(self.ratio[decided], initial=0.0))
        return ratio, float(np.fmax.reduce(self.differences[decided], initial=float("nan")))

    def notes(self, jobs: Array, what: str) -> tuple[str, ...]:
        """What a reader should know of the jobs, which are `what`."""
        found = []
        if self.blurred[jobs].any():
            worst = float(np.max(self.ratio[jobs][self.blurred[jobs]]))
            found.append(f"right in fifty digits; rounding blurs it by {worst:.2g} eps in double precision")
        count = int(self.undefined[jobs].sum())
        if count:
            found.append(f"not a finite number at {count} of {len(jobs)} {what} where the objective is one")
        near = int(self.near[jobs].sum())
        if near:
            found.append(f"{near} of {len(jobs)} {what} are too close to a kink for differences")
        return tuple(found)


class _OfDifferences(NamedTuple):
    """What extrapolated differences tell, one entry a job: see `Comparison`.

    Attributes
    ----------
    smooth : whether the point lies on a switch whose two sides have the same slope.
    apart : whether the derived derivative is further off than the differences are uncertain.
    relative : |derived - differences| / size.
    """

    smooth: Array
    kink: Array
    near: Array
    apart: Array
    relative: Array


def _of_differences(found: Measured) -> _OfDifferences:
    slopes, size, derived = found.slopes, found.size, found.derived
    with np.errstate(all="ignore"):
        floor = ROUNDINGS * EPS * (1 + np.abs(found.objective))
        largest = np.maximum(size, np.maximum(np.abs(slopes.left), np.abs(slopes.right)))
        blur = SAME_SLOPES * largest + floor
        both = (slopes.left + slopes.right) / 2
        smooth = (np.abs(slopes.left - slopes.right) <= blur) & (np.abs(derived - both) <= blur)
        smooth &= slopes.touching & np.isfinite(both)
        kink = slopes.touching & ~smooth & ~np.isnan(slopes.left) & ~np.isnan(slopes.right)
        near = slopes.taken & ~slopes.clean & ~kink & ~smooth
        gap = np.abs(derived - np.where(smooth, both, slopes.value))
        error = np.where(smooth, blur, slopes.error)
        apart = slopes.taken & (gap > UNSETTLED * error + LOOSE * size + floor)
        return _OfDifferences(smooth, kink, near, apart, np.where(size > 0, gap / size, gap))


def judged(found: Measured, tolerance: float, wrong_among: Callable[[Array], Array]) -> Comparison:
    """The comparison with its verdicts.

    Parameters
    ----------
    tolerance : the most that is accepted of a complex step, in eps * size.
    wrong_among : which of the jobs in a mask are wrong beyond what rounding explains.
    """
    slopes, derived = found.slopes, found.derived
    smooth, kink, near, apart, differences = _of_differences(found)
    suspicious = ((found.ratio > tolerance) | apart) & ~kink & ~near
    wrong = wrong_among(suspicious)
    undefined = (~np.isfinite(derived) | (found.lost & ~slopes.clean & ~smooth & ~kink)) & ~wrong
    blurred = suspicious & ~wrong & ~undefined & (found.ratio > tolerance)
    near = (near | (blurred & found.blocked)) & ~undefined
    blurred &= ~near
    differences = np.where(kink | near, np.nan, differences)
    return Comparison(
        found.jobs,
        found.reached,
        found.lost | (found.reached & undefined),
        slopes.taken,
        derived,
        found.size,
        found.ratio,
        differences,
        kink,
        near,
        slopes.left,
        slopes.right,
        wrong,
        undefined,
        blurred,
    )
