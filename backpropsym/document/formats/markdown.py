"""Pages in Markdown with LaTeX mathematics, as GitHub and notebooks show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from backpropsym.document.formats.latex import LatexPage
from backpropsym.document.formulas import Line, Math, Prose, Stated
from backpropsym.document.layouts.simple import Simple, facts, left_out, simple
from backpropsym.document.model import (
    Block,
    Derived,
    Display,
    Equations,
    Numbers,
    Page,
    Part,
    Programme,
    Row,
    Sheet,
    Sum,
    Table,
)
from backpropsym.document.registry import Format, Layout, define
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.mathematics import written
from backpropsym.errors import printable

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&])")
_MARKUP = re.compile(r"([\\`*_<>|\[\]])")
_EXPLICIT = r"\sum_{\text{paths}} \prod_{\text{links}} \text{local derivative}"


def markdown(page: Page, layout: Layout) -> str:
    """`page` as Markdown."""
    parts = "\n".join("\n".join(_Markdown(page, layout).part(part)) + "\n" for part in page.parts)
    return (f"## {markdown_text(page.title)}\n\n" if page.title else "") + parts


def markdown_text(text: str) -> str:
    """`text` for Markdown: nothing in it is markup."""
    return _ACTIVE.sub(r"\\\1", printable(text))


def markdown_words(text: str) -> str:
    """Words in a sentence or a cell, in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", printable(text))


class Displayed(LatexPage):
    """Displayed formulas for notebooks and Markdown, which know neither colours nor numbers at the margin."""

    coloured = "{{{}}}"
    tagged = "&& ({number})"

    def align(self, lines: Iterable[str], apart: float = 0.0) -> str:
        """Lines below one another, displayed."""
        return f"$$\n\\begin{{aligned}}\n{self.below(lines, apart)}\n\\end{{aligned}}\n$$\n"

    def colours(self, count: int) -> str:
        """None."""
        return ""

    def paragraph(self, text: str) -> str:
        """A paragraph."""
        return f"\n{text}\n"


class _Markdown:
    """Writes one page."""

    def __init__(self, page: Page, layout: Layout) -> None:
        self.page = page
        self.writer = LatexWriter(page.notation, digits=layout.digits)
        self.displayed = Displayed(page, layout)

    def part(self, part: Part) -> Iterator[str]:
        """The lines of one part."""
        match part:
            case Table():
                yield from self.table(part)
            case Equations():
                yield self.displayed.equations(part).removesuffix("\n")
            case Sheet():
                yield from self.sheet(part)
            case Derived():
                yield from self.derived(part)
            case _:
                assert_never(part)

    def sheet(self, sheet: Sheet) -> Iterator[str]:
        """Numbered paragraphs under a heading."""
        if sheet is not self.page.parts[0]:
            yield from ("---", "")
        yield from (f"# {markdown_text(sheet.title)}", "")
        texts = ((f"**{head}** " if head else "") + "".join(map(self.block, blocks)) for head, blocks in sheet.items)
        yield "\n\n".join(texts)

    def block(self, block: Block) -> str:
        """A sentence, formulas or a table of an exercise."""
        match block:
            case Display(formulas):
                return "\n\n" + "\n".join(f"$$\n{self.text(formula)}\n$$\n" for formula in formulas)
            case Table():
                return "\n\n" + "\n".join(self.table(block)) + "\n"
            case _:
                return self.inline(block)

    def text(self, part: Math) -> str:
        """A formula."""
        return written(part, self.writer)

    def derived(self, derived: Derived) -> Iterator[str]:
        """A derivative: formulas displayed, sums as tables, programmes as lists."""
        match derived.body:
            case Programme(_, _, rows):
                equations = enumerate(rows, 1)
                yield from (f"{at}. ${self.text(row.left)} = {self.text(row.right)}$" for at, row in equations)
                yield from self.sentences((*left_out(derived), *facts(derived)))
            case Numbers(left, _, value):
                yield self.displayed.align(self.displayed.numbers(self.text(left), value)).removesuffix("\n")
                yield from self.sentences(facts(derived))
            case _:
                for part in simple(derived):
                    yield from self.simple(part, derived)

    def simple(self, part: Simple, derived: Derived) -> Iterator[str]:
        """An equation, a table or a sentence of a derivative."""
        match part:
            case Row(left, right):
                told = derived.body
                explicit = isinstance(told, Sum) and part not in derived.apart
                yield from ("$$", f"{self.text(left)} = {_EXPLICIT if explicit else self.text(right)}", "$$", "")
            case Table():
                yield from self.table(part)
            case _:
                yield from self.sentences((part,))

    def sentences(self, lines: Iterable[Line]) -> Iterator[str]:
        """Paragraphs."""
        for line in lines:
            yield from ("", self.inline(line))

    def table(self, table: Table) -> Iterator[str]:
        """A table."""
        if table.title:
            yield f"### {self.inline(table.title)}"
            yield ""
        if table.rows:
            yield f"| {' | '.join(map(self.inline, table.heads or ('',) * table.columns))} |"
            yield "| " + " | ".join("---:" if at in table.right else "---" for at in range(table.columns)) + " |"
        for row in table.rows:
            yield f"| {' | '.join(map(self.inline, row))} |"
        for note in table.notes:
            yield f"\n{self.inline(note)}"

    def inline(self, prose: Prose) -> str:
        """Words and formulas within a line."""
        match prose:
            case str():
                return markdown_words(prose)
            case tuple():
                return "".join(map(self.inline, prose))
            case Stated(text):
                return f"**{markdown_words(text)}**"
            case _:
                return f"${self.text(prose)}$"


define(Format("markdown", (".md",), markdown, limit=1_000))
