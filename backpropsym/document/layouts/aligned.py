"""Pages as mathematics that is set: what LaTeX and Typst have in common.

Equations stand below one another at their signs of equality, long ones broken; each path has the colour that it has in
the picture. A format of this kind says how a few things are spelled; how they are laid out is decided here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, TypeVar, assert_never

import numpy as np
import numpy.typing as npt

from backpropsym.derive.derivation import count_text
from backpropsym.document.formulas import Formula, Joined, Math, Prose, Route, Value
from backpropsym.document.layouts.abbreviations import abbreviated
from backpropsym.document.layouts.counting import counted_from, has_indices
from backpropsym.document.model import (
    Block,
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
from backpropsym.document.registry import Layout
from backpropsym.document.writers.lines import broken
from backpropsym.document.writers.mathematics import marked, written
from backpropsym.document.writers.set_writer import SetWriter
from backpropsym.document.writers.tree_writer import FEW_DIGITS
from backpropsym.formula.tree import ONE

MAX_SIDE = 8
"""A matrix with more rows or columns than this shows the first ones and the last."""

MAX_SLICES = 6

INDENT = 4
"""Letters before a line that goes on."""

NUMBER = 6
"""Letters of room at the margin for the number of a path, and for a sign before a term."""

LABEL = 5
"""Letters of the number of a path before its nodes or its product."""

BRACED = 1.3
"""How long, of a line, a label under a brace may be, which is set in small letters."""


_T = TypeVar("_T")


def colour_name(number: int) -> str:
    """The name of the colour of the path with this number, counted from 1."""
    return f"bpPath{(number - 1) % len(PALETTE) + 1}"


class Aligned(ABC):
    """Lays out one page.

    Attributes
    ----------
    more, deeper : before a line that goes on, and before one further in.
    space, wide : the room before them.
    nothing : what is nothing, and yet gives a sign its room.
    vertical : dots in place of rows.
    equal, coloured, tagged, braced, large, and_more : templates of a line that starts with its left side, of a formula
        in the colour of a path, of the number of a path at the margin, of a formula over a brace with its label, of a
        fraction in brackets, and of a line that says how many lines are left out.
    """

    more: ClassVar[str]
    deeper: ClassVar[str]
    space: ClassVar[str]
    wide: ClassVar[str]
    nothing: ClassVar[str]
    vertical: ClassVar[str]
    equal: ClassVar[str]
    coloured: ClassVar[str]
    tagged: ClassVar[str]
    braced: ClassVar[str]
    large: ClassVar[str]
    and_more: ClassVar[str]

    def __init__(self, page: Page, layout: Layout) -> None:
        self.page = page
        self.layout = layout
        self.room = layout.room
        self.writer = self.tree_writer()

    @abstractmethod
    def tree_writer(self) -> SetWriter:
        """What writes the formulas."""

    @abstractmethod
    def align(self, lines: Iterable[str], apart: float = 0.0) -> str:
        """Lines below one another, with room between them in heights of a small letter."""

    @abstractmethod
    def colours(self, count: int) -> str:
        """Definitions of the colours that so many paths use."""

    @abstractmethod
    def paragraph(self, text: str) -> str:
        """A paragraph under the formulas."""

    @abstractmethod
    def lead(self, text: str) -> str:
        """Words before formulas."""

    @abstractmethod
    def table(self, table: Table) -> str:
        """A table."""

    @abstractmethod
    def table_below(self, table: Table) -> str:
        """A table below a sentence."""

    @abstractmethod
    def display(self, formulas: Sequence[Math]) -> str:
        """Formulas below a sentence."""

    @abstractmethod
    def sheet(self, sheet: Sheet) -> str:
        """A sheet of exercises; all but the first start on a page of their own."""

    @abstractmethod
    def inline(self, prose: Prose) -> str:
        """Words and formulas within a line."""

    def body(self) -> str:
        """The page without what stands around it."""
        return "\n".join(map(self.part, self.page.parts))

    def row_colours(self, table: Table) -> str:
        """Definitions of the colours that the rows of a table have, if they have any."""
        return self.colours(max(table.colours, default=0)) if any(table.colours) else ""

    def part(self, part: Part) -> str:
        """One part of the page."""
        match part:
            case Derived():
                return self.derived(part)
            case Table():
                return self.table(part)
            case Equations():
                return self.equations(part)
            case Sheet():
                return self.sheet(part)
            case _:
                assert_never(part)

    def blocks(self, blocks: Blocks) -> str:
        """What an exercise says."""
        return "".join(self.block(block) for block in blocks)

    def block(self, block: Block) -> str:
        """A sentence, formulas or a table of an exercise."""
        match block:
            case Display(formulas):
                return self.display(formulas)
            case Table():
                return self.table_below(block)
            case _:
                return self.inline(block)

    def text(self, part: Math) -> str:
        """A formula on one line."""
        return written(part, self.writer)

    def lines(self, text: str, room: int) -> list[str]:
        """A marked formula in lines; those that go on stand further in."""
        return broken(text, room - INDENT, self.writer.width, room)

    def derived(self, derived: Derived) -> str:
        """One derivative; what is longer than a line has a letter, which is explained below."""
        first = self.writer.notation.first
        indexed = first is not None and has_indices(derived)
        derived = counted_from(derived, first or 0) if indexed else derived
        derived, letters = abbreviated(derived, self.writer, self.room - self.widest(derived) - INDENT - NUMBER)
        apart = self.rows(derived.apart, self.widest(derived))
        facts = [*map(self.text, derived.conventions), *map(self.text, derived.definitions)]
        if indexed:
            facts.append(self.writer.upright(f"indices count from {first}"))
        if derived.left_out:
            facts.append(self.writer.upright(f"and {derived.left_out:,} more steps inside layers"))
        told = self.told(derived.body, apart)
        if letters:
            told += self.lead("with") + self.align(self.rows(letters))
        return told + (self.paragraph(self.listed(facts)) if facts else "")

    def widest(self, derived: Derived) -> int:
        """The width of the widest left side, at which all signs of equality stand."""
        rows = (*derived.apart, *(derived.body.rows if isinstance(derived.body, Programme) else ()))
        lefts = [row.left for row in rows] if rows else []
        return max(self.writer.width(self.text(left)) for left in [*lefts, derived.body.left])

    def listed(self, facts: Iterable[str]) -> str:
        """What a reader must know, one after another."""
        return "Here\n" + ",\n".join(f"${fact}$" for fact in facts) + "."

    def told(self, body: Body, apart: list[str]) -> str:
        """A derivative, behind the equations that stand before it."""
        match body:
            case Constant(left, value, why):
                told = self.align([self.equal.format(self.text(left), str(value))])
                return told + (self.paragraph(f"Here {self.inline(why)}.") if why else "")
            case Whole(left, right):
                return self.align([*apart, *self.rows([Row(left, right)])])
            case Programme():
                return self.align([*self.rows(body.rows), *self.more_rows(body.count - len(body.rows))], body.apart)
            case Sum():
                return self.sum(body, apart)
            case Worked():
                return self.worked(body)
            case Numbers():
                return self.align(self.numbers(self.text(body.left), body.value))
            case _:
                assert_never(body)

    def equations(self, equations: Equations) -> str:
        """Equations below one another."""
        lines = [*self.rows(equations.rows), *self.more_rows(equations.left_out)]
        return self.align(lines) if lines else ""

    def more_rows(self, count: int) -> list[str]:
        """A line that says how many equations are not listed."""
        return [self.and_more.format(f"{count:,}")] if count else []

    def rows(self, rows: Iterable[Row], widest: int = 0) -> list[str]:
        """Equations, each in as many lines as it needs; `widest` is the width of a left side besides theirs."""
        sides = [(self.text(row.left), row.right) for row in rows]
        room = self.beside(max((self.writer.width(left) for left, _ in sides), default=0), widest)
        return [line for left, right in sides for line in self.equation(left, right, room)]

    def equation(self, left: str, right: Math, room: int) -> Iterator[str]:
        """left = right."""
        first, *others = self.lines(marked(right, self.writer), room)
        yield self.equal.format(left, first)
        yield from (f"{self.more}{self.nothing}{line}" for line in others)

    def beside(self, *lefts: int) -> int:
        """The room on a line behind left sides of these widths."""
        return max(self.room - max(lefts), self.room // 3)

    # The explicit sum

    def sum(self, body: Sum, apart: list[str]) -> str:
        """A term on each line, with the number of its path at the margin, and the paths below."""
        left = self.text(body.left)
        routes = [] if self.layout.plain else [term.path for term in body.terms if term.path is not None]
        labels = [self.under(number, route) for number, route in enumerate(routes, 1)] if self.layout.braces else []
        braced = bool(labels) and max(map(self.writer.width, labels)) <= BRACED * self.beside(self.writer.width(left))
        if labels and not braced:
            labels = list(map(self.label, range(1, len(labels) + 1)))
        lines = apart + [line for at in range(len(body.terms)) for line in self.term(left, body, at, labels)]
        if body.count > len(body.terms):
            left_out = f"{count_text(body.count - len(body.terms))} more of {count_text(body.count)} {body.noun}s"
            more = self.writer.upright(f" ({left_out})")
            lines.append(f"{self.more}{self.nothing}+ {self.writer.high_dots} {more}")
        listed = [line for number, route in enumerate(routes, 1) for line in self.route(number, route.names)]
        told = self.align(lines) + (self.align(listed) if listed and not braced else "")
        return told if self.layout.plain else self.colours(len(body.terms)) + told

    def under(self, number: int, route: Route) -> str:
        """What a brace says: the number of a path, and its nodes."""
        return f"{self.label(number)}{self.writer.gap}{self.text(route)}"

    def term(self, left: str, body: Sum, at: int, labels: Sequence[str]) -> Iterator[str]:
        """One term in its colour, later ones behind their sign, over a brace where there are labels."""
        term, number = body.terms[at], at + 1
        text = marked(term.formula, self.writer)
        sign, unsigned = ("-", text[1:]) if at and text.startswith("-") else ("+", text)
        first, *others = self.lines(unsigned, self.beside(self.writer.width(left)) - NUMBER)
        if labels:
            *before, last = [first, *others]
            first, *others = [*before, self.braced.format(last, labels[at])]
        start = f"{self.more}{self.nothing}{sign} "
        pieces = [
            f"{start}{self.in_colour(first, number)}" if at else self.equal.format(left, self.in_colour(first, number))
        ]
        pieces += [f"{self.deeper}{self.in_colour(self.nothing + line, number)}" for line in others]
        if not labels and not self.layout.plain:
            pieces[-1] += f" {self.tagged.format(number=number, colour=colour_name(number))}"
        yield from pieces

    def in_colour(self, text: str, number: int) -> str:
        """A formula in the colour of a path."""
        return text if self.layout.plain else self.coloured.format(text, colour=colour_name(number))

    def label(self, number: int) -> str:
        """The number of a path, upright in brackets."""
        return self.writer.upright(f"({number})")

    def route(self, number: int, names: Sequence[str]) -> list[str]:
        """A path by its nodes, beside its number and in its colour."""
        arrow, rows, row = self.writer.arrow, list[str](), self.writer.name(names[0])
        for node in map(self.writer.name, names[1:]):
            longer = row + arrow + node
            if self.writer.width(longer) > self.room - LABEL - INDENT:
                rows.append(row)
                row = arrow.lstrip() + node
            else:
                row = longer
        first, *others = [*rows, row]
        lines = [f"{self.in_colour(self.label(number), number)} {self.space} & {self.in_colour(first, number)}"]
        return lines + [f"& {self.space} {self.in_colour(self.nothing + line, number)}" for line in others]

    # Numbers

    def worked(self, body: Worked) -> str:
        """Each term over its numbers, and their sum."""
        lines = [line for number, term in enumerate(body.terms, 1) for line in self.worked_term(number, term)]
        rest = body.total - sum(term.value for term in body.terms)
        weaker = (Value(rest),) if body.count > len(body.terms) else ()
        added = Joined((*(Value(term.value) for term in body.terms), *weaker), "+")
        if weaker:
            left_out = f"{count_text(body.count - len(body.terms))} weaker of {count_text(body.count)} paths"
            lines.append(f"& {self.writer.upright(f'{left_out}, together ')}{self.writer.measured(rest)}")
        parts = (added, Value(body.total)) if len(body.terms) > 1 else (Value(body.total),)
        told = self.align(lines) + self.align(self.rows([Row(body.left, Joined(parts))]))
        return told if self.layout.plain else self.colours(len(body.terms)) + told

    def worked_term(self, number: int, term: WorkedTerm) -> list[str]:
        """A term, its numbers below, its value and its share."""
        numbers = tuple(Value(value) for factor, value in term.factors if factor != ONE) or (Value(1.0),)
        share = self.writer.percent(term.share)
        tail = f" {self.space} ({share})" if share else ""
        value = marked(Joined((Joined(numbers, "*"), Value(term.value))), self.writer) + tail
        room = self.room - LABEL - INDENT
        start, *more = self.lines(marked(Formula(term.product), self.writer), room)
        first, *others = self.lines(value, room)
        label = "" if self.layout.plain else self.in_colour(self.label(number), number)
        lines = [f"{label} {self.space} & {self.in_colour(start, number)}"]
        lines += [f"& {self.space} {self.in_colour(self.nothing + line, number)}" for line in more]
        lines += [f"& {self.space} {self.nothing}= {self.in_colour(first, number)}"]
        return lines + [f"& {self.wide} {self.in_colour(self.nothing + line, number)}" for line in others]

    def numbers(self, left: str, value: npt.NDArray[np.float64]) -> list[str]:
        """An array in numbers: a matrix, or of more axes one for each position of the first ones."""
        if value.ndim <= 2:
            return [self.equal.format(left, self.matrix(value))]
        places = list(np.ndindex(*value.shape[:-2]))
        lines = []
        for place in places[:MAX_SLICES]:
            at = self.writer.lowered.format(self.large.format(left), ",".join(map(str, place)))
            lines.append(self.equal.format(at, self.matrix(value[place])))
        if len(places) > MAX_SLICES:
            lines.append(self.and_more.format(f"{len(places) - MAX_SLICES:,}"))
        return lines

    def matrix(self, value: npt.NDArray[np.float64]) -> str:
        """Numbers as a matrix, a vector as a column."""
        if not value.ndim:
            return self.writer.measured(float(value))
        columns = value.reshape(-1, 1) if value.ndim == 1 else value
        rows = [_shortened(list(map(self.number, row)), self.writer.high_dots) for row in columns]
        dots = [self.vertical] * (len(rows[0]) if rows else 0)
        return self.writer.matrix(_shortened(rows, dots))

    def number(self, value: float) -> str:
        """One number among many."""
        return self.writer.measured(value, FEW_DIGITS)


def _shortened(parts: Sequence[_T], dots: _T) -> list[_T]:
    """`parts`, or the first ones and the last."""
    return list(parts) if len(parts) <= MAX_SIDE else [*parts[: MAX_SIDE - 2], dots, parts[-1]]
