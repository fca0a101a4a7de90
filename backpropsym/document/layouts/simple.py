"""Every page as equations, tables and sentences: all that a simple format needs to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from backpropsym.derive.derivation import count_text
from backpropsym.document.formulas import Entries, Formula, Line, Math, Prose, Share, Value, Words
from backpropsym.document.model import (
    Block,
    Constant,
    Derived,
    Display,
    Equations,
    Numbers,
    Part,
    Programme,
    Row,
    Sheet,
    Sum,
    Table,
    Whole,
    Worked,
)

Simple = Row | Table | Line
"""An equation, a table, or a sentence."""


def simple(part: Part) -> Iterator[Simple]:
    """The equations, tables and sentences of a part of a page, from top to bottom."""
    match part:
        case Table():
            yield part
        case Equations(rows, more):
            yield from rows
            if more:
                yield (f"and {more:,} more",)
        case Sheet(title, items):
            yield (title,)
            for head, blocks in items:
                yield from (_block(head if at == 0 else "", block) for at, block in enumerate(blocks))
        case Derived():
            yield from _derived(part)
        case _:
            assert_never(part)


def _block(head: str, block: Block) -> Simple:
    match block:
        case Display(formulas):
            return tuple(piece for formula in formulas for piece in (", ", formula))[1:]
        case Table():
            return block
        case _:
            return (f"{head} ", *block) if head else block


def _derived(derived: Derived) -> Iterator[Simple]:
    yield from derived.apart
    body = derived.body
    match body:
        case Constant(left, value, why):
            yield Row(left, Value(value))
            if why:
                yield ("Here ", *why, ".")
        case Whole(left, right):
            yield Row(left, right)
        case Programme(_, _, rows):
            yield from rows
        case Sum(left, terms):
            explicit = any(term.path is not None for term in terms)
            yield Row(left, Words("a sum of products of local derivatives, one a path"))
            cells = ((term.path, term.formula) if term.path is not None else (term.formula,) for term in terms)
            yield numbered(("path", "term") if explicit else ("term",), cells, coloured=explicit)
        case Worked(left, worked, total):
            yield Row(left, Value(total))
            values = ((each.path, Formula(each.product), Value(each.value), Share(each.share)) for each in worked)
            yield numbered(("path", "term", "value", "share"), values, coloured=True)
        case Numbers(left, _, numbers):
            yield Row(left, Entries(numbers))
        case _:
            assert_never(body)
    yield from left_out(derived)
    yield from facts(derived)


def numbered(heads: Sequence[str], rows: Iterable[Sequence[Prose]], coloured: bool = False) -> Table:
    """A table with a number before each row, which may have the colour of the path with that number."""
    listed = tuple((str(number), *row) for number, row in enumerate(rows, 1))
    colours = tuple(range(1, len(listed) + 1)) if coloured else ()
    return Table("", ("", *heads), listed, colours=colours)


def left_out(derived: Derived) -> Iterator[Line]:
    """How many paths or equations are not listed."""
    match derived.body:
        case Sum(_, listed, count) | Worked(_, listed, _, count) | Programme(_, _, listed, count) if count > len(
            listed
        ):
            yield (f"{count_text(count - len(listed))} more of {count_text(count)} are not listed.",)


def facts(derived: Derived) -> Iterator[Line]:
    """What a reader must know beside a derivative, as one sentence."""
    known: list[str | Math] = [*derived.conventions, *derived.definitions]
    if derived.left_out:
        known.append(f"and {derived.left_out:,} more steps inside layers")
    if known:
        listed = tuple(part for fact in known for part in (", ", fact))
        yield ("Here ", *listed[1:], ".")
