r"""Tables in LaTeX that fit their page: columns as wide as it has room for, and a break over pages wherever one is due.

Formulas are broken by the room of their column. Where signs to break at are too far apart for that, the table is set
smaller. What counts as high is not the number of rows but that of the lines in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from backpropsym.document.formulas import Math, Prose
from backpropsym.document.layouts.aligned import Aligned
from backpropsym.document.model import Table
from backpropsym.document.writers.latex_points import DISPLAYED, TEXT, points
from backpropsym.document.writers.lines import broken
from backpropsym.document.writers.mathematics import marked

_PAGE = 24
"""A table higher than so many plain lines may break over pages; LaTeX must then run twice."""

_CHUNK = 4
"""A formula of more lines than this may break over pages, too."""

_LONGEST_WORDS = 165.0
"""Points of words in a cell; longer ones are set on several lines."""

_WORDS = 125.0
"""Points of a line of such words."""

_APART = r"\addlinespace[3pt] "
"""Between high rows, which must not touch."""

_NARROWEST = 45.0
_INDENT = 14.0
"""Points before a line of a formula that goes on."""

_LINE, _FRACTIONS, _NESTED = 1.15, 1.6, 2.4
"""Heights of lines in plain ones: usual, of fractions, which in neighbouring rows must not touch, and of two levels."""

_TWO_LEVELS = re.compile(r"\\frac\{(?:[^{}]|\{[^{}]*\})*\\frac|\\frac\{.*\\sqrt\{")


@dataclass(frozen=True, slots=True)
class _Size:
    """A size of letters: its command, what of the usual size it is, and half the room between columns, in points."""

    command: str
    scale: float
    separation: float


_SIZES = (
    _Size("", 1.0, 6.0),
    _Size(r"\small", 0.92, 5.0),
    _Size(r"\footnotesize", 0.83, 4.0),
    _Size(r"\scriptsize", 0.75, 3.0),
    _Size(r"\tiny", 0.58, 2.0),
)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell as it is set: `lines` of a formula, or one text, and how wide and how many lines high that is."""

    lines: tuple[str, ...]
    width: float
    height: float
    formula: bool = False

    @property
    def chunks(self) -> list[str]:
        """The cell in parts between which a page may end."""
        if len(self.lines) == 1:
            return [f"${self.lines[0]}$" if self.formula and self.lines[0] else self.lines[0]]
        indented = [line if at == 0 else rf"\quad {{}}{line}" for at, line in enumerate(self.lines)]
        parts = [indented[at : at + _CHUNK] for at in range(0, len(indented), _CHUNK)]
        return [_below(part) for part in (parts if len(indented) > 2 * _CHUNK else [indented])]


def _below(lines: Sequence[str]) -> str:
    return r"$\begin{aligned}[t] " + r" \\ ".join(f"& {line}" for line in lines) + r" \end{aligned}$"


class LatexTable:
    """One table of a page.

    Parameters
    ----------
    width : of the text on the page, in points.
    """

    def __init__(self, table: Table, page: Aligned, width: float):
        self.table = table
        self.page = page
        self.size, self.cells = self._fitting(width)

    @property
    def smaller(self) -> bool:
        """Whether it fits in smaller letters only."""
        return self.size is not _SIZES[0]

    def lines(self) -> Iterator[str]:
        """The table without its title and its notes."""
        table = self.table
        fractions = any(r"\frac" in line for row in self.cells for cell in row for line in cell.lines)
        stretch = _FRACTIONS if fractions else _LINE
        columns = "".join("r" if at in table.right else "l" for at in range(table.columns))
        long = sum(max((cell.height for cell in row), default=1.0) for row in self.cells) * stretch > _PAGE
        tabular = r"\noindent\begin{tabular}" if not long else r"\begin{longtable}[l]"
        smaller = rf"{self.size.command}\tabcolsep={self.size.separation:g}pt" if self.smaller else ""
        yield rf"{{{smaller}\renewcommand{{\arraystretch}}{{{stretch:g}}}%"
        yield rf"{tabular}{{@{{}}{columns}@{{}}}}"
        yield r"\toprule"
        if table.heads:
            yield " & ".join(map(self.page.inline, table.heads)) + r" \\ \midrule" + (r" \endhead" if long else "")
        high = [max((cell.height for cell in row), default=1.0) > 1 for row in self.cells]
        for at, ((number, _), row) in enumerate(zip(table.coloured, self.cells, strict=True)):
            if at and high[at] and high[at - 1]:
                yield _APART
            yield from self._row(row, number)
        yield r"\bottomrule"
        yield r"\end{longtable}}" if long else r"\end{tabular}\par}\medskip"

    def _row(self, row: Sequence[_Cell], number: int) -> Iterator[str]:
        """A row, in the colour of a path if it has one; a high one in parts below one another."""
        chunks = [cell.chunks for cell in row]
        for at in range(max(map(len, chunks), default=1)):
            parts = [cell[at] if at < len(cell) else "" for cell in chunks]
            if number:
                parts = [self.page.in_colour(part, number) if part or not at else "" for part in parts]
            yield (_APART if at else "") + " & ".join(parts) + r" \\"

    def _fitting(self, width: float) -> tuple[_Size, list[list[_Cell]]]:
        """The largest size in which the table fits, and its cells."""
        natural = [[self._cell(cell, at) for at, cell in enumerate(row)] for row in self.table.rows]
        for size in _SIZES:
            room = (width - 2 * size.separation * (self.table.columns - 1)) / size.scale
            cells = natural if sum(self._widths(natural)) <= room else self._narrower(natural, room)
            if sum(self._widths(cells)) <= room:
                break
        return size, cells

    def _widths(self, cells: Sequence[Sequence[_Cell]]) -> list[float]:
        heads = [points(self.page.inline(head), TEXT, words=True) for head in self.table.heads]
        columns = zip(*([cell.width for cell in row] for row in cells), strict=True)
        widths = [max(column) for column in columns]
        return [max(pair) for pair in zip(widths, heads, strict=True)] if heads else widths

    def _narrower(self, cells: Sequence[Sequence[_Cell]], room: float) -> list[list[_Cell]]:
        """The cells where each of the widest columns has the same share of the room."""
        share = _share(self._widths(cells), room)
        return [
            [
                self._cell(prose, at, share) if cell.width > share else cell
                for at, (prose, cell) in enumerate(zip(proses, row, strict=True))
            ]
            for proses, row in zip(self.table.rows, cells, strict=True)
        ]

    def _cell(self, cell: Prose, at: int, share: float | None = None) -> _Cell:
        """A cell, narrow enough for a share of the page if one is given."""
        if isinstance(cell, str | tuple):
            return self._words(cell, at not in self.table.right, share)
        return self._formula(cell, share)

    def _words(self, words: Prose, breaks: bool, share: float | None) -> _Cell:
        text = self.page.inline(words)
        wide = points(text, TEXT, words=True)
        room = _WORDS if share is None else share
        if not breaks or (wide <= _LONGEST_WORDS or isinstance(words, tuple) if share is None else wide <= share):
            return _Cell((text,), wide, 1.0)
        breakable = re.sub(r"[*/(]", r"\g<0>\\allowbreak{}", text) if isinstance(words, str) else text
        box = rf"\parbox[t]{{{room:.0f}pt}}{{\raggedright {breakable}\strut}}"
        return _Cell((box,), room, ceil(1.2 * wide / room))

    def _formula(self, formula: Math, share: float | None) -> _Cell:
        text = marked(formula, self.page.writer)
        if share is None:
            lines = self.page.lines(text, self.table.room)
        else:
            lines = broken(text, int(share - _INDENT), _wide, int(share))
        style = TEXT if len(lines) == 1 else DISPLAYED
        widths = [points(line, style) + (_INDENT if at else 0.0) for at, line in enumerate(lines)]
        return _Cell(tuple(lines), max(widths), sum(map(_height, lines)), formula=True)


def _wide(text: str) -> int:
    return ceil(points(text))


def _height(line: str) -> float:
    """How many lines of fractions high a line of a formula is; the rows of a matrix count."""
    rows = 1 + line.count(r" \\ ")
    return max(rows, _NESTED / _FRACTIONS if _TWO_LEVELS.search(line) else 1.0)


def _share(widths: Sequence[float], room: float) -> float:
    """The width of the widest columns at which all fit; narrower ones keep theirs."""
    left = room
    for at, width in enumerate(sorted(widths)):
        share = left / (len(widths) - at)
        if width > share:
            return max(share, _NARROWEST)
        left -= width
    return room
