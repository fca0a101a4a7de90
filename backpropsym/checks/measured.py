"""What the rows of a report rest on, as comparisons: links, complex steps, differences, fifty digits, forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backpropsym.checks.comparison_result import NOT_FINITE, Compared, Outcome, unreached
from backpropsym.checks.judgement import Comparison
from backpropsym.checks.report import Fault, Row
from backpropsym.checks.time_budget import OUT_OF_TIME


def of_links(count: int, faults: Sequence[Fault], own_left_out: str) -> list[Compared]:
    """The comparison of local derivatives and of sums over consumers, and what was left out of it and of the others.

    Parameters
    ----------
    own_left_out : why nothing was compared at the network's own numbers; empty where it was.
    """
    about = "every local derivative, with a complex step of its node; every adjoint, with the sum over its consumers"
    own = unreached("own numbers", "everything, at the network's own numbers", own_left_out)
    return [_compared("local derivatives", about, count, faults), *([own] if own_left_out else [])]


def of_rows(comparison: Comparison, rows: Sequence[Row], every: str) -> list[Compared]:
    """The comparisons of whole derivatives.

    Parameters
    ----------
    every : why differences were taken of some derivatives only; empty where they were taken of all.
    """
    reached, differences = int(comparison.reached.sum()), int(comparison.differenced.sum())
    count, lost = len(comparison.jobs), int(comparison.lost.sum())
    wrong = [fault for row in rows for fault in row.faults if not fault.place.startswith("form ")]
    exact = sum(not np.isnan(row.exact) for row in rows)
    left = f"{differences:,} of {count:,} derivatives: {every or OUT_OF_TIME}" if differences < count else ""
    return [
        _compared(
            "complex steps",
            "derivatives of the whole, with complex steps of the forward formulas",
            reached - lost,
            wrong,
            f"{reached:,} of {count:,} derivatives: {OUT_OF_TIME}" if reached < count else _lost(lost, count),
        ),
        _compared("differences", "the same, with differences extrapolated to a step of zero", differences, wrong, left),
        _compared("fifty digits", "the same, with differences in fifty digits", exact, wrong),
    ]


def _lost(lost: int, count: int) -> str:
    return f"{lost:,} of {count:,} derivatives: {NOT_FINITE}" if lost else ""


def of_forms(rows: Sequence[Row], left: Sequence[str], others: Mapping[str, Sequence[Fault]] | None = None) -> Compared:
    """The comparison of the forms of every derivation."""
    faults = [fault for row in rows for fault in row.faults if fault.place.startswith("form ")]
    faults += [fault for listed in (others or {}).values() for fault in listed]
    count = sum(len(row.forms or ()) for row in rows)
    return _compared("forms", "every form of every derivation, with the derivative", count, faults, "; ".join(left))


def _compared(name: str, about: str, numbers: int, faults: Sequence[Fault], left: str = "") -> Compared:
    outcome = Outcome.AGREES if numbers else Outcome.UNREACHED if left else Outcome.ABSENT
    if faults:
        return Compared(name, about, Outcome.DIFFERS, numbers, left=left, wrong=str(faults[0]))
    return Compared(name, about, outcome, numbers, left=left)
