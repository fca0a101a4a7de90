"""A function and its derivative side by side, as lines, dots and texts at places: what SVG and TikZ draw alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path

from backpropsym.document.formulas import Definition, Formula, Joined, Value, Words
from backpropsym.document.notation.names import Notation
from backpropsym.document.palette import PALETTE
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.lines import broken, whole
from backpropsym.document.writers.mathematics import marked
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.document.writers.unicode import UnicodeWriter
from backpropsym.files import write_whole, writer_for
from backpropsym.formula.tree import Call, Name, size
from backpropsym.ops.function_table import FunctionTable
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.look.typeset import typeset
from backpropsym.story.plots.curves import Curve, FunctionCurves, Point, curves

WIDTH, HEIGHT = 300.0, 215.0
"""Of a panel, in pixels."""

LEFT, TOP, GAP, BELOW = 52.0, 44.0, 66.0, 34.0
"""Room for numbers at the left, for titles, between panels, and for numbers below."""

TITLE, TICK, TEXT = 21.0, 14.0, 19.0
"""Sizes of titles, of numbers at ticks and of the caption, in pixels."""

LEADING = 11.0
"""Between lines of the caption, in pixels."""

PRIME, PRIME_SET = "′", "'"

CAPTION = 84
"""Letters of a line of the caption."""

TICKS = 6
"""About how many ticks an axis has."""

_LONGEST = 60
"""A definition of more parts than this is not written out."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One curve in its frame; places are pixels from the top left of the picture.

    Attributes
    ----------
    title : what is drawn, in LaTeX.
    colour : the number of the colour in the palette, from 0.
    lines, filled, open : the curve.
    across, up : the ticks of the two axes: where, and what number.
    zero : where the axes are, None where 0 is outside.
    """

    left: float
    title: str
    colour: int
    lines: tuple[tuple[Point, ...], ...]
    filled: tuple[Point, ...]
    open: tuple[Point, ...]
    across: tuple[tuple[float, float], ...]
    up: tuple[tuple[float, float], ...]
    zero: tuple[float | None, float | None]

    @property
    def right(self) -> float:
        """The right edge of its frame."""
        return self.left + WIDTH

    @property
    def bottom(self) -> float:
        """The lower edge of its frame."""
        return TOP + HEIGHT


@dataclass(frozen=True, slots=True)
class Plot:
    """The picture of a function.

    Attributes
    ----------
    caption : its definition, its derivative and its convention at kinks, line by line in LaTeX.
    description : the same in words, for those who do not see it.
    """

    name: str
    panels: tuple[Panel, Panel]
    caption: tuple[str, ...]
    description: str
    theme: Theme

    @property
    def width(self) -> float:
        """Of the picture, in pixels."""
        return self.panels[1].right + 24

    @property
    def height(self) -> float:
        """Of the picture, in pixels."""
        if not self.caption:
            return self.panels[0].bottom + BELOW
        return self.baselines[-1] + TEXT * typeset(self.caption[-1]).descent + LEADING

    @property
    def baselines(self) -> tuple[float, ...]:
        """Of the lines of the caption, each as far from the one before as both are high."""
        found, bottom = [], self.panels[0].bottom + BELOW
        for line in map(typeset, self.caption):
            found.append(bottom + LEADING + TEXT * max(line.ascent, 0.7))
            bottom = found[-1] + TEXT * max(line.descent, 0.2)
        return tuple(found)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format that the suffix of `path` names.

        Raises
        ------
        OutputError : an unknown suffix, a missing folder, or a place that cannot be written.
        MissingExtraError : the format needs a package that is not installed.
        """
        from backpropsym.story.plots.formats import FORMATS

        return write_whole(Path(path), writer_for(Path(path), FORMATS, "a plot")(self))


def function_plot(name: str, theme: Theme) -> Plot:
    """The registered function called `name`, and its derivative.

    Raises
    ------
    UnknownNameError : there is no such function of numbers.
    """
    table = FunctionTable()
    drawn = curves(name, table)
    writer = LatexWriter(Notation((), table))
    caption = [line for told in _lines_told(drawn, table, writer) for line in _broken(told, writer)]
    head = f"{writer.function(name)}({writer.name(drawn.argument)})"
    first = _panel(drawn.value, drawn.interval, LEFT, head, 1)
    second = _panel(drawn.slope, drawn.interval, LEFT + WIDTH + GAP, _head(drawn, writer), 0)
    plain = UnicodeWriter(Notation((), table))
    description = "; ".join([f"{name} and its derivative", *map(whole, _lines_told(drawn, table, plain))])
    return Plot(name, (first, second), tuple(caption), description, theme)


def _lines_told(drawn: FunctionCurves, table: FunctionTable, writer: Writer) -> Iterator[str]:
    """What the function is, its derivative, its other arguments, and the convention at kinks; marked for breaking."""
    entry = table[drawn.name]
    if entry.formula:
        head = Call(drawn.name, tuple(map(Name, entry.arguments)))
        yield marked(Definition(head, table.tree(entry.formula)), writer)
    derivative = table.written(table.written_partial(drawn.name, drawn.argument))
    if size(derivative) <= _LONGEST:
        yield f"{_head(drawn, writer)} = {writer.for_arguments().marked(derivative)}"
    if drawn.others:
        numbers = (Joined((Formula(Name(name)), Value(float(value)))) for name, value in drawn.others.items())
        yield marked(Joined((Words("drawn at "), Joined(tuple(numbers), ",")), ""), writer)
    if entry.kink:
        yield marked(Words(entry.kink), writer)


def _head(drawn: FunctionCurves, writer: Writer) -> str:
    """The derivative by its name, as a quotient where it is by one of several arguments."""
    function, argument = writer.function(drawn.name), writer.name(drawn.argument)
    if not drawn.others:
        return f"{function}{PRIME if isinstance(writer, UnicodeWriter) else PRIME_SET}({argument})"
    partial = writer.partial if isinstance(writer, LatexWriter) else "∂"
    return f"{partial}{function} / {partial}{argument}"


def _broken(text: str, writer: LatexWriter) -> list[str]:
    first, *others = broken(text, CAPTION, writer.width)
    return [first, *(rf"\quad {line}" for line in others)]


def _panel(curve: Curve, across: tuple[float, float], left: float, title: str, colour: int) -> Panel:
    points = [*(point for piece in curve.pieces for point in piece), *curve.filled, *curve.open]
    heights = [height for _, height in points] or [0.0]
    low, high = min(*heights, 0.0), max(*heights, 0.0)
    air = 0.08 * (high - low or 1.0)
    up = (low - air, high + air)

    def place(point: Point) -> Point:
        return left + WIDTH * _share(point[0], across), TOP + HEIGHT * (1 - _share(point[1], up))

    return Panel(
        left,
        title,
        colour,
        tuple(tuple(map(place, piece)) for piece in curve.pieces),
        tuple(map(place, curve.filled)),
        tuple(map(place, curve.open)),
        tuple((place((at, 0.0))[0], at) for at in ticks(*across)),
        tuple((place((0.0, at))[1], at) for at in ticks(*up)),
        (place((0.0, 0.0))[0] if across[0] <= 0 <= across[1] else None, place((0.0, 0.0))[1]),
    )


def _share(value: float, limits: Sequence[float]) -> float:
    return (value - limits[0]) / (limits[1] - limits[0])


def ticks(low: float, high: float) -> tuple[float, ...]:
    """Whole multiples of 1, 2 or 5 times a power of ten between two numbers."""
    rough = (high - low) / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in (1.0, 2.0, 5.0, 10.0) if each * power >= rough)
    return tuple(round(at * step, 10) + 0.0 for at in range(ceil(low / step), floor(high / step) + 1))


def colour(panel: Panel, theme: Theme) -> str:
    """The colour of a curve."""
    return theme.path_colour(PALETTE[panel.colour])


PlotWriter = Callable[[Plot], bytes]
