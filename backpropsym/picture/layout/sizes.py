"""How large each box of a picture is, and what is written in it and around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from backpropsym.picture.layout.geometry import Point, Polyline, Rect, distance
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import Formula, typeset
from backpropsym.picture.scene import Box

BOX_HEIGHT = 46.0
PLATE_HEIGHT = 60.0
SMALL_HEIGHT = 30.0
SMALL_SHAPE = 0.86
"""Size of the sizes of a hanging tensor, against that of a value."""

PADDING = 13.0
VALUE_GAP = 5.0
ROUND_ROLES = frozenset({"value", "output", "loss"})
"""The roles of boxes with round ends, where they are no arrays."""

RING = 4.0
"""How far outside its box the second outline of an output runs."""

DOTS = 12.0
"""How far right of the middle the links from boxes that are left out begin, in pixels."""

SHEET_STEP = 5.0
"""How far each sheet behind a grid is moved to the right and up, in pixels."""

MAX_SHEETS = 4
_GRID = 150.0
_CELL = (4.0, 17.0)
_OVERHANG = 36.0


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box with its rectangle, and what is written in it and around it, typeset, each with its place.

    `small` boxes hang above the one that uses them.
    """

    box: Box
    rect: Rect
    label: Formula
    font: float
    value: Formula | None = None
    value_rect: Rect | None = None
    small: bool = False
    shape: Formula | None = None
    adjoint: Formula | None = None
    adjoint_rect: Rect | None = None

    @property
    def entry(self) -> Point:
        """Where links arrive: the centre of the box's round left end."""
        return self.rect.left + self._inset, self.rect.centre[1]

    @property
    def exit(self) -> Point:
        """Where links leave: the centre of the box's round right end; of what is left out, right of its dots."""
        if self.box.role == "more":
            return self.rect.centre[0] + DOTS, self.rect.centre[1]
        return self.rect.right - self._inset, self.rect.centre[1]

    @property
    def _inset(self) -> float:
        return min(self.rect.height, self.rect.width) / 2

    @property
    def rounded(self) -> bool:
        """Whether its ends are half circles."""
        return self.shape is None and self.box.cells is None and self.box.role in ROUND_ROLES

    def hides(self, line: Polyline, clear: float) -> bool:
        """Whether `line` runs beneath the box, or closer than `clear` pixels to it; its rounded ends hide nothing."""
        area = self.rect.grown(clear)
        if not area.meets_line(line):
            return False
        if not self.rounded:
            return True
        reach = self._inset
        start, end = (self.rect.left + reach, self.rect.centre[1]), (self.rect.right - reach, self.rect.centre[1])
        return any(distance(start, end, *piece) < reach + clear for piece in pairwise(line))

    def occupied(self) -> list[Rect]:
        """All that the box covers."""
        return [rect for rect in (self.rect, self.value_rect, self.adjoint_rect) if rect is not None]


def moved(placed: PlacedBox, dx: float, dy: float) -> PlacedBox:
    """A box with all that belongs to it, moved by (dx, dy)."""
    value, adjoint = placed.value_rect, placed.adjoint_rect
    return replace(
        placed,
        rect=placed.rect.moved(dx, dy),
        value_rect=value.moved(dx, dy) if value else None,
        adjoint_rect=adjoint.moved(dx, dy) if adjoint else None,
    )


def place(box: Box, centre: Point, theme: Theme) -> PlacedBox:
    """A standing box about `centre`, its value and adjoint below it; a grid's name and sizes stand there too."""
    rect = Rect.around(centre, width(box, theme), height(box))
    below = _caption(box, box.value) if box.cells else box.value
    bottom = rect.bottom + ring(box)
    value, value_rect = _line(below, centre[0], bottom, theme)
    adjoint, adjoint_rect = _line(box.adjoint, centre[0], value_rect.bottom if value_rect else bottom, theme)
    shape = _shape(box)
    return PlacedBox(box, rect, _label(box), theme.box_font, value, value_rect, False, shape, adjoint, adjoint_rect)


def hang(box: Box, left: float, bottom: float, theme: Theme) -> PlacedBox:
    """A small box with its lower left corner there, its adjoint, or a grid's name, above it."""
    wide, high = small_size(box, theme)
    rect = Rect(left, bottom - high, left + wide, bottom)
    above = _caption(box, None) if box.cells else None
    value, value_rect = _line(above, rect.centre[0], rect.top, theme, up=True)
    top = value_rect.top if value_rect else rect.top
    adjoint, adjoint_rect = _line(box.adjoint, rect.centre[0], top, theme, up=True)
    return PlacedBox(
        box, rect, _label(box), theme.label_font, value, value_rect, True, _shape(box), adjoint, adjoint_rect
    )


def width(box: Box, theme: Theme) -> float:
    """The width of a standing box."""
    if box.cells:
        return _sheets(box)[0]
    inner = _label(box).width * theme.box_font
    if shape := _shape(box):
        inner = max(inner, shape.width * theme.value_font)
    return max(height(box), inner + 2 * PADDING)


def span(box: Box, theme: Theme) -> float:
    """The width that a column needs for a box and the lines below it, which may reach into the gap."""
    lines = [_caption(box, box.value) if box.cells else box.value, box.adjoint]
    below = max((typeset(line).width * theme.value_font for line in lines if line), default=0.0)
    return max(width(box, theme), below - _OVERHANG)


def height(box: Box) -> float:
    """The height of a standing box."""
    return _sheets(box)[1] if box.cells else PLATE_HEIGHT if box.shape else BOX_HEIGHT


def small_size(box: Box, theme: Theme) -> tuple[float, float]:
    """Width and height of a box that hangs; its sizes stand beside its name."""
    if box.cells:
        return _sheets(box)
    wide = _label(box).width * theme.label_font + 16
    if shape := _shape(box):
        wide += shape.width * small_shape_font(theme) + 9
    return max(SMALL_HEIGHT, wide), SMALL_HEIGHT


def small_shape_font(theme: Theme) -> float:
    """The font of the sizes of a tensor in a small box."""
    return theme.font(theme.value_font * SMALL_SHAPE)


def caption_width(box: Box, theme: Theme) -> float:
    """The width of the name above a grid that hangs."""
    return typeset(_caption(box, None)).width * theme.value_font if box.cells else 0.0


def ring(box: Box) -> float:
    """How far the outline of a box reaches beyond it."""
    return RING if box.role == "output" and not box.cells else 0.0


def cell_size(box: Box) -> float:
    """Pixels of one cell of a box that is a grid."""
    assert box.cells is not None
    low, high = _CELL
    return max(low, min(high, _GRID / max(box.cells.rows, box.cells.columns)))


def sheets_behind(box: Box) -> int:
    """How many sheets are drawn behind the front one."""
    assert box.cells is not None
    return min(box.cells.sheets, MAX_SHEETS) - 1


def _sheets(box: Box) -> tuple[float, float]:
    assert box.cells is not None
    size, behind = cell_size(box), sheets_behind(box) * SHEET_STEP
    return box.cells.columns * size + behind, box.cells.rows * size + behind


def _label(box: Box) -> Formula:
    return typeset(box.label, box.name)


def _shape(box: Box) -> Formula | None:
    return typeset(r" \times ".join(box.shape)) if box.shape else None


def _caption(box: Box, value: str | None) -> str:
    """A grid's name with its sizes, and what else is said of it."""
    return r"\;\;".join(part for part in (box.label, r" \times ".join(box.shape), value) if part)


def _line(
    latex: str | None, middle: float, edge: float, theme: Theme, *, up: bool = False
) -> tuple[Formula | None, Rect | None]:
    """A line of text below (or above) `edge`, typeset, with its place."""
    if not latex:
        return None, None
    text = typeset(latex)
    wide, high = text.width * theme.value_font, text.height * theme.value_font
    away = VALUE_GAP + high / 2
    return text, Rect.around((middle, edge - away if up else edge + away), wide, high)
