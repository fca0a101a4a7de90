"""Tables in columns of text; cells of a table wider than the terminal are set on several lines."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.text import Text

from backpropsym.document.formulas import Prose
from backpropsym.document.model import Table

_GAP = 3
_NARROWEST = 12


def text_table(
    table: Table, text: Callable[[Prose], Text], width: int, style: Callable[[int], str] = lambda number: ""
) -> Text:
    """`table` in at most `width` columns, where that can be; `text` writes a cell, `style` is that of a path's row."""
    rows = tuple(tuple(map(text, row)) for row in table.rows)
    last = table.columns - 1
    words = last not in table.right and all(isinstance(row[last], str | tuple) for row in table.rows)
    cells = _Cells(tuple(map(text, table.heads)), rows, table.right, words, table.colours, style)
    title = text(table.title)
    title.stylize("bold")
    lines = [title, Text()] if title and (rows or table.heads) else [title] if title else []
    lines += _rows(cells, width) if rows else []
    for note in map(text, table.notes):
        lines += _wrapped(note, max(width - 2, _NARROWEST), "  ", "    ")
    return Text("\n").join(lines).append("\n")


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows of written cells; `words` is whether the last column is one of plain words."""

    heads: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]
    right: frozenset[int]
    words: bool
    colours: tuple[int, ...]
    style: Callable[[int], str]

    @property
    def lines(self) -> tuple[tuple[Text, ...], ...]:
        """The heads, if there are any, and the rows."""
        return (self.heads, *self.rows) if self.heads else self.rows

    @property
    def natural(self) -> list[int]:
        """Columns as wide as their cells."""
        return [max(map(len, column)) for column in zip(*self.lines, strict=True)]

    def styled(self, line: Text, at: int) -> Text:
        """A line of the row in this place in the colour of its path."""
        if self.colours and self.colours[at]:
            line.stylize(self.style(self.colours[at]))
        return line


def _rows(cells: _Cells, width: int) -> Iterator[Text]:
    wide = sum(cells.natural) + _GAP * (len(cells.natural) - 1) + 2 > width
    return _beside(cells, width) if wide and cells.words and cells.heads else _columns(cells, width)


def _columns(cells: _Cells, width: int) -> Iterator[Text]:
    """Rows in columns; where they are too wide, cells are set on several lines."""
    widths = _widths(cells, width - 2)
    for place, row in enumerate(cells.lines, -1 if cells.heads else 0):
        wrapped = [_wrapped(cell, max(wide, 1)) or [Text()] for cell, wide in zip(row, widths, strict=True)]
        for at in range(max(map(len, wrapped))):
            pieces = [cell[at] if at < len(cell) else Text() for cell in wrapped]
            line = Text("  ") + Text(" " * _GAP).join(_padded(cells, pieces, widths))
            line.rstrip()
            yield line if place < 0 else cells.styled(line, place)


def _beside(cells: _Cells, width: int) -> Iterator[Text]:
    """Rows in columns, the words of the last column after them where they fit, else on lines below."""
    short = replace(cells, heads=cells.heads[:-1], rows=tuple(row[:-1] for row in cells.rows))
    lines = list(_columns(short, width)) if sum(short.natural) + _GAP * len(short.heads) < width else []
    if len(lines) != len(cells.rows) + 1:
        yield from _columns(cells, width)
        return
    room = max(map(len, lines))
    for row, line in zip(cells.lines, lines, strict=True):
        beside = line + Text(" " * (room - len(line) + _GAP)) + row[-1]
        beside.rstrip()
        if row is cells.heads or len(beside) <= width:
            yield beside
        else:
            yield line
            yield from _wrapped(row[-1], width, " " * 6, " " * 8)


def _wrapped(text: Text, width: int, first: str = "", later: str = "") -> list[Text]:
    """`text` in lines of at most `width` columns behind their indents; none if it is empty."""
    lines, at = list[Text](), 0
    wrapped = textwrap.wrap(
        text.plain, width, initial_indent=first, subsequent_indent=later, break_long_words=False, tabsize=1
    )
    for line in wrapped:
        indent = later if lines else first
        start = text.plain.index(line[len(indent) :], at)
        at = start + len(line) - len(indent)
        lines.append(Text(indent) + text[start:at])
    return lines


def _padded(cells: _Cells, pieces: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
    for at, (piece, wide) in enumerate(zip(pieces, widths, strict=True)):
        space = Text(" " * (wide - len(piece)))
        yield space + piece if at in cells.right else piece + space


def _widths(cells: _Cells, room: int) -> list[int]:
    """Columns as wide as their cells; where that is too wide, the widest give way."""
    widths = cells.natural
    while sum(widths) + _GAP * (len(widths) - 1) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths
