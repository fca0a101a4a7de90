"""Whether places lie in the array that is read: every position that no data chooses, computed."""

from __future__ import annotations

import math

import numpy as np

from backpropsym.arrays import Array
from backpropsym.kernels.ir.positions import (
    Along,
    Chosen,
    ChosenAt,
    Extent,
    Inside,
    Opposite,
    Places,
    Position,
    Quotient,
    Remainder,
    Times,
    Total,
    Whole,
)
from backpropsym.ops.kinds import Shape
from backpropsym.ops.shapes import shape_text


def problem_of(places: Places, rank: int, shape: Shape, choosing: int) -> str:
    """What is wrong with places in an array of this shape, without an axis of objects; nothing if all fit.

    Parameters
    ----------
    rank : the number of axes of the result, without one of objects.
    choosing : the number of operands that choose by data.
    """
    if len(places.axes) != len(shape):
        return f"{len(places.axes)} positions are not one for each axis of {shape_text(shape)}"
    for part in places.parts():
        if isinstance(part, Along) and not 0 <= part.axis < rank:
            return f"a position counts along axis {part.axis} of {rank}"
        if isinstance(part, Chosen | ChosenAt) and not 1 <= part.slot <= choosing:
            return f"operand {part.slot} chooses, and {choosing} do"
    guarded = dict(places.guards)
    for position, size in zip(places.axes, shape, strict=True):
        checked = position.size if isinstance(position, Inside) else guarded.get(position)
        if checked is None and isinstance(size, int) and not _within(position, rank, size):
            return f"a position is outside of an axis of size {size}"
        if checked not in (None, size):
            return f"a position is kept inside of {checked}, and its axis has the size {size}"
    return ""


def _within(position: Position, rank: int, size: int) -> bool:
    reached = _computed(position, rank)
    return reached is None or reached.size == 0 or bool(reached.min() >= 0 and reached.max() < size)


def _computed(position: Position, rank: int) -> Array | None:
    """The position of every entry of a result; None where data or symbolic sizes decide it."""
    match position:
        case Along(axis, int(size)):
            return np.arange(size).reshape([-1 if each == axis else 1 for each in range(rank)])
        case Whole(value):
            return np.asarray(value)
        case Along() | Extent() | Chosen() | ChosenAt() | Inside():
            return None
    computed = [_computed(part, rank) for part in position.parts]
    parts = [part for part in computed if part is not None]
    if len(parts) < len(computed):
        return None
    match position:
        case Total():
            return sum(parts, np.asarray(0))
        case Times():
            return math.prod(parts, start=np.asarray(1))
        case Opposite():
            return -parts[0]
        case Quotient():
            return parts[0] // parts[1]
        case Remainder():
            return parts[0] % parts[1]
