"""Symbolic sizes: one normal text for each polynomial, and numbers for their symbols from the shapes of arrays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpropsym.ops.size_values import size_value, solved_sizes
from backpropsym.ops.sizes import (
    Dimension,
    read_size,
    size_difference,
    size_floor,
    size_product,
    size_put,
    size_ratio,
    size_sum,
)

NORMAL = {
    "2*d+1": "2*d + 1",
    "1 + d*2": "2*d + 1",
    "n-1": "n - 1",
    "-n + m": "m - n",
    "h*d": "d*h",
    "d*(h + 1) - d": "d*h",
    "n**2 - n*n + 3": 3,
    "(a + b)*(a - b)": "a*a - b*b",
    "7": 7,
}
LEAVES = st.sampled_from(["a", "b", "c", "1", "2", "7"])
FORMULAS = st.recursive(
    LEAVES,
    lambda inner: st.builds(lambda left, sign, right: f"({left} {sign} {right})", inner, st.sampled_from("+-*"), inner),
    max_leaves=6,
)
NUMBERS = st.fixed_dictionaries({name: st.integers(1, 50) for name in "abc"})


@pytest.mark.parametrize("text", NORMAL)
def test_equal_sizes_have_one_text(text: str) -> None:
    assert read_size(text) == NORMAL[text]
    assert read_size(str(NORMAL[text])) == NORMAL[text]


@pytest.mark.parametrize(
    "text", ["n/2", "f(n)", "n + 0.5", "2n", "", "n @ m", "n[0]", "n**(1/2)", "n**9**9", "x" * 3000]
)
def test_what_is_no_size_is_not_read(text: str) -> None:
    assert read_size(text) is None


@given(FORMULAS, NUMBERS)
def test_a_size_has_the_value_of_its_formula(text: str, numbers: dict[str, int]) -> None:
    size = read_size(text)
    assert size is not None
    assert size_value(size, numbers) == eval(text, {}, dict(numbers)) == size_put(size, numbers)


@given(FORMULAS, FORMULAS, NUMBERS)
def test_arithmetic_of_sizes_is_that_of_their_values(left: str, right: str, numbers: dict[str, int]) -> None:
    first, second = read_size(left), read_size(right)
    assert first is not None and second is not None
    a, b = size_value(first, numbers), size_value(second, numbers)
    assert a is not None and b is not None
    assert size_value(size_sum([first, second]), numbers) == a + b
    assert size_value(size_difference(first, second), numbers) == a - b
    assert size_value(size_product([first, second]), numbers) == a * b
    assert size_difference(first, first) == 0


@pytest.mark.parametrize(
    ("size", "divisor", "ratio"),
    [("4*d", 4, "d"), ("d*h", "h", "d"), ("4*d + 2", 2, "2*d + 1"), ("d", 2, None), ("d + h", "h", None), (12, 4, 3)],
)
def test_ratios_are_exact(size: Dimension, divisor: Dimension, ratio: Dimension | None) -> None:
    assert size_ratio(size, divisor) == ratio


@pytest.mark.parametrize(("size", "divisor", "floor"), [("2*m - 1", 2, "m - 1"), (7, 2, 3), ("m", 2, None)])
def test_floors_hold_for_every_symbol(size: Dimension, divisor: int, floor: Dimension | None) -> None:
    assert size_floor(size, divisor) == floor


def test_symbols_are_solved_from_the_sizes_of_arrays() -> None:
    assert solved_sizes([("d*h", 12), ("2*d + 1", 7), ("n", 5), (3, 3)]) == {"n": 5, "d": 3, "h": 4}


@pytest.mark.parametrize("found", [[("2*d + 1", 8)], [("d*h", 6)], [("n - 9", -20)]])
def test_symbols_without_a_whole_positive_solution_stay_unknown(found: list[tuple[Dimension, int]]) -> None:
    assert solved_sizes(found) == {}
