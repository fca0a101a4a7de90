"""The step model: a derivation as a list of steps over one picture; every document format only renders them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, get_args

from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.layout.layout import Layout
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.scene import Scene

Kind = Literal["network", "forward", "paths", "sum", "bricks", "backward"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What a step may show, in the order of the steps."""


class Maths(NamedTuple):
    """A formula as LaTeX mathematics, and as plain text for where nothing is typeset."""

    latex: str
    plain: str


Prose = tuple[str | Maths, ...]
"""A line of text with formulas in it."""


def plain(prose: Iterable[str | Maths]) -> str:
    """A line of text with its formulas as plain text."""
    return "".join(part if isinstance(part, str) else part.plain for part in prose)


@dataclass(frozen=True, slots=True)
class LinePart:
    """A part of a formula; it has the `colour` of the path whose number it carries, unless it is not active."""

    maths: Maths
    path_number: int | None = None
    active: bool = True
    colour: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a formula: what stands left of the sign, the sign, and the pieces right of it."""

    left: Maths
    sign: Maths
    pieces: tuple[LinePart, ...]

    @property
    def plain(self) -> str:
        """The line as plain text."""
        texts = (self.left.plain, self.sign.plain, *(piece.maths.plain for piece in self.pieces))
        return " ".join(text for text in texts if text)


NOTHING = Maths("", "")
EQUALS = Maths("=", "=")
Column = tuple[Line, ...]
"""Lines below one another, aligned at their signs."""


def spans(numbers: Iterable[int]) -> str:
    """Whole numbers as a person lists them, neighbours joined: 2-4, 6."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a derivation.

    Attributes
    ----------
    kind : what it shows.
    title : its heading.
    caption : what there is to see, in a sentence or two.
    columns : its formulas, in columns side by side.
    highlights : the numbers of the paths that are lit in the picture.
    boxes : the ids of the boxes that are at work.
    alt : what the picture shows, for those who do not see it.
    notes : what a speaker may say; one paragraph each.
    """

    kind: Kind
    title: Prose
    caption: Prose
    columns: tuple[Column, ...] = ()
    highlights: tuple[int, ...] = ()
    # Keys of files are made from what a step shows of itself; a set shows itself in another order in each process.
    boxes: frozenset[str] = field(default=frozenset(), repr=False)
    alt: str = ""
    notes: tuple[Prose, ...] = ()

    @property
    def formulas(self) -> str:
        """The formulas as plain text, one on each line, however many lines they are set in."""
        return "\n".join(text for column in self.columns for line in column if (text := line.plain))


@dataclass(frozen=True, slots=True)
class Story:
    """A derivation told step by step over one picture, in which the paths of all steps have their place.

    Attributes
    ----------
    drawing : the picture.
    steps : in the order in which they are shown.
    """

    drawing: Drawing
    steps: tuple[Step, ...]

    @property
    def scene(self) -> Scene:
        """What is drawn."""
        return self.drawing.scene

    @property
    def theme(self) -> Theme:
        """The look of the picture and of all formulas."""
        return self.drawing.theme

    @property
    def layout(self) -> Layout:
        """Where everything stands, with room for the paths of all steps."""
        return self.drawing.sheet.layout

    @property
    def title(self) -> str:
        """What the network is called."""
        return self.scene.title

    def only(self, kinds: Sequence[str]) -> Story:
        """The story with the steps of these kinds alone, in its own order.

        Raises
        ------
        UnknownNameError : there is no such kind of step, or no step of any of these kinds.
        """
        for kind in kinds:
            if kind not in KINDS:
                fix = did_you_mean(kind, KINDS, f"choose from {', '.join(KINDS)}")
                raise UnknownNameError(f"there are no steps called {kind!r}", fix=fix)
        kept = tuple(step for step in self.steps if step.kind in kinds)
        if not kept:
            present = ", ".join(dict.fromkeys(step.kind for step in self.steps))
            raise UnknownNameError(f"this derivation has no steps called {', '.join(kinds)}", fix=f"it has {present}")
        return replace(self, steps=kept)
