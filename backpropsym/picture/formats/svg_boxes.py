"""The boxes of a picture as SVG: neurons, plates with their shapes, and grids of cells."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from xml.sax.saxutils import quoteattr

from backpropsym.errors import printable
from backpropsym.picture.layout.geometry import Point, Rect
from backpropsym.picture.layout.layout import Layout
from backpropsym.picture.layout.sizes import (
    RING,
    ROUND_ROLES,
    SHEET_STEP,
    PlacedBox,
    cell_size,
    sheets_behind,
    small_shape_font,
)
from backpropsym.picture.look.themes import Theme, mix
from backpropsym.picture.look.typeset import Formula, GlyphBook, number
from backpropsym.picture.scene import Cells

_PLATE_RADIUS = 11.0
AGAIN = (5.0, 4.0)
"""The dash pattern, in pixels, of the outline of a box that stands once more."""

_LINE = 0.29
"""How far from the middle of a plate its two lines stand, in heights of the plate."""


def escaped(text: str) -> str:
    """`text` between tags: markup characters as entities, characters that cannot be seen as visible escapes."""
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute(text: str) -> str:
    """`text` as a quoted attribute value."""
    return quoteattr(printable(text))


def rounded(rect: Rect, radius: float) -> str:
    """Position and size of a rounded rectangle as attributes."""
    return (
        f'x="{number(rect.left)}" y="{number(rect.top)}" '
        f'width="{number(rect.width)}" height="{number(rect.height)}" rx="{number(min(radius, rect.height / 2))}"'
    )


def dashes(pattern: Sequence[float]) -> str:
    """A dash pattern as an attribute; nothing for a solid line."""
    return f' stroke-dasharray="{" ".join(number(value) for value in pattern)}"' if pattern else ""


class BoxPainter:
    """Writes boxes, moved by (dx, dy) into the picture.

    Parameters
    ----------
    lit : the boxes on highlighted paths; the others are quiet where there are any.
    at_work : the boxes that a step of a derivation computes.
    """

    def __init__(
        self,
        layout: Layout,
        theme: Theme,
        glyphs: GlyphBook,
        offset: Point,
        lit: Collection[str],
        at_work: Collection[str] = (),
    ) -> None:
        self._layout, self._theme, self._glyphs = layout, theme, glyphs
        self._dx, self._dy = offset
        self._lit, self._at_work = {*lit, *at_work}, at_work

    def clusters(self) -> Iterator[str]:
        """The plates behind layers written as one step, each with its label."""
        theme = self._theme
        for cluster in self._layout.clusters:
            rect = self._moved(cluster.rect)
            where = self._at(cluster.text_rect.centre)
            text = self._glyphs.centred(cluster.text, where, theme.value_font, theme.quiet)
            yield (
                f'<g class="cluster" data-name={attribute(cluster.name)}><rect {rounded(rect, 14.0)} '
                f'fill="{theme.cluster}" stroke="{mix(theme.background, theme.link, 0.55)}"/>{text}</g>'
            )

    def patches(self) -> Iterator[str]:
        """From the patch of each grid to the cell that is computed from it."""
        boxes, theme = self._layout.boxes, self._theme
        for link in self._layout.scene.links:
            ends = boxes[link.source], boxes[link.target]
            if not ends[1].box.again and all(end.box.cells is not None and end.box.cells.patch for end in ends):
                near, far = (self._patch(end) for end in ends)
                corners = (
                    (near.right, near.top),
                    (far.left, far.top),
                    (far.left, far.bottom),
                    (near.right, near.bottom),
                )
                points = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
                yield f'<polygon class="patch" points="{points}" fill="{theme.patch}" fill-opacity="0.16"/>'

    def boxes(self) -> Iterator[str]:
        """All boxes in the order of the scene."""
        yield '<g class="boxes">'
        for placed in self._layout.boxes.values():
            box = placed.box
            outline = "" if box.role == "more" else self._cells(placed) if box.cells else self._outline(placed)
            yield (
                f'<g class="{box.role}" data-name={attribute(box.name)}><title>{escaped(box.about or box.name)}</title>'
                f"{outline}{self._texts(placed)}</g>"
            )
        yield "</g>"

    def _outline(self, placed: PlacedBox) -> str:
        theme, rect, role = self._theme, self._moved(placed.rect), placed.box.role
        style = theme.boxes[role]
        lit = placed.box.id in self._lit
        fill = theme.at_work if placed.box.id in self._at_work else style.fill
        colour = theme.ink if lit else style.outline
        width = theme.box_width + 0.5 * lit
        round_ends = role in ROUND_ROLES
        radius = _PLATE_RADIUS if placed.shape and round_ends else rect.height / 2 if round_ends else 9.0
        ring = ""
        if role == "output":
            ring = (
                f'<rect {rounded(rect.grown(RING), radius + RING)} fill="{theme.background}" '
                f'stroke="{colour}" stroke-width="{number(theme.box_width * 0.7)}"/>'
            )
        shape, dash = rounded(rect, radius), AGAIN if placed.box.again else style.dash
        return f'{ring}<rect {shape} fill="{fill}" stroke="{colour}" stroke-width="{width}"{dashes(dash)}/>'

    def _texts(self, placed: PlacedBox) -> str:
        theme = self._theme
        colour = theme.ink if placed.box.id in self._lit or not self._layout.scene.highlights else theme.quiet
        text = "" if placed.box.cells else self._inside(placed, colour)
        text += self._below(placed.value, placed.value_rect, colour)
        return text + self._below(placed.adjoint, placed.adjoint_rect, theme.adjoint)

    def _inside(self, placed: PlacedBox, colour: str) -> str:
        """The name of a box, and its shape below it, or beside it in a small one."""
        x, y = self._at(placed.rect.centre)
        if placed.shape is None:
            return self._glyphs.centred(placed.label, (x, y), placed.font, colour)
        font = self._theme.value_font
        if not placed.small:
            step = placed.rect.height * _LINE / 2
            name = self._glyphs.centred(placed.label, (x, y - step), placed.font, colour)
            return name + self._glyphs.centred(placed.shape, (x, y + step * 1.35), font, self._theme.quiet)
        font = small_shape_font(self._theme)
        wide, other = placed.label.width * placed.font, placed.shape.width * font
        left = x - (wide + 9 + other) / 2
        name = self._glyphs.centred(placed.label, (left + wide / 2, y), placed.font, colour)
        return name + self._glyphs.centred(placed.shape, (left + wide + 9 + other / 2, y), font, self._theme.quiet)

    def _below(self, text: Formula | None, rect: Rect | None, colour: str) -> str:
        if text is None or rect is None:
            return ""
        theme = self._theme
        back = f'<rect {rounded(self._moved(rect.grown(2)), 4.0)} fill="{self._layout.ground(rect, theme)}"/>'
        return back + self._glyphs.centred(text, self._at(rect.centre), theme.value_font, colour)

    def _cells(self, placed: PlacedBox) -> str:
        """Sheets from the back to the front, the cells of the front one, and its patch."""
        cells, theme = placed.box.cells, self._theme
        assert cells is not None
        style, lit = theme.boxes[placed.box.role], placed.box.id in self._lit
        colour = theme.ink if lit else style.outline
        front = self._front(placed)
        sheets = "".join(
            f'<rect {rounded(front.moved(SHEET_STEP * i, -SHEET_STEP * i), 2.0)} fill="{style.fill}" '
            f'stroke="{colour}" stroke-width="{theme.box_width * 0.7:g}"/>'
            for i in range(sheets_behind(placed.box), 0, -1)
        )
        width = theme.box_width + 0.5 * lit
        fill = theme.at_work if placed.box.id in self._at_work else style.fill
        back = f'<rect {rounded(front, 2.0)} fill="{fill}"/>'
        rim = f'<rect {rounded(front, 2.0)} fill="none" stroke="{colour}" stroke-width="{width}"/>'
        return (
            sheets + back + self._shades(placed, cells, front) + _lines(cells, front, theme) + rim + self._mark(placed)
        )

    def _shades(self, placed: PlacedBox, cells: Cells, front: Rect) -> str:
        size, theme = cell_size(placed.box), self._theme
        found = []
        for i, shade in enumerate(cells.shades):
            if shade:
                left, top = front.left + i % cells.columns * size, front.top + i // cells.columns * size
                fill = mix(theme.boxes["value"].fill, theme.positive if shade > 0 else theme.negative, abs(shade))
                found.append(
                    f'<rect x="{number(left)}" y="{number(top)}" width="{number(size)}" height="{number(size)}" '
                    f'fill="{fill}"/>'
                )
        return "".join(found)

    def _mark(self, placed: PlacedBox) -> str:
        if placed.box.cells is None or not placed.box.cells.patch:
            return ""
        where, colour = rounded(self._patch(placed), 1.5), self._theme.patch
        return f'<rect {where} fill="{colour}" fill-opacity="0.28" stroke="{colour}" stroke-width="2"/>'

    def _front(self, placed: PlacedBox) -> Rect:
        """The front sheet of a grid, in the picture."""
        cells, size = placed.box.cells, cell_size(placed.box)
        assert cells is not None
        rect = self._moved(placed.rect)
        return Rect(rect.left, rect.bottom - cells.rows * size, rect.left + cells.columns * size, rect.bottom)

    def _patch(self, placed: PlacedBox) -> Rect:
        cells, size, front = placed.box.cells, cell_size(placed.box), self._front(placed)
        assert cells is not None
        row, column, high, wide = cells.patch or (0, 0, 0, 0)
        left, top = front.left + column * size, front.top + row * size
        return Rect(left, top, left + wide * size, top + high * size)

    def _moved(self, rect: Rect) -> Rect:
        return rect.moved(self._dx, self._dy)

    def _at(self, point: Point) -> Point:
        return point[0] + self._dx, point[1] + self._dy


def _lines(cells: Cells, front: Rect, theme: Theme) -> str:
    """The lines between the cells of a sheet."""
    size = front.width / cells.columns
    across = (
        f"M{number(front.left)} {number(front.top + i * size)}H{number(front.right)}" for i in range(1, cells.rows)
    )
    down = (
        f"M{number(front.left + i * size)} {number(front.top)}V{number(front.bottom)}" for i in range(1, cells.columns)
    )
    course = "".join([*across, *down])
    return f'<path d="{course}" fill="none" stroke="{theme.link}" stroke-width="0.6"/>' if course else ""
