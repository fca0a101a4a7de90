"""Documents as data: what a page says, before any format lays it out.

What stands inside a line is data too: see `formulas`.

| part | why it is there |
| --- | --- |
| `Row` | left side and right side |
| `Constant`, `Whole`, `Sum`, `Programme`, `Worked`, `Numbers` | the six ways in which a derivative is told |
| `Derived` | one derivative told in one way, and what a reader must know beside it |
| `Table` | rows of mathematics and words under heads, with notes |
| `Equations` | equations below one another |
| `Display`, `Sheet` | formulas on lines of their own; numbered exercises |
| `Page` | parts below one another under a title, and the same as data for scripts |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from backpropsym.derive.analyses.kinks import Kink
from backpropsym.document.formulas import Line, Math, Prose, Route
from backpropsym.document.notation.names import Notation
from backpropsym.formula.tree import Expr


@dataclass(frozen=True, slots=True)
class Row:
    """An equation."""

    left: Math
    right: Math


@dataclass(frozen=True, slots=True)
class Constant:
    """A derivative that is 0 or 1 whatever the numbers are, and why."""

    left: Math
    value: int
    why: Line = ()


@dataclass(frozen=True, slots=True)
class Whole:
    """A derivative as one formula."""

    left: Math
    right: Math


@dataclass(frozen=True, slots=True)
class SumTerm:
    """One term of a sum, and the path that it belongs to, where terms are told by their paths."""

    formula: Math
    path: Route | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """A derivative as a sum with a term for each path.

    Attributes
    ----------
    count : how many paths there are; fewer terms may be listed.
    noun : what a path is called.
    short : the same with common factors pulled out, where that fits on a line.
    hint : the command that lists the strongest of many paths, where they have numbers.
    """

    left: Math
    terms: tuple[SumTerm, ...]
    count: int
    noun: str = "path"
    short: Math | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Programme:
    """A derivative by equations that are computed one after another.

    Attributes
    ----------
    told : how, in words behind the derivative.
    count : how many equations there are; fewer may be listed.
    apart : the room between two of them, in heights of a small letter.
    """

    left: Math
    told: Math
    rows: tuple[Row, ...]
    count: int
    apart: float = 0.8


@dataclass(frozen=True, slots=True)
class WorkedTerm:
    """The term of one path with the number of each factor, its value, and its share of the whole.

    Attributes
    ----------
    resting : whether it rests on a convention at a kink.
    """

    path: Route
    product: Expr
    factors: tuple[tuple[Expr, float], ...]
    value: float
    share: float
    resting: bool = False


@dataclass(frozen=True, slots=True)
class Worked:
    """A derivative as a sum over paths, worked out in numbers.

    Attributes
    ----------
    count : how many paths there are; where fewer terms are listed, they are the strongest.
    kink : the kink at which the numbers are.
    """

    left: Math
    terms: tuple[WorkedTerm, ...]
    total: float
    count: int
    kink: Kink | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """A derivative in numbers, one an entry; `entry` is the derivative with its free indices."""

    left: Math
    entry: Math
    value: npt.NDArray[np.float64]


Body = Constant | Whole | Sum | Programme | Worked | Numbers


@dataclass(frozen=True, slots=True)
class Derived:
    """One derivative told in one way.

    Attributes
    ----------
    body : the derivative, or what is left of it beside `apart`.
    apart : equations before it, which keep the factor of the loss apart.
    conventions : what the functions are, and their slopes at kinks.
    definitions : what derivatives of functions, and steps inside layers, stand for.
    left_out : how many more steps inside layers are not defined.
    actions : commands to try next, each with what it shows.
    """

    body: Body
    apart: tuple[Row, ...] = ()
    conventions: tuple[Math, ...] = ()
    definitions: tuple[Math, ...] = ()
    left_out: int = 0
    actions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads.

    Attributes
    ----------
    title : what stands above it.
    heads : one word or a few a column; none where the rows speak for themselves.
    right : the columns of numbers, which stand to the right.
    notes : sentences below it.
    room : for a formula in one cell, in letters, where a format breaks formulas.
    colours : for each row the number of the path whose colour it has, 0 for none; nothing where no row has one.
    """

    title: Prose
    heads: tuple[Prose, ...]
    rows: tuple[tuple[Prose, ...], ...]
    right: frozenset[int] = frozenset()
    notes: tuple[Prose, ...] = ()
    room: int = 40
    colours: tuple[int, ...] = ()

    @property
    def columns(self) -> int:
        """How many there are."""
        return len(self.heads or self.rows[0]) if self.heads or self.rows else 0

    @property
    def coloured(self) -> tuple[tuple[int, tuple[Prose, ...]], ...]:
        """The rows, each with the number of its colour."""
        return tuple(zip(self.colours or (0,) * len(self.rows), self.rows, strict=True))

    def cut(self, limit: int | None, noun: str) -> Table:
        """The first `limit` rows, with a note on those left out."""
        left = 0 if limit is None else len(self.rows) - limit
        if left <= 0:
            return self
        note = f"{left:,} more {noun} are not listed: --limit N lists more"
        return replace(self, rows=self.rows[:limit], notes=(note, *self.notes), colours=self.colours[:limit])


@dataclass(frozen=True, slots=True)
class Equations:
    """Equations below one another; `left_out` more are not listed."""

    rows: tuple[Row, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Display:
    """Formulas on lines of their own."""

    formulas: tuple[Math, ...]


Block = Line | Display | Table
Blocks: TypeAlias = tuple[Block, ...]
"""What an exercise says, from top to bottom; a sentence goes on behind displayed formulas."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of exercises, or of their solutions.

    Attributes
    ----------
    title : its heading, as plain text.
    items : what stands before each, such as its number, and what it says.
    """

    title: str
    items: tuple[tuple[str, Blocks], ...]


Part = Derived | Table | Equations | Sheet


@dataclass(frozen=True)
class Page:
    """Parts below one another.

    Attributes
    ----------
    notation : how names are written.
    make : makes the parts, when a format asks for them.
    data : makes the same for scripts, in what JSON can hold.
    title : what the network is called, as plain text.
    """

    notation: Notation
    make: Callable[[], tuple[Part, ...]]
    data: Callable[[], object]
    title: str = ""

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What stands on the page, from top to bottom."""
        return self.make()
