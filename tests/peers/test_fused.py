"""The fused loop of Numba against the kernel on NumPy arrays: the same statements, the same numbers."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import numpy as np
import pytest

from backpropsym.kernels.compile import compile_kernel
from backpropsym.ops.function import FUNCTIONS, Function
from tests.kernels.networks import dense, lecture, lecture_values, numbers_of, one_function


def assert_same(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    assert found[0] == pytest.approx(expected[0], rel=tolerance, nan_ok=True)
    assert found[1] == pytest.approx(expected[1], rel=tolerance, abs=tolerance, nan_ok=True)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=attrgetter("name"))
def test_every_function_in_the_loop(function: Function) -> None:
    graph = one_function(function)
    random = np.random.default_rng(3)
    values: dict[str, Any] = {f"x{i}": random.uniform(*low_high, 700) for i, low_high in enumerate(function.domain)}
    values |= {f"p{i}": 0.0 for i in range(len(function.arguments))}
    assert_same(compile_kernel(graph, engine="numba")(**values), compile_kernel(graph)(**values))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("size", [1, 511, 512, 1500])
def test_lengths_about_the_block(mode: str, size: int) -> None:
    graph = lecture("tanh")
    values = {**lecture_values(), "x1": np.random.default_rng(size).normal(size=size)}
    assert_same(compile_kernel(graph, mode, engine="numba")(**values), compile_kernel(graph, mode)(**values))


def test_numbers_precisions_strides_and_limits() -> None:
    graph = dense(2, 3)
    fused, plain = compile_kernel(graph, engine="numba"), compile_kernel(graph)
    values = numbers_of(graph, 1)
    assert fused(**values) == plain(**values)
    batch = {**values, "x0": np.linspace(-1, 1, 40)[::2]}
    assert_same(fused(**batch), plain(**batch))
    single = {**values, "x0": np.linspace(-1, 1, 40, dtype=np.float32)}
    assert_same(fused(**single), plain(**single), 1e-5)
    beyond = {**values, "x0": np.array([1e308, -np.inf, np.nan])}
    assert_same(fused(**beyond), plain(**beyond))
