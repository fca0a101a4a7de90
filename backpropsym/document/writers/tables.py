r"""Tables in every medium: aligned text, Markdown, and LaTeX that breaks over pages."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backpropsym.document.writers.latex_escape import latex_text
from backpropsym.document.writers.latex_width import broken
from backpropsym.errors import printable

PACKAGES = ("amsmath", "booktabs", "longtable")
WIDTH = 120
_GAP = 3
_NARROWEST = 12
_ROOM = 40
"""Room for a formula in one cell of a LaTeX table, in letters."""

_PAGE = 24
"""A LaTeX table higher than so many plain rows may break over pages; LaTeX must then run twice."""

_MARKUP = re.compile(r"([\\`*_<>|\[\]])")


@dataclass(frozen=True)
class Table:
    """A table whose cells are already written for their medium.

    Attributes
    ----------
    title : what stands above it, as words.
    heads : one word or a few a column.
    right : the columns of numbers, which stand to the right.
    words : the columns of plain words, which are no mathematics.
    notes : sentences below it, in plain words.
    room : for a formula in one cell in LaTeX, in letters.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    words: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
    room: int = _ROOM

    def cut(self, limit: int | None, noun: str) -> Table:
        """The first `limit` rows, with a note on those left out."""
        left = 0 if limit is None else len(self.rows) - limit
        if left <= 0:
            return self
        note = f"{left:,} more {noun} are not listed: --limit N lists more"
        return replace(self, rows=self.rows[:limit], notes=(note, *self.notes))


def text_tables(tables: Sequence[Table], width: int = WIDTH) -> str:
    """Tables below one another, in columns; cells of a table wider than `width` are set on several lines."""
    return "\n".join("\n".join(_text_lines(table, width)) + "\n" for table in tables)


def _text_lines(table: Table, width: int) -> Iterator[str]:
    if table.title:
        yield table.title
        yield ""
    if table.rows:
        last = len(table.heads) - 1
        whole = sum(_natural(table)) + _GAP * last + 2
        yield from _beside(table, width) if whole > width and last in table.words else _columns(table, width)
    for note in table.notes:
        yield from textwrap.wrap(note, max(width - 2, _NARROWEST), initial_indent="  ", subsequent_indent="    ")


def _columns(table: Table, width: int) -> Iterator[str]:
    """Rows in columns; where they are too wide, cells are set on several lines."""
    widths = _widths(table, width - 2)
    for row in (table.heads, *table.rows):
        cells = [
            textwrap.wrap(cell, wide, break_long_words=False) or [""] for cell, wide in zip(row, widths, strict=True)
        ]
        for at in range(max(map(len, cells))):
            pieces = [cell[at] if at < len(cell) else "" for cell in cells]
            yield ("  " + (" " * _GAP).join(_padded(table, pieces, widths))).rstrip()


def _beside(table: Table, width: int) -> Iterator[str]:
    """Rows in columns, the words of the last column after them where they fit, else on lines below."""
    short = replace(table, heads=table.heads[:-1], rows=tuple(row[:-1] for row in table.rows))
    lines = list(_columns(short, width)) if sum(_natural(short)) + _GAP * len(short.heads) < width else []
    if len(lines) != len(table.rows) + 1:
        yield from _columns(table, width)
        return
    head, *rows = lines
    room = max(map(len, lines))
    yield f"{head.ljust(room)}{' ' * _GAP}{table.heads[-1]}"
    for row, line in zip(table.rows, rows, strict=True):
        beside = f"{line.ljust(room)}{' ' * _GAP}{row[-1]}".rstrip()
        if len(beside) <= width:
            yield beside
        else:
            yield line
            yield from textwrap.wrap(row[-1], width - 6, initial_indent=" " * 6, subsequent_indent=" " * 8)


def _padded(table: Table, pieces: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for at, (piece, wide) in enumerate(zip(pieces, widths, strict=True)):
        yield piece.rjust(wide) if at in table.right else piece.ljust(wide)


def _natural(table: Table) -> list[int]:
    """Columns as wide as their cells."""
    return [max(map(len, column)) for column in zip(table.heads, *table.rows, strict=True)]


def _widths(table: Table, room: int) -> list[int]:
    """Columns as wide as their cells; where that is too wide, the widest give way."""
    widths = _natural(table)
    while sum(widths) + _GAP * (len(widths) - 1) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def markdown_tables(tables: Sequence[Table]) -> str:
    """Tables as GitHub and notebooks show them."""
    return "\n".join("\n".join(_markdown_lines(table)) + "\n" for table in tables)


def _markdown_lines(table: Table) -> Iterator[str]:
    if table.title:
        yield f"### {_markdown_words(table.title)}"
        yield ""
    if table.rows:
        yield "| " + " | ".join(table.heads) + " |"
        yield "| " + " | ".join("---:" if at in table.right else "---" for at in range(len(table.heads))) + " |"
    for row in table.rows:
        cells = (_markdown_words(cell) if at in table.words or not cell else f"${cell}$" for at, cell in enumerate(row))
        yield "| " + " | ".join(cells) + " |"
    for note in table.notes:
        yield f"\n{_markdown_words(note)}"


def _markdown_words(text: str) -> str:
    """Words in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", printable(text))


def latex_tables(tables: Sequence[Table]) -> str:
    """Tables for a document with the packages in `PACKAGES`."""
    return "\n".join("\n".join(_latex_lines(table)) + "\n" for table in tables)


def _latex_lines(table: Table) -> Iterator[str]:
    if table.title:
        yield rf"\subsection*{{{latex_text(table.title)}}}"
    if table.rows:
        columns = "".join("r" if at in table.right else "l" for at in range(len(table.heads)))
        # Fractions in neighbouring rows must not touch.
        stretch = "1.6" if any(r"\frac" in cell for row in table.rows for cell in row) else "1.15"
        long = len(table.rows) * float(stretch) > _PAGE
        yield rf"{{\renewcommand{{\arraystretch}}{{{stretch}}}%"
        yield (
            rf"\begin{{longtable}}[l]{{@{{}}{columns}@{{}}}}"
            if long
            else rf"\noindent\begin{{tabular}}{{@{{}}{columns}@{{}}}}"
        )
        yield r"\toprule"
        yield " & ".join(map(latex_text, table.heads)) + r" \\ \midrule" + (r" \endhead" if long else "")
        for row in table.rows:
            cells = (
                latex_text(cell) if at in table.words else _latex_cell(cell, table.room) for at, cell in enumerate(row)
            )
            yield " & ".join(cells) + r" \\"
        yield r"\bottomrule"
        yield r"\end{longtable}}" if long else r"\end{tabular}\par}\medskip"
    for note in table.notes:
        yield rf"\noindent {latex_text(note)}\par"


def _latex_cell(cell: str, room: int) -> str:
    if not cell:
        return ""
    lines = broken(cell, room)
    if len(lines) == 1:
        return f"${cell}$"
    body = r" \\ ".join(f"& {line}" if at == 0 else rf"& \quad {{}}{line}" for at, line in enumerate(lines))
    return rf"$\begin{{aligned}}[t] {body} \end{{aligned}}$"
