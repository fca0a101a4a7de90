"""Formulas of a step as a typeset block: columns side by side, each aligned at its signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backpropsym.document.palette import PALETTE
from backpropsym.picture.formats.svg_boxes import attribute
from backpropsym.picture.layout.legend_lines import Text
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import Formula, GlyphBook, number, typeset
from backpropsym.story.steps import Column, Line, LinePart

FONT = 30.0
"""Size of the formulas on a slide of 1280 by 720 pixels."""

PIECE_GAP, SIGN_GAP, COLUMN_GAP, LEADING = 0.26, 0.3, 2.4, 0.55
"""Between the pieces of a line, about its sign, between columns, and from line to line, in em."""


@dataclass(frozen=True, slots=True)
class Block:
    """Typeset pieces from the top left of the block; sizes in pixels."""

    texts: tuple[Text, ...]
    width: float
    height: float

    def drawn(self, glyphs: GlyphBook, left: float, top: float, scale: float = 1.0) -> str:
        """The block as SVG with its top left at a point."""
        place = f"translate({number(left)} {number(top)}) scale({number(scale, 4)})"
        texts = (glyphs.place(t.formula, t.left, t.baseline, t.font, t.colour) for t in self.texts)
        return f'<g transform="{place}">{"".join(texts)}</g>'


def block(columns: Sequence[Column], theme: Theme, font: float = FONT) -> Block:
    """`columns` side by side, each in the middle of the block's height."""
    parts = [_column(column, theme, font) for column in columns]
    height = max((part.height for part in parts), default=0.0)
    texts: list[Text] = []
    left = 0.0
    for part in parts:
        down = (height - part.height) / 2
        texts += [Text(t.formula, t.left + left, t.baseline + down, t.font, t.colour) for t in part.texts]
        left += part.width + COLUMN_GAP * font
    return Block(tuple(texts), max(left - COLUMN_GAP * font, 0.0), height)


def block_svg(columns: Sequence[Column], theme: Theme, alt: str, key: str, font: float = FONT) -> str:
    """`columns` as the text of an SVG file that says what it shows; `key` tells its glyphs from those of others."""
    found, glyphs = block(columns, theme, font), GlyphBook(f"{key}-f")
    drawn = found.drawn(glyphs, 0, 0)
    width, height = number(max(found.width, 1)), number(max(found.height, 1))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f"aria-label={attribute(alt)}><defs>{glyphs.definitions()}</defs>{drawn}</svg>\n"
    )


def _column(column: Column, theme: Theme, font: float) -> Block:
    """Lines below one another: left sides flush with the sign, right sides after it."""
    lefts = [typeset(line.left.latex, line.left.plain) for line in column]
    sign_left = max((left.width for left in lefts), default=0.0) * font
    sign_left += SIGN_GAP * font if sign_left else 0.0
    sign_width = max(typeset(line.sign.latex, line.sign.plain).width for line in column) * font
    texts: list[Text] = []
    width = bottom = 0.0
    for line, left in zip(column, lefts, strict=True):
        sign = typeset(line.sign.latex, line.sign.plain)
        pieces = [(piece, typeset(piece.maths.latex, piece.maths.plain)) for piece in line.pieces]
        everything = [left, sign, *(formula for _, formula in pieces)]
        ascent = max(0.7, *(formula.ascent for formula in everything)) * font
        baseline = bottom + ascent
        bottom = baseline + max(0.2, *(formula.descent for formula in everything)) * font + LEADING * font
        left_end = sign_left - (SIGN_GAP * font if sign_left else 0.0)
        texts.append(Text(left, left_end - left.width * font, baseline, font, theme.ink))
        middle = sign_left + (sign_width - sign.width * font) / 2
        texts.append(Text(sign, middle, baseline, font, _sign_colour(line, theme)))
        texts += _pieces(pieces, sign_left + sign_width + SIGN_GAP * font, baseline, font, theme)
        width = max(width, texts[-1].left + texts[-1].formula.width * font)
    return Block(tuple(texts), width, max(bottom - LEADING * font, 0.0))


def _pieces(
    pieces: Sequence[tuple[LinePart, Formula]], left: float, baseline: float, font: float, theme: Theme
) -> list[Text]:
    """The pieces of a line one after the other."""
    texts = []
    for piece, formula in pieces:
        texts.append(Text(formula, left, baseline, font, colour_of(piece, theme)))
        left += (formula.width + PIECE_GAP) * font
    return texts


def colour_of(piece: LinePart, theme: Theme) -> str:
    """The colour of a piece: that of its path, ink, or pale where it is not active."""
    if not piece.active:
        return theme.pale
    if piece.path_number is None:
        return theme.ink
    return theme.text(piece.colour or PALETTE[(piece.path_number - 1) % len(PALETTE)])


def _sign_colour(line: Line, theme: Theme) -> str:
    """A sign is as present as the term after it."""
    inactive = line.pieces and not any(piece.active for piece in line.pieces)
    return theme.pale if inactive and not line.left.latex else theme.ink
