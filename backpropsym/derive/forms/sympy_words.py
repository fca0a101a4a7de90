"""Index notation in words that SymPy has: conditions as Piecewise, quotients as floor, extremes entry by entry."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from backpropsym.formula.affine import linear
from backpropsym.formula.algebra import add, mul
from backpropsym.formula.tree import (
    ONE,
    ZERO,
    Call,
    Compare,
    Div,
    Expr,
    Limits,
    Mul,
    Name,
    Neg,
    Number,
    Tuple,
    children,
    number,
    rebuild,
    substitute,
)
from backpropsym.ops.kinds import size_of

MAX_LISTED = 1_000
"""An extreme over more entries than this is not listed entry by entry."""


def plain(expr: Expr) -> Expr:
    """`expr` as SymPy's `parse_expr` reads it; the same value.

    What a condition switches off stands inside its Piecewise, so that nothing is read outside an array. An extreme
    over an axis of symbolic size, or of very many places, stays as it is: SymPy has no word for it.
    """
    match expr:
        case Mul(factors):
            guards = [each for each in factors if _is_guard(each)]
            rest = [each for each in factors if each not in guards]
            return _piecewise(guards, mul(rest), ZERO) if guards else rebuild(expr, tuple(map(plain, factors)))
        case Call("inside", (_, _, _, kept, *otherwise)):
            return _piecewise([expr], kept, otherwise[0] if otherwise else ZERO)
        case Call("present", (_, _, _, kept)):
            return _piecewise([expr], kept, Neg(Name("oo")))
        case Call("quotient", (above, below)):
            return Call("floor", (Div(plain(above), plain(below)),))
        case Call("remainder", arguments):
            return Call("Mod", tuple(map(plain, arguments)))
        case Call("max" | "min" as function, (body, *limits)) if limits:
            listed = _listed(body, [each for each in limits if isinstance(each, Limits)])
            if listed is not None:
                return Call(function, tuple(map(plain, listed))) if len(listed) > 1 else plain(listed[0])
    parts = children(expr)
    return rebuild(expr, tuple(map(plain, parts))) if parts else expr


def _is_guard(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function == "inside" and expr.arguments[3:] == (ONE,)


def _piecewise(guards: Sequence[Expr], kept: Expr, otherwise: Expr) -> Expr:
    """`kept` where every guard holds, else `otherwise`; what numbers alone decide is decided."""
    held: list[Expr] = []
    for guard in guards:
        position, low, high = map(plain, children(guard)[:3])
        for left, right in ((low, position), (position, linear(add([high, number(-1)])))):
            if not (isinstance(left, Number) and isinstance(right, Number)):
                held.append(Compare("<=", left, right))
            elif left.value > right.value:
                return plain(otherwise)
    if not held:
        return plain(kept)
    first = Tuple((plain(kept), Call("And", tuple(held))))
    return Call("Piecewise", (first, Tuple((plain(otherwise), Name("True")))))


def _listed(body: Expr, limits: Sequence[Limits]) -> list[Expr] | None:
    """`body` at each place of its indices; None where there is no list of them."""
    sizes = [size_of(each) for each in limits]
    counts = [each for each in sizes if isinstance(each, int)]
    if not limits or len(counts) < len(sizes) or math.prod(counts) > MAX_LISTED:
        return None
    places = itertools.product(*map(range, counts))
    return [
        substitute(body, {each.index: number(at) for each, at in zip(limits, place, strict=True)}) for place in places
    ]
