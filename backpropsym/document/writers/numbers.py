"""Numbers and arrays as people read them: small ones whole, large ones by shape, norm and first entries."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import SupportsFloat

import numpy as np

from backpropsym.arrays import Array, Given, Numbers
from backpropsym.document.writers.set_writer import SetWriter
from backpropsym.document.writers.tree_writer import DIGITS, FEW_DIGITS, Writer
from backpropsym.formula.tree import Expr, Name, Number, substitute

MOST_ENTRIES = 9
"""An array with more entries than this is not shown whole."""

_FIRST = 3


def shown(value: Given, writer: Writer) -> str:
    """A number, or an array of any shape, in the medium of `writer`; of a large one its sizes and its norm."""
    array = np.asarray(value)
    if array.ndim == 0:
        return writer.measured(float(array))
    if array.size <= MOST_ENTRIES and array.ndim <= 2:
        return _set_array(array, writer) if isinstance(writer, SetWriter) else _text_array(array, writer)
    return _elided(array, writer)


def _entry(value: SupportsFloat, writer: Writer) -> str:
    """One number among many."""
    return writer.measured(float(value), FEW_DIGITS)


def _text_array(array: Array, writer: Writer) -> str:
    if array.ndim == 0:
        return _entry(array, writer)
    return "[" + ", ".join(_text_array(part, writer) for part in array) + "]"


def _set_array(array: Array, writer: SetWriter) -> str:
    if array.ndim == 1:
        return "(" + writer.list_comma.join(_entry(each, writer) for each in array) + ")"
    return writer.matrix([[_entry(each, writer) for each in row] for row in array], "[]")


def _elided(array: Array, writer: Writer) -> str:
    with np.errstate(all="ignore"):
        norm = writer.measured(float(np.linalg.norm(array.ravel())))
    first = ", ".join(_entry(each, writer) for each in array.ravel()[:_FIRST])
    if isinstance(writer, SetWriter):
        sizes = writer.by.join(map(str, array.shape)) + (
            writer.gap + writer.upright("entries") if array.ndim == 1 else ""
        )
        told = f"{sizes}{writer.gap}{writer.upright('of norm')}{writer.gap}{norm}"
        return writer.stacked(told, f"{first}{writer.list_comma}{writer.low_dots}")
    sizes = " x ".join(map(str, array.shape)) + (" entries" if array.ndim == 1 else "")
    return f"{sizes} of norm {norm}: {first}, ..."


def put_in(expr: Expr, numbers: Numbers, digits: int = DIGITS) -> Expr:
    """`expr` with a number, to so many digits, in the place of every name that has one."""
    return substitute(expr, {name: _leaf(float(value), digits) for name, value in numbers.items()})


def _leaf(value: float, digits: int) -> Expr:
    return Number(Fraction(f"{value:.{digits}g}")) if math.isfinite(value) else Name(f"{value}".replace("-", "minus_"))


def finite_data(value: Given) -> object:
    """A number or nested lists of numbers for JSON, which has no word for what is not finite: that is None."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return float(array) if math.isfinite(array) else None
    return [finite_data(part) for part in array]
