"""Widths of a padding: a whole number, a pair, or a pair for each axis; anything else is refused in our words."""

from __future__ import annotations

import pytest

import backpropsym as bp
from backpropsym.errors import BackpropsymError


def padded(widths: str, shape: list[int]) -> bp.Network:
    return bp.loads(f'inputs = {{x = {shape}}}\noutput = "a"\n[nodes]\na = "pad(x, {widths})"\n')


@pytest.mark.parametrize(
    ("widths", "shape", "expected"),
    [
        ("0", [3], (3,)),
        ("2", [3], (7,)),
        ("(1, 2)", [3], (6,)),
        ("((1, 2),)", [3], (6,)),
        ("1", [3, 4], (5, 6)),
        ("(1, 2)", [3, 4], (6, 7)),
        ("((1, 2), (0, 3))", [3, 4], (6, 7)),
    ],
)
def test_shapes(widths: str, shape: list[int], expected: tuple[int, ...]) -> None:
    assert padded(widths, shape).graph["a"].shape == expected


@pytest.mark.parametrize("widths", ["(1, 2, 3)", "-1", "(1, -2)", "(1.5, 2)", "((1, 2), (0, 1))", "x", "2**70"])
def test_what_is_no_width_is_refused(widths: str) -> None:
    with pytest.raises(BackpropsymError, match="pad"):
        padded(widths, [3])
