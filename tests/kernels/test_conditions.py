"""What stands in a condition alone moves nothing: no derivative goes through it, whatever computes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backpropsym as bp

TEXT = """
inputs = {{x = [3]}}
parameters = {{w = [3, 3], b = [3], M = [3, 3]}}
output = "a"

[nodes]
p = "w @ x"
q = "where({condition}, p*p, sin(p))"
a = "sum(tanh(q))"
"""
NUMBERS = [
    "b @ b",
    "einsum('i,i->', b, b)",
    "einsum('ij,i,j->', M, b, b)",
    "einsum('ii->', M)",
    "sum(b)",
    "mean(M)",
    "max(b)",
    "var(b)",
    "logsumexp(b)",
    "b[1]",
    "(M @ b)[0]",
    "sum(M @ M)",
    "softmax(b)[2]",
]
ARRAYS = ["b", "M @ b", "einsum('ij,j->i', M, b)", "einsum('i,i->i', b, b)", "sum(M, axis=1)", "concat(b[1:3], b[0:1])"]
RANDOM = np.random.default_rng(0)
VALUES = {name: RANDOM.normal(size=shape) for name, shape in {"w": (3, 3), "b": 3, "M": (3, 3)}.items()}
OBJECTS = RANDOM.normal(size=(4, 3))


def network(condition: str) -> bp.Network:
    return bp.loads(TEXT.format(condition=condition))


@pytest.mark.parametrize("left", NUMBERS + ARRAYS)
@pytest.mark.parametrize("condition", ["p > {}", "{} > 0.1", "{} + p > p*p"])
def test_no_derivative_goes_through_a_condition(left: str, condition: str) -> None:
    net = network(condition.format(f"({left})"))
    kernel = bp.compile(net)
    for x in (OBJECTS[0], OBJECTS):
        given: dict[str, Any] = {**VALUES, "x": x}
        gradients = kernel(**given)[1]
        assert not np.any(gradients["b"])
        assert not np.any(gradients["M"])
        np.testing.assert_allclose(gradients["w"], differences(kernel, given), rtol=1e-6, atol=1e-8)
        moved = {name: np.ones_like(value) for name, value in VALUES.items()}
        along = np.mean(kernel.jvp(given, moved)["a"])
        np.testing.assert_allclose(along, np.sum(gradients["w"]), rtol=1e-9)
        assert not np.any(kernel.hvp(given, moved, ["b"])["b"])


def differences(kernel: Any, given: dict[str, Any]) -> Any:
    """The derivative of the mean value by each entry of w."""
    found = np.zeros((3, 3))
    for place in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[place] = 1e-5
        found[place] = (
            kernel(**{**given, "w": given["w"] + step})[0] - kernel(**{**given, "w": given["w"] - step})[0]
        ) / 2e-5
    return found
