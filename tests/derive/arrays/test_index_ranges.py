"""How far a free index runs: as far as every entry that it reads exists, whatever its sign and factor."""

from __future__ import annotations

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import ShapeError

SIZE = 7
X = np.arange(1.0, SIZE + 1) ** 2


@pytest.mark.parametrize("slope", [1, 2, 3, SIZE, -1, -2, -3, -SIZE])
@pytest.mark.parametrize("start", range(-3, SIZE + 3))
def test_one_subscript(slope: int, start: int) -> None:
    _compare(f"x[{start} + {slope}*i]" if slope > 0 else f"x[{start} - {-slope}*i]", [(start, slope)])


@pytest.mark.parametrize(
    ("formula", "reads"),
    [
        ("x[6 - i]*x[i + 2]", [(6, -1), (2, 1)]),
        ("x[2*i]*x[5 - 2*i]", [(0, 2), (5, -2)]),
        ("x[i]*x[4 - i]", [(0, 1), (4, -1)]),
        ("x[i - 1]*x[i + 1]", [(-1, 1), (1, 1)]),
    ],
)
def test_several_subscripts(formula: str, reads: list[tuple[int, int]]) -> None:
    _compare(formula, reads)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("sum(x[i + k], (k, 0, 2))", [X[i : i + 3].sum() for i in range(5)]),
        ("sum(x[6 - i - k], (k, 0, 2))", [X[4 - i : 7 - i].sum() for i in range(5)]),
        ("sum(x[i - k + 2], (k, 0, 2))", [X[i : i + 3].sum() for i in range(5)]),
    ],
)
def test_beside_a_summed_index(formula: str, expected: list[float]) -> None:
    np.testing.assert_allclose(_value(formula), expected)


@pytest.mark.parametrize("subscript", ["0.5*i", "i/2", "i - i/2"])
def test_a_part_of_an_index_is_no_position(subscript: str) -> None:
    with pytest.raises(ShapeError, match="is not a sum of whole multiples of indices"):
        _value(f"x[{subscript}]")


def _compare(formula: str, reads: list[tuple[int, int]]) -> None:
    """The index begins at the first whole number for which all entries exist."""
    inside = [i for i in range(-20, 20) if all(0 <= start + slope * i < SIZE for start, slope in reads)]
    expected = [np.prod([X[start + slope * i] for start, slope in reads]) for i in inside]
    np.testing.assert_allclose(_value(formula), expected)


def _value(formula: str) -> np.ndarray:
    net = bp.loads(f'inputs = {{x = [{SIZE}]}}\noutput = "a"\n[nodes]\n"y[i]" = "{formula}"\na = "sum(y*y)"\n')
    value = bp.compile(net).intermediates({"x": X})["y"]
    assert net.graph["y"].shape == value.shape
    return value
