"""Formulas whose entries are counted from another number than 0: from 1, as in books."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from backpropsym.document.formulas import EntryQuotient, Formula, IndexSum, Joined, Math
from backpropsym.document.model import Body, Derived, Programme, Row, Sum, Whole
from backpropsym.formula.affine import linear
from backpropsym.formula.algebra import add
from backpropsym.formula.tree import Call, Expr, Index, Limits, Name, Slice, children, number, rebuild

_DELTA = "KroneckerDelta"


def counted_from(derived: Derived, first: int) -> Derived:
    """`derived` with entries counted from `first`: ranges of indices, fixed positions, and what is said of indices.

    An index is as much larger as the range that it runs over starts later. Where it stands for a position nothing else
    changes; in any other place, such as `i*x[i]`, a condition or the position i + k, its start is taken off.
    """
    return replace(
        derived,
        body=_body(derived.body, first),
        apart=_rows(derived.apart, first),
        definitions=tuple(_math(part, first, ()) for part in derived.definitions),
    )


def has_indices(derived: Derived) -> bool:
    """Whether there is an index or a position in `derived` that counts from somewhere."""
    parts = [derived.body.left, *(part for row in derived.apart for part in (row.left, row.right))]
    match derived.body:
        case Whole(right=right):
            parts.append(right)
        case Sum(terms=terms):
            parts += [term.formula for term in terms]
        case Programme(rows=rows):
            parts += [part for row in rows for part in (row.left, row.right)]
    return any("[" in repr(part) or "Index" in repr(part) for part in parts)


def _body(body: Body, first: int) -> Body:
    indices = _free(body.left)
    match body:
        case Whole(left, right):
            return Whole(_math(left, first, ()), _math(right, first, indices))
        case Sum(left=left, terms=terms):
            counted = tuple(replace(term, formula=_math(term.formula, first, indices)) for term in terms)
            return replace(body, left=_math(left, first, ()), terms=counted)
        case Programme(rows=rows):
            return replace(body, rows=_rows(rows, first))
        case _:
            return body


def _rows(rows: Iterable[Row], first: int) -> tuple[Row, ...]:
    return tuple(Row(_math(row.left, first, _free(row.left)), _math(row.right, first, _free(row.left))) for row in rows)


def _free(left: Math) -> frozenset[str]:
    """The free indices of an equation, which its left side names."""
    match left:
        case Formula(tree):
            entries = [tree]
        case EntryQuotient(of, by):
            entries = [of, by]
        case _:
            entries = []
    positions = (at for entry in entries if isinstance(entry, Index) for at in entry.subscripts)
    return frozenset(at.name for at in positions if isinstance(at, Name))


def _math(part: Math, first: int, indices: Collection[str]) -> Math:
    match part:
        case Formula(tree, thin):
            return Formula(_counted(tree, first, frozenset(indices)), thin)
        case EntryQuotient(of, by):
            inner = _free(part)
            return EntryQuotient(_counted(of, first, inner), _counted(by, first, inner))
        case IndexSum(sums, product, conditions):
            inner = frozenset(indices).union(limits.index for limits in sums)
            held = tuple(tuple(linear(_counted(side, first, inner)) for side in condition) for condition in conditions)
            return IndexSum(tuple(_ranges(sums, first, inner)), _counted(product, first, inner), held)
        case Joined((Formula(left), *_) as parts, "="):
            inner = frozenset(indices) | _free(Formula(left))
            return Joined(tuple(_math(each, first, inner) for each in parts))
        case Joined(parts, sign):
            return Joined(tuple(_math(each, first, indices) for each in parts), sign)
        case _:
            return part


def _ranges(sums: Iterable[Limits], first: int, indices: frozenset[str]) -> Iterable[Limits]:
    return (Limits(each.index, _moved(each.low, first, indices), _moved(each.high, first, indices)) for each in sums)


def _moved(position: Expr, first: int, indices: frozenset[str]) -> Expr:
    """A position, or a limit, counted from `first`; argmax gives a position as it is counted."""
    if isinstance(position, Call) and position.function.startswith("arg"):
        return _counted(position, first, indices)
    return linear(add([_counted(position, first, indices), number(first)]))


def _counted(expr: Expr, first: int, indices: frozenset[str]) -> Expr:
    match expr:
        case Name(name) if name in indices:
            return add([expr, number(-first)])
        case Index(base, subscripts):
            moved = (at if isinstance(at, Slice) else _moved(at, first, indices) for at in subscripts)
            return Index(_counted(base, first, indices), tuple(moved))
        case Call("inside", (at, low, high, then)):
            return Call("inside", (linear(_counted(at, first, indices)), low, high, _counted(then, first, indices)))
        case Call(function, arguments) if function == _DELTA:
            return rebuild(expr, tuple(_moved(argument, first, indices) for argument in arguments))
        case Limits():
            return next(iter(_ranges((expr,), first, indices)))
        case Call():
            bound = indices.union(part.index for part in children(expr) if isinstance(part, Limits))
            return rebuild(expr, tuple(_counted(part, first, bound) for part in children(expr)))
    parts = tuple(_counted(part, first, indices) for part in children(expr))
    return rebuild(expr, parts) if parts else expr
