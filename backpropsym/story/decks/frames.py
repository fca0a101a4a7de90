"""The steps of a story as pictures: each with its title, the network, its formulas and its caption, all of one size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from backpropsym.picture.formats.raster import size
from backpropsym.picture.formats.svg import step_svg
from backpropsym.picture.formats.svg_boxes import escaped
from backpropsym.picture.layout.layout import Layout
from backpropsym.picture.look.typeset import Formula, GlyphBook, number, typeset, typeset_text
from backpropsym.story.formula_blocks import Block, block, block_svg
from backpropsym.story.steps import Prose, Step, Story, plain

WIDTH, HEIGHT = 1280, 720
"""Pixels of a slide."""

EDGE = 48.0
TITLE_FONT, CAPTION_FONT = 34.0, 22.0
TITLE_BASE, CAPTION_BASE = 62.0, 690.0
TOP, BOTTOM = 92.0, 652.0
"""Between these heights stand the picture and the formulas below it."""

GAP = 18.0
PICTURE = 392.0
"""The most of that room that the picture takes, in pixels: 54 % of the slide."""

LARGEST = 1.6
"""Pixels of a slide in one of a small picture, at most."""

_TAG = re.compile(r"^<svg [^>]*>")


@dataclass(frozen=True)
class Frames:
    """Draws the steps of one story over one layout."""

    story: Story

    @cached_property
    def layout(self) -> Layout:
        """The layout of the picture, with room for the paths of all steps."""
        return self.story.layout

    def picture(self, step: Step) -> str:
        """The network at one step, as the text of an SVG file."""
        return step_svg(focused(self.layout, step), self.story.theme, step.boxes, close=True)

    def formulas(self, step: Step) -> Block:
        """The formulas of one step, typeset."""
        return block(step.columns, self.story.theme)

    def formulas_svg(self, step: Step) -> str:
        """The formulas of one step as the text of an SVG file that says what it shows."""
        key = "bp" + sha256(repr((step, sorted(step.boxes), self.story.theme)).encode()).hexdigest()[:8]
        return block_svg(step.columns, self.story.theme, step.formulas, key)

    def slide(self, step: Step) -> str:
        """The whole step as the text of an SVG file of 1280 by 720 pixels."""
        return _Slide(self, step).text()

    def slides(self) -> Iterator[str]:
        """Every step."""
        return map(self.slide, self.story.steps)


def scaled(picture: str) -> float:
    """Pixels of a slide in one of the picture of a network."""
    wide, high = size(picture)
    return min((WIDTH - 2 * EDGE) / wide, PICTURE / high, LARGEST)


def focused(layout: Layout, step: Step) -> Layout:
    """A layout with what one step shows of it: the paths that are lit, and adjoints while they are computed."""
    highlights = tuple(highlight for highlight in layout.scene.highlights if highlight.number in step.highlights)
    scene = replace(
        layout.scene, highlights=highlights, adjoint_of="" if step.kind != "backward" else layout.scene.adjoint_of
    )
    boxes = layout.boxes
    if step.kind != "backward":
        boxes = {name: replace(placed, adjoint=None, adjoint_rect=None) for name, placed in boxes.items()}
    return replace(layout, scene=scene, boxes=boxes)


def slide_body(frames: Frames, step: Step) -> str:
    """What stands inside the SVG of one step."""
    return _Slide(frames, step).body()


class _Slide:
    """One step on its way to SVG."""

    def __init__(self, frames: Frames, step: Step) -> None:
        self._frames, self._step, self._theme = frames, step, frames.story.theme
        self._key = (
            "bp" + sha256(repr((frames.story.scene, self._theme, step, sorted(step.boxes))).encode()).hexdigest()[:8]
        )
        self._glyphs = GlyphBook(f"{self._key}-s")

    def text(self) -> str:
        """The whole file."""
        body, key = self.body(), self._key
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'role="img" aria-labelledby="{key}-title {key}-desc">\n'
            f'<title id="{key}-title">{escaped(plain(self._step.title))}</title>\n'
            f'<desc id="{key}-desc">{escaped(described(self._step))}</desc>\n{body}</svg>\n'
        )

    def body(self) -> str:
        """What stands inside the SVG."""
        picture, found = self._frames.picture(self._step), self._frames.formulas(self._step)
        wide, high = size(picture)
        room = BOTTOM - TOP
        scale = scaled(picture)
        left = room - scale * high - GAP
        shrink = min((WIDTH - 2 * EDGE) / max(found.width, 1), left / max(found.height, 1), 1.0)
        middle = TOP + scale * high + GAP + left / 2
        parts = [
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{self._theme.background}"/>',
            nested(picture, (WIDTH - scale * wide) / 2, TOP, scale),
            found.drawn(self._glyphs, (WIDTH - shrink * found.width) / 2, middle - shrink * found.height / 2, shrink),
            self._prose(self._step.title, EDGE, TITLE_BASE, TITLE_FONT, self._theme.ink),
            self._prose(self._step.caption, None, CAPTION_BASE, CAPTION_FONT, self._theme.quiet),
        ]
        return "\n".join([f"<defs>{self._glyphs.definitions()}</defs>", *parts, ""])

    def _prose(self, parts: Prose, left: float | None, base: float, font: float, colour: str) -> str:
        """A line of text from `left`, or in the middle; smaller where it would be too long."""
        pieces = list(_set(parts))
        width = sum(piece.width for piece in pieces)
        font = min(font, (WIDTH - 2 * EDGE) / max(width, 0.1))
        x = (WIDTH - width * font) / 2 if left is None else left
        found = []
        for piece in pieces:
            found.append(self._glyphs.place(piece, x, base, font, colour))
            x += piece.width * font
        return "".join(found)


def described(step: Step) -> str:
    """A step in words: what the picture shows, the formulas, the caption."""
    return " ".join(part for part in (step.alt, step.formulas.replace("\n", " "), plain(step.caption)) if part)


def nested(svg: str, left: float, top: float, scale: float) -> str:
    """A picture inside another one, its top left at a point."""
    inner = _TAG.sub("", svg.strip()).removesuffix("</svg>")
    return f'<g transform="translate({number(left)} {number(top)}) scale({number(scale, 4)})">{inner}</g>'


def _set(parts: Prose) -> Iterator[Formula]:
    """The parts of a line, typeset."""
    for part in parts:
        if isinstance(part, str):
            yield from (_spaced(part[: len(part) - len(part.lstrip())]), typeset_text(part.strip()))
            yield _spaced(part[len(part.rstrip()) :])
        else:
            yield typeset(part.latex, part.plain)


def _spaced(spaces: str) -> Formula:
    """Room between words, which the typesetter leaves out at the ends of a text."""
    return Formula(0.28 * bool(spaces), 0.0, 0.0, ())
