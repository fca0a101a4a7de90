"""Mathematics of a page in a syntax: which method of a tree writer writes which part."""

from __future__ import annotations

from typing import assert_never

from backpropsym.document.formulas import (
    Bar,
    Definition,
    Entries,
    EntryQuotient,
    Formula,
    Function,
    IndexSum,
    Joined,
    Math,
    Node,
    Prose,
    Quotient,
    Route,
    Share,
    Sketch,
    Stated,
    Typed,
    Value,
    Words,
)
from backpropsym.document.writers.lines import whole
from backpropsym.document.writers.numbers import shown
from backpropsym.document.writers.tree_writer import Writer

_MOST_SIGNS = 4
"""Behind more sum signs than this a line may end."""


def written(part: Math, writer: Writer) -> str:
    """`part` on one line."""
    return whole(marked(part, writer))


def plain(prose: Prose, writer: Writer) -> str:
    """A line of words and mathematics where nothing sets the two apart."""
    match prose:
        case str():
            return prose
        case tuple():
            return "".join(plain(part, writer) for part in prose)
        case _:
            return written(prose, writer)


def marked(part: Math, writer: Writer) -> str:
    """`part` with a mark before each sign at which a line may be broken."""
    match part:
        case Formula(tree, thin):
            return (writer.like(thin=True) if thin else writer).marked(tree)
        case Node(name):
            return writer.name(name)
        case Quotient(of, by):
            return writer.derivative(of, by)
        case EntryQuotient(of, by):
            return writer.of_entries(of, by)
        case Route(names):
            return writer.path(names).replace(writer.arrow, writer.stop + writer.arrow)
        case IndexSum():
            return _index_sum(part, writer)
        case Value(number):
            return writer.measured(number)
        case Share(number):
            return writer.percent(number)
        case Entries(value):
            return shown(value, writer)
        case Words(text):
            return writer.words(text)
        case Joined(parts, sign):
            return _joined(parts, sign, writer)
        case Definition(left, right):
            inner = writer.for_arguments()
            return f"{inner.marked(left)} = {inner.marked(right)}"
        case Function(name):
            return writer.for_arguments().function(name)
        case Sketch(function, axis):
            return writer.call(function, [writer.dots, writer.option("axis", writer.write(axis))])
        case Typed(tree):
            return writer.typed(tree)
        case Stated(text):
            return writer.stated(text)
        case Bar(share):
            return writer.bar(share)
        case _:
            assert_never(part)


def _joined(parts: tuple[Math, ...], sign: str, writer: Writer) -> str:
    texts = [marked(part, writer) for part in parts]
    if sign in ("*", "+", "-"):
        first = int(sign == "-")  # what is reduced needs no brackets
        negative = [
            isinstance(part, Value) and text.startswith(writer.minus) for part, text in zip(parts, texts, strict=True)
        ]
        texts = [
            writer.brackets(text) if below and place >= first else text
            for place, (text, below) in enumerate(zip(texts, negative, strict=True))
        ]
    signs = {"*": writer.times, "+": " + ", "-": f" {writer.minus} ", "=": " = ", ",": ", ", "": ""}
    if sign == "*" and writer.thin and not any(isinstance(part, Value) for part in parts):
        return writer.side_by_side(writer.space).join(texts)
    stop = writer.stop if sign in ("*", "+", "-") else ""
    return (stop + signs[sign]).join(texts)


def _index_sum(term: IndexSum, writer: Writer) -> str:
    sums = " ".join(map(writer.ranged, term.sums))
    conditions = (f" {writer.at_most} ".join(map(writer.write, condition)) for condition in term.conditions)
    held = f",{writer.stop} ".join(conditions)
    text = f"{sums}{writer.stop if len(term.sums) > _MOST_SIGNS else ''} {writer.marked(term.product)}".strip()
    return f"{text}{writer.stop}  {writer.where} {held}" if held else text
