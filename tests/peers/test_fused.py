"""The fused loop of Numba against the kernel on NumPy arrays: the same statements, the same numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from backpropsym.errors import LimitError
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.kernels.backends.numba import fused_loop as fused
from backpropsym.ops.function import FUNCTIONS, Function
from tests.kernels.networks import dense, lecture, lecture_values, network, numbers_of
from tests.mutation.record import note_when_compiled


def assert_same(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    assert found[0] == pytest.approx(expected[0], rel=tolerance, nan_ok=True)
    assert found[1] == pytest.approx(expected[1], rel=tolerance, abs=tolerance, nan_ok=True)


def term(function: Function) -> str:
    """A function of inputs plus parameters of its own, so that each of its derivatives is that by a parameter."""
    arguments = [f"x_{name} + p_{name}" for name in own_names(function)]
    if function.name == "where":
        arguments[0] += " > 0"
    return f"{function.name}({', '.join(arguments)})"


def own_names(function: Function) -> list[str]:
    return [f"{function.name}_{place}" for place in range(len(function.arguments))]


def test_every_function_in_the_loop() -> None:
    """In one kernel, for compiling takes most of the time; a wrong derivative is seen by the name of its parameter."""
    names = [name for function in FUNCTIONS.values() for name in own_names(function)]
    domains = [low_high for function in FUNCTIONS.values() for low_high in function.domain]
    inputs, parameters = " ".join(f"x_{name}" for name in names), " ".join(f"p_{name}" for name in names)
    nodes = {f"z_{name}": term(function) for name, function in FUNCTIONS.items()}
    graph = network("", inputs, parameters, **nodes, total=" + ".join(nodes))
    random = np.random.default_rng(3)
    values: dict[str, Any] = {f"p_{name}": 0.0 for name in names}
    values |= {f"x_{name}": random.uniform(*low_high, 700) for name, low_high in zip(names, domains, strict=True)}
    assert_same(compile_kernel(graph, engine="numba")(**values), compile_kernel(graph)(**values))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("size", [1, 511, 512, 1500])
def test_lengths_about_the_block(mode: str, size: int) -> None:
    """Of the inputs the first is one number for all objects, and the second an array."""
    graph = lecture("tanh")
    values = {**lecture_values(), "x2": np.random.default_rng(size).normal(size=size)}
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


def test_as_many_statements_as_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of the refusal tells how many there are: with just so many allowed, the loop is written."""
    graph = dense(2, 2)
    monkeypatch.setattr(fused, "MOST_STATEMENTS", 0)
    with pytest.raises(LimitError, match=r"the kernel has \d+ statements") as refusal:
        compile_kernel(graph, engine="numba")
    count = int(re.findall(r"has (\d+)", str(refusal.value))[0])
    monkeypatch.setattr(fused, "MOST_STATEMENTS", count)
    compile_kernel(graph, engine="numba")
    monkeypatch.setattr(fused, "MOST_STATEMENTS", count - 1)
    with pytest.raises(LimitError, match=f"at most {count - 1}"):
        compile_kernel(graph, engine="numba")


def test_what_is_compiled_is_noted_as_entered() -> None:
    """As `tests.mutation.record` needs it: the loop calls compiled functions, which enter no Python."""
    entered: set[str] = set()
    note_when_compiled(entered, entered.add)
    namespace: dict[str, Any] = {"note": entered.add}
    exec("def double(x):\n    note('double')\n    return 2*x\n", namespace)
    assert fused.compiler()(namespace["double"])(3.0) == 6.0
    assert entered == {"double"}
