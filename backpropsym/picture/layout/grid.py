"""Where the boxes of a scene stand: straight columns, rows in the order written, centred about one axis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType

from backpropsym.picture.layout.order import ordered
from backpropsym.picture.layout.sizes import (
    BOX_HEIGHT,
    PlacedBox,
    caption_width,
    hang,
    height,
    place,
    ring,
    small_size,
    span,
)
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import typeset
from backpropsym.picture.scene import Box, Link, LinkId, Scene

SMALL_GAP, LEAST_SMALL_GAP = 31.0, 11.0
"""Between a small box and the consumer that it hangs above; where there is little room."""

BETWEEN = 8.0
"""Between two small boxes of one consumer."""

TARGET_GAP, LEAST_TARGET_GAP = 26.0, 8.0
"""How far below its column a target stands, in pixels; where there is little room."""

LINE_ROOM = 17.0
"""Height of one line of text below a box, in pixels."""

HALO = 3.0
"""Clear pixels on each side of a label."""

CLUSTER_MARGIN = 12.0
"""How far a plate reaches beyond the boxes of its group, in pixels."""

LONG = 12
"""With more columns than this, level links are only as long as their labels need, so that a page shows the letters."""

STUBS = (22.0, 9.0)
"""How much of a level link is seen on either side of its label, in pixels; usually, and in a long picture."""

LEAST_GAP = 18.0
"""Pixels of a link that are seen between two boxes, at least."""

LEAST_APART = 3.0
"""Pixels between a box and what hangs above the next one, at least."""

MOST_HUNG = 2
"""The most small boxes above one consumer."""

SMALL = frozenset({"parameter", "constant"})
"""Roles of boxes that may hang above their consumer."""

OUTER = frozenset({"target", "parameter", "constant"})
"""Roles that stand above or below the rows of a column, and leave those centred."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Placed boxes by id, in columns from left to right; `column` tells where each one stands."""

    boxes: Mapping[str, PlacedBox]
    columns: tuple[tuple[str, ...], ...]
    column: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Room:
    """Factors by which a picture is larger or smaller than usual.

    Attributes
    ----------
    rows : of the distance between rows.
    gaps : of the gap before each column, by its number.
    tight, low : what is left, from 0 to 1, of the gaps between columns and between rows; labels keep their room.
    """

    rows: float = 1.0
    gaps: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    tight: float = 1.0
    low: float = 1.0


ROOM = Room()
"""The usual room."""


def grid(scene: Scene, theme: Theme, labelled: Mapping[LinkId, float], room: Room = ROOM) -> Grid:
    """The boxes of `scene`, placed about y = 0 with the first column at the left, x >= 0.

    Columns leave room for the labels of the links `labelled`, given with their font sizes.
    """
    hung, column = numbered(scene)
    held = set(hung)
    standing = [box for box in scene.boxes if box.id not in held]
    groups: list[list[Box]] = [[] for _ in {column[box.id] for box in standing}]
    for box in standing:
        groups[column[box.id]].append(box)
    groups = _ordered(groups, scene.links, column)
    rows = _rows(groups, scene.links, column)
    pitch = _pitch(scene, max((len(_main(group)) for group in groups), default=1), held, theme, room.low) * room.rows
    widths = [max(span(box, theme) for box in group) for group in groups]
    apart = 2 * CLUSTER_MARGIN + BETWEEN if scene.clusters else 2 * BETWEEN
    above = _above(scene, hung, column, theme)
    heights = {name: row * pitch for name, row in rows.items()}
    heights |= _target_heights(groups, heights, max(TARGET_GAP * room.low, LEAST_TARGET_GAP))
    between: dict[int, list[Link]] = defaultdict(list)
    for link in scene.links:
        between[column[link.target]].append(link if link.id in labelled else replace(link, label=None))
    lefts = _lefts(widths, above, apart, between, heights, labelled, room)
    middles = {box.id: (lefts[column[box.id]] + widths[column[box.id]] / 2, heights[box.id]) for box in standing}
    placed = {box.id: place(box, middles[box.id], theme) for box in standing}
    placed |= _place_hung(scene, hung, placed, theme, _small_gap(room.low))
    members = tuple(tuple(box.id for box in scene.boxes if column[box.id] == i) for i in range(len(groups)))
    return Grid(placed, members, column)


def numbered(scene: Scene) -> tuple[dict[str, str], dict[str, int]]:
    """The boxes that hang, each with its consumer, and the column of every box, counted from 0 without gaps."""
    hung = _hung(scene)
    standing = [box for box in scene.boxes if box.id not in hung]
    numbers = {number: i for i, number in enumerate(sorted({box.column for box in standing}))}
    column = {box.id: numbers[box.column] for box in standing}
    return hung, column | {name: column[consumer] for name, consumer in hung.items()}


def _hung(scene: Scene) -> dict[str, str]:
    """Small boxes and the consumer that each hangs above: parameters and constants with one unlabelled link.

    A consumer has at most two; more of them stand in the column before it.
    """
    outgoing: dict[str, list[Link]] = defaultdict(list)
    for link in scene.links:
        outgoing[link.source].append(link)
    found: dict[str, list[str]] = defaultdict(list)
    for box in scene.boxes:
        links = outgoing[box.id]
        if box.role in SMALL and len(links) == 1 and not links[0].label and not box.value:
            found[links[0].target].append(box.id)
    return {
        name: user for user, names in found.items() if len(names) <= MOST_HUNG and user not in names for name in names
    }


def _ordered(groups: Sequence[Sequence[Box]], links: Sequence[Link], column: Mapping[str, int]) -> list[list[Box]]:
    """The columns with their boxes from the top down; those about the axis first."""
    centred = ordered([_main(group) for group in groups], links, column)
    return [[*main, *(box for box in group if box not in main)] for main, group in zip(centred, groups, strict=True)]


def _main(group: Sequence[Box]) -> list[Box]:
    """The boxes of a column that are centred about the axis."""
    return [box for box in group if box.role not in OUTER] or list(group)


def _rows(groups: Sequence[Sequence[Box]], links: Sequence[Link], column: Mapping[str, int]) -> dict[str, float]:
    """The row of every standing box, in units of the pitch, 0 on the axis."""
    rows = {box.id: i - (len(_main(group)) - 1) / 2 for group in groups for i, box in enumerate(_main(group))}
    users: dict[str, list[str]] = defaultdict(list)
    for link in links:
        users[link.source].append(link.target)
    for group in groups:
        top = bottom = (len(_main(group)) - 1) / 2
        aims: dict[str, float] = {}
        for i, box in enumerate(box for box in group if box.id not in rows):
            towards = [rows.get(user, 0.0) for user in users[box.id] if user in column] or [0.0]
            # A box between the upper and the lower half goes to each in turn, so that a column stays symmetric.
            aims[box.id] = 1.0 if box.role == "target" else sum(towards) / len(towards) or (i % 2 - 0.5)
        # From the axis outwards: upper ones last to first, so that the order written runs down the column.
        for name in sorted((name for name in reversed(aims) if aims[name] < 0), key=aims.__getitem__, reverse=True):
            top += 1
            rows[name] = -top
        for name in sorted((name for name in aims if aims[name] > 0), key=aims.__getitem__):
            bottom += 1
            rows[name] = bottom
    return rows


def _target_heights(groups: Sequence[Sequence[Box]], heights: Mapping[str, float], gap: float) -> dict[str, float]:
    """Targets close below the lowest other box of their column, however far apart its rows are."""
    found: dict[str, float] = {}
    for group in groups:
        lowest = [heights[box.id] + height(box) / 2 + _below(box) for box in group if box.role != "target"]
        top = max(lowest, default=-gap)
        for box in sorted((box for box in group if box.role == "target"), key=lambda box: heights[box.id]):
            found[box.id] = top + gap + height(box) / 2
            top = found[box.id] + height(box) / 2 + _below(box)
    return found


def _below(box: Box) -> float:
    """Room for the lines below a box."""
    return ring(box) + LINE_ROOM * ((box.value is not None or box.cells is not None) + (box.adjoint is not None))


def _pitch(scene: Scene, rows: int, hung: Collection[str], theme: Theme, low: float) -> float:
    """Pixels from one row to the next: tighter the more rows there are."""
    gap = next((gap for limit, gap in ((2, 66.0), (3, 56.0), (4, 46.0), (6, 38.0), (12, 30.0)) if rows <= limit), 20.0)
    gap = max(gap * low, min(gap, LEAST_GAP))
    below = 14.0 * any(box.value for box in scene.boxes) + 16.0 * any(box.adjoint for box in scene.boxes)
    tallest = max((height(box) for box in scene.boxes if box.id not in hung), default=BOX_HEIGHT)
    above = max((small_size(box, theme)[1] for box in scene.boxes if box.id in hung), default=0.0)
    if not hung:
        return tallest + gap + below
    hanging = above + _small_gap(low)
    outer = max((ring(box) for box in scene.boxes), default=0.0)
    return tallest + below + max(gap + hanging - 20, hanging + 2 * outer + LEAST_APART)


def _small_gap(low: float) -> float:
    return max(SMALL_GAP * low, LEAST_SMALL_GAP)


def _lefts(
    widths: Sequence[float],
    above: Mapping[int, float],
    apart: float,
    between: Mapping[int, Sequence[Link]],
    heights: Mapping[str, float],
    fonts: Mapping[LinkId, float],
    room: Room,
) -> list[float]:
    """The left edge of every column: wider gaps for steeper links and for more labels.

    `above` is the width of the small boxes of each column, which stay `apart`; `between` are the links into it.
    """
    lefts = [0.0]
    reach = [max(above.get(i, 0.0) - width, 0.0) / 2 for i, width in enumerate(widths)]
    for i, (width, _) in enumerate(pairwise(widths), 1):
        stub = STUBS[len(widths) > LONG]
        gap = _gap(between.get(i, ()), heights, fonts, stub)
        gap = max(gap * room.tight, min(gap, _least_gap(between.get(i, ()), fonts)), reach[i - 1] + reach[i] + apart)
        lefts.append(lefts[-1] + width + gap * room.gaps.get(i, 1.0))
    return lefts


def _gap(links: Sequence[Link], heights: Mapping[str, float], fonts: Mapping[LinkId, float], stub: float) -> float:
    """Pixels between two columns that `links` join; level ones show a `stub` on either side of their labels."""
    ends = [
        (heights[link.source], heights[link.target]) for link in links if {link.source, link.target} <= set(heights)
    ]
    drop = max((abs(b - a) for a, b in ends), default=0.0)
    gap = min(60.0 + 0.5 * drop, 420.0) if drop else 16.0 + 2 * stub
    labels = [(typeset(link.label, link.name), fonts[link.id]) for link in links if link.label]
    if not labels:
        return gap
    width = max(label.width * font for label, font in labels) + 2 * HALO
    height = max(label.height * font for label, font in labels) + 2 * HALO
    extent = max(max(a, b) for a, b in ends) - min(min(a, b) for a, b in ends) + BOX_HEIGHT if ends else BOX_HEIGHT
    # Labels placed freely on their links stay apart while they fill less than about a third of the space.
    crowded = 2.8 * len(labels) * (width + 6) * (height + 4) / extent if len(labels) > 4 else 0.0
    return max(gap, 1.5 * width + 36.0 if drop else width + 2 * stub, min(crowded, 460.0))


def _least_gap(links: Sequence[Link], fonts: Mapping[LinkId, float]) -> float:
    """Pixels between two columns at least: a label, and a little of its link on either side."""
    wide = max((typeset(link.label, link.name).width * fonts[link.id] for link in links if link.label), default=0.0)
    return LEAST_GAP + 2 * HALO + wide


def _above(scene: Scene, hung: Mapping[str, str], column: Mapping[str, int], theme: Theme) -> dict[int, float]:
    """By column, the width of the small boxes above one of its boxes, with their captions; of the widest."""
    boxes = {box.id: box for box in scene.boxes}
    found: dict[int, float] = defaultdict(float)
    for consumer, names in _by_consumer(hung).items():
        total = sum(max(small_size(boxes[name], theme)[0], caption_width(boxes[name], theme)) for name in names)
        found[column[consumer]] = max(found[column[consumer]], total + BETWEEN * (len(names) - 1))
    return found


def _by_consumer(hung: Mapping[str, str]) -> dict[str, list[str]]:
    """The small boxes above each consumer."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, consumer in hung.items():
        groups[consumer].append(name)
    return groups


def _place_hung(
    scene: Scene, hung: Mapping[str, str], placed: Mapping[str, PlacedBox], theme: Theme, gap: float
) -> dict[str, PlacedBox]:
    """The small boxes, side by side above their consumers."""
    boxes = {box.id: box for box in scene.boxes}
    found = {}
    for consumer, names in _by_consumer(hung).items():
        below = placed[consumer]
        total = sum(small_size(boxes[name], theme)[0] for name in names) + BETWEEN * (len(names) - 1)
        x, bottom = below.rect.centre[0] - total / 2, below.rect.top - ring(below.box) - gap
        for name in names:
            found[name] = hang(boxes[name], x, bottom, theme)
            x = found[name].rect.right + BETWEEN
    return found
