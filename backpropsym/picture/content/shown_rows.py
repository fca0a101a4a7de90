"""Which boxes of a tall column are drawn: all, or the first ones and the last."""

from __future__ import annotations

from collections.abc import Iterable

MAX_ROWS = 16
"""A column with more boxes than this shows a few."""

FEW = 5
"""How many boxes of a taller column are shown: the first four and the last."""


ON_SLIDES = 6
"""The most boxes of a column on a slide, which is read from the back of a room, besides those on the paths."""


def first_and_last(count: int, rows: int | None, needed: Iterable[int] = ()) -> list[int]:
    """The positions, out of `count`, that are shown: the first and the last, and those needed.

    Parameters
    ----------
    rows : the most that are shown; None for all up to 16, else 5. All are, where only one would be left out.
    """
    most = rows if rows is not None else (MAX_ROWS if count <= MAX_ROWS else FEW)
    if count <= most:
        return list(range(count))
    kept = sorted({*range(max(most - 1, 1)), count - 1, *needed})
    return list(range(count)) if len(kept) + 1 >= count else kept
