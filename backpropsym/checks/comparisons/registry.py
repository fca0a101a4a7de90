"""The comparisons of a check: each is one entry, says what it compares with what, and yields what it finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from backpropsym.arrays import Given
from backpropsym.checks.comparison_result import NOT_FINITE, Compared, Outcome, unreached
from backpropsym.checks.comparisons.expected import Expected
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.edges import EPS
from backpropsym.checks.report import Fault
from backpropsym.checks.time_budget import OUT_OF_TIME
from backpropsym.errors import BackpropsymError, LimitError, MissingExtraError
from backpropsym.graph.unroll import entry_name


@dataclass(frozen=True)
class Pair:
    """Something that was found, and what it must be.

    Attributes
    ----------
    what : what it is, such as the derivative by one leaf.
    eps : one rounding of the numbers found.
    """

    what: str
    found: Given
    expected: Expected
    eps: float = EPS


Run = Callable[[Subject], Iterator[Pair]]


@dataclass(frozen=True)
class Comparison:
    """One comparison.

    Attributes
    ----------
    name : by which a report names it.
    about : what it compares with what.
    thorough : whether it takes so long that it runs only where there is no limit of time.
    """

    name: str
    about: str
    run: Run
    thorough: bool = False


def compare(comparison: Comparison, subject: Subject) -> tuple[Compared, tuple[Fault, ...]]:
    """The result of one comparison, and the first thing that it finds wrong.

    An exception is something wrong too, unless it says that the network is too large or an extra is missing.
    """
    if subject.budget.spent:
        return unreached(comparison.name, comparison.about, OUT_OF_TIME), ()
    started, numbers, lost = time.monotonic(), 0, 0
    left, fault = "", None
    try:
        for pair in comparison.run(subject):
            numbers += int(np.count_nonzero(pair.expected.known))
            lost += pair.expected.left_out(pair.found)
            fault = _fault(comparison.name, pair)
            if fault is not None or subject.budget.spent:
                left = "" if fault is not None else f"{OUT_OF_TIME} after {pair.what}"
                break
    except (LimitError, MissingExtraError) as error:
        left = error.problems[0].message
    except BackpropsymError as error:
        fault = Fault(comparison.name, f"refused: {error.problems[0].message}", float("nan"))
    except Exception as error:  # a crash of what is compared is what a check looks for
        fault = Fault(comparison.name, f"crashed: {type(error).__name__}: {error}", float("nan"))
    if lost and not left and fault is None:
        left = f"{lost:,} numbers: {NOT_FINITE}"
    outcome = _outcome(fault, numbers, left)
    wrong = "" if fault is None else str(fault)
    seconds = time.monotonic() - started
    found = Compared(comparison.name, comparison.about, outcome, numbers, seconds, left, wrong)
    return found, () if fault is None else (fault,)


def _outcome(fault: Fault | None, numbers: int, left: str) -> Outcome:
    if fault is not None:
        return Outcome.DIFFERS
    if numbers:
        return Outcome.AGREES
    return Outcome.UNREACHED if left else Outcome.ABSENT


def _fault(name: str, pair: Pair) -> Fault | None:
    """What is wrong with something that was found, in its worst entry."""
    wrong = pair.expected.wrong(pair.found, pair.eps)
    if wrong is None:
        return None
    if isinstance(wrong, str):
        return Fault(f"{name}: {pair.what}", wrong, float("nan"))
    found = np.asarray(pair.found)[wrong]
    return Fault(f"{name}: {entry_name(pair.what, wrong)}", f"{found:.12g}", float(pair.expected.right[wrong]))


def run_all(comparisons: Iterable[Comparison], subject: Subject) -> tuple[list[Compared], list[Fault]]:
    """All comparisons in their order, as far as the time reaches."""
    listed = list(comparisons)
    results: list[Compared] = []
    faults: list[Fault] = []
    for number, comparison in enumerate(listed):
        subject.budget.show(comparison.name, number + 1, len(listed))
        compared, wrong = compare(comparison, subject)
        results.append(compared)
        faults += wrong
    return results, faults
