"""What is told of a derivative at a kink: which terms rest on a convention, and the slopes on both sides."""

from __future__ import annotations

import math

from backpropsym.derive.analyses.kinks import Kink
from backpropsym.document.writers.numbers import finite_data
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.evaluate.slopes import same

MARK = "rests on a convention"


def kink_text(kink: Kink, writer: Writer) -> str:
    """One sentence: the slopes of the whole, and which of them the conventions give."""
    value = writer.measured(kink.value)
    if math.isnan(kink.left) and math.isnan(kink.right):
        return f"at a kink: the conventions give {value}; the slopes on both sides were not found"
    left, right = (_slope(slope, writer) for slope in (kink.left, kink.right))
    slopes = f"at a kink: the slope is {left} to the left and {right} to the right"
    if kink.neither:
        return f"{slopes}; the conventions give {value}, which is none of them"
    if same(kink.left, kink.right):
        return f"{slopes}, as the conventions give it"
    side = "left" if same(kink.value, kink.left) else "right"
    return f"{slopes}; the conventions give the {side} one"


def _slope(slope: float, writer: Writer) -> str:
    return "undefined" if math.isnan(slope) else writer.measured(slope)


def kink_data(kink: Kink) -> dict[str, object]:
    """The same for scripts: `value`, `left`, `right` (None where there is no finite slope), and `neither`."""
    return {
        "value": finite_data(kink.value),
        "left": finite_data(kink.left),
        "right": finite_data(kink.right),
        "neither": kink.neither,
    }
