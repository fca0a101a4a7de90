"""What unrolled formulas say, in the words of people: softmax(o)[0] for its quotient of sums."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from backpropsym.formula.tree import (
    Add,
    Call,
    Div,
    Expr,
    Index,
    Name,
    children,
    number,
    rebuild,
)

_ENTRY = re.compile(r"([A-Za-z]\w*)\[([\d,]+)\]\Z")


def spoken(expr: Expr, known: Collection[str]) -> Expr:
    """`expr` with a softmax and a logsumexp written as such.

    Parameters
    ----------
    known : the names of all entries of the network, which tell whether a sum runs over a whole axis.
    """
    match expr:
        case Div(Call("exp", (Name(name),)), Add(terms)) if (axis := _whole_axis(terms, known)) and name in axis:
            base, position = _read(name)
            return Index(Call("softmax", (Name(base),)), tuple(map(number, position)))
        case Call("log", (Add(terms),)) if (axis := _whole_axis(terms, known)) and len(_read(axis[0])[1]) == 1:
            return Call("logsumexp", (Name(_read(axis[0])[0]),))
    parts = children(expr)
    return rebuild(expr, tuple(spoken(part, known) for part in parts)) if parts else expr


def _whole_axis(terms: Sequence[Expr], known: Collection[str]) -> tuple[str, ...]:
    """The entries of which `terms` are the exponentials, where they are all those along a last axis; else none."""
    names = []
    for term in terms:
        match term:
            case Call("exp", (Name(name),)) if _ENTRY.match(name):
                names.append(name)
            case _:
                return ()
    base, first = _read(names[0])
    expected = [_entry(base, (*first[:-1], index)) for index in range(len(names) + 1)]
    return tuple(names) if names == expected[:-1] and expected[-1] not in known else ()


def _read(name: str) -> tuple[str, tuple[int, ...]]:
    match = _ENTRY.match(name)
    assert match is not None, "only names of entries are read"
    return match.group(1), tuple(map(int, match.group(2).split(",")))


def _entry(base: str, position: Sequence[int]) -> str:
    return f"{base}[{','.join(map(str, position))}]"
