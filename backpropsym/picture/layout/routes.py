"""Which way links run: straight between neighbouring columns, in lanes clear of the boxes where they skip some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise

from backpropsym.picture.layout.geometry import Point, Polyline, Rect, curve
from backpropsym.picture.layout.grid import Grid
from backpropsym.picture.layout.sizes import PlacedBox
from backpropsym.picture.scene import LinkId, Scene

CLEARANCE = 9.0
"""Pixels that a passing link keeps from a box."""

LANE = 13.0
"""Pixels between two links that pass a column side by side."""

LEAD = 6.0
"""Pixels by which a lane runs on straight to both sides of its column."""

BEND = 25.0
"""What a change of height costs, in pixels of detour."""

_KEPT = 16


@dataclass(slots=True)
class _Column:
    """A column that links pass: its sides, the spans that its boxes take, and the heights at which links pass."""

    left: float
    right: float
    taken: Sequence[tuple[float, float]]
    lanes: list[float] = field(default_factory=list)

    def free(self, height: float) -> bool:
        """Whether a link can pass at `height`, clear of boxes and of other lanes."""
        return not any(low < height < high for low, high in self.taken) and not any(
            abs(height - lane) < LANE for lane in self.lanes
        )

    def channels(self) -> Iterator[float]:
        """One free height in each gap between boxes, above them all and below them all."""
        yield next(height for i in count() if self.free(height := self.taken[0][0] - LANE * i))
        yield next(height for i in count() if self.free(height := self.taken[-1][1] + LANE * i))
        for (_, high), (low, _) in pairwise(self.taken):
            steps = int((low - high) / 2 // LANE)
            heights = ((high + low) / 2 + LANE * i * side for i in range(steps + 1) for side in (-1, 1))
            yield from (height for height in [next(filter(self.free, heights), None)] if height is not None)


def routes(scene: Scene, grid: Grid) -> dict[LinkId, Polyline]:
    """The course of every link, from within its source to within its target."""
    return routes_and_exits(scene, grid, ())[0]


def routes_and_exits(
    scene: Scene, grid: Grid, leaving: Iterable[str]
) -> tuple[dict[LinkId, Polyline], dict[str, Polyline]]:
    """The course of every link, and from every box in `leaving` one past the last column."""
    columns = [_column(grid, names) for names in grid.columns]
    courses = {link.id: _route(link.id, grid, columns) for link in scene.links}
    return courses, {name: _exit(name, grid, columns) for name in leaving}


def _exit(name: str, grid: Grid, columns: Sequence[_Column]) -> Polyline:
    """From a box to where the picture ends at the right."""
    start = grid.boxes[name].exit
    passed = columns[grid.column[name] + 1 :]
    right = max(column.right for column in columns) + LEAD
    if not passed:
        return start, (right, start[1])
    marks = [start]
    for column, height in zip(passed, _heights(start[1], start[1], passed), strict=True):
        column.lanes.append(height)
        marks += [(column.left - LEAD, height), (column.right + LEAD, height)]
    return (*_smooth(marks), (right, marks[-1][1]))


def _column(grid: Grid, names: Sequence[str]) -> _Column:
    boxes = [grid.boxes[name] for name in names]
    spans = sorted((rect.top - CLEARANCE, _bottom(box, rect) + CLEARANCE) for box in boxes for rect in box.occupied())
    taken: list[tuple[float, float]] = []
    for low, high in spans:
        if taken and low < taken[-1][1]:
            taken[-1] = (taken[-1][0], max(high, taken[-1][1]))
        else:
            taken.append((low, high))
    return _Column(min(box.rect.left for box in boxes), max(box.rect.right for box in boxes), taken)


def _bottom(box: PlacedBox, rect: Rect) -> float:
    """Where what belongs to a box ends: for a small one, its short link as well."""
    return rect.bottom + (2 * CLEARANCE if box.small else 0.0)


def _route(link: LinkId, grid: Grid, columns: Sequence[_Column]) -> Polyline:
    source, target = grid.boxes[link.source], grid.boxes[link.target]
    first, last = grid.column[link.source], grid.column[link.target]
    if source.small or first >= last:
        x = source.rect.centre[0]
        inside = min(max(x, target.rect.left + 12), target.rect.right - 12)
        return source.rect.centre, (inside if source.small else target.rect.centre[0], target.rect.centre[1])
    passed = columns[first + 1 : last]
    if _clear((source.exit, target.entry), passed):
        return source.exit, target.entry
    marks = [source.exit]
    for column, height in zip(passed, _heights(source.exit[1], target.entry[1], passed), strict=True):
        column.lanes.append(height)
        marks += [(column.left - LEAD, height), (column.right + LEAD, height)]
    return _smooth([*marks, target.entry])


def _clear(line: Polyline, passed: Sequence[_Column]) -> bool:
    """Whether a straight line passes every box on its way."""
    return not any(
        Rect(column.left, low, column.right, high).meets(*line) for column in passed for low, high in column.taken
    )


def _heights(start: float, end: float, passed: Sequence[_Column]) -> tuple[float, ...]:
    """The heights at which to pass the columns, with few bends and a short way: the best of the `_KEPT` best so far."""
    plans: dict[float, tuple[float, tuple[float, ...]]] = {start: (0.0, ())}
    for column in passed:
        options = [*column.channels(), *(height for height in (*plans, end) if column.free(height))]
        found = {}
        for height in options:
            cost, before = min((cost + _cost(last, height), way) for last, (cost, way) in plans.items())
            found[height] = (cost, (*before, height))
        plans = dict(sorted(found.items(), key=lambda item: item[1][0] + abs(end - item[0]))[:_KEPT])
    return min((cost + _cost(last, end), way) for last, (cost, way) in plans.items())[1]


def _cost(before: float, after: float) -> float:
    return abs(after - before) + (BEND if after != before else 0.0)


def _smooth(marks: Sequence[Point]) -> Polyline:
    """A smooth line through `marks`, level at all but the first and the last."""
    points: list[Point] = [marks[0]]
    for i, (a, b) in enumerate(pairwise(marks)):
        if a[1] == b[1] or i % 2:
            points.append(b)
            continue
        reach = (b[0] - a[0]) * 0.5
        leave = (a[0] + reach, a[1]) if i else (a[0] + reach, a[1] + (b[1] - a[1]) * 0.5)
        arrive = (b[0] - reach, b[1]) if i < len(marks) - 2 else (b[0] - reach, b[1] - (b[1] - a[1]) * 0.5)
        points.extend(curve(a, leave, arrive, b)[1:])
    return tuple(points)
