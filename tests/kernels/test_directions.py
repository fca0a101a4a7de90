"""Several directions at one point: a row for each of them, as if each were pushed forward alone."""

from __future__ import annotations

import numpy as np
import pytest

import backpropsym as bp

NET = """
inputs = {x = [4]}
parameters = {W = [2, 4]}
output = "a"
[nodes]
h = "tanh(W @ x)"
a = "sum(h*h)"
"""
COUNT = 3


@pytest.fixture
def values() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {"x": random.normal(size=4), "W": random.normal(size=(2, 4))}


def test_directions_of_an_input_at_one_point(values: dict[str, np.ndarray]) -> None:
    kernel, directions = bp.compile(bp.loads(NET)), np.random.default_rng(2).normal(size=(COUNT, 4))
    together = kernel.jvp(values, {"x": directions}, "h")["h"]
    alone = [kernel.jvp(values, {"x": direction}, "h")["h"] for direction in directions]
    np.testing.assert_allclose(together, alone, rtol=1e-13)


def test_second_derivatives_along_directions_at_one_point_are_a_mean(values: dict[str, np.ndarray]) -> None:
    kernel, directions = bp.compile(bp.loads(NET)), np.random.default_rng(3).normal(size=(COUNT, 4))
    together = kernel.hvp(values, {"x": directions}, ["W"])["W"]
    alone = [kernel.hvp(values, {"x": direction}, ["W"])["W"] for direction in directions]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=1e-12)


def test_cotangents_at_one_point_are_added_up(values: dict[str, np.ndarray]) -> None:
    kernel, cotangents = bp.compile(bp.loads(NET)), np.random.default_rng(4).normal(size=(COUNT, 2))
    together = kernel.vjp(values, {"h": cotangents}, ["x", "W"])
    alone = [kernel.vjp(values, {"h": cotangent}, ["x", "W"]) for cotangent in cotangents]
    for name in ("x", "W"):
        np.testing.assert_allclose(together[name], sum(each[name] for each in alone), rtol=1e-12)
