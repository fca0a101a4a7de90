"""Places in arrays as source: index arrays that broadcast, and the guards of entries that may not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from backpropsym.kernels.backends.sizes import size_source
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


def places_source(places: Places, rank: int, operands: Sequence[str], counted: str = "_np.arange") -> str:
    """The index array of each axis, and each guard with the size of its axis.

    Parameters
    ----------
    rank : the number of axes of the result without that of objects.
    operands : the source of what is read, and of what chooses entries by data.
    counted : what makes an index array from 0 of a size.
    """
    axes = ", ".join(position_source(each, rank, operands, counted) for each in places.axes)
    guards = [
        f"({position_source(each, rank, operands, counted)}, {size_source(size)})" for each, size in places.guards
    ]
    return f"({axes},), ({', '.join(guards)}{',' if guards else ''})"


def position_source(position: Position, rank: int, operands: Sequence[str], counted: str) -> str:
    """A position as source."""
    match position:
        case Along(axis, size):
            text = f"{counted}({size_source(size)})"
            inside = ", ".join("-1" if each == axis else "1" for each in range(rank))
            return f"{text}.reshape({inside})" if rank > 1 else text
        case Whole(value):
            return f"({value})" if value < 0 else str(value)
        case Extent(size):
            return size_source(size)
        case Chosen(slot, batched):
            return f"_whole({operands[slot]}, {rank if batched else 0})"
    parts = [position_source(each, rank, operands, counted) for each in position.parts]
    match position:
        case Total():
            return f"({' + '.join(parts)})"
        case Times():
            return "*".join(parts)
        case Opposite():
            return f"(-{parts[0]})"
        case Quotient():
            return f"({parts[0]} // {parts[1]})"
        case Remainder():
            return f"({parts[0]} % {parts[1]})"
        case ChosenAt(slot):
            return f"_named({operands[slot]}, {', '.join(parts)})"
        case Inside(_, size):
            return f"_inside({parts[0]}, {size_source(size)})"
        case _:
            assert_never(position)
