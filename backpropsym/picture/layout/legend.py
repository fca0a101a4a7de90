"""The legend under a picture: for each path its number, a piece of its stroke, its path and its term."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backpropsym.picture.layout.layout import tag_rect
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import Formula, typeset, typeset_text
from backpropsym.picture.scene import HighlightedPath, Scene

ROW = 36.0
SAMPLE = 46.0
"""Length of the piece of stroke, in pixels."""

GAP = 16.0
NOTE_ROW = 26.0


@dataclass(frozen=True, slots=True)
class Text:
    """A typeset piece of the legend: its left end and baseline from the legend's top left, its size and colour."""

    formula: Formula
    left: float
    baseline: float
    font: float
    colour: str


@dataclass(frozen=True, slots=True)
class Legend:
    """The samples of the paths, each with its middle from the top, all text, and the widest tag; sizes in pixels."""

    samples: tuple[tuple[HighlightedPath, float], ...]
    texts: tuple[Text, ...]
    width: float
    height: float
    disc: float


def legend(scene: Scene, theme: Theme) -> Legend | None:
    """The legend of `scene`; None where it has nothing to say."""
    if not scene.highlights and not scene.note and not scene.adjoint_of:
        return None
    return _Setter(scene, theme).legend()


class _Setter:
    """Sets the legend of one scene: rows from the top down, in columns for paths, signs and terms."""

    def __init__(self, scene: Scene, theme: Theme) -> None:
        self._scene, self._theme, self._font = scene, theme, theme.legend_font
        self._texts: list[Text] = []
        self._derivative = typeset(scene.derivative) if scene.derivative and scene.highlights else None
        paths = [typeset(highlight.path, highlight.caption) for highlight in scene.highlights]
        self._disc = max((tag_rect(highlight, (0.0, 0.0)).width for highlight in scene.highlights), default=0.0)
        self._path_left = self._disc + GAP + SAMPLE + GAP
        self._sum_left = self._path_left + max((path.width for path in paths), default=0.0) * self._font + 2.5 * GAP
        self._sign_left = self._sum_left + (self._derivative.width * self._font + 10 if self._derivative else 0.0)
        self._term_left = self._sign_left + typeset("+").width * self._font + 10
        equal = typeset("=")
        self._axis = (equal.ascent - equal.height / 2) * self._font

    def legend(self) -> Legend:
        """The whole legend."""
        scene, head = self._scene, ROW
        if self._derivative:
            head = max(ROW, self._derivative.height * self._font + 10)
        heights = [
            max(ROW, typeset(highlight.term, highlight.term).height * self._font + 10) for highlight in scene.highlights
        ]
        heights[:1] = [max(head, high) for high in heights[:1]]
        tops = [sum(heights[:i]) for i in range(len(heights))]
        samples = [
            (highlight, top + high / 2) for highlight, top, high in zip(scene.highlights, tops, heights, strict=True)
        ]
        if self._derivative and samples:
            self._set(self._derivative, self._sum_left, samples[0][1], self._theme.ink)
        for i, (highlight, middle) in enumerate(samples):
            self._row(highlight, middle, first=i == 0, last=i == len(samples) - 1)
        height = sum(heights)
        if any(highlight.value for highlight in scene.highlights):
            height += ROW
            self._numbers(height - ROW / 2)
        for pieces in self._notes():
            height += NOTE_ROW
            left = 0.0
            for formula, colour in pieces:
                self._texts.append(Text(formula, left, height - 6, self._theme.note_font, colour))
                left += formula.width * self._theme.note_font + 6
        width = max((text.left + text.formula.width * text.font for text in self._texts), default=0.0)
        return Legend(tuple(samples), tuple(self._texts), width, height, self._disc)

    def _notes(self) -> Iterator[list[tuple[Formula, str]]]:
        """The lines under the sum: what its functions are, what is left out, and which numbers the boxes show."""
        scene, quiet = self._scene, self._theme.quiet
        if scene.facts and scene.highlights:
            facts = typeset(r",\quad ".join(scene.facts))
            yield [(typeset_text("where"), quiet), (facts, self._theme.ink)]
        if scene.note:
            yield [(typeset_text(scene.note), quiet)]
        if scene.adjoint_of:
            below = typeset_text("at each node its value and the derivative of")
            yield [(below, quiet), (typeset(scene.adjoint_of), self._theme.adjoint), (typeset_text("by it"), quiet)]

    def _row(self, highlight: HighlightedPath, middle: float, *, first: bool, last: bool) -> None:
        """One path; a later term that starts with a minus gives it to the sign before it."""
        theme = self._theme
        self._set(typeset(highlight.path, highlight.caption), self._path_left, middle, theme.ink)
        sign, term = ("", highlight.term) if first else _signed(highlight.term)
        if first and self._derivative:
            sign = "="
        if sign:
            self._set(typeset(sign), self._sign_left, middle, theme.ink)
        right = self._set(typeset(term, term), self._term_left, middle, theme.text(highlight.colour))
        if last and self._scene.partial:
            self._set(typeset(r"{} + \cdots"), right + 8, middle, theme.ink)

    def _numbers(self, middle: float) -> None:
        """The same sum in numbers, each in the colour of its term."""
        left, theme = self._term_left, self._theme
        self._set(typeset("="), self._sign_left, middle, theme.ink)
        for text, colour in self._pieces():
            left = self._set(typeset(text), left, middle, colour) + 7

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
        self._texts.append(Text(formula, left, middle + self._axis, self._font, colour))
        return left + formula.width * self._font


def _signed(term: str) -> tuple[str, str]:
    """The sign that joins `term` to the terms before it, and the term without it."""
    bare = term.lstrip()
    for minus in ("{-}", "-"):
        if bare.startswith(minus):
            return "-", bare.removeprefix(minus)
    return "+", term
