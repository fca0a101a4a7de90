"""Parts of a formula that are made of numbers alone and have no value: 1/0, log(0)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from backpropsym.evaluate.arithmetic import REAL, evaluate
from backpropsym.formula.tree import Add, Call, Div, Expr, Mul, Neg, Number, Pow, Span, children, walk
from backpropsym.ops.function_table import FunctionTable

_OPERATORS = (Number, Neg, Add, Mul, Div, Pow)


def undefined_numbers(formula: Expr, table: FunctionTable) -> Iterator[tuple[Span | None, str, str]]:
    """(place, what is wrong, fix) of every part of numbers alone that is not a finite real number."""
    for part in walk(formula):
        if isinstance(part, Div) and _value(part.denominator, table) == 0.0:
            yield part.denominator.span or part.span, "the denominator is zero", "divide by something else"
        elif isinstance(part, Pow | Call) and not _finite(part, table) and _all_finite(part, table):
            called = "the power" if isinstance(part, Pow) else part.function
            yield part.span, f"{called} of these numbers is not a finite real number", "write the value itself"


def _all_finite(whole: Expr, table: FunctionTable) -> bool:
    return all(_finite(part, table) for part in children(whole))


def _finite(part: Expr, table: FunctionTable) -> bool:
    """False where `part` is made of numbers alone and has no finite value."""
    value = _value(part, table)
    return value is None or math.isfinite(value)


def _value(part: Expr, table: FunctionTable) -> float | None:
    """The value of a part of numbers alone, inf or nan where it has none; None for any other part."""
    for inner in walk(part):
        if not isinstance(inner, _OPERATORS) and not (isinstance(inner, Call) and _scalar(inner, table)):
            return None
    try:
        with np.errstate(all="ignore"):
            return float(evaluate(part, {}, table, REAL))
    except OverflowError:
        return math.inf


def _scalar(call: Call, table: FunctionTable) -> bool:
    """Whether a call is one of a function of numbers that has a formula, with as many arguments as that takes."""
    if call.options or call.function not in table or table[call.function].abstract:
        return False
    function = table[call.function]
    return len(function.required) <= len(call.arguments) <= len(function.arguments)
