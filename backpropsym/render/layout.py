"""The layout of a scene: where every box, link, label, trail and number stands, in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backpropsym.render.geometry import Point, Polyline, Rect, beside, hull, walk
from backpropsym.render.grid import HALO, Grid, grid
from backpropsym.render.labels import Candidate, Line, Placer, overlapping
from backpropsym.render.routes import routes
from backpropsym.render.scene import Link, LinkId, Scene, Trail
from backpropsym.render.sizes import PlacedBox
from backpropsym.render.strokes import Lanes, lanes, stroke
from backpropsym.render.themes import Theme
from backpropsym.render.typeset import Formula, typeset

MAX_LABELS = 150
"""With more labelled links than this, labels cannot be read and are left out."""

TAG_RADIUS = 10.0
BOX_MARGIN = 5.0
CLUSTER_MARGIN = 12.0

_SHARES = tuple(round(0.5 + side * i * 0.025, 3) for i in range(15) for side in ((1, -1) if i else (1,)))


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A typeset label, the rectangle that it keeps clear, and how far along its link it stands (0 to 1)."""

    text: Formula
    rect: Rect
    share: float
    start: bool = False


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

    def ground(self, rect: Rect, theme: Theme) -> str:
        """The colour behind a label at `rect`: that of the cluster it stands in, or of the picture."""
        return theme.cluster if any(cluster.rect.overlaps(rect) for cluster in self.clusters) else theme.background

    def crowding(self) -> int:
        """The number of pairs of boxes, values, labels and number tags that overlap."""
        rects = [rect for box in self.boxes.values() for rect in box.occupied()]
        rects += [label.rect for label in self.labels.values()]
        rects += [_tag_rect(centre) for centre in self.tags.values()]
        return len(overlapping(rects))


def lay_out(scene: Scene, theme: Theme, *, labels: bool = True) -> Layout:
    """Place everything in `scene`; link labels only where asked for and not too many."""
    starts = {trail.links[0] for trail in scene.trails if trail.from_label and trail.links}
    texts = {link.id: typeset(link.label or "", link.name) for link in _labelled(scene, starts, labels)}
    placed = grid(scene, theme, texts)
    courses = routes(scene, placed)
    tracks = lanes(scene.trails, placed, theme.trail_width)
    options: dict[object, list[Candidate]] = {
        name: _label_places(courses[name], text, tracks.span(name), name in starts, theme)
        for name, text in texts.items()
    }
    for trail in scene.trails:
        options[trail.number] = _tag_places(trail, courses, tracks)
    chosen = _placer(placed, courses, tracks).place({key: found for key, found in options.items() if found})
    spots = {
        name: PlacedLabel(text, chosen[name].rect, chosen[name].share, name in starts) for name, text in texts.items()
    }
    strokes = {trail.number: stroke(trail, courses, tracks, _start(trail, spots)) for trail in scene.trails}
    tags = {trail.number: chosen[trail.number].rect.centre for trail in scene.trails if trail.number in chosen}
    clusters = _clusters(scene, placed, theme)
    plates = [cluster.rect for cluster in clusters]
    bounds = _bounds(placed, courses.values(), strokes.values(), spots.values(), tags.values(), plates)
    return Layout(scene, placed.boxes, courses, spots, tracks, strokes, tags, bounds, clusters)


def _labelled(scene: Scene, starts: set[LinkId], labels: bool) -> list[Link]:
    """The links whose labels are drawn; of too many, those at which trails begin."""
    found = [link for link in scene.links if link.label] if labels else []
    return found if len(found) <= MAX_LABELS else [link for link in found if link.id in starts]


def _start(trail: Trail, labels: Mapping[LinkId, PlacedLabel]) -> float:
    """Where on its first link a trail begins."""
    label = labels.get(trail.links[0]) if trail.from_label and trail.links else None
    return label.share if label else 0.0


def _placer(placed: Grid, courses: Mapping[LinkId, Polyline], tracks: Lanes) -> Placer:
    boxes = [rect.grown(BOX_MARGIN) for box in placed.boxes.values() for rect in box.occupied()]
    lines = [Line(link, course, 12.0) for link, course in courses.items()]
    lines += [
        Line(link, beside(courses[link], side * tracks.span(link) / 2), 60.0)
        for link in tracks.order
        for side in (-1, 1)
    ]
    return Placer(boxes, lines)


def _label_places(course: Polyline, text: Formula, span: float, start: bool, theme: Theme) -> list[Candidate]:
    """Candidates on the link itself; beside it where trails run there, except for the label at which they begin."""
    width, height = text.width * theme.label_font + 2 * HALO, text.height * theme.label_font + 2 * HALO
    found = []
    for share in _SHARES:
        (x, y), (dx, dy) = walk(course, share)
        cost = 10 * abs(share - 0.5) + (0.1 if share > 0.5 else 0.0)
        if not span or start:
            found.append(Candidate(Rect.around((x, y), width + 6 * start, height + 4 * start), share, cost))
            continue
        # How far the rectangle reaches towards a line of that direction when it stands beside it.
        near = span / 2 + (width * abs(dy) + height * abs(dx)) / 2
        for away, side in ((near, 1), (near, -1), (near + TAG_RADIUS, 1), (near + TAG_RADIUS, -1)):
            middle = (x + side * dy * away, y - side * dx * away)
            extra = (0.5 if side < 0 else 0.0) + (5.0 if away > near else 0.0)
            found.append(Candidate(Rect.around(middle, width, height), share, cost + extra))
    return found


def _tag_places(trail: Trail, courses: Mapping[LinkId, Polyline], tracks: Lanes) -> list[Candidate]:
    """Candidates on the trail's own stroke, best where no other trail runs."""
    found = []
    for i, link in enumerate(trail.links):
        line = beside(courses[link], tracks.offset(link, trail.number))
        shared = len(tracks.order[link]) - 1
        for share in _SHARES:
            cost = 10 * abs(share - 0.5) + 80.0 * shared + 1.5 * i + (15.0 if i == 0 and trail.from_label else 0.0)
            found.append(Candidate(_tag_rect(walk(line, share)[0]), share, cost))
    return found


def _tag_rect(centre: Point) -> Rect:
    return Rect.around(centre, 2 * TAG_RADIUS, 2 * TAG_RADIUS)


def _clusters(scene: Scene, placed: Grid, theme: Theme) -> tuple[PlacedCluster, ...]:
    """The plates of groups whose boxes stand together, without any other among them."""
    found: list[PlacedCluster] = []
    for cluster in scene.clusters:
        inner = [rect for name in cluster.boxes for rect in placed.boxes[name].occupied()]
        text = typeset(cluster.label, cluster.name)
        width, height = text.width * theme.value_font, text.height * theme.value_font
        around = hull(inner).grown(CLUSTER_MARGIN)
        rect = Rect(
            around.left,
            around.top - height - 4,
            max(around.right, around.left + width + 2 * CLUSTER_MARGIN),
            around.bottom,
        )
        others = (each for name, box in placed.boxes.items() if name not in cluster.boxes for each in box.occupied())
        if not any(rect.overlaps(other) for other in [*others, *(each.rect for each in found)]):
            corner = (rect.left + CLUSTER_MARGIN + width / 2, rect.top + CLUSTER_MARGIN / 2 + height / 2 + 2)
            found.append(PlacedCluster(cluster.name, rect, text, Rect.around(corner, width, height)))
    return tuple(found)


def _bounds(
    placed: Grid,
    courses: Iterable[Polyline],
    strokes: Iterable[Polyline],
    labels: Iterable[PlacedLabel],
    tags: Iterable[Point],
    plates: Iterable[Rect],
) -> Rect:
    """The rectangle about everything drawn."""
    rects = [rect for box in placed.boxes.values() for rect in box.occupied()]
    rects += [*(label.rect for label in labels), *map(_tag_rect, tags), *plates]
    rects += [Rect(x - 4, y - 4, x + 4, y + 4) for line in (*courses, *strokes) for x, y in line]
    if not rects:
        return Rect(0, 0, 1, 1)
    return hull(rects)


def labelled_links(layout: Layout) -> list[tuple[Link, PlacedLabel]]:
    """The links whose labels are drawn, in the order of the scene."""
    return [(link, layout.labels[link.id]) for link in layout.scene.links if link.id in layout.labels]
