"""The legend under a picture: for each path its number, a piece of its stroke, its path and its term."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from backpropsym.picture.layout.layout import tag_rect
from backpropsym.picture.layout.legend_lines import Piece, Text, in_lines, in_words
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import Formula, typeset, typeset_text
from backpropsym.picture.scene import HighlightedPath, Scene

ROW, LINE = 36.0, 30.0
"""Height of the first line of a path, and of each further one, in pixels."""

SAMPLE = 46.0
"""Length of the piece of stroke, in pixels."""

GAP = 16.0
NOTE_ROW = 26.0

LEAST_ROOM = 720.0
"""A legend may be so wide, in pixels, however narrow its network is."""

_SHARES = (0.3, 0.4, 0.5)
"""What the paths may take of the room beside their terms."""


@dataclass(frozen=True, slots=True)
class Legend:
    """The samples of the paths, each with its middle from the top, all text, and the widest tag; sizes in pixels."""

    samples: tuple[tuple[HighlightedPath, float], ...]
    texts: tuple[Text, ...]
    width: float
    height: float
    disc: float


class _Columns(NamedTuple):
    """How a legend is set: the room for all, for a path and for a term, and whether terms stand below their paths."""

    room: float = inf
    path: float = inf
    stacked: bool = False


def legend(scene: Scene, theme: Theme, room: float = inf) -> Legend | None:
    """The legend of `scene`; None where it has nothing to say.

    Where it would be wider than `room` pixels, paths are broken at their arrows and terms at their signs, or terms
    stand below their paths: whatever takes the fewest lines.
    """
    if not scene.highlights and not scene.note and not scene.adjoint_of:
        return None
    single = _Setter(scene, theme, _Columns()).legend()
    if single.width <= room:
        return single
    ways = [_Columns(room, room * share) for share in _SHARES] + [_Columns(room, inf, stacked=True)]
    found = [_Setter(scene, theme, way).legend() for way in ways]
    return min(found, key=lambda legend: (max(legend.width, room), legend.height))


class _Setter:
    """Sets the legend of one scene: rows from the top down, in columns for paths, signs and terms."""

    def __init__(self, scene: Scene, theme: Theme, columns: _Columns) -> None:
        self._scene, self._theme, self._font, self._columns = scene, theme, theme.legend_font, columns
        self._texts: list[Text] = []
        self._derivative = typeset(scene.derivative) if scene.derivative and scene.highlights else None
        self._disc = max((tag_rect(highlight, (0.0, 0.0)).width for highlight in scene.highlights), default=0.0)
        self._path_left = self._disc + GAP + SAMPLE + GAP
        path_room = min(columns.path, columns.room - self._path_left)
        self._paths = {
            highlight.number: in_lines(highlight.path, path_room, self._font, highlight.caption)
            for highlight in scene.highlights
        }
        widest = max((line.width for path in self._paths.values() for line in path), default=0.0) * self._font
        beside = self._path_left + widest + 2.5 * GAP
        self._sum_left = self._disc + GAP if columns.stacked else beside
        self._sign_left = self._sum_left + (self._derivative.width * self._font + 10 if self._derivative else 0.0)
        self._term_left = self._sign_left + typeset("+").width * self._font + 10
        equal = typeset("=")
        self._axis = (equal.ascent - equal.height / 2) * self._font

    def legend(self) -> Legend:
        """The whole legend."""
        height, samples = 0.0, []
        for i, highlight in enumerate(self._scene.highlights):
            middle, height = self._row(highlight, height, first=i == 0)
            samples.append((highlight, middle))
        if samples and self._scene.partial:
            height = self._dots(height)
        if any(highlight.value for highlight in self._scene.highlights):
            height = self._numbers(height)
        for pieces in self._notes():
            for line in in_words(pieces, self._columns.room, self._theme.note_font):
                height += max(NOTE_ROW, max(piece.formula.height for piece in line) * self._theme.note_font + 6)
                below = max(6.0, max(piece.formula.descent for piece in line) * self._theme.note_font + 2)
                left = 0.0
                for formula, colour in line:
                    self._texts.append(Text(formula, left, height - below, self._theme.note_font, colour))
                    left += formula.width * self._theme.note_font + 6
        width = max((text.left + text.formula.width * text.font for text in self._texts), default=0.0)
        return Legend(tuple(samples), tuple(self._texts), width, height, self._disc)

    def _notes(self) -> Iterator[list[Piece]]:
        """The lines under the sum: what its functions are, what is left out, and which numbers the boxes show."""
        scene, quiet = self._scene, self._theme.quiet
        if scene.facts and scene.highlights:
            joined = typeset(r",\quad ".join(scene.facts))
            apart = [typeset(fact + r",\quad" * (i < len(scene.facts))) for i, fact in enumerate(scene.facts, 1)]
            fits = joined.width * self._theme.note_font < self._columns.room - 3 * ROW
            facts = [joined] if fits else apart
            yield [Piece(typeset_text("where"), quiet), *(Piece(fact, self._theme.ink) for fact in facts)]
        if scene.note:
            yield [*self._words(scene.note)]
        if scene.adjoint_of:
            of = Piece(typeset(scene.adjoint_of), self._theme.adjoint)
            yield [*self._words("at each node its value and the derivative of"), of, *self._words("by it")]

    def _words(self, text: str) -> Iterator[Piece]:
        """Plain text in one piece, or word by word where there is no room for it on one line."""
        whole = typeset_text(text)
        fits = whole.width * self._theme.note_font <= self._columns.room
        for formula in [whole] if fits else map(typeset_text, text.split()):
            yield Piece(formula, self._theme.quiet)

    def _row(self, highlight: HighlightedPath, top: float, *, first: bool) -> tuple[float, float]:
        """One path from `top` down, with the middle of its first line and its lower end.

        A later term that starts with a minus gives it to the sign before it.
        """
        theme, path = self._theme, self._paths[highlight.number]
        sign, term = ("", highlight.term) if first else _signed(highlight.term)
        sign = "=" if first and self._derivative else sign
        lines = in_lines(term, self._columns.room - self._term_left, self._font, term)
        high = max(ROW, lines[0].height * self._font + 10)
        if first and self._derivative:
            high = max(high, self._derivative.height * self._font + 10)
        middle = top + (ROW if self._columns.stacked else high) / 2
        below = self._lines(path, self._path_left, middle, theme.ink)
        beside = below + high / 2 if self._columns.stacked else middle
        if first and self._derivative:
            # First in the file as on the page: what the sum is of.
            self._texts.insert(0, self._text(self._derivative, self._sum_left, beside, theme.ink))
        if sign:
            self._set(typeset(sign), self._sign_left, beside, theme.ink)
        end = self._lines(lines, self._term_left, beside, theme.text(highlight.colour))
        return middle, max(below, end, beside + high / 2)

    def _lines(self, lines: Sequence[Formula], left: float, middle: float, colour: str) -> float:
        """Lines below one another, the first about `middle`; returns where they end."""
        end = middle + ROW / 2
        for i, line in enumerate(lines):
            if i:
                high = max(LINE, line.height * self._font + 8)
                middle, end = end + high / 2, end + high
            else:
                end = max(end, middle + line.height * self._font / 2 + 5)
            self._set(line, left, middle, colour)
        return end

    def _dots(self, height: float) -> float:
        """What stands for the terms that are left out: after the last one, or where there is no room for it below."""
        last, dots = self._texts[-1], typeset(r"{} + \cdots")
        right = last.left + last.formula.width * self._font + 8
        if right + dots.width * self._font <= self._columns.room:
            self._texts.append(Text(dots, right, last.baseline, self._font, self._theme.ink))
            return height
        self._set(typeset(r"+ \cdots"), self._sign_left, height + LINE / 2, self._theme.ink)
        return height + LINE

    def _numbers(self, height: float) -> float:
        """The same sum in numbers, each in the colour of its term; returns where it ends."""
        left, theme, middle = self._term_left, self._theme, height + ROW / 2
        self._set(typeset("="), self._sign_left, middle, theme.ink)
        for text, colour in self._pieces():
            formula = typeset(text)
            if left > self._term_left and left + formula.width * self._font > self._columns.room:
                left, middle = self._term_left, middle + LINE
            left = self._set(formula, left, middle, colour) + 7
        return middle + ROW / 2

    def _pieces(self) -> Iterator[tuple[str, str]]:
        theme, scene = self._theme, self._scene
        for i, highlight in enumerate(scene.highlights):
            sign, value = _signed(highlight.value) if i else ("", highlight.value)
            if sign:
                yield sign, theme.ink
            yield value, theme.text(highlight.colour)
        if scene.partial:
            yield r"{} + \cdots", theme.ink
        if scene.total and (len(scene.highlights) > 1 or scene.partial):
            yield f"= {scene.total}", theme.ink

    def _set(self, formula: Formula, left: float, middle: float, colour: str) -> float:
        """Put `formula` on the row about `middle`; returns its right end."""
        self._texts.append(self._text(formula, left, middle, colour))
        return left + formula.width * self._font

    def _text(self, formula: Formula, left: float, middle: float, colour: str) -> Text:
        return Text(formula, left, middle + self._axis, self._font, colour)


def _signed(term: str) -> tuple[str, str]:
    """The sign that joins `term` to the terms before it, and the term without it."""
    for minus in ("{-}", "-"):
        if term.startswith(minus):
            return "-", term.removeprefix(minus)
    return "+", term
