"""The layout of a scene: where every box, link, label, path and number stands, in pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from backpropsym.picture.layout.engine import Engine, dot_grid
from backpropsym.picture.layout.geometry import Point, Polyline, Rect, beside, hull, walks
from backpropsym.picture.layout.grid import CLUSTER_MARGIN, HALO, Grid, Room, grid
from backpropsym.picture.layout.labels import Candidate, Line, Placer, overlapping
from backpropsym.picture.layout.routes import routes
from backpropsym.picture.layout.sizes import PlacedBox
from backpropsym.picture.layout.strokes import Lanes, lanes, stroke
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import Formula, typeset
from backpropsym.picture.scene import HighlightedPath, Link, LinkId, Scene

MAX_LABELS = 150
"""With more labelled links than this, labels cannot be read and are left out."""

MAX_BETWEEN = 36
"""With more labels than this between two columns, those are left out too."""

MAX_ROOMY = 48
"""With more links than this between two columns, no larger picture keeps every label of a path off the others."""

MANY = 12
"""With more labels than this between two columns, those are smaller."""

SMALLER = 0.8
SHARED = 1.5
ATTEMPTS = 5
WIDER, TALLER = 1.3, 1.12
"""By how much the gaps where labels lie on lines, and all rows, grow from one attempt to the next."""

TAG_RADIUS = 10.0
TAG_DIGIT = 7.5
"""How much wider than a disc a tag is for each digit after the second, in pixels."""
BOX_MARGIN = 5.0

ON_LINK, BESIDE_HIGHLIGHTED = 12.0, 300.0
"""Costs of a label on the link of another, and on either side of the paths there."""

ON_HIGHLIGHTED = 40.0
"""Cost of a label that interrupts the paths on its own link."""

_SHARES = tuple(round(0.5 + side * i * 0.02, 3) for i in range(20) for side in ((1, -1) if i else (1,)))


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A typeset label, the rectangle that it keeps clear, and how far along its link it stands (0 to 1)."""

    text: Formula
    rect: Rect
    share: float
    start: bool = False
    font: float = 17.0


@dataclass(frozen=True, slots=True)
class PlacedCluster:
    """The plate behind a group of boxes, and its label in the upper left corner."""

    name: str
    rect: Rect
    text: Formula
    text_rect: Rect


@dataclass(frozen=True, slots=True)
class Layout:
    """A scene with every position; coordinates start at the top left of `bounds`."""

    scene: Scene
    boxes: Mapping[str, PlacedBox]
    routes: Mapping[LinkId, Polyline]
    labels: Mapping[LinkId, PlacedLabel]
    lanes: Lanes
    strokes: Mapping[int, Polyline]
    tags: Mapping[int, Point]
    bounds: Rect
    clusters: tuple[PlacedCluster, ...] = ()
    column: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def ground(self, rect: Rect, theme: Theme) -> str:
        """The colour behind a label at `rect`: that of the cluster it stands in, or of the picture."""
        return theme.cluster if any(cluster.rect.overlaps(rect) for cluster in self.clusters) else theme.background

    def covered(self, among: Collection[LinkId] | None = None) -> set[LinkId]:
        """The links, of all or `among` some, whose labels stand on a box, another label, or a line not theirs."""
        names, boxes = list(self.labels), [rect for box in self.boxes.values() for rect in box.occupied()]
        rects = [*(self.labels[name].rect for name in names), *boxes]
        wanted = set(names) if among is None else set(names).intersection(among)
        found = {names[i] for pair in overlapping(rects) for i in pair if i < len(names)} & wanted
        spans = [(min(line)[0], max(line)[0], other, line) for other, line in self.routes.items()] if wanted else []
        for name in wanted - found:
            inner = self.labels[name].rect.grown(-HALO)
            left, right = inner.left, inner.right
            if any(
                low < right and high > left and other != name and inner.meets_line(line)
                for low, high, other, line in spans
            ):
                found.add(name)
        return found

    def tag_rects(self) -> list[Rect]:
        """Where the numbers of the paths stand."""
        return [
            tag_rect(highlight, self.tags[highlight.number])
            for highlight in self.scene.highlights
            if highlight.number in self.tags
        ]

    def crowding(self) -> int:
        """The number of pairs of boxes, values, labels and number tags that overlap."""
        rects = [rect for box in self.boxes.values() for rect in box.occupied()]
        rects += [label.rect for label in self.labels.values()]
        rects += self.tag_rects()
        return len(overlapping(rects))


def lay_out(scene: Scene, theme: Theme, *, labels: bool = True, engine: Engine = "columns") -> Layout:
    """Place everything in `scene`; link labels only where asked for and not too many.

    Where a label cannot stand clear of the lines of others, the picture is made larger, up to a bound. Between
    columns with more than 48 links a label of a path may still interrupt the pale links that are on no path.
    """
    fonts = _labelled(scene, theme, labels)
    if engine == "dot":
        return _attempt(scene, theme, fonts, dot_grid(scene, theme, fonts))
    roomy = _roomy(scene)
    room, fewest = Room(), 0
    best: Layout | None = None
    for _ in range(ATTEMPTS):
        placed = grid(scene, theme, fonts, room)
        layout = _attempt(scene, theme, fonts, (placed, routes(scene, placed)))
        gaps = {layout.column[link.target] for link in layout.covered(roomy)}
        if best is None or len(gaps) < fewest:
            best, fewest = layout, len(gaps)
        if not gaps:
            break
        wider = {gap: room.gaps.get(gap, 1.0) * WIDER for gap in gaps}
        room = Room(room.rows * TALLER, {**room.gaps, **wider})
    assert best is not None
    return best


def _attempt(
    scene: Scene, theme: Theme, fonts: Mapping[LinkId, float], drawn: tuple[Grid, Mapping[LinkId, Polyline]]
) -> Layout:
    """Labels, paths and numbers about boxes and links that have their places."""
    starts = _starts(scene)
    texts = {link.id: typeset(link.label or "", link.name) for link in scene.links if link.id in fonts}
    placed, courses = drawn
    tracks = lanes(scene.highlights, placed, _path_width(scene, theme))
    shares = _combs(scene)
    options: dict[object, list[Candidate]] = {
        name: _label_places(courses[name], text, tracks.span(name), name in starts, fonts[name], shares[name])
        for name, text in texts.items()
    }
    for highlight in scene.highlights:
        options[highlight.number] = _tag_places(highlight, courses, tracks)
    chosen = _placer(placed, courses, tracks).place({key: found for key, found in options.items() if found})
    spots = {
        name: PlacedLabel(text, chosen[name].rect, chosen[name].share, name in starts, fonts[name])
        for name, text in texts.items()
    }
    strokes = {
        highlight.number: stroke(highlight, courses, tracks, _start(highlight, spots)) for highlight in scene.highlights
    }
    numbers = {
        highlight.number: chosen[highlight.number].rect for highlight in scene.highlights if highlight.number in chosen
    }
    tags = {number: rect.centre for number, rect in numbers.items()}
    clusters = _clusters(scene, placed, courses.values(), theme)
    plates = [cluster.rect for cluster in clusters]
    bounds = _bounds(placed, courses.values(), strokes.values(), spots.values(), numbers.values(), plates)
    return Layout(scene, placed.boxes, courses, spots, tracks, strokes, tags, bounds, clusters, placed.column)


def _path_width(scene: Scene, theme: Theme) -> float:
    """The width of the widest path; wider than usual where widths show shares."""
    return theme.trail_width * (
        SHARED if any(highlight.strength is not None for highlight in scene.highlights) else 1.0
    )


def _starts(scene: Scene) -> set[LinkId]:
    """The links at whose labels paths begin."""
    return {highlight.links[0] for highlight in scene.highlights if highlight.from_label and highlight.links}


def _labelled(scene: Scene, theme: Theme, labels: bool) -> dict[LinkId, float]:
    """The links whose labels are drawn, with the sizes of their fonts.

    Of too many only those on paths are: in the whole picture, or between two columns.
    """
    found = [link for link in scene.links if link.label] if labels else []
    column = {box.id: box.column for box in scene.boxes}
    between = Counter((column[link.source], column[link.target]) for link in found)
    lit = {link for highlight in scene.highlights for link in highlight.links}
    kept: dict[LinkId, float] = {}
    for link in found:
        count = between[column[link.source], column[link.target]]
        if link.id in lit or (len(found) <= MAX_LABELS and count <= MAX_BETWEEN):
            kept[link.id] = theme.label_font * (SMALLER if MANY < count <= MAX_BETWEEN else 1.0)
    return kept


def _roomy(scene: Scene) -> set[LinkId]:
    """The links of gaps so sparse that a larger picture gives each label a place of its own."""
    column = {box.id: box.column for box in scene.boxes}
    between = Counter((column[link.source], column[link.target]) for link in scene.links)
    return {link.id for link in scene.links if between[column[link.source], column[link.target]] <= MAX_ROOMY}


def _combs(scene: Scene) -> dict[LinkId, tuple[float, ...]]:
    """The shares at which the links between two full columns of n lie evenly: 1/(n+1) and n/(n+1)."""
    out = Counter(link.source for link in scene.links)
    into = Counter(link.target for link in scene.links)
    return {
        link.id: tuple(sorted({1 / (out[link.source] + 1), into[link.target] / (into[link.target] + 1)}))
        for link in scene.links
    }


def _start(highlight: HighlightedPath, labels: Mapping[LinkId, PlacedLabel]) -> float:
    """Where on its first link a path begins."""
    label = labels.get(highlight.links[0]) if highlight.from_label and highlight.links else None
    return label.share if label else 0.0


def _placer(placed: Grid, courses: Mapping[LinkId, Polyline], tracks: Lanes) -> Placer:
    boxes = [rect.grown(BOX_MARGIN) for box in placed.boxes.values() for rect in box.occupied()]
    owners = {link: (link, *tracks.order.get(link, ())) for link in courses}
    lines = [Line(owners[link], course, ON_LINK) for link, course in courses.items()]
    lines += [
        Line(owners[link], beside(courses[link], side * tracks.span(link) / 2), BESIDE_HIGHLIGHTED)
        for link in tracks.order
        for side in (-1, 1)
    ]
    return Placer(boxes, lines)


def _label_places(
    course: Polyline, text: Formula, span: float, start: bool, font: float, shares: Sequence[float]
) -> list[Candidate]:
    """Candidates on the link itself; where paths run there, beside it, except for the label at which they begin.

    A label on a path is better than one on or beyond the path of another link.
    """
    width, height = text.width * font + 2 * HALO, text.height * font + 2 * HALO
    found = []
    stops = (*_SHARES, *shares)
    for share, ((x, y), (dx, dy)) in zip(stops, walks(course, stops), strict=True):
        cost = 10 * abs(share - 0.5) + (0.1 if share > 0.5 else 0.0)
        if not span or start:
            found.append(Candidate(Rect.around((x, y), width + 6 * start, height + 4 * start), share, cost))
            continue
        found.append(Candidate(Rect.around((x, y), width, height), share, cost + ON_HIGHLIGHTED))
        # How far the rectangle reaches towards a line of that direction when it stands beside it.
        near = span / 2 + (width * abs(dy) + height * abs(dx)) / 2
        for away, side in ((near, 1), (near, -1), (near + TAG_RADIUS, 1), (near + TAG_RADIUS, -1)):
            middle = (x + side * dy * away, y - side * dx * away)
            extra = (0.5 if side < 0 else 0.0) + (5.0 if away > near else 0.0)
            found.append(Candidate(Rect.around(middle, width, height), share, cost + extra, (x, y)))
    return found


def _tag_places(highlight: HighlightedPath, courses: Mapping[LinkId, Polyline], tracks: Lanes) -> list[Candidate]:
    """Candidates on the path's own stroke, best where no other path runs."""
    found = []
    for i, link in enumerate(highlight.links):
        line = beside(courses[link], tracks.offset(link, highlight.number))
        shared = len(tracks.order[link]) - 1
        for share, (point, _) in zip(_SHARES, walks(line, _SHARES), strict=True):
            cost = 10 * abs(share - 0.5) + 80.0 * shared + 1.5 * i + (15.0 if i == 0 and highlight.from_label else 0.0)
            found.append(Candidate(tag_rect(highlight, point), share, cost))
    return found


def tag_rect(highlight: HighlightedPath, centre: Point) -> Rect:
    """The rectangle about the number of a path: that of a disc, wider where there are more than two digits."""
    return Rect.around(centre, 2 * TAG_RADIUS + TAG_DIGIT * max(len(highlight.tag) - 2, 0), 2 * TAG_RADIUS)


def _clusters(scene: Scene, placed: Grid, courses: Iterable[Polyline], theme: Theme) -> tuple[PlacedCluster, ...]:
    """The plates of groups whose boxes stand together, without any other among them."""
    found: list[PlacedCluster] = []
    lines = list(courses)
    for cluster in scene.clusters:
        inner = [rect for name in cluster.boxes for rect in placed.boxes[name].occupied()]
        text = typeset(cluster.label, cluster.name)
        plates = [_plate(hull(inner), cluster.name, text, theme, above=above) for above in (True, False)]
        plate = next((each for each in plates if not any(each.text_rect.meets_line(line) for line in lines)), plates[0])
        others = (
            occupied for name, box in placed.boxes.items() if name not in cluster.boxes for occupied in box.occupied()
        )
        if not any(plate.rect.overlaps(other) for other in [*others, *(each.rect for each in found)]):
            found.append(plate)
    return tuple(found)


def _plate(inner: Rect, name: str, text: Formula, theme: Theme, *, above: bool) -> PlacedCluster:
    """The plate behind `inner`, with its label in the upper or the lower left corner."""
    width, height = text.width * theme.value_font, text.height * theme.value_font
    around, strip = inner.grown(CLUSTER_MARGIN), height + 4
    right = max(around.right, around.left + width + 2 * CLUSTER_MARGIN)
    rect = Rect(around.left, around.top - strip * above, right, around.bottom + strip * (not above))
    away = CLUSTER_MARGIN / 2 + height / 2 + 2
    corner = (rect.left + CLUSTER_MARGIN + width / 2, rect.top + away if above else rect.bottom - away)
    return PlacedCluster(name, rect, text, Rect.around(corner, width, height))


def _bounds(
    placed: Grid,
    courses: Iterable[Polyline],
    strokes: Iterable[Polyline],
    labels: Iterable[PlacedLabel],
    tags: Iterable[Rect],
    plates: Iterable[Rect],
) -> Rect:
    """The rectangle about everything drawn."""
    rects = [rect for box in placed.boxes.values() for rect in box.occupied()]
    rects += [*(label.rect for label in labels), *tags, *plates]
    rects += [Rect(x - 4, y - 4, x + 4, y + 4) for line in (*courses, *strokes) for x, y in line]
    if not rects:
        return Rect(0, 0, 1, 1)
    return hull(rects)


def labelled_links(layout: Layout) -> list[tuple[Link, PlacedLabel]]:
    """The links whose labels are drawn, in the order of the scene."""
    return [(link, layout.labels[link.id]) for link in layout.scene.links if link.id in layout.labels]
