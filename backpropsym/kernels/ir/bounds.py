"""What is known of a value before any number is: whether it is finite, and its sign.

Finite means: wherever the leaves are moderate numbers; that products of large numbers overflow is left aside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from backpropsym.kernels.ir.program import Kind


class Sign(Enum):
    """The sign of every entry. `POSITIVE` is bounded away from zero, so that one may divide by it."""

    POSITIVE = "positive"
    NOT_NEGATIVE = "not negative"
    NOT_POSITIVE = "not positive"
    ANY = "any"


class Bound(NamedTuple):
    """Whether a value is finite wherever the leaves are, its sign, and whether it is at least never nan."""

    finite: bool
    sign: Sign = Sign.ANY
    ordered: bool = False

    @property
    def never_nan(self) -> bool:
        """Whether every entry is a number or infinite."""
        return self.finite or self.ordered

    @property
    def not_negative(self) -> bool:
        """Whether no entry is below zero."""
        return self.sign in (Sign.POSITIVE, Sign.NOT_NEGATIVE)

    @property
    def not_positive(self) -> bool:
        """Whether no entry is above zero."""
        return self.sign is Sign.NOT_POSITIVE

    @property
    def positive(self) -> bool:
        """Whether every entry is above some positive number."""
        return self.sign is Sign.POSITIVE


Rule = Callable[..., Bound]


def number(value: float) -> Bound:
    """Of a constant."""
    sign = Sign.POSITIVE if value > 0 else Sign.NOT_POSITIVE if value < 0 else Sign.NOT_NEGATIVE
    return Bound(abs(value) < float("inf"), sign)


def negated(bound: Bound) -> Bound:
    """Of -x."""
    return Bound(bound.finite, _sign(bound.not_positive, bound.not_negative), bound.ordered)


def added(first: Bound, second: Bound) -> Bound:
    """Of a sum."""
    up, down = first.not_negative and second.not_negative, first.not_positive and second.not_positive
    ordered = first.never_nan and second.never_nan and (up or down or first.finite or second.finite)
    return Bound(first.finite and second.finite, _sign(up, down, up and (first.positive or second.positive)), ordered)


def multiplied(first: Bound, second: Bound) -> Bound:
    """Of a product."""
    same = (first.not_negative and second.not_negative) or (first.not_positive and second.not_positive)
    other = (first.not_negative and second.not_positive) or (first.not_positive and second.not_negative)
    return Bound(first.finite and second.finite, _sign(same, other, first.positive and second.positive))


def squared(bound: Bound) -> Bound:
    """Of x*x."""
    return Bound(bound.finite, Sign.POSITIVE if bound.positive else Sign.NOT_NEGATIVE)


def divided(first: Bound, second: Bound) -> Bound:
    """Of a quotient, which is finite where the divisor is positive."""
    sign = multiplied(first, second).sign
    finite = first.finite and second.never_nan and second.positive
    return Bound(finite, Sign.NOT_NEGATIVE if sign is Sign.POSITIVE else sign)


def power(bound: Bound, exponent: float) -> Bound:
    """Of x ** exponent, a positive one."""
    even = float(exponent).is_integer() and exponent % 2 == 0
    whole = float(exponent).is_integer()
    return Bound(bound.finite and (whole or bound.not_negative), Sign.NOT_NEGATIVE if even or not whole else bound.sign)


def either(bounds: Sequence[Bound]) -> Bound:
    """Of what is one of several."""
    signs = {bound.sign for bound in bounds}
    up = all(bound.not_negative for bound in bounds)
    sign = signs.pop() if len(signs) == 1 else _sign(up, False)
    return Bound(all(bound.finite for bound in bounds), sign, all(bound.never_nan for bound in bounds))


def bound(kind: Kind, data: Any, known: Sequence[Bound]) -> Bound:
    """Of a value of which operands these are known; `data` as for `Value`."""
    match kind:
        case Kind.NUMBER:
            return number(data)
        case Kind.ADD:
            return added(*known)
        case Kind.SUBTRACT:
            return added(known[0], negated(known[1]))
        case Kind.MULTIPLY:
            return multiplied(*known)
        case Kind.DIVIDE:
            return divided(*known)
        case Kind.NEGATE:
            return negated(known[0])
        case Kind.POWER:
            return power(known[0], data)
        case Kind.CALL:
            return called(data, known)
    return Bound(True)


def sign_where(symbol: str, holds: bool) -> Sign:
    """Of x where `x symbol 0` holds, or where it does not."""
    above = (symbol in (">", ">=")) == holds
    strict = (symbol in (">", "<")) == holds
    return Sign.NOT_POSITIVE if not above else Sign.POSITIVE if strict else Sign.NOT_NEGATIVE


def called(function: str, bounds: Sequence[Bound]) -> Bound:
    """Of a primitive function; of one without a rule it is known that finite arguments give finite values."""
    if function in _RULES:
        return _RULES[function](*bounds)
    return Bound(all(bound.finite for bound in bounds))


def _sign(up: bool, down: bool, positive: bool = False) -> Sign:
    return Sign.POSITIVE if positive else Sign.NOT_NEGATIVE if up else Sign.NOT_POSITIVE if down else Sign.ANY


def _larger(first: Bound, second: Bound) -> Bound:
    up = first.not_negative or second.not_negative
    sign = _sign(up, first.not_positive and second.not_positive, first.positive or second.positive)
    return Bound(first.finite and second.finite, sign, first.never_nan and second.never_nan)


def _smaller(first: Bound, second: Bound) -> Bound:
    up, down = first.not_negative and second.not_negative, first.not_positive or second.not_positive
    sign = _sign(up, down, first.positive and second.positive)
    return Bound(first.finite and second.finite, sign, first.never_nan and second.never_nan)


def _absolute(bound: Bound) -> Bound:
    return Bound(bound.finite, Sign.POSITIVE if bound.positive else Sign.NOT_NEGATIVE, bound.ordered)


def _square_root(bound: Bound) -> Bound:
    return Bound(bound.finite and bound.not_negative, Sign.POSITIVE if bound.positive else Sign.NOT_NEGATIVE)


def _within_one(bound: Bound) -> Bound:
    """Of what is finite at infinity too."""
    return Bound(bound.never_nan)


def _from_zero(*known: Bound) -> Bound:
    return Bound(all(bound.never_nan for bound in known), Sign.NOT_NEGATIVE)


_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "exp": lambda x: Bound(x.never_nan and x.not_positive, Sign.NOT_NEGATIVE, x.never_nan),
        "expm1": lambda x: Bound(x.never_nan and x.not_positive, x.sign, x.never_nan),
        "log": lambda x: Bound(x.finite and x.positive),
        "log1p": lambda x: Bound(x.finite and x.not_negative, x.sign if x.not_negative else Sign.ANY),
        "sqrt": _square_root,
        "abs": _absolute,
        "max": _larger,
        "min": _smaller,
        "where": lambda condition, then, otherwise: either((then, otherwise)),
        "step": _from_zero,
        "erfc": _from_zero,
        "KroneckerDelta": _from_zero,
        "sign": _within_one,
        "tanh": _within_one,
        "erf": _within_one,
        "atan": _within_one,
    }
)
"""How each primitive changes what is known. A choice is known by what it chooses from, not by its condition."""
