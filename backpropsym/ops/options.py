"""The options of a call: constants, and whole numbers for several axes."""

from __future__ import annotations

from fractions import Fraction

from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Expr, Neg, Number
from backpropsym.ops.lowering import whole_numbers
from backpropsym.ops.shapes import refuse

LARGEST = 1_000_000


def option(call: Call, key: str) -> Expr | None:
    """What a call's `key=` is, None where it is left out."""
    return next((value for name, value in call.options if name == key), None)


def constant(call: Call, key: str, default: Fraction) -> Fraction:
    """A number that an option gives.

    Raises
    ------
    ShapeError : it is not a constant.
    """
    given = option(call, key)
    match given:
        case None:
            return default
        case Number(value):
            return value
        case Neg(Number(value)):
            return -value
        case _:
            fix = f"write it as in {key}={float(default):g}"
            raise refuse(f"{key}={to_text(given)} is not a number", fix=fix, span=given.span or call.span)


def per_axis(call: Call, key: str, space: int, default: int, least: int) -> tuple[int, ...]:
    """One whole number for each of `space` axes; a single one counts for all of them.

    Raises
    ------
    ShapeError : another number of them, or one below `least`.
    """
    given = option(call, key)
    return (default,) * space if given is None else spread(given, key, space, least, call)


def spread(given: Expr, what: str, space: int, least: int, call: Call) -> tuple[int, ...]:
    """`given` as one whole number an axis.

    Raises
    ------
    ShapeError : another number of them, or one below `least`.
    """
    found = whole_numbers(given)
    if found is None or not least <= min(found) <= max(found) <= LARGEST or len(found) not in (1, space):
        several = f", or a tuple of {space}" if space > 1 else ""
        message = f"{what} of {call.function} is {to_text(given)}"
        fix = f"give a whole number from {least} to {LARGEST:,}{several}"
        raise refuse(message, fix=fix, span=given.span or call.span)
    return found * space if len(found) == 1 else found
