"""Small printed formulas and their values: comparisons in a row, powers, numbers of either system."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from backpropsym.evaluate.printed_formulas import PrintedFormulas
from backpropsym.ops.function_table import FunctionTable


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("where(0 <= x < 3, 1, 2)", -1.0, 2.0),
        ("where(0 <= x < 3, 1, 2)", 0.0, 1.0),
        ("where(0 <= x < 3, 1, 2)", 3.0, 2.0),
        ("where(x > 0, 1, 2)", 0.0, 2.0),
        ("x**2", -3.0, 9.0),
        ("x**(1/2)", 4.0, 2.0),
        ("2**(-2)", 0.0, 0.25),
        ("reciprocal(x)", 0.0, math.inf),
        ("square(x)", 1e200, math.inf),
        ("x", 1 + 2j, 1 + 2j),
        ("x*x", 1 + 2j, -3 + 4j),
    ],
)
def test_value_of_a_number(text: str, x: complex, expected: complex) -> None:
    assert PrintedFormulas({"x": x}, FunctionTable()).value(text) == expected


@pytest.mark.parametrize("array", [np.array([1.0, -2.0, 3.0]), np.array([1 + 1j, 2j, 3.0])])
def test_value_of_an_array(array: Any) -> None:
    value = PrintedFormulas({"x": array}, FunctionTable()).value("x*x - x")
    assert value.dtype == array.dtype
    np.testing.assert_allclose(value, array * array - array)


@pytest.mark.parametrize("text", ["2**3", "2 + 3", "2*3", "-2"])
def test_whole_numbers_stay_whole(text: str) -> None:
    assert isinstance(PrintedFormulas({}, FunctionTable()).value(text), int)
