"""Which links carry their labels, and where each may stand: on all links between two columns, or on none.

Between two columns all labels are drawn where they can stand clear of one another, of boxes and of foreign links.
Elsewhere only those on paths are, and the array of which the others are entries heads the links. In a picture for a
medium, which cannot grow, those on paths are left out too where some cannot stand clear: their terms name them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from backpropsym.picture.layout.geometry import Polyline, Rect, walks
from backpropsym.picture.layout.grid import HALO
from backpropsym.picture.layout.labels import Candidate
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import Formula
from backpropsym.picture.scene import Link, LinkId, Scene

MAX_LABELS = 150
"""With more labelled links than this, labels cannot be read and are left out."""

MAX_BETWEEN = 16
"""With more labels than this on links that cross between two columns, those are left out too."""

MAX_ROOMY = 48
"""With more links than this between two columns, no larger picture keeps every label of a path off the others."""

TAG_RADIUS = 10.0
ON_HIGHLIGHTED = 40.0
"""Cost of a label that interrupts the paths on its own link."""

_HEADING_STEP, _HEADING_STEPS = 5.0, 200
"""By how much a heading is moved up, in pixels, and how often at most, until it stands clear."""

RIM = 6.0
"""How far the label at which paths begin reaches beyond them, on both sides together, in pixels."""

SHARES = tuple(round(0.5 + side * i * 0.02, 3) for i in range(20) for side in ((1, -1) if i else (1,)))

Gap = tuple[int, int]
"""The columns at the ends of a link."""


def gaps(scene: Scene) -> dict[LinkId, Gap]:
    """The gap of every link."""
    column = {box.id: box.column for box in scene.boxes}
    return {link.id: (column[link.source], column[link.target]) for link in scene.links}


def highlighted(scene: Scene) -> set[LinkId]:
    """The links on paths."""
    return {link for highlight in scene.highlights for link in highlight.links}


def crowded(scene: Scene) -> set[Gap]:
    """The gaps with so many labels on links that cross that none can be read: all, where the picture has too many."""
    links = [link for link in scene.links if link.label]
    between: dict[Gap, list[Link]] = defaultdict(list)
    gap = gaps(scene)
    for link in links:
        between[gap[link.id]].append(link)
    dense = {
        at
        for at, found in between.items()
        if len(found) > MAX_BETWEEN
        and len(found) > max(len({link.source for link in found}), len({link.target for link in found}))
    }
    left = sum(len(found) for at, found in between.items() if at not in dense)
    return set(between) if left > MAX_LABELS else dense


def starts(scene: Scene) -> set[LinkId]:
    """The links at whose labels paths begin."""
    return {highlight.links[0] for highlight in scene.highlights if highlight.from_label and highlight.links}


def labelled(scene: Scene, theme: Theme, without: Collection[Gap], bare: Collection[Gap] = ()) -> dict[LinkId, float]:
    """The links whose labels are drawn, with the sizes of their fonts.

    In the gaps `without` only those on paths are, in those that are `bare` only the labels at which paths begin.
    """
    lit, begun, gap = highlighted(scene), starts(scene), gaps(scene)

    def kept(link: LinkId) -> bool:
        return link in begun or (gap[link] not in bare and (link in lit or gap[link] not in without))

    return {link.id: theme.label_font for link in scene.links if link.label and kept(link.id)}


def roomy(scene: Scene) -> set[LinkId]:
    """The links of gaps so sparse that a larger picture gives each label a place of its own."""
    gap = gaps(scene)
    between = Counter(gap.values())
    return {link for link in gap if between[gap[link]] <= MAX_ROOMY}


def headings(scene: Scene, without: Collection[Gap]) -> dict[Gap, str]:
    """What stands above the links of the gaps `without` in LaTeX: their array, or the first and the last label."""
    found: dict[Gap, list[Link]] = defaultdict(list)
    gap = gaps(scene)
    for link in scene.links:
        if link.label and gap[link.id] in without:
            found[gap[link.id]].append(link)
    return {at: _heading(links) for at, links in found.items()}


def _heading(links: Sequence[Link]) -> str:
    names = list(dict.fromkeys(link.of or link.label or "" for link in links))
    return ",\\;".join(names) if len(names) <= 2 else rf"{names[0]},\,\dots,\,{names[-1]}"


def combs(scene: Scene) -> dict[LinkId, tuple[float, ...]]:
    """The shares at which the links between two full columns of n lie evenly: 1/(n+1) and n/(n+1)."""
    out = Counter(link.source for link in scene.links)
    into = Counter(link.target for link in scene.links)
    return {
        link.id: tuple(sorted({1 / (out[link.source] + 1), into[link.target] / (into[link.target] + 1)}))
        for link in scene.links
    }


def label_places(
    course: Polyline, text: Formula, span: float, start: bool, font: float, shares: Sequence[float]
) -> list[Candidate]:
    """Candidates on the link itself; where paths run there, beside it, except for the label at which they begin.

    A label on a path is better than one on or beyond the path of another link.
    """
    width, height = text.width * font + 2 * HALO, text.height * font + 2 * HALO
    found = []
    stops = (*SHARES, *shares)
    for share, ((x, y), (dx, dy)) in zip(stops, walks(course, stops), strict=True):
        cost = 10 * abs(share - 0.5) + (0.1 if share > 0.5 else 0.0)
        if start:
            # The label at which paths begin holds the ends of all of them.
            size = max(width + 6, span * abs(dy) + RIM), max(height + 4, span * abs(dx) + RIM)
            found.append(Candidate(Rect.around((x, y), *size), share, cost))
            continue
        if not span:
            found.append(Candidate(Rect.around((x, y), width, height), share, cost))
            continue
        found.append(Candidate(Rect.around((x, y), width, height), share, cost + ON_HIGHLIGHTED))
        # How far the rectangle reaches towards a line of that direction when it stands beside it.
        near = span / 2 + (width * abs(dy) + height * abs(dx)) / 2
        for away, side in ((near, 1), (near, -1), (near + TAG_RADIUS, 1), (near + TAG_RADIUS, -1)):
            middle = (x + side * dy * away, y - side * dx * away)
            extra = (0.5 if side < 0 else 0.0) + (5.0 if away > near else 0.0)
            found.append(Candidate(Rect.around(middle, width, height), share, cost + extra, (x, y)))
    return found


def heading_rect(width: float, height: float, columns: tuple[Rect, Rect], taken: Sequence[Rect | Polyline]) -> Rect:
    """A place for a heading between two columns: the lowest above the first boxes that is clear of all of `taken`."""
    middle = (columns[0].right + columns[1].left) / 2
    top = max(column.top for column in columns) - height / 2
    for _ in range(_HEADING_STEPS):
        rect = Rect.around((middle, top), width, height)
        air = rect.grown(2 * HALO)
        if not any(air.overlaps(other) if isinstance(other, Rect) else air.meets_line(other) for other in taken):
            break
        top -= _HEADING_STEP
    return rect


def sources_of(scene: Scene, gap: Gap, column: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """The boxes at both ends of the labelled links of a gap."""
    links = [link for link in scene.links if link.label and (column[link.source], column[link.target]) == gap]
    return list({link.source: None for link in links}), list({link.target: None for link in links})
