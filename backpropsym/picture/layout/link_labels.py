"""Which links carry their labels, and where each may stand: on all links between two columns, or on none.

Between two columns all labels are drawn where they can stand clear of one another, of boxes and of foreign links.
Elsewhere only those on paths are, and the array of which the others are entries heads the links.
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


def labelled(scene: Scene, theme: Theme, without: Collection[Gap]) -> dict[LinkId, float]:
    """The links whose labels are drawn, with the sizes of their fonts: in the gaps `without` only those on paths."""
    lit, gap = highlighted(scene), gaps(scene)
    drawn = [link.id for link in scene.links if link.label]
    return {link: theme.label_font for link in drawn if link in lit or gap[link] not in without}


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


def heading_rect(width: float, height: float, columns: tuple[Rect, Rect], taken: Sequence[Rect | Polyline]) -> Rect:
    """A place for a heading between two columns, above all of `taken` that lies there."""
    middle = (columns[0].right + columns[1].left) / 2
    left, right = middle - width / 2, middle + width / 2
    top = min(columns[0].top, columns[1].top) + height
    for other in taken:
        if isinstance(other, Rect):
            if other.left < right and other.right > left:
                top = min(top, other.top)
        else:
            top = min([top, *_tops(other, left, right)])
    return Rect(left, top - height - 4, right, top - 4)


def _tops(line: Polyline, left: float, right: float) -> list[float]:
    """Heights of a line between two places from left to right: at its corners and at the edges."""
    found = [y for x, y in line if left <= x <= right]
    for (x0, y0), (x1, y1) in zip(line, line[1:], strict=False):
        for edge in (left, right):
            if min(x0, x1) < edge < max(x0, x1):
                found.append(y0 + (y1 - y0) * (edge - x0) / (x1 - x0))
    return found


def sources_of(scene: Scene, gap: Gap, column: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """The boxes at both ends of the labelled links of a gap."""
    links = [link for link in scene.links if link.label and (column[link.source], column[link.target]) == gap]
    return list({link.source: None for link in links}), list({link.target: None for link in links})
