"""The lines of a legend: formulas broken at their signs, and words and formulas that flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from backpropsym.document.writers.latex_width import width
from backpropsym.document.writers.lines import broken
from backpropsym.picture.look.typeset import MAX_FORMULA_CHARACTERS, Formula, typeset

LETTER = 0.6
"""About the width of a letter in em, where a formula is too long to be set on one line at all."""

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Text:
    """A typeset piece of the legend: its left end and baseline from the legend's top left, its size and colour."""

    formula: Formula
    left: float
    baseline: float
    font: float
    colour: str


class Piece(NamedTuple):
    """A typeset piece of a line that flows, and its colour."""

    formula: Formula
    colour: str


def in_lines(latex: str, room: float, font: float, otherwise: str) -> list[Formula]:
    """A formula in lines of at most `room` pixels where its signs allow it; a later line starts with its sign.

    Parameters
    ----------
    latex : a formula, `Breakable` where it can be broken.
    otherwise : the plain text where it cannot be set.
    """
    single = typeset(latex, otherwise)
    long = len(latex) > MAX_FORMULA_CHARACTERS
    if room == inf or (single.width * font <= room and not long):
        return [single]
    letter = font * LETTER if long else single.width * font / max(width(latex), 1)
    for _ in range(_TRIES):
        lines = broken(latex, int(room / letter), width)
        if len(lines) == 1:
            return [single]
        found = [typeset(line if i == 0 else f"{{}} {line}", line) for i, line in enumerate(lines)]
        excess = max(line.width for line in found) * font / room
        if excess <= 1:
            break
        letter *= max(excess, 1.03)
    return found


def in_words(pieces: Sequence[Piece], room: float, font: float) -> Iterator[list[Piece]]:
    """Pieces one after the other, on a further line where `room` pixels end."""
    line, right = list[Piece](), 0.0
    for piece in pieces:
        wide = piece.formula.width * font
        if line and right + wide > room:
            yield line
            line, right = [], 0.0
        line.append(piece)
        right += wide + 6
    if line:
        yield line
