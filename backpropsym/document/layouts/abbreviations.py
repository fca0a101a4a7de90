"""Formulas that fit their lines: what stands in brackets and is longer than a line gets a letter, once for all terms.

A line is broken outside brackets only. What has no sign there and is too long, such as a function of a long sum or a
wide fraction, is written with a letter for its inside: f'(A), with A = v11*f(s1) + v21*f(s2) below.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain, count

from backpropsym.document.formulas import EntryQuotient, Formula, IndexSum, Joined, Math, Node, Quotient, Route
from backpropsym.document.model import Body, Derived, Programme, Row, Sum, Whole
from backpropsym.document.writers.set_writer import SetWriter
from backpropsym.formula.limits import MAX_DEPTH
from backpropsym.formula.tree import (
    Add,
    Call,
    Compare,
    Expr,
    Index,
    Limits,
    MatMul,
    Mul,
    Name,
    Neg,
    Number,
    Slice,
    Text,
    Tuple,
    children,
    depth,
    names,
    node_names,
    rebuild,
)

LETTERS = "ABCDGHPQRSTUV"
_SIGN = 3
"""Letters of room for the sign before a part, and for brackets around it."""

_SHORTEST = 7
"""A part of fewer letters is no longer than a letter with its indices."""


def abbreviated(derived: Derived, writer: SetWriter, room: int) -> tuple[Derived, tuple[Row, ...]]:
    """`derived` with letters for what is longer than a line, and what they stand for, in the order of first use.

    Parameters
    ----------
    room : for a formula behind its left side, in letters.
    """
    letters = _Letters(writer, room, _free_indices(derived.body), _taken(derived))
    fitted = replace(derived, body=_with(derived.body, letters.fit), apart=_rows(derived.apart, letters.fit))
    if not letters.meanings:
        return derived, ()
    meanings = letters.settled()
    used = letters.use
    return replace(fitted, body=_with(fitted.body, used), apart=_rows(fitted.apart, used)), meanings


class _Letters:
    """Gives letters to parts of formulas.

    Attributes
    ----------
    meanings : what has a letter, and that letter, with its indices.
    """

    def __init__(self, writer: SetWriter, room: int, indices: Collection[str], taken: Collection[str]) -> None:
        self.writer = writer
        self.room = room
        self.indices = indices
        self.meanings: dict[Expr, Expr] = {}
        self._thin: dict[Expr, bool] = {}
        self._free = (name for name in _letters() if name not in taken)

    def fit(self, part: Math) -> Math:
        """`part` with letters wherever it has a part that is longer than a line."""
        match part:
            case Formula(tree, thin):
                return Formula(self._fitted(tree, thin), thin)
            case IndexSum(sums, product, conditions):
                return IndexSum(sums, self._fitted(product, False), conditions)
            case Joined(parts, sign):
                return Joined(tuple(map(self.fit, parts)), sign)
            case _:
                return part

    def use(self, part: Math) -> Math:
        """`part` with the letters that there are, wherever what they stand for occurs."""
        match part:
            case Formula(tree, thin):
                return Formula(self._used(tree), thin)
            case IndexSum(sums, product, conditions):
                return IndexSum(sums, self._used(product), conditions)
            case Joined(parts, sign):
                return Joined(tuple(map(self.use, parts)), sign)
            case _:
                return part

    def settled(self) -> tuple[Row, ...]:
        """What each letter stands for, long parts of that by letters of their own."""
        fitted: dict[Expr, Expr] = {}
        while len(fitted) < len(self.meanings):
            for tree in [tree for tree in self.meanings if tree not in fitted]:
                fitted[tree] = self._fitted(tree, self._thin[tree])
        rows = ((self.meanings[tree], right, self._thin[tree]) for tree, right in fitted.items())
        return tuple(Row(Formula(left), Formula(self._inside(right), thin)) for left, right, thin in rows)

    def _inside(self, tree: Expr) -> Expr:
        parts = tuple(map(self._used, children(tree)))
        return rebuild(tree, parts) if parts else tree

    def _used(self, tree: Expr) -> Expr:
        return self.meanings[tree] if tree in self.meanings else self._inside(tree)

    def _fitted(self, tree: Expr, thin: bool) -> Expr:
        writer = self.writer.like(thin=thin or self.writer.thin)
        if depth(tree) > MAX_DEPTH or self._width(tree, writer) <= self.room:
            return tree
        return self._outside(tree, writer)

    def _outside(self, tree: Expr, writer: SetWriter) -> Expr:
        """`tree` where a line may be broken at its signs; each part between them fits a line."""
        match tree:
            case Add(terms):
                return Add(tuple(self._term(term, writer) for term in terms))
            case _:
                return self._term(tree, writer)

    def _term(self, tree: Expr, writer: SetWriter) -> Expr:
        match tree:
            case Neg(operand):
                return Neg(self._term(operand, writer))
            case Mul() | MatMul() | Call("outer" | "entrywise"):
                return rebuild(tree, tuple(self._factor(part, writer) for part in children(tree)))
            case Call("Sum", (body, *_)):
                return rebuild(tree, (self._term(body, writer), *children(tree)[1:]))
            case _:
                return self._factor(tree, writer)

    def _factor(self, tree: Expr, writer: SetWriter) -> Expr:
        """`tree` with letters for its longest parts until it fits a line."""
        if isinstance(tree, MatMul):
            return self._term(tree, writer)
        shorter, left = tree, self.room - _SIGN
        while self._width(shorter, writer) > left:
            parts = children(shorter)
            whole = isinstance(shorter, Add | Mul | Neg | MatMul) or not parts
            longest = shorter if whole else max(parts, key=lambda part: self._gain(part, writer))
            if not self._gain(longest, writer):
                return shorter
            letter = self._letter(longest, writer.thin)
            if whole:
                return letter
            shorter = rebuild(shorter, tuple(letter if part is longest else part for part in parts))
        return shorter

    def _gain(self, part: Expr, writer: SetWriter) -> int:
        """The letters that a letter for `part` saves; none where it can have none."""
        if isinstance(part, Number | Name | Limits | Slice | Tuple | Text | Compare):
            return 0
        if isinstance(part, Index) and isinstance(part.base, Name):
            return 0
        wide = self._width(part, writer)
        return wide if wide >= _SHORTEST else 0

    def _letter(self, part: Expr, thin: bool) -> Expr:
        if part not in self.meanings:
            letter = Name(next(self._free))
            indices = tuple(Name(name) for name in node_names(part) if name in self.indices)
            self.meanings[part] = Index(letter, indices) if indices else letter
            self._thin[part] = thin
        return self.meanings[part]

    def _width(self, tree: Expr, writer: SetWriter) -> int:
        return writer.width(writer.write(tree))


def _letters() -> Iterator[str]:
    yield from LETTERS
    for number in count(1):
        yield from (f"{letter}{number}" for letter in LETTERS)


def _rows(rows: Iterable[Row], change: Callable[[Math], Math]) -> tuple[Row, ...]:
    return tuple(Row(row.left, change(row.right)) for row in rows)


def _with(body: Body, change: Callable[[Math], Math]) -> Body:
    """`body` with its formulas changed, those on left sides and in numbers left as they are."""
    match body:
        case Whole(left, right):
            return Whole(left, change(right))
        case Sum(terms=terms):
            return replace(body, terms=tuple(replace(term, formula=change(term.formula)) for term in terms))
        case Programme(rows=rows):
            return replace(body, rows=_rows(rows, change))
        case _:
            return body


def _math(body: Body) -> Iterator[Math]:
    yield body.left
    match body:
        case Whole(right=right):
            yield right
        case Sum(terms=terms):
            yield from chain.from_iterable((term.formula, term.path) for term in terms if term.path is not None)
            yield from (term.formula for term in terms if term.path is None)
        case Programme(rows=rows):
            yield from chain.from_iterable((row.left, row.right) for row in rows)


def _names(part: Math) -> Iterator[str]:
    """The names of nodes, entries and indices in `part`."""
    match part:
        case Formula(tree):
            yield from names(tree)
        case IndexSum(_, product):
            yield from names(product)
        case Node(name):
            yield name
        case Quotient(of, by):
            yield from (of, by)
        case EntryQuotient(of, by):
            yield from (*names(of), *names(by))
        case Route(route):
            yield from route
        case Joined(parts):
            yield from chain.from_iterable(map(_names, parts))


def _taken(derived: Derived) -> frozenset[str]:
    """The names that letters must not be mistaken for: those of nodes, and of arrays whose entries are named."""
    parts = chain(_math(derived.body), (row.right for row in derived.apart), derived.definitions, derived.conventions)
    return frozenset(name.partition("[")[0] for part in parts for name in _names(part))


def _free_indices(body: Body) -> frozenset[str]:
    """The indices that sums run over or that the derivative has; a letter for what holds them has them, too."""
    found: set[str] = set()
    for part in _math(body):
        match part:
            case IndexSum(sums):
                found.update(limits.index for limits in sums)
            case EntryQuotient(of, by):
                entries = (entry for entry in (of, by) if isinstance(entry, Index))
                found.update(name for entry in entries for at in entry.subscripts for name in names(at))
    return frozenset(found)
