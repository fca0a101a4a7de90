"""Ways to place boxes on little room: smaller gaps between columns and rows, then more rows of columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from backpropsym.picture.layout.geometry import hull
from backpropsym.picture.layout.grid import Grid, Room, grid
from backpropsym.picture.layout.link_labels import crowded, labelled
from backpropsym.picture.layout.rows import breaks, in_rows, rows_grid
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.scene import Scene

_TIGHT = (1.0, 0.75, 0.5, 0.25, 0.0)
_LOW = (1.0, 0.6, 0.3, 0.0)
_NARROWER = (1.0, 0.93, 0.86, 0.78)
_MOST_ROWS = 8


class Way(NamedTuple):
    """How much room boxes get, before which columns a row begins, and how many times too large the boxes alone are."""

    room: Room
    breaks: tuple[int, ...]
    excess: float


def ways(scene: Scene, theme: Theme, labels: bool, room: tuple[float, float]) -> Iterator[Way]:
    """Ways to place `scene` on so many pixels, the best first."""
    fonts = labelled(scene, theme, crowded(scene)) if labels else {}
    bare = {tight: grid(scene, theme, fonts, Room(tight=tight)) for tight in _TIGHT}
    for tight in _TIGHT:
        for low in _LOW:
            usual = Room(tight=tight, low=low)
            way = Way(usual, (), _excess(grid(scene, theme, fonts, usual), room))
            yield way
            if way.excess <= 1:
                break
    known = set[tuple[float, tuple[int, ...]]]()
    for narrower in _NARROWER:
        for tight in (1.0, 0.5, 0.0):
            cuts = breaks(scene, bare[tight], room[0] * narrower)
            if cuts and len(cuts) < _MOST_ROWS and (tight, cuts) not in known:
                known.add((tight, cuts))
                rows = in_rows(scene, cuts)
                again = labelled(rows.scene, theme, crowded(rows.scene)) if labels else {}
                for low in _LOW:
                    usual = Room(tight=tight, low=low)
                    yield Way(usual, cuts, _excess(rows_grid(rows, theme, again, usual)[0], room))


def _excess(placed: Grid, room: tuple[float, float]) -> float:
    area = hull([rect for box in placed.boxes.values() for rect in box.occupied()])
    return max(area.width / room[0], area.height / room[1])
