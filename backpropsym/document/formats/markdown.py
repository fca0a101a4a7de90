"""Pages in Markdown with LaTeX mathematics, as GitHub and notebooks show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from backpropsym.derive.derivation import count_text
from backpropsym.document.formats.latex import LatexPage
from backpropsym.document.model import (
    Body,
    Constant,
    Derived,
    Formula,
    Math,
    Numbers,
    Page,
    Programme,
    Prose,
    Row,
    Share,
    Sum,
    Table,
    Value,
    Whole,
    Worked,
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

    def align(self, lines: Iterable[str], apart: float = 0.0) -> str:
        """Lines below one another, displayed."""
        return f"$$\n\\begin{{aligned}}\n{self.below(lines, apart)}\n\\end{{aligned}}\n$$\n"

    def colours(self, count: int) -> str:
        """None."""
        return ""

    def coloured(self, text: str, number: int) -> str:
        """The formula."""
        return f"{{{text}}}"

    def tagged(self, number: int) -> str:
        """The number of a path, in a column of its own."""
        return f"&& ({number})"

    def facts(self, facts: Sequence[str]) -> str:
        """A paragraph."""
        return "\nHere\n" + ",\n".join(f"${fact}$" for fact in facts) + ".\n"


class _Markdown:
    """Writes one page."""

    def __init__(self, page: Page, layout: Layout) -> None:
        self.page = page
        self.writer = LatexWriter(page.notation)
        self.displayed = Displayed(page, layout)

    def part(self, part: Derived | Table) -> Iterator[str]:
        """The lines of one part."""
        return self.table(part) if isinstance(part, Table) else self.derived(part)

    def text(self, part: Math) -> str:
        """A formula."""
        return written(part, self.writer)

    def derived(self, derived: Derived) -> Iterator[str]:
        """A derivative, and what a reader must know beside it."""
        for row in derived.apart:
            yield from self.display(row)
        yield from self.told(derived.body)
        facts = [f"${self.text(fact)}$" for fact in (*derived.conventions, *derived.definitions)]
        if derived.left_out:
            facts.append(f"and {derived.left_out:,} more steps inside layers")
        if facts:
            yield from ("", f"Here {', '.join(facts)}.")

    def told(self, body: Body) -> Iterator[str]:
        """A derivative: formulas displayed, sums as tables, programmes as lists."""
        match body:
            case Constant(left, value):
                yield from self.display(Row(left, Value(value)))
            case Whole(left, right):
                yield from self.display(Row(left, right))
            case Programme():
                rows = enumerate(body.rows, 1)
                yield from (f"{at}. ${self.text(row.left)} = {self.text(row.right)}$" for at, row in rows)
                yield from _left(body.count, len(body.rows))
            case Sum():
                yield from self.sum(body)
            case Worked():
                yield from self.display(Row(body.left, Value(body.total)))
                heads = ("path", "term", "value", "share")
                cells = (
                    (each.path, Formula(each.product), Value(each.value), Share(each.share)) for each in body.terms
                )
                yield from self.numbered(heads, cells)
                yield from _left(body.count, len(body.terms))
            case Numbers():
                lines = self.displayed.numbers(self.text(body.left), body.value)
                yield self.displayed.align(lines).removesuffix("\n")
            case _:
                assert_never(body)

    def sum(self, body: Sum) -> Iterator[str]:
        """The derivative, and a table with a row for each path."""
        explicit = any(term.path is not None for term in body.terms)
        left = self.text(body.left)
        yield from _displayed(f"{left} = {_EXPLICIT}" if explicit else f"{left} =")
        heads = ("path", "term") if explicit else ("term",)
        cells = ((term.path, term.formula) if term.path is not None else (term.formula,) for term in body.terms)
        yield from self.numbered(heads, cells)
        yield from _left(body.count, len(body.terms))

    def display(self, row: Row) -> Iterator[str]:
        """A displayed equation."""
        return _displayed(f"{self.text(row.left)} = {self.text(row.right)}")

    def numbered(self, heads: Sequence[str], rows: Iterable[Sequence[Math]]) -> Iterator[str]:
        """A table with a number before each row."""
        cells = tuple((str(number), *row) for number, row in enumerate(rows, 1))
        return self.table(Table("", ("", *heads), cells))

    def table(self, table: Table) -> Iterator[str]:
        """A table."""
        if table.title:
            yield f"### {self.inline(table.title)}"
            yield ""
        if table.rows:
            yield f"| {' | '.join(map(self.inline, table.heads))} |"
            yield "| " + " | ".join("---:" if at in table.right else "---" for at in range(len(table.heads))) + " |"
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
            case _:
                return f"${self.text(prose)}$"


def _displayed(formula: str) -> Iterator[str]:
    yield from ("$$", formula, "$$", "")


def _left(count: int, listed: int) -> Iterator[str]:
    if count > listed:
        yield from ("", f"{count_text(count - listed)} more of {count_text(count)} are not listed.")


define(Format("markdown", (".md",), markdown, limit=1_000))
