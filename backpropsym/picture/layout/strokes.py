"""The strokes of highlighted trails: side by side where they share a link, one continuous line each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backpropsym.picture.layout.geometry import Polyline, beside, tail
from backpropsym.picture.layout.grid import Grid
from backpropsym.picture.scene import LinkId, Trail

BUNDLE = 34.0
"""The widest that the trails on one link may lie, from the middle of the first to that of the last, in pixels."""

STEP = 1.65
"""Distance between neighbouring trails, in widths of a trail."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """For each link the trails on it, in order across it, and the distance between neighbours in pixels."""

    order: Mapping[LinkId, tuple[int, ...]]
    step: float

    @property
    def width(self) -> float:
        """The width of every trail's stroke, in pixels."""
        return self.step / STEP

    def offset(self, link: LinkId, trail: int) -> float:
        """How far right of the link's course the trail runs on it."""
        order = self.order[link]
        return (order.index(trail) - (len(order) - 1) / 2) * self.step

    def span(self, link: LinkId) -> float:
        """The width of all strokes on the link together; 0 where there is none."""
        count = len(self.order.get(link, ()))
        return (count - 1) * self.step + self.width if count else 0.0


def lanes(trails: Sequence[Trail], grid: Grid, width: float) -> Lanes:
    """The lanes of `trails`, each `width` pixels wide, narrower where many share a link.

    On a link the trails are ordered as they will part, from the top down, and those that never part as they met:
    so they do not cross without need.
    """
    users: dict[LinkId, list[tuple[tuple[float, ...], tuple[float, ...], int]]] = defaultdict(list)
    for trail in trails:
        heights = [grid.boxes[link.target].rect.centre[1] for link in trail.links]
        starts = [grid.boxes[link.source].rect.centre[1] for link in trail.links]
        for i, link in enumerate(trail.links):
            users[link].append((tuple(heights[i:]), tuple(reversed(starts[: i + 1])), trail.number))
    order = {link: tuple(number for _, _, number in sorted(found)) for link, found in users.items()}
    most = max((len(found) for found in order.values()), default=1)
    return Lanes(order, min(width * STEP, BUNDLE / max(most - 1, 1)))


def stroke(trail: Trail, routes: Mapping[LinkId, Polyline], lanes: Lanes, start: float) -> Polyline:
    """The line of one trail, from `start` (0 to 1) of its first link to its last box."""
    points: list[tuple[float, float]] = []
    for i, link in enumerate(trail.links):
        route = tail(routes[link], start) if i == 0 and start else routes[link]
        points += beside(route, lanes.offset(link, trail.number))
    return tuple(points)
