"""Tables in columns of text; cells of a table wider than the terminal are set on several lines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backpropsym.document.model import Prose, Table
from backpropsym.document.writers.mathematics import plain
from backpropsym.document.writers.tree_writer import Writer

_GAP = 3
_NARROWEST = 12


def text_table(table: Table, writer: Writer, width: int) -> str:
    """`table` in at most `width` columns, where that can be."""

    def text(part: Prose) -> str:
        return plain(part, writer)

    rows = tuple(tuple(map(text, row)) for row in table.rows)
    last = len(table.heads) - 1
    words = last not in table.right and all(isinstance(row[last], str | tuple) for row in table.rows)
    cells = _Cells(tuple(map(text, table.heads)), rows, table.right, words)
    lines = [text(table.title), ""] if table.title else []
    lines += _rows(cells, width) if rows else []
    for note in map(text, table.notes):
        lines += textwrap.wrap(note, max(width - 2, _NARROWEST), initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows of written cells; `words` is whether the last column is one of plain words."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int]
    words: bool

    @property
    def natural(self) -> list[int]:
        """Columns as wide as their cells."""
        return [max(map(len, column)) for column in zip(self.heads, *self.rows, strict=True)]


def _rows(cells: _Cells, width: int) -> Iterator[str]:
    wide = sum(cells.natural) + _GAP * (len(cells.heads) - 1) + 2 > width
    return _beside(cells, width) if wide and cells.words else _columns(cells, width)


def _columns(cells: _Cells, width: int) -> Iterator[str]:
    """Rows in columns; where they are too wide, cells are set on several lines."""
    widths = _widths(cells, width - 2)
    for row in (cells.heads, *cells.rows):
        wrapped = [
            textwrap.wrap(cell, max(wide, 1), break_long_words=False) or [""]
            for cell, wide in zip(row, widths, strict=True)
        ]
        for at in range(max(map(len, wrapped))):
            pieces = [cell[at] if at < len(cell) else "" for cell in wrapped]
            yield ("  " + (" " * _GAP).join(_padded(cells, pieces, widths))).rstrip()


def _beside(cells: _Cells, width: int) -> Iterator[str]:
    """Rows in columns, the words of the last column after them where they fit, else on lines below."""
    short = replace(cells, heads=cells.heads[:-1], rows=tuple(row[:-1] for row in cells.rows))
    lines = list(_columns(short, width)) if sum(short.natural) + _GAP * len(short.heads) < width else []
    if len(lines) != len(cells.rows) + 1:
        yield from _columns(cells, width)
        return
    head, *rows = lines
    room = max(map(len, lines))
    yield f"{head.ljust(room)}{' ' * _GAP}{cells.heads[-1]}"
    for row, line in zip(cells.rows, rows, strict=True):
        beside = f"{line.ljust(room)}{' ' * _GAP}{row[-1]}".rstrip()
        if len(beside) <= width:
            yield beside
        else:
            yield line
            yield from textwrap.wrap(row[-1], width - 6, initial_indent=" " * 6, subsequent_indent=" " * 8)


def _padded(cells: _Cells, pieces: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for at, (piece, wide) in enumerate(zip(pieces, widths, strict=True)):
        yield piece.rjust(wide) if at in cells.right else piece.ljust(wide)


def _widths(cells: _Cells, room: int) -> list[int]:
    """Columns as wide as their cells; where that is too wide, the widest give way."""
    widths = cells.natural
    while sum(widths) + _GAP * (len(widths) - 1) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths
