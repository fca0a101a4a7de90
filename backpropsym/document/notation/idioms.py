"""What unrolled formulas say, in the words of people: softmax(o)[0] for its quotient of sums."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence, Set

from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import ONE, Add, Call, Div, Expr, Index, Mul, Name, called, children, number, rebuild
from backpropsym.ops.function_table import FunctionTable

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


ROOT = "safe_sqrt"
"""The root inside a norm. Its slope at 0 is a convention, told beside formulas, which show a root like any other."""


def rooted(expr: Expr, table: FunctionTable) -> Expr:
    """`expr` with the roots in norms as roots, and their derivatives as 1/(2*sqrt(x))."""
    roots = {name for name in called(expr) if name not in table.own and ROOT in (name, *(table.parent(name) or ()))}
    return _rooted(expr, roots) if roots else expr


def _rooted(expr: Expr, roots: Set[str]) -> Expr:
    parts = tuple(_rooted(part, roots) for part in children(expr))
    match expr:
        case Call(function, (_,)) if function in roots:
            root = _root(parts[0])
            return root if function == ROOT else Div(ONE, mul([number(2), root]))
        case Mul(factors) if any(isinstance(each, Call) and each.function in roots - {ROOT} for each in factors):
            return mul(parts)
    return rebuild(expr, parts) if parts else expr


def _root(inner: Expr) -> Expr:
    match inner:
        case Call("sum", (Call("square", (vector,)),), options):
            return Call("norm", (vector,), options)
    return Call("sqrt", (inner,))


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
