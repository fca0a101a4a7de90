"""Rectangles and polylines in the plane; x grows to the right, y downwards, in pixels of the picture."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import hypot

Point = tuple[float, float]
Polyline = tuple[Point, ...]

ROUND = 0.5523
"""How far the control points of a quarter of a circle lie from its ends, in radii."""


@dataclass(frozen=True, slots=True)
class Rect:
    """An axis-parallel rectangle, left < right and top < bottom."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, centre: Point, width: float, height: float) -> Rect:
        """The rectangle of that size about `centre`."""
        x, y = centre
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def centre(self) -> Point:
        """The middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def grown(self, margin: float) -> Rect:
        """The rectangle with `margin` added on every side."""
        return Rect(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def moved(self, dx: float, dy: float) -> Rect:
        """The rectangle moved by (dx, dy)."""
        return Rect(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def holding(self, point: Point) -> Rect:
        """The smallest rectangle about this one and `point`."""
        x, y = point
        return Rect(min(self.left, x), min(self.top, y), max(self.right, x), max(self.bottom, y))

    def overlaps(self, other: Rect) -> bool:
        """Whether the two share area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def meets(self, start: Point, end: Point) -> bool:
        """Whether the straight line from `start` to `end` enters the rectangle (Liang and Barsky's clipping)."""
        (x0, y0), (x1, y1) = start, end
        left, top, right, bottom = self.left, self.top, self.right, self.bottom
        if (x0 < left and x1 < left) or (x0 > right and x1 > right):
            return False
        if (y0 < top and y1 < top) or (y0 > bottom and y1 > bottom):
            return False
        enter, leave = 0.0, 1.0
        for low, high, origin, delta in ((left, right, x0, x1 - x0), (top, bottom, y0, y1 - y0)):
            if delta == 0:
                if not low < origin < high:
                    return False
                continue
            near, far = (low - origin) / delta, (high - origin) / delta
            if near > far:
                near, far = far, near
            enter = near if near > enter else enter
            leave = far if far < leave else leave
            if enter >= leave:
                return False
        return True

    def meets_line(self, line: Sequence[Point]) -> bool:
        """Whether `line` enters the rectangle."""
        return any(self.meets(start, end) for start, end in pairwise(line))


def cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the straight lines from `a` to `b` and from `c` to `d` cross, not merely touch."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Point, b: Point, c: Point) -> float:
    """Twice the signed area of a triangle: its sign says on which side of the line from `a` to `b` `c` lies."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def distance(a: Point, b: Point, c: Point, d: Point) -> float:
    """The distance between the straight lines from `a` to `b` and from `c` to `d`; 0 where they cross."""
    if cross(a, b, c, d):
        return 0.0
    return min(_away(a, c, d), _away(b, c, d), _away(c, a, b), _away(d, a, b))


def _away(point: Point, start: Point, end: Point) -> float:
    """How far a point is from the straight line from `start` to `end`."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    square = dx * dx + dy * dy
    share = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / square if square else 0.0
    share = min(max(share, 0.0), 1.0)
    return hypot(point[0] - start[0] - share * dx, point[1] - start[1] - share * dy)


def hull(rects: Sequence[Rect]) -> Rect:
    """The smallest rectangle about `rects`, of which there is at least one."""
    return Rect(
        min(rect.left for rect in rects),
        min(rect.top for rect in rects),
        max(rect.right for rect in rects),
        max(rect.bottom for rect in rects),
    )


def direction(start: Point, end: Point) -> Point:
    """The unit vector from `start` to `end`; to the right where the two coincide."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy)
    return (dx / length, dy / length) if length else (1.0, 0.0)


def walk(line: Sequence[Point], share: float) -> tuple[Point, Point]:
    """The point `share` of the way along `line` by length, and the direction there as a unit vector."""
    return next(walks(line, (share,)))


def walks(line: Sequence[Point], shares: Iterable[float]) -> Iterator[tuple[Point, Point]]:
    """`walk` for each of several shares."""
    lengths = list(accumulate((hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(line)), initial=0.0))
    for share in shares:
        goal = share * lengths[-1]
        i = min(max(bisect_right(lengths, goal) - 1, 0), len(line) - 2)
        (x0, y0), (x1, y1) = line[i], line[i + 1]
        step = lengths[i + 1] - lengths[i]
        part = (goal - lengths[i]) / step if step else 0.0
        yield (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part), direction(line[i], line[i + 1])


def length(line: Sequence[Point]) -> float:
    """The length of `line`."""
    return sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(line))


def beside(line: Polyline, distance: float) -> Polyline:
    """`line` moved sideways by `distance`: to the right of its course where positive (down, for one that runs right).

    Inner corners are mitred, so that the parallel keeps its distance from every segment.
    """
    if not distance:
        return line
    courses = [direction(a, b) for a, b in pairwise(line)]
    moved = []
    for i, (x, y) in enumerate(line):
        (ax, ay), (bx, by) = courses[max(i - 1, 0)], courses[min(i, len(courses) - 1)]
        nx, ny = -(ay + by), ax + bx
        # The mitre is 1/cos of half the turn; it is held at 2 where the line nearly turns back.
        scale = distance / max((nx * nx + ny * ny) / 2, 0.5)
        moved.append((x + nx * scale, y + ny * scale))
    return tuple(moved)


def curve(start: Point, first: Point, second: Point, end: Point, steps: int = 16) -> Polyline:
    """The cubic Bezier curve from `start` to `end` with two control points, as `steps` straight pieces."""
    points = []
    for i in range(steps + 1):
        t = i / steps
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        points.append(
            (
                a * start[0] + b * first[0] + c * second[0] + d * end[0],
                a * start[1] + b * first[1] + c * second[1] + d * end[1],
            )
        )
    return tuple(points)


def shifted(line: Polyline, dx: float, dy: float) -> Polyline:
    """`line` moved by (dx, dy)."""
    return tuple((x + dx, y + dy) for x, y in line)


def rounded_corners(corners: Sequence[Point], radius: float) -> Polyline:
    """A line along level and upright pieces, whose corners are round."""
    line: list[Point] = [corners[0]]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        reach = min(radius, hypot(corner[0] - before[0], corner[1] - before[1]) / 2)
        reach = min(reach, hypot(after[0] - corner[0], after[1] - corner[1]) / 2)
        (ax, ay), (bx, by) = direction(before, corner), direction(corner, after)
        start = (corner[0] - ax * reach, corner[1] - ay * reach)
        end = (corner[0] + bx * reach, corner[1] + by * reach)
        first = (start[0] + ax * reach * ROUND, start[1] + ay * reach * ROUND)
        second = (end[0] - bx * reach * ROUND, end[1] - by * reach * ROUND)
        line += curve(start, first, second, end, steps=8)
    return (*line, corners[-1])


def tail(line: Polyline, share: float) -> Polyline:
    """What of `line` lies beyond `share` of its length."""
    start, _ = walk(line, share)
    gone = share * length(line)
    kept, covered = [start], 0.0
    for a, b in pairwise(line):
        covered += hypot(b[0] - a[0], b[1] - a[1])
        if covered > gone:
            kept.append(b)
    return tuple(kept) if len(kept) > 1 else line[-2:]
