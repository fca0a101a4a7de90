"""Where labels stand: on their own link, clear of boxes and of one another, and off other links where that can be.

Greedy, then repaired: every label takes the cheapest of its candidate places, then each is lifted and placed once
more among all the others until nothing changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, inf

from backpropsym.picture.layout.geometry import Point, Polyline, Rect, cross

OVERLAP = 1000.0
"""Cost of touching a box or another label."""

AIR = 5.0
"""Pixels that a label keeps from other lines where it can."""

NEAR = 0.25
"""Cost of a line within that distance, against that of one that runs through the label."""

ROUNDS = 4
_CELL = 80.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place for a label: its rectangle, how far along its link it stands (0 to 1), and what the place costs.

    `anchor` is the point of the link that a label beside it belongs to; a line that passes between the two would
    look like the one that is meant. None where the label stands on its link.
    """

    rect: Rect
    share: float
    cost: float
    anchor: Point | None = None

    def parted(self, start: Point, end: Point) -> bool:
        """Whether the straight line from `start` to `end` passes between the label and its link."""
        return self.anchor is not None and cross(self.anchor, self.rect.centre, start, end)


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn line and the cost of a label on top of it; `owners` are those that may: its own, its paths' numbers."""

    owners: tuple[object, ...]
    points: Polyline
    cost: float


class Placer:
    """Places rectangles one after the other among boxes, lines, and what has been placed before."""

    def __init__(self, boxes: Iterable[Rect], lines: Iterable[Line]) -> None:
        self._fixed: dict[tuple[int, int], list[Rect]] = defaultdict(list)
        self._lines: dict[tuple[int, int], list[tuple[Line, Point, Point]]] = defaultdict(list)
        self._placed: dict[tuple[int, int], dict[object, Rect]] = defaultdict(dict)
        self._known: dict[int, tuple[float, bool]] = {}
        for rect in boxes:
            for cell in _cells(rect):
                self._fixed[cell].append(rect)
        for line in lines:
            self._add(line)

    def place(self, options: dict[object, Sequence[Candidate]]) -> dict[object, Candidate]:
        """The candidate chosen for each label; labels with fewer choices come first."""
        chosen: dict[object, Candidate] = {}
        order = sorted(options, key=lambda owner: len(options[owner]))
        options = {owner: sorted(found, key=lambda option: option.cost) for owner, found in options.items()}
        for _ in range(ROUNDS):
            before = dict(chosen)
            for owner in order:
                chosen[owner] = self._replace(owner, chosen.get(owner), options[owner])
            if chosen == before:
                break
        return chosen

    def _replace(self, owner: object, old: Candidate | None, options: Sequence[Candidate]) -> Candidate:
        """Lift a label from where it stands, and put it where it costs least; `options` are in order of cost."""
        for cell in _cells(old.rect) if old else ():
            del self._placed[cell][owner]
        best, least = options[0], inf
        for option in options:
            if option.cost >= least:
                break
            cost = self._cost(owner, option, least)
            if cost < least:
                best, least = option, cost
        for cell in _cells(best.rect):
            self._placed[cell][owner] = best.rect
        return best

    def _add(self, line: Line) -> None:
        for start, end in pairwise(line.points):
            for cell in _cells_along(*sorted((start, end))):
                self._lines[cell].append((line, start, end))

    def _cost(self, owner: object, option: Candidate, bound: float) -> float:
        """What a place costs; exact where that is less than `bound`."""
        rect = option.rect
        near = {name: other for cell in _cells(rect) for name, other in self._placed.get(cell, {}).items()}
        taken = OVERLAP * sum(rect.overlaps(other) for other in near.values())
        if option.cost + taken >= bound:
            return bound
        # What never moves is looked at once, and again only where that look stopped at a lower bound.
        fixed, whole = self._known.get(id(option), (option.cost, False))
        if not whole and fixed + taken < bound:
            fixed, whole = self._known[id(option)] = self._fixed_cost(owner, option, bound - taken)
        return fixed + taken

    def _fixed_cost(self, owner: object, option: Candidate, bound: float) -> tuple[float, bool]:
        """What a place costs but for other labels, and whether that is all: past `bound` it stops counting."""
        rect, wide = option.rect, option.rect.grown(AIR)
        reach = wide if option.anchor is None else wide.holding(option.anchor)
        cells = list(_cells(reach))
        total = option.cost
        if any(rect.overlaps(other) for cell in cells for other in self._fixed.get(cell, ())):
            total += OVERLAP
        crossed: dict[int, float] = {}
        for cell in cells:
            for line, start, end in self._lines.get(cell, ()):
                known = crossed.get(id(line), 0.0)
                if known < line.cost and owner not in line.owners and reach.meets(start, end):
                    through = rect.meets(start, end) or option.parted(start, end)
                    now = line.cost * (1.0 if through else NEAR if wide.meets(start, end) else 0.0)
                    total += max(now - known, 0.0)
                    crossed[id(line)] = max(now, known)
            if total >= bound:
                return total, False
        return total, True


def _cells(rect: Rect) -> Iterable[tuple[int, int]]:
    return (
        (i, j)
        for i in range(floor(rect.left / _CELL), floor(rect.right / _CELL) + 1)
        for j in range(floor(rect.top / _CELL), floor(rect.bottom / _CELL) + 1)
    )


def _cells_along(start: Point, end: Point) -> Iterator[tuple[int, int]]:
    """The cells that a line passes; `start` is its left end."""
    (x0, y0), (x1, y1) = start, end
    slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
    for i in range(floor(x0 / _CELL), floor(x1 / _CELL) + 1):
        left, right = max(x0, i * _CELL), min(x1, (i + 1) * _CELL)
        heights = (y0 + slope * (left - x0), y0 + slope * (right - x0)) if x1 > x0 else (y0, y1)
        for j in range(floor(min(heights) / _CELL), floor(max(heights) / _CELL) + 1):
            yield i, j


def overlapping(rects: Sequence[Rect]) -> list[tuple[int, int]]:
    """The pairs of `rects`, by position, that share area."""
    order = sorted(range(len(rects)), key=lambda i: rects[i].left)
    found, active = [], list[int]()
    for i in order:
        active = [j for j in active if rects[j].right > rects[i].left]
        found += [(min(i, j), max(i, j)) for j in active if rects[i].overlaps(rects[j])]
        active.append(i)
    return sorted(found)
