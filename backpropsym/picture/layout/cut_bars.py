"""The bars across cut links of a picture, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backpropsym.picture.layout.geometry import Point, Polyline, Rect, walk
from backpropsym.picture.layout.layout import Layout
from backpropsym.picture.scene import LinkId

COLOUR = "#C1121F"
BAR = 10.0
"""Half the length of a bar, in pixels; two bars stand `APART` pixels from one another."""

APART = 6.0
WIDTH = 3.0
MOST_ROUTES = 200
"""So many other links are kept clear of; more lie too close together for that."""

_SHARES = tuple(round(0.5 + side * at * 0.04, 2) for at in range(12) for side in ((1, -1) if at else (1,)))
_CLEARANCES = (2 * BAR, 14.0, 10.0)
"""Squares about the middle of a mark that are to be free; a short link has room for the smallest only."""


def bars(layout: Layout) -> Iterator[tuple[LinkId, Polyline]]:
    """The two bars of each cut link, where they hide no label or number if there is such a place."""
    taken = [placed.rect for placed in layout.boxes.values()] + [label.rect for label in layout.labels.values()]
    taken += layout.tag_rects()
    for link in layout.scene.cuts:
        spots = [walk(layout.routes[link], share) for share in _SHARES]
        free = next(filter(None, (_free(spots, taken, clearance) for clearance in _CLEARANCES)), spots)
        # A bar where two links cross would leave open which of them it is across.
        others = [line for other, line in layout.routes.items() if other != link][:MOST_ROUTES]
        alone = (spot for spot in free if not any(_around(spot[0]).meets_line(line) for line in others))
        middle, course = next(alone, free[0])
        for side in (-APART / 2, APART / 2):
            yield link, _bar(middle, course, side)


def _free(spots: Sequence[tuple[Point, Point]], taken: Sequence[Rect], clearance: float) -> list[tuple[Point, Point]]:
    """The spots about which nothing else stands."""
    return [spot for spot in spots if not any(_around(spot[0], clearance).overlaps(rect) for rect in taken)]


def _around(middle: Point, clearance: float = 2 * BAR) -> Rect:
    return Rect.around(middle, clearance, clearance)


def _bar(middle: Point, course: Point, side: float) -> Polyline:
    """A line across a course, `side` pixels beyond the middle."""
    (x, y), (dx, dy) = middle, course
    x, y = x + side * dx, y + side * dy
    return (x - BAR * dy, y + BAR * dx), (x + BAR * dy, y - BAR * dx)
