"""All comparisons of a check in their order: the cheap and most telling ones first."""

from __future__ import annotations

from collections.abc import Sequence

from backpropsym.checks.comparison_result import Compared, unreached
from backpropsym.checks.comparisons import kernels, products, truth
from backpropsym.checks.comparisons.registry import Comparison, run_all
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.report import Fault

BEFORE = truth.BEFORE
"""What all else rests on."""

FIRST = (*truth.DEFAULT, *kernels.DEFAULT, *products.DEFAULT)
"""What is compared before the forms."""

LAST = (*kernels.OTHERS, *products.COSTLY)
"""What is compared at last, beside the kernels of other engines."""

WRONG_ALREADY = "what they compare with is wrong"


def last() -> tuple[Comparison, ...]:
    """What is compared at last, with the engines that are registered now."""
    return (*LAST, *kernels.other_engines())


def run(comparisons: Sequence[Comparison], subject: Subject, wrong: bool = False) -> tuple[list[Compared], list[Fault]]:
    """Comparisons in their order; none where what they compare with is wrong."""
    wanted = [each for each in comparisons if subject.plan.thorough or not each.thorough]
    if wrong:
        return [unreached(each.name, each.about, WRONG_ALREADY) for each in wanted], []
    return run_all(wanted, subject)
