"""What is told of a derivative at a kink: which terms rest on a convention, and the slopes on both sides."""

from __future__ import annotations

import math

from backpropsym.derive.analyses.kinks import Kink
from backpropsym.document.formulas import Line, Math, Value
from backpropsym.document.writers.mathematics import plain
from backpropsym.document.writers.numbers import finite_data
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.evaluate.slopes import same

MARK = "rests on a convention"


def kink_prose(kink: Kink) -> Line:
    """One sentence: the slopes of the whole, and which of them the conventions give."""
    value = Value(kink.value)
    if math.isnan(kink.left) and math.isnan(kink.right):
        return "at a kink: the conventions give ", value, "; the slopes on both sides were not found"
    left, right = map(_slope, (kink.left, kink.right))
    slopes = ("at a kink: the slope is ", left, " to the left and ", right, " to the right")
    if kink.neither:
        return *slopes, "; the conventions give ", value, ", which is none of them"
    if same(kink.left, kink.right):
        return *slopes, ", as the conventions give it"
    side = "left" if same(kink.value, kink.left) else "right"
    return *slopes, f"; the conventions give the {side} one"


def kink_text(kink: Kink, writer: Writer) -> str:
    """The same as text."""
    return plain(kink_prose(kink), writer)


def _slope(slope: float) -> str | Math:
    return "undefined" if math.isnan(slope) else Value(slope)


def kink_data(kink: Kink) -> dict[str, object]:
    """The same for scripts: `value`, `left`, `right` (None where there is no finite slope), and `neither`."""
    return {
        "value": finite_data(kink.value),
        "left": finite_data(kink.left),
        "right": finite_data(kink.right),
        "neither": kink.neither,
    }
