"""The layout of a scene: where every box, link, label, path and number stands, in pixels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from types import MappingProxyType

from backpropsym.picture.layout.engine import Engine, dot_grid
from backpropsym.picture.layout.geometry import Point, Polyline, Rect, beside, hull, walks
from backpropsym.picture.layout.grid import CLUSTER_MARGIN, HALO, ROOM, Grid, Room, grid
from backpropsym.picture.layout.labels import Candidate, Line, Placer, overlapping
from backpropsym.picture.layout.link_labels import (
    SHARES,
    TAG_RADIUS,
    Gap,
    combs,
    crowded,
    gaps,
    heading_rect,
    headings,
    highlighted,
    label_places,
    labelled,
    roomy,
    sources_of,
    starts,
)
from backpropsym.picture.layout.routes import routes
from backpropsym.picture.layout.rows import Rows, in_rows, rows_grid
from backpropsym.picture.layout.sizes import PlacedBox
from backpropsym.picture.layout.strokes import Lanes, lanes, stroke
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import Formula, typeset
from backpropsym.picture.scene import Cluster, HighlightedPath, Link, LinkId, Scene

SHARED = 1.5
ATTEMPTS, FEWER = 5, 3
"""How often a picture is made larger; one of which other ways to place it are tried as well."""

WIDER, TALLER = 1.3, 1.12
"""By how much the gaps where labels lie on lines, and all rows, grow from one attempt to the next."""

TAG_DIGIT = 7.5
"""How much wider than a disc a tag is for each digit after the second, in pixels."""
BOX_MARGIN = 5.0

ON_LINK, BESIDE_HIGHLIGHTED = 12.0, 300.0
"""Costs of a label on the link of another, and on either side of the paths there."""


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A typeset label, the rectangle that it keeps clear, and how far along its link it stands (0 to 1)."""

    text: Formula
    rect: Rect
    share: float
    start: bool = False
    font: float = 17.0


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above links that carry no labels, such as the name of their array: LaTeX, set, with its place."""

    latex: str
    text: Formula
    rect: Rect
    font: float


@dataclass(frozen=True, slots=True)
class PlacedCluster:
    """The plate behind a group of boxes, by id, and its label in the upper left corner."""

    name: str
    label: str
    boxes: tuple[str, ...]
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
    headings: tuple[Heading, ...] = ()

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

    def hidden(self) -> list[tuple[LinkId, str]]:
        """The links that run beneath a box that is not theirs, with that box."""
        found = []
        for link, line in self.routes.items():
            left, right = min(x for x, _ in line), max(x for x, _ in line)
            for name, box in self.boxes.items():
                if box.rect.left < right and box.rect.right > left and name not in link and box.hides(line, -1.0):
                    found.append((link, name))
        return found

    def crowding(self) -> int:
        """The number of pairs of boxes, values, labels, headings and number tags that overlap."""
        rects = [rect for box in self.boxes.values() for rect in box.occupied()]
        rects += [label.rect for label in self.labels.values()]
        rects += [*self.tag_rects(), *(heading.rect for heading in self.headings)]
        return len(overlapping(rects))


def lay_out(
    scene: Scene,
    theme: Theme,
    *,
    labels: bool = True,
    engine: Engine = "columns",
    room: Room = ROOM,
    breaks: Sequence[int] = (),
    most: tuple[float, float] = (inf, inf),
) -> Layout:
    """Place everything in `scene`; link labels only where asked for and where all between two columns can be read.

    Where a label cannot stand clear of the lines of others, the picture is made larger, up to a bound. Between
    columns with more than 48 links a label of a path may still interrupt the pale links that are on no path.

    Parameters
    ----------
    room, breaks : how much room the boxes have, and before which columns a further row begins.
    most : no attempt at a larger picture is wider and higher than so many pixels.
    """
    rows = in_rows(scene, breaks) if breaks else None
    scene = rows.scene if rows else scene
    without, bare = crowded(scene) if labels else set(), set[Gap]()
    while True:
        fonts = labelled(scene, theme, without, bare) if labels else {}
        draft = _Draft(scene, theme, rows, fonts, headings(scene, without))
        if engine == "dot":
            return draft.by_dot()
        layout = draft.largest(room, most)
        lit, gap = highlighted(scene), gaps(scene)
        quiet = {gap[link] for link in layout.covered(set(fonts) - lit)}
        unread = set() if most == (inf, inf) else {gap[link] for link in layout.covered(lit - starts(scene))}
        if not quiet | unread:
            return layout
        without, bare = without | quiet | unread, bare | unread


@dataclass(frozen=True, slots=True)
class _Draft:
    """A scene with the labels that it carries, to be placed with more or less room."""

    scene: Scene
    theme: Theme
    rows: Rows | None
    fonts: Mapping[LinkId, float]
    heads: Mapping[Gap, str]

    def by_dot(self) -> Layout:
        return _attempt(self.scene, self.theme, self.fonts, dot_grid(self.scene, self.theme, self.fonts), self.heads)

    def placed(self, room: Room) -> Layout:
        if self.rows:
            drawn = rows_grid(self.rows, self.theme, self.fonts, room)
        else:
            boxes = grid(self.scene, self.theme, self.fonts, room)
            drawn = boxes, routes(self.scene, boxes)
        return _attempt(self.scene, self.theme, self.fonts, drawn, self.heads)

    def largest(self, room: Room, most: tuple[float, float]) -> Layout:
        """The first of ever larger pictures in which each label stands clear, or else the clearest."""
        sparse = roomy(self.scene)
        best, fewest = None, 0
        for _ in range(ATTEMPTS if most == (inf, inf) else FEWER):
            layout = self.placed(room)
            if best is not None and (layout.bounds.width > most[0] or layout.bounds.height > most[1]):
                break
            unclear = {layout.column[link.target] for link in layout.covered(sparse)}
            if best is None or len(unclear) < fewest:
                best, fewest = layout, len(unclear)
            if not unclear:
                break
            wider = {gap: room.gaps.get(gap, 1.0) * WIDER for gap in unclear}
            taller = TALLER if layout.bounds.height * TALLER <= most[1] else 1.0
            room = replace(room, rows=room.rows * taller, gaps={**room.gaps, **wider})
        assert best is not None
        return best


def _attempt(
    scene: Scene,
    theme: Theme,
    fonts: Mapping[LinkId, float],
    drawn: tuple[Grid, Mapping[LinkId, Polyline]],
    heads: Mapping[Gap, str],
) -> Layout:
    """Labels, paths and numbers about boxes and links that have their places."""
    begun = starts(scene)
    texts = {link.id: typeset(link.label or "", link.name) for link in scene.links if link.id in fonts}
    placed, courses = drawn
    tracks = lanes(scene.highlights, placed, _path_width(scene, theme))
    shares = combs(scene)
    options: dict[object, list[Candidate]] = {
        name: label_places(courses[name], text, tracks.span(name), name in begun, fonts[name], shares[name])
        for name, text in texts.items()
    }
    for highlight in scene.highlights:
        options[highlight.number] = _tag_places(highlight, courses, tracks)
    chosen = _placer(placed, courses, tracks).place({key: found for key, found in options.items() if found})
    spots = {
        name: PlacedLabel(text, chosen[name].rect, chosen[name].share, name in begun, fonts[name])
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
    taken = [*(label.rect for label in spots.values()), *numbers.values(), *(cluster.rect for cluster in clusters)]
    above = _headings(scene, theme, placed, [*courses.values(), *strokes.values()], taken, heads)
    taken += [heading.rect for heading in above]
    bounds = _bounds(placed, [*courses.values(), *strokes.values()], taken)
    return Layout(scene, placed.boxes, courses, spots, tracks, strokes, tags, bounds, clusters, placed.column, above)


def _headings(
    scene: Scene,
    theme: Theme,
    placed: Grid,
    lines: Sequence[Polyline],
    taken: Sequence[Rect],
    heads: Mapping[Gap, str],
) -> tuple[Heading, ...]:
    """The headings of gaps whose links carry no labels, above all that is drawn there."""
    column = {box.id: box.column for box in scene.boxes}
    occupied = [rect for box in placed.boxes.values() for rect in box.occupied()]
    found: list[Heading] = []
    for gap, latex in heads.items():
        ends = sources_of(scene, gap, column)
        columns = [hull([placed.boxes[name].rect for name in names]) for names in ends]
        text, font = typeset(latex), theme.label_font
        size = text.width * font + 2 * HALO, text.height * font + 2 * HALO
        near: list[Rect | Polyline] = [*occupied, *taken, *lines, *(heading.rect for heading in found)]
        rect = heading_rect(*size, (columns[0], columns[1]), near)
        found.append(Heading(latex, text, rect, font))
    return tuple(found)


def _path_width(scene: Scene, theme: Theme) -> float:
    """The width of the widest path; wider than usual where widths show shares."""
    return theme.trail_width * (
        SHARED if any(highlight.strength is not None for highlight in scene.highlights) else 1.0
    )


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


def _tag_places(highlight: HighlightedPath, courses: Mapping[LinkId, Polyline], tracks: Lanes) -> list[Candidate]:
    """Candidates on the path's own stroke, best where no other path runs."""
    found = []
    for i, link in enumerate(highlight.links):
        line = beside(courses[link], tracks.offset(link, highlight.number))
        shared = len(tracks.order[link]) - 1
        for share, (point, _) in zip(SHARES, walks(line, SHARES), strict=True):
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
        plates = [_plate(hull(inner), cluster, text, theme, above=above) for above in (True, False)]
        plate = next((each for each in plates if not any(each.text_rect.meets_line(line) for line in lines)), plates[0])
        others = (
            occupied for name, box in placed.boxes.items() if name not in cluster.boxes for occupied in box.occupied()
        )
        if not any(plate.rect.overlaps(other) for other in [*others, *(each.rect for each in found)]):
            found.append(plate)
    return tuple(found)


def _plate(inner: Rect, cluster: Cluster, text: Formula, theme: Theme, *, above: bool) -> PlacedCluster:
    """The plate behind `inner`, with its label in the upper or the lower left corner."""
    width, height = text.width * theme.value_font, text.height * theme.value_font
    around, strip = inner.grown(CLUSTER_MARGIN), height + 4
    right = max(around.right, around.left + width + 2 * CLUSTER_MARGIN)
    rect = Rect(around.left, around.top - strip * above, right, around.bottom + strip * (not above))
    away = CLUSTER_MARGIN / 2 + height / 2 + 2
    corner = (rect.left + CLUSTER_MARGIN + width / 2, rect.top + away if above else rect.bottom - away)
    return PlacedCluster(cluster.name, cluster.label, cluster.boxes, rect, text, Rect.around(corner, width, height))


def _bounds(placed: Grid, lines: Iterable[Polyline], further: Iterable[Rect]) -> Rect:
    """The rectangle about everything drawn."""
    rects = [*(rect for box in placed.boxes.values() for rect in box.occupied()), *further]
    rects += [Rect(x - 4, y - 4, x + 4, y + 4) for line in lines for x, y in line]
    if not rects:
        return Rect(0, 0, 1, 1)
    return hull(rects)


def labelled_links(layout: Layout) -> list[tuple[Link, PlacedLabel]]:
    """The links whose labels are drawn, in the order of the scene."""
    return [(link, layout.labels[link.id]) for link in layout.scene.links if link.id in layout.labels]
