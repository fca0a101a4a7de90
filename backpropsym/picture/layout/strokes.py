"""The strokes of highlighted paths: side by side where they share a link, one continuous line each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backpropsym.picture.layout.geometry import Polyline, beside, tail
from backpropsym.picture.layout.grid import Grid
from backpropsym.picture.scene import HighlightedPath, LinkId

BUNDLE = 34.0
"""The widest that the paths on one link may lie, from the middle of the first to that of the last, in pixels."""

STEP = 1.65
"""Distance between neighbouring paths, in widths of a path."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """For each link the paths on it, in order across it, and the distance between neighbours in pixels."""

    order: Mapping[LinkId, tuple[int, ...]]
    step: float

    @property
    def width(self) -> float:
        """The width of every path's stroke, in pixels."""
        return self.step / STEP

    def offset(self, link: LinkId, highlight: int) -> float:
        """How far right of the link's course the path runs on it."""
        order = self.order[link]
        return (order.index(highlight) - (len(order) - 1) / 2) * self.step

    def span(self, link: LinkId) -> float:
        """The width of all strokes on the link together; 0 if there are none."""
        count = len(self.order.get(link, ()))
        return (count - 1) * self.step + self.width if count else 0.0


def lanes(highlights: Sequence[HighlightedPath], grid: Grid, width: float) -> Lanes:
    """The lanes of `highlights`, each `width` pixels wide, narrower where many share a link.

    On a link the paths are ordered as they will part, from the top down, and those that never part as they met:
    so they do not cross without need.
    """
    users: dict[LinkId, list[tuple[tuple[float, ...], tuple[float, ...], int]]] = defaultdict(list)
    for highlight in highlights:
        heights = [grid.boxes[link.target].rect.centre[1] for link in highlight.links]
        starts = [grid.boxes[link.source].rect.centre[1] for link in highlight.links]
        for i, link in enumerate(highlight.links):
            users[link].append((tuple(heights[i:]), tuple(reversed(starts[: i + 1])), highlight.number))
    order = {link: tuple(number for _, _, number in sorted(found)) for link, found in users.items()}
    most = max((len(found) for found in order.values()), default=1)
    return Lanes(order, min(width * STEP, BUNDLE / max(most - 1, 1)))


def stroke(highlight: HighlightedPath, routes: Mapping[LinkId, Polyline], lanes: Lanes, start: float) -> Polyline:
    """The line of one path, from `start` (0 to 1) of its first link to its last box."""
    points: list[tuple[float, float]] = []
    for i, link in enumerate(highlight.links):
        route = tail(routes[link], start) if i == 0 and start else routes[link]
        points += beside(route, lanes.offset(link, highlight.number))
    return tuple(points)
