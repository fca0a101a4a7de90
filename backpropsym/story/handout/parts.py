"""What the formats of a handout share: equations side by side, and pictures without a legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from backpropsym.picture.formats.svg import step_svg
from backpropsym.picture.layout.layout import lay_out
from backpropsym.story.handout.content import (
    MAX_WIDTH,
    Formulas,
    Handout,
    Paragraph,
    Part,
    Picture,
    Table,
    beside,
    runs,
)
from backpropsym.story.steps import Column, Line, plain
from backpropsym.story.story import broken_line

ROWS = 8
"""The most equations below one another in one display, which no page break cuts."""


def displays(lines: Column) -> Iterator[tuple[Column, ...]]:
    """Equations in columns side by side, as many as fit, long ones broken.

    Separate equations come in displays that are small enough for the rest of a page; a sum is one, for its terms stand
    below one another.
    """
    for run in runs(lines):
        separate = all(line.left.latex for line in run)
        wide = beside(run) if separate else 1
        if wide == 1:
            equations = [broken_line(line, MAX_WIDTH) for line in run]
            yield from ((tuple(chain(*part)),) for part in (_packed(equations) if separate else [equations]))
            continue
        for start in range(0, len(run), wide * ROWS):
            part = run[start : start + wide * ROWS]
            rows = -(-len(part) // wide)
            yield tuple(part[at : at + rows] for at in range(0, len(part), rows))


def _packed(equations: Sequence[list[Line]]) -> Iterator[list[list[Line]]]:
    """Equations of several lines in displays, none of them cut."""
    packed: list[list[Line]] = []
    for equation in equations:
        if packed and sum(map(len, packed)) + len(equation) > ROWS:
            yield packed
            packed = []
        packed.append(equation)
    yield packed


def drawn(picture: Picture) -> str:
    """A picture as the text of an SVG file, without the legend: the formulas stand beside it."""
    drawing = picture.drawing
    return step_svg(lay_out(drawing.scene, drawing.theme, labels=drawing.labels), drawing.theme)


def plain_lines(lines: Sequence[Line]) -> str:
    """Equations as plain text."""
    return "; ".join(line.plain for line in lines)


def with_next(sheet: Handout) -> Iterator[tuple[Part, bool]]:
    """Each part, and whether it stands on the page of what comes next: a lead, words on that, a picture of terms."""
    for part, follower in zip(sheet.parts, [*sheet.parts[1:], None], strict=True):
        match part:
            case Paragraph(words):
                yield part, plain(words).endswith(":") or isinstance(follower, Table | Picture)
            case _:
                yield part, isinstance(part, Picture) and isinstance(follower, Formulas)
