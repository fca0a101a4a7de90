"""Pages as text for a terminal: each path in the colour that it has in the picture, tables in columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import assert_never

import numpy as np
import numpy.typing as npt
from rich.text import Text

from backpropsym.derive.derivation import count_text, paths_text
from backpropsym.document.formulas import Formula, Math, Prose, Route, Stated
from backpropsym.document.layouts.text_tables import text_table
from backpropsym.document.model import (
    Blocks,
    Body,
    Constant,
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
    Whole,
    Worked,
    WorkedTerm,
)
from backpropsym.document.palette import PALETTE
from backpropsym.document.registry import WIDTH, Format, Layout, define
from backpropsym.document.writers.kinks import MARK, kink_text
from backpropsym.document.writers.mathematics import plain, written
from backpropsym.document.writers.tree_writer import DIGITS
from backpropsym.document.writers.unicode import AsciiWriter, TextWriter, UnicodeWriter
from backpropsym.errors import printable
from backpropsym.formula.tree import ONE, Expr, Mul

LIMIT = 20
_LONGEST_PATH = 30
_LONGEST_PRODUCT = 40
_ENDS = 6
_LONGEST_SHORT = 400
_GAP = "      "
_WIDTH = 96
"""Columns of the sentences of an exercise."""

_TONES = {"good": "bold green", "bad": "bold red", "open": "bold yellow"}


def text(page: Page, layout: Layout) -> str:
    """`page` without colours."""
    return styled(page, layout).plain


def styled(page: Page, layout: Layout) -> Text:
    """`page` for a terminal, each path in its colour."""
    apart = "\n\n" if any(isinstance(part, Sheet) for part in page.parts) else "\n"
    return Text(apart).join(TextPage(page, layout).part(part) for part in page.parts)


def style(number: int) -> str:
    """The terminal style of the path with this number, counted from 1; black becomes the terminal's own colour."""
    colour = PALETTE[(number - 1) % len(PALETTE)]
    return "bold" if colour == "#000000" else colour


def elided(path: Sequence[str], writer: TextWriter) -> str:
    """A path by its nodes; of a long one the first and the last."""
    if len(path) <= _LONGEST_PATH:
        return writer.path(path)
    left = f"{writer.dots} {len(path) - 2 * _ENDS:,} more {writer.dots}"
    return writer.arrow.join((writer.path(path[:_ENDS]), left, writer.path(path[-_ENDS:])))


def blocks_text(blocks: Blocks, writer: TextWriter) -> str:
    """What an exercise says; formulas of their own are indented."""
    parts = []
    for block in blocks:
        match block:
            case Display(formulas):
                parts.append("\n" + "".join(f"    {written(formula, writer)}\n" for formula in formulas))
            case Table():
                parts.append(f"\n{text_table(block, lambda prose: Text(plain(prose, writer)), WIDTH).plain}")
            case _:
                parts.append(plain(block, writer))
    return "".join(parts)


def _wrapped(text: str) -> str:
    """`text` with long lines of words set on several; indented lines are tables and formulas and stay."""
    lines = (
        [line] if line.startswith(" ") or not line else textwrap.wrap(line, _WIDTH, subsequent_indent=" " * 4)
        for line in text.splitlines()
    )
    return "\n".join(part for wrapped in lines for part in wrapped)


class TextPage:
    """Writes the parts of one page."""

    def __init__(self, page: Page, layout: Layout) -> None:
        self.page = page
        self.layout = layout
        self.writer: TextWriter = (AsciiWriter if layout.ascii else UnicodeWriter)(page.notation, digits=layout.digits)

    def part(self, part: Part) -> Text:
        """One part."""
        match part:
            case Table():
                return self.table(part)
            case Equations(rows, left_out):
                more = f"  and {left_out:,} more\n" if left_out else ""
                return self.equations(rows).append(more)
            case Sheet(title, items):
                heading = printable(title)
                texts = (f"{head}  {blocks_text(blocks, self.writer)}".strip() for head, blocks in items)
                body = "\n".join(_wrapped(text) + "\n" for text in texts)
                return Text(f"{heading}\n{'=' * len(heading)}\n\n{body}")
            case Derived():
                return self.derived(part)
            case _:
                assert_never(part)

    def table(self, table: Table) -> Text:
        """A table in columns."""
        return text_table(table, self.prose, self.layout.width, style)

    def prose(self, prose: Prose) -> Text:
        """A line of words and mathematics, verdicts in colour."""
        match prose:
            case str():
                return Text(printable(prose))
            case tuple():
                return Text().join(map(self.prose, prose))
            case Stated(text, tone):
                return Text(printable(text), style=_TONES[tone])
            case _:
                return Text(self.text(prose))

    def text(self, part: Math) -> str:
        """Mathematics on one line, long paths and products by their ends."""
        match part:
            case Route(names):
                return elided(names, self.writer)
            case Formula(Mul() as product, False):
                return self.product(product)
            case _:
                return written(part, self.writer)

    def product(self, tree: Expr) -> str:
        """A product; of a long one the first and the last factors."""
        if not isinstance(tree, Mul) or len(tree.factors) <= _LONGEST_PRODUCT:
            return self.writer.write(tree)
        left = f"{self.writer.dots} {len(tree.factors) - 2 * _ENDS:,} more {self.writer.dots}"
        first, last = Mul(tree.factors[:_ENDS]), Mul(tree.factors[-_ENDS:])
        return self.writer.times.join((self.writer.write(first), left, self.writer.write(last)))

    # A derivation

    def derived(self, derived: Derived) -> Text:
        """The heading, the derivative, and what a reader must know beside it."""
        if isinstance(derived.body, Constant):
            return self.constant(derived.body)
        left, below = self.told(derived.body)
        page = Text()
        for row in derived.apart:
            page.append(f"{self.text(row.left)} = {self.text(row.right)}\n", style="bold")
        conventions = ", ".join(map(self.text, derived.conventions))
        if isinstance(derived.body, Worked):
            return page + self.heading(left, conventions, 0) + Text("\n") + below
        page = page + self.heading(left, conventions, _widest(below)) + Text("\n\n" if below else "\n") + below
        page.append(self.left_out(derived.body), style="dim")
        foot = self.foot(derived)
        return page + Text("\n") + foot if foot else page

    def constant(self, body: Constant) -> Text:
        """A derivative that is 0 or 1, and why."""
        head = Text(f"{self.text(body.left)} = {body.value}", style="bold")
        return Text() + head + (Text("\n\n  ") + self.prose(body.why) + Text("\n") if body.why else Text("\n"))

    def told(self, body: Body) -> tuple[str, Text]:
        """What stands in the heading, and below it."""
        left = self.text(body.left)
        match body:
            case Whole():
                return f"{left} = {self.text(body.right)}", Text()
            case Sum(_, _, count, noun):
                told = f"{count_text(count)} {noun}{'' if count == 1 else 's'}"
                return f"{left} = sum over {told}", self.sum(body)
            case Programme():
                return f"{left} {self.text(body.told)}", self.equations(body.rows)
            case Worked():
                total = self.writer.measured(body.total)
                return f"{left} = {total}, sum over {paths_text(body.count)}", self.worked(body)
            case Numbers(_, entry, value):
                shape = f", shape ({', '.join(map(str, value.shape))})" if value.shape else ""
                return self.text(entry) + shape, self.numbers(value)
            case Constant():
                raise TypeError("a constant has no heading")
            case _:
                assert_never(body)

    def heading(self, left: str, right: str, width: int) -> Text:
        """What is derived on the left, the conventions on the right, or below where the line would be too long."""
        line, room = Text(left, style="bold"), self.layout.width
        if not right:
            return line
        space = max(min(width, room) - len(left) - len(right), 4)
        below = len(left) + space + len(right) > room
        return line.append("\n  " if below else " " * space, style="not bold").append(right, style="not bold dim")

    def foot(self, derived: Derived) -> Text:
        """The short form, what names stand for, and what to try next."""
        result, body = Text(), derived.body
        short = self.text(body.short) if isinstance(body, Sum) and body.short is not None else ""
        if 0 < len(short) <= _LONGEST_SHORT:
            result.append("  bricks  ", style="dim").append(f" {short}\n")
        lines = [] if isinstance(body, Numbers) else list(map(self.text, derived.definitions))
        if lines and derived.left_out:
            lines.append(f"{derived.left_out:,} more steps inside layers are not shown")
        for line in lines:
            result.append("  where   ", style="dim").append(f" {line}\n")
        width = max((len(command) for command, _ in derived.actions), default=0)
        for at, (command, shows) in enumerate(derived.actions):
            result.append(" " * 11 if at else "  next     ", style="dim")
            result.append(f"{command:<{width}}").append(f"     {shows}\n", style="dim")
        return result

    def sum(self, body: Sum) -> Text:
        """A numbered row for each term, in the colour of its path."""
        rows = [("" if term.path is None else self.text(term.path), self.text(term.formula)) for term in body.terms]
        return self.numbered(rows)

    def left_out(self, body: Body) -> str:
        """How many paths or equations are not listed, and how to see them."""
        match body:
            case Sum(_, terms, count) if count > len(terms):
                strongest = f", {body.hint} the strongest" if body.hint else ""
                left = f"{count_text(count - len(terms))} more of {count_text(count)} {body.noun}s"
                return f"  {self.writer.dots} {left}: --limit N lists more{strongest}\n"
            case Programme(_, _, rows, count) if count > len(rows):
                return f"  {self.writer.dots} {count - len(rows):,} more: --limit N lists more\n"
            case _:
                return ""

    def numbered(self, rows: Sequence[tuple[str, str]]) -> Text:
        """Numbered rows in columns, or on two lines each where they are too wide."""
        digits = len(str(len(rows)))
        paths = max((len(path) for path, _ in rows), default=0)
        terms = max((len(term) for _, term in rows), default=0)
        gap = _GAP if paths else ""
        stacked = paths and 2 + digits + 3 + paths + len(gap) + terms > self.layout.width
        result = Text()
        for number, (path, term) in enumerate(rows, 1):
            between = "\n" + " " * (digits + 5) if stacked else " " * (paths - len(path)) + gap
            result.append(f"  {number:>{digits}}   {path}{between}{term}\n", style=style(number))
        return result

    def equations(self, rows: Sequence[Row]) -> Text:
        """Equations, aligned at their signs of equality."""
        sides = [(self.text(row.left), self.text(row.right)) for row in rows]
        width = max((len(left) for left, _ in sides), default=0)
        return Text("".join(f"  {left:<{width}} = {right}\n" for left, right in sides))

    def numbers(self, value: npt.NDArray[np.float64]) -> Text:
        """An array in numbers."""
        width = self.layout.width - 4
        digits = self.writer.digits
        text = np.array2string(
            value,
            precision=DIGITS,
            suppress_small=False,
            threshold=200,
            max_line_width=width,
            formatter={"float_kind": lambda number: f"{number:.{digits}g}"} if digits else None,
        )
        return Text("\n".join(f"  {line}" for line in text.splitlines()) + "\n")

    def worked(self, body: Worked) -> Text:
        """Every term with its numbers."""
        result = Text()
        for number, term in enumerate(body.terms, 1):
            result += self.worked_term(number, term, len(str(len(body.terms))))
        if body.count > len(body.terms):
            weaker = f"{count_text(body.count - len(body.terms))} weaker ones of {count_text(body.count)}"
            result.append(f"\n  {self.writer.dots} {weaker}\n", style="dim")
        return result + Text(f"\n  {kink_text(body.kink, self.writer)}\n" if body.kink else "")

    def worked_term(self, number: int, term: WorkedTerm, digits: int) -> Text:
        """A path, its factors, and under each factor its number."""
        indent = " " * (digits + 5)
        lines = f"\n  {number:>{digits}}   {self.text(term.path)}\n"
        pairs = [
            (self.writer.factor(factor, self.writer.write(factor), at == 0), self.writer.measured(value), value)
            for at, (factor, value) in enumerate(term.factors)
            if factor != ONE
        ]
        above, below = (
            self.writer.times.join(f"{pair[side]:<{max(map(len, pair[:2]))}}" for pair in pairs) for side in (0, 1)
        )
        value = self.writer.measured(term.value)
        above = above.rstrip()
        if above and len(indent) + len(above) <= self.layout.width:
            lines += f"{indent}{above}\n{indent}{below} = {value}"
        else:
            lines += f"{indent}{self.product(term.product)}\n{indent}= {value}"
        share = self.writer.percent(term.share)
        zero = next((part for part, _, value in pairs if value == 0), "")
        notes = (f"      {share}" if share else "", f", cut by {zero} = 0" if zero else "")
        return Text(f"{lines}{''.join(notes)}{f', {MARK}' if term.resting else ''}\n", style=style(number))


def _widest(lines: Text) -> int:
    """The columns of the longest line."""
    return max((len(line) for line in lines.plain.splitlines()), default=0)


define(Format("text", (".txt",), text, limit=LIMIT))
