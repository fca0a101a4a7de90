"""Pages in Typst: the same formulas, lines and colours as in LaTeX, for those who write in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backpropsym.document.formulas import Math, Prose
from backpropsym.document.layouts.aligned import Aligned, colour_name
from backpropsym.document.model import Page, Sheet, Table
from backpropsym.document.notation.typst_names import string
from backpropsym.document.palette import PALETTE
from backpropsym.document.registry import Format, Layout, define
from backpropsym.document.writers.mathematics import marked
from backpropsym.document.writers.typst import TypstWriter
from backpropsym.errors import printable

_PATH = "#let path(colour, body) = text(fill: colour, math.display(body))\n"


def document(page: Page, layout: Layout) -> str:
    """`page` as a Typst document; its title is plain text."""
    title = f"= #{_text(page.title)}\n\n" if page.title else ""
    return title + TypstPage(page, layout).body()


def _text(text: str) -> str:
    """Plain text as a string of Typst."""
    return string(printable(text))


class TypstPage(Aligned):
    """Typst's mathematics and tables."""

    more = "& quad "
    deeper = "& wide "
    space = "quad"
    wide = "wide"
    nothing = '"" '
    vertical = "dots.v"
    equal = "{} & = {}"
    coloured = "#path({colour}, ${}$)"
    tagged = "quad #path({colour}, $( {number} )$)"
    braced = "underbrace({}, {})"
    large = "( {} )"
    and_more = '& dots.v quad "({} more)"'

    def tree_writer(self) -> TypstWriter:
        """What writes the formulas."""
        return TypstWriter(self.page.notation, self.layout.juxtaposed, self.layout.digits)

    def align(self, lines: Iterable[str], apart: float = 0.0) -> str:
        """One displayed formula; Typst sets lines of fractions apart by itself."""
        return "$ " + " \\\n  ".join(lines) + " $\n"

    def colours(self, count: int) -> str:
        """Colours by name, and the function that sets a formula in one."""
        named = (f'#let {colour_name(number)} = rgb("{colour}")\n' for number, colour in enumerate(PALETTE[:count], 1))
        return _PATH + "".join(named)

    def paragraph(self, text: str) -> str:
        """A paragraph."""
        return f"{text}\n"

    def lead(self, text: str) -> str:
        """Words before formulas."""
        return f"{text}\n"

    def table(self, table: Table) -> str:
        """A table without lines."""
        return "\n".join(self._table_lines(table)) + "\n"

    def table_below(self, table: Table) -> str:
        """A table below a sentence."""
        return f"\n{self.table(table)}"

    def display(self, formulas: Sequence[Math]) -> str:
        """Formulas aligned to the left, long ones broken."""
        lines = [line for formula in formulas for line in self.lines(marked(formula, self.writer), self.room)]
        return "\n" + self.align(f"& {line}" for line in lines)

    def sheet(self, sheet: Sheet) -> str:
        """Numbered paragraphs under a heading."""
        texts = ((head, self.blocks(blocks)) for head, blocks in sheet.items)
        body = "\n".join((f"*#{_text(head)};* " if head else "") + f"{text}\n" for head, text in texts)
        clear = "" if sheet is self.page.parts[0] else "#pagebreak()\n"
        return f"{clear}= #{_text(sheet.title)}\n\n{body}"

    def _table_lines(self, table: Table) -> Iterator[str]:
        if table.title:
            yield f"== {self.inline(table.title)}\n"
        if table.rows:
            yield from self.row_colours(table).splitlines()
            sides = ", ".join("right" if at in table.right else "left" for at in range(table.columns))
            yield f"#table(columns: {table.columns}, stroke: none, align: ({sides},),"
            if table.heads:
                yield f"  table.header({', '.join(map(self._cell, table.heads))}), table.hline(),"
            for number, row in table.coloured:
                cells = map(self._cell, row)
                colour = f"#text(fill: {colour_name(number)})" if number else ""
                yield f"  {', '.join(f'[{colour}{cell}]' if number else cell for cell in cells)},"
            yield ")"
        yield from (f"\n{self.inline(note)}" for note in table.notes)

    def _cell(self, cell: Prose) -> str:
        return f"[{self.inline(cell)}]"

    def inline(self, prose: Prose) -> str:
        """Words and formulas within a line."""
        match prose:
            case str():
                return f"#{_text(prose)};" if prose else ""
            case tuple():
                return "".join(map(self.inline, prose))
            case _:
                return f"${self.text(prose)}$"


define(Format("typst", (".typ",), document))
