"""The drawing model: boxes, links and highlighted paths as plain data.

A `Scene` says what is drawn and in which order, nothing about where or in which look; every renderer
(SVG, DOT, pages) reads the same one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

from backpropsym.document.palette import PALETTE
from backpropsym.errors import NetworkError

_T = TypeVar("_T")

Role = Literal["input", "target", "parameter", "constant", "value", "output", "loss", "more"]
"""What a box is; `more` stands for boxes of its column that are left out."""


DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (12, 6),
    (3, 6),
    (16, 5, 3, 5),
    (7, 4),
    (24, 5),
    (9, 3, 3, 3, 3, 3),
    (2, 3),
)
"""Dash patterns, in pixels of stroke and gap. Each round of the colours takes them one further, so 64 paths differ."""


class LinkId(NamedTuple):
    """Names one link by the boxes at its ends."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Cells:
    """A tensor drawn as a sheet of cells, in front of further sheets for its leading axes.

    `patch` marks cells: its first row, first column, height and width. `shades`, row by row, run from -1 to 1.
    """

    rows: int
    columns: int
    sheets: int = 1
    patch: tuple[int, int, int, int] | None = None
    shades: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A node of the picture.

    `label` and `value` (which stands below) are LaTeX mathematics, `name` is the label as plain text, `about` what
    is said of the box where it is pointed at; columns count from the left. `shape` are the sizes of a tensor, as
    LaTeX, written inside its box. `adjoint`, below the value, is the number d of / d box; `cells` draws the box as
    a grid. `left_out` says for how many boxes a `more` stands. A box stands `again` where its links go on from it in
    a further row of the picture.
    """

    id: str
    column: int
    label: str
    name: str
    role: Role = "value"
    value: str | None = None
    about: str = ""
    shape: tuple[str, ...] = ()
    adjoint: str | None = None
    cells: Cells | None = None
    left_out: int = field(default=0, repr=False)
    again: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A line from one box to another.

    `label` is LaTeX mathematics, such as a weight; `name` the same as plain text. `strength`, from 0 to 1, sets the
    width of the line where it is given; along a `dead` link no derivative flows. A `rest` stands for all links from
    boxes that are left out. `of` is the LaTeX of the array of which the weight `label` is an entry.
    """

    source: str
    target: str
    label: str | None = None
    name: str = ""
    strength: float | None = None
    dead: bool = False
    rest: bool = field(default=False, repr=False)
    of: str = field(default="", repr=False)

    @property
    def id(self) -> LinkId:
        """What names this link."""
        return LinkId(self.source, self.target)


@dataclass(frozen=True, slots=True)
class HighlightedPath:
    """A highlighted path.

    `names` are the nodes it visits, `links` the lines it runs along; `path`, `term` and `value` (the term in numbers)
    are LaTeX mathematics for the legend. With `from_label` the path starts at the label of its first link instead
    of at that link's source: so a weight that is no box of its own is still where its path begins. `strength`, from
    0 to 1, sets the width of its stroke where it is given; a path is `dead` where its value is zero. `look` sets
    colour and dashes: that of the path of this number, by default its own.
    """

    number: int
    names: tuple[str, ...]
    links: tuple[LinkId, ...]
    path: str
    term: str
    from_label: bool = False
    value: str = ""
    strength: float | None = None
    look: int = field(default=0, repr=False)  # out of the text that keys the names inside an SVG

    @property
    def dead(self) -> bool:
        """Whether the term is zero in numbers, so that nothing passes along the path."""
        return self.value in ("0", "{-}0")

    @property
    def tag(self) -> str:
        """Its number as it stands on its stroke; of a very long one the ends."""
        digits = str(self.number)
        return digits if len(digits) <= 6 else f"{digits[:2]}…{digits[-2:]}"

    @property
    def caption(self) -> str:
        """The path as plain text, such as "w11 → s1 → a"."""
        return " → ".join(self.names)

    @property
    def colour(self) -> str:
        """The colour of this path, `#RRGGBB`, fixed by its look."""
        return PALETTE[((self.look or self.number) - 1) % len(PALETTE)]

    @property
    def dash(self) -> tuple[float, ...]:
        """The dash pattern of this path, fixed by its look; empty for a solid stroke."""
        turn, place = divmod((self.look or self.number) - 1, len(PALETTE))
        return DASHES[(place + turn) % len(DASHES)]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Boxes that belong together, by id; `label` is LaTeX mathematics, `name` the same as plain text."""

    label: str
    name: str
    boxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture.

    `title` and `description` are plain text for those who do not see it, `derivative` is the LaTeX of what the terms
    of the paths add up to, `total` that in numbers, `note` a plain line under the legend. `partial` says that there
    are more terms than paths. `facts` are what a reader must know beside the terms, as LaTeX: f = relu. `adjoint_of`
    is the LaTeX of the node that the adjoints of the boxes derive. `cuts` are links through which no change passes.

    Raises
    ------
    NetworkError : two boxes or links of one name, a link without its boxes, or a path that is not connected.
    """

    title: str
    description: str
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    highlights: tuple[HighlightedPath, ...] = ()
    derivative: str = ""
    total: str = ""
    partial: bool = False
    note: str = ""
    facts: tuple[str, ...] = ()
    adjoint_of: str = ""
    clusters: tuple[Cluster, ...] = ()
    cuts: tuple[LinkId, ...] = ()

    def __post_init__(self) -> None:
        names = _unique("boxes", [box.id for box in self.boxes])
        for link in self.links:
            for end in (link.source, link.target):
                if end not in names:
                    raise NetworkError(f"a link of the drawing ends at {end!r}, which is no box of it")
        links = _unique("links", [link.id for link in self.links])
        for highlight in self.highlights:
            _check_path(highlight, links)
        for cluster in self.clusters:
            if not names.issuperset(cluster.boxes):
                raise NetworkError(f"the cluster {cluster.name!r} of the drawing holds what is no box of it")
        for cut in self.cuts:
            if cut not in links:
                raise NetworkError(f"the drawing cuts {cut.source} → {cut.target}, which is no link")

    def of_boxes(self, kept: Set[str]) -> Scene:
        """The same scene with these boxes alone, and what runs between them; highlighted paths must be among them."""
        clusters = [replace(each, boxes=tuple(name for name in each.boxes if name in kept)) for each in self.clusters]
        return replace(
            self,
            boxes=tuple(box for box in self.boxes if box.id in kept),
            links=tuple(link for link in self.links if {*link.id} <= kept),
            clusters=tuple(cluster for cluster in clusters if len(cluster.boxes) > 1),
            cuts=tuple(cut for cut in self.cuts if {*cut} <= kept),
        )


def _unique(what: str, items: list[_T]) -> set[_T]:
    """`items` as a set, refused where one stands twice."""
    item, count = next(iter(Counter(items).most_common(1)), (None, 0))
    if count > 1:
        raise NetworkError(f"the drawing has {count} {what} called {item!r}")
    return set(items)


def _check_path(highlight: HighlightedPath, links: set[LinkId]) -> None:
    """Refuse a path that leaves the links of its scene, or jumps between them."""
    for link in highlight.links:
        if link not in links:
            raise NetworkError(f"path {highlight.number} runs along {link.source} → {link.target}, which is no link")
    for before, after in pairwise(highlight.links):
        if before.target != after.source:
            raise NetworkError(f"path {highlight.number} jumps from {before.target} to {after.source}")


def looks(numbers: Sequence[int]) -> list[int]:
    """The look of each path of one picture: its number's colour while no other has it, else one that fewest have."""
    found: list[int] = []
    for number in numbers:
        uses = Counter((look - 1) % len(PALETTE) for look in found)
        wanted = [(number - 1 + i) % len(PALETTE) for i in range(len(PALETTE))]
        colour = min(wanted, key=uses.__getitem__)
        of_colour = range(colour + 1, len(PALETTE) * len(DASHES) + 1, len(PALETTE))
        found.append(next((look for look in of_colour if look not in found), colour + 1))
    return found
