"""Long networks in several rows: the boxes from which links go on stand once more at the left of a further row."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from backpropsym.picture.layout.geometry import Polyline, Rect, hull, rounded_corners, shifted
from backpropsym.picture.layout.grid import OUTER, Grid, Room, grid, numbered
from backpropsym.picture.layout.routes import routes_and_exits
from backpropsym.picture.layout.sizes import PlacedBox, moved
from backpropsym.picture.layout.strokes import BUNDLE, STEP
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.scene import Box, HighlightedPath, Link, LinkId, Scene

CHANNEL, LEAST_CHANNEL = 22.0, 10.0
"""Pixels between a row and the first line that runs back to the left below it; where there is little room."""

LANE = 12.0
"""Pixels between two such lines."""

ASIDE = 16.0
"""How far left and right of the boxes those lines turn, in pixels."""

CORNER = 14.0
AGAIN_GAP = 46.0
"""About the length of the links from boxes that stand again, in pixels."""

LEAVES = OUTER | {"input"}
"""Roles of boxes that are merely repeated in a further row: no line leads to them."""


@dataclass(slots=True)
class Rows:
    """A scene in rows: boxes that stand again have names of their own. `row` tells in which row each box stands."""

    scene: Scene
    row: Mapping[str, int] = field(default_factory=dict)

    @property
    def returns(self) -> list[LinkId]:
        """The links from a box to where it stands again."""
        again = {box.id for box in self.scene.boxes if box.again}
        return [link.id for link in self.scene.links if link.target in again]


def in_rows(scene: Scene, breaks: Sequence[int]) -> Rows:
    """`scene` broken before the columns of these numbers."""
    return _Breaker(scene, breaks).rows()


class _Breaker:
    """Breaks one scene into rows; `again` are the boxes that stand once more, by their names and rows."""

    def __init__(self, scene: Scene, breaks: Sequence[int]) -> None:
        self.scene = scene
        _, self.column = numbered(scene)
        self.row = {name: bisect_right(breaks, number) for name, number in self.column.items()}
        self.boxes = {box.id: box for box in scene.boxes}
        self.again: dict[tuple[str, int], Box] = {}
        for link in scene.links:
            row = self.row[link.target]
            if self.row[link.source] < row:
                self.again[link.source, row] = _again(self.boxes[link.source], row, 2 * breaks[row - 1] - 1)

    def rows(self) -> Rows:
        """The scene in rows."""
        scene, row = self.scene, self.row
        placed = [replace(box, column=2 * self.column[box.id]) for box in scene.boxes]
        clusters = [
            replace(cluster, boxes=tuple(name for name in cluster.boxes if row[name] == number))
            for cluster in scene.clusters
            for number in sorted({row[name] for name in cluster.boxes})
        ]
        found = replace(
            scene,
            boxes=(*placed, *self.again.values()),
            links=(*(replace(link, source=self._source(link.id)) for link in scene.links), *self._returns()),
            highlights=tuple(replace(path, links=tuple(self._course(path))) for path in scene.highlights),
            clusters=tuple(cluster for cluster in clusters if len(cluster.boxes) > 1),
            cuts=tuple(LinkId(self._source(cut), cut.target) for cut in scene.cuts),
        )
        return Rows(found, {**row, **{box.id: number for (_, number), box in self.again.items()}})

    def _source(self, link: LinkId) -> str:
        """Where a link starts: where its source stands in the row of its target."""
        copy = self.again.get((link.source, self.row[link.target]))
        return copy.id if copy and self.row[link.source] < self.row[link.target] else link.source

    def _leads(self, name: str) -> bool:
        """Whether a line leads from a box to where it stands again."""
        return self.boxes[name].role not in LEAVES and self.boxes[name].role != "more"

    def _returns(self) -> Iterator[Link]:
        return (Link(name, box.id) for (name, _), box in self.again.items() if self._leads(name))

    def _course(self, highlight: HighlightedPath) -> Iterator[LinkId]:
        """The links of a path, with the lines to further rows; one that starts at a label starts on its link."""
        for i, link in enumerate(highlight.links):
            start = self._source(link)
            if start != link.source and self._leads(link.source) and not (i == 0 and highlight.from_label):
                yield LinkId(link.source, start)
            yield LinkId(start, link.target)


def _again(box: Box, row: int, column: int) -> Box:
    """A box as it stands once more: its name alone, the outline in dashes."""
    role = "value" if box.role in ("output", "loss") else box.role
    value = box.value if box.role == "more" else None
    return replace(box, id=f"{box.id}@{row + 1}", column=column, role=role, again=True, value=value, adjoint=None)


def rows_grid(
    rows: Rows, theme: Theme, labelled: Mapping[LinkId, float], room: Room
) -> tuple[Grid, dict[LinkId, Polyline]]:
    """The rows below one another, each with its first column at the left, and the courses of all links."""
    boxes: dict[str, PlacedBox] = {}
    courses: dict[LinkId, Polyline] = {}
    columns: list[tuple[str, ...]] = []
    column: dict[str, int] = {}
    exits: dict[str, Polyline] = {}
    right = below = 0.0
    for number in range(max(rows.row.values(), default=0) + 1):
        part = _part(rows, number)
        gaps = {gap - len(columns): factor for gap, factor in room.gaps.items() if gap >= len(columns)}
        placed = grid(part, theme, labelled, replace(room, gaps=gaps))
        leaving = dict.fromkeys(link.source for link in rows.returns if rows.row[link.source] == number)
        found, ends = routes_and_exits(part, placed, leaving)
        back = [link for link in rows.returns if rows.row[link.target] == number]
        area = _hull(placed, [*found.values(), *ends.values()])
        free = max(CHANNEL * room.low, LEAST_CHANNEL)
        channel = (2 * free + sum(_spans(rows.scene, back, theme).values())) if number else 0.0
        dx, dy = -min(box.rect.left for box in placed.boxes.values()), below + channel - area.top
        boxes |= {name: moved(box, dx, dy) for name, box in placed.boxes.items()}
        courses |= {link: shifted(line, dx, dy) for link, line in found.items()}
        exits |= {name: shifted(line, dx, dy) for name, line in ends.items()}
        column |= {name: place + len(columns) for name, place in placed.column.items()}
        columns += placed.columns
        courses |= _returns(rows.scene, back, boxes, exits, (right, below + free), theme)
        right, below = max(right, area.right + dx), area.bottom + dy
    order = {box.id: boxes[box.id] for box in rows.scene.boxes}
    return Grid(order, tuple(columns), column), courses


def _part(rows: Rows, number: int) -> Scene:
    """One row as a scene of its own."""
    held = {name for name, row in rows.row.items() if row == number}
    return replace(
        rows.scene,
        boxes=tuple(box for box in rows.scene.boxes if box.id in held),
        links=tuple(link for link in rows.scene.links if link.source in held and link.target in held),
        highlights=(),
        clusters=tuple(cluster for cluster in rows.scene.clusters if held.issuperset(cluster.boxes)),
        cuts=(),
    )


def _hull(placed: Grid, lines: Iterable[Polyline]) -> Rect:
    rects = [rect for box in placed.boxes.values() for rect in box.occupied()]
    return hull([*rects, *(Rect(x, y - 2, x, y + 2) for line in lines for x, y in line)])


def _spans(scene: Scene, back: Sequence[LinkId], theme: Theme) -> dict[LinkId, float]:
    """The room that each line to a further row takes: wider where many paths run along it."""
    paths = Counter(link for highlight in scene.highlights for link in highlight.links)
    step = theme.trail_width * STEP
    return {link: LANE + min(paths[link] * step, BUNDLE + step) for link in back}


def _returns(
    scene: Scene,
    back: Sequence[LinkId],
    boxes: Mapping[str, PlacedBox],
    exits: Mapping[str, Polyline],
    edge: tuple[float, float],
    theme: Theme,
) -> dict[LinkId, Polyline]:
    """Lines to where boxes stand again: right past all rows before, back below them, and in from the left.

    They lie in one another, the highest outermost, so that none crosses another. `edge` is the right end of the rows
    before, and where the first line may run below them.
    """
    found: dict[LinkId, Polyline] = {}
    spans = _spans(scene, back, theme)
    # From the innermost line outwards: the lowest source first.
    order = sorted(back, key=lambda link: -boxes[link.target].rect.centre[1])
    away, total, (right, below) = 0.0, sum(spans.values()), edge
    for link in order:
        half = spans[link] / 2
        exit, entry = exits[link.source], boxes[link.target].entry
        start = exit[-1]
        turn, lane = right + ASIDE + away + half, below + away + half
        left = boxes[link.target].rect.left - ASIDE - (total - away - half)
        corners = [start, (turn, start[1]), (turn, lane), (left, lane), (left, entry[1]), entry]
        found[link] = (*exit[:-1], *rounded_corners(corners, CORNER + half / 2))
        away += spans[link]
    return found


def breaks(scene: Scene, placed: Grid, width: float) -> tuple[int, ...]:
    """Before which columns to break a picture so that its rows are at most `width` pixels wide; () where none helps.

    As few rows as can be; then where few boxes must stand again, no layer is torn, and rows are of a length.
    """
    count = len(placed.columns)
    rects = [
        hull([rect for name in names for rect in placed.boxes[name].occupied()]) if names else None
        for names in placed.columns
    ]
    costs = [_cost(scene, placed.column, at) for at in range(count)]
    best: dict[int, tuple[int, float, tuple[int, ...]]] = {0: (0, 0.0, ())}
    for end in range(1, count + 1):
        options = []
        for start in range(end):
            first, last = rects[start], rects[end - 1]
            if start not in best or first is None or last is None:
                continue
            again = _width_again(scene, placed, start) if start else 0.0
            wide = last.right - first.left + again + (2 * ASIDE + LANE if start or end < count else 0.0)
            if wide <= width or end - start == 1:
                rows, cost, cuts = best[start]
                loose = 6.0 * max(1 - wide / width, 0.0) ** 2 + (100.0 if wide > width else 0.0)
                options.append((rows + 1, cost + costs[start] + loose, (*cuts, *((start,) if start else ()))))
        if options:
            best[end] = min(options)
    return best[count][2] if count in best else ()


def _cost(scene: Scene, column: Mapping[str, int], at: int) -> float:
    """What a break before a column costs: lines that run back, boxes repeated, layers torn."""
    if at == 0:
        return 0.0
    roles = {box.id: box.role for box in scene.boxes}
    crossing = {link.source for link in scene.links if column[link.source] < at <= column[link.target]}
    torn = sum(len({column[name] < at for name in cluster.boxes}) > 1 for cluster in scene.clusters)
    return sum(0.2 if roles[name] in LEAVES else 1.0 for name in crossing) + 3.0 * torn


def _width_again(scene: Scene, placed: Grid, at: int) -> float:
    """About what the boxes that stand again before a column take, with the links from them."""
    column, boxes = placed.column, placed.boxes
    crossing = {link.source for link in scene.links if column[link.source] < at <= column[link.target]}
    widest = max((boxes[name].rect.width for name in crossing if not boxes[name].small), default=0.0)
    return widest + AGAIN_GAP if widest else 0.0
