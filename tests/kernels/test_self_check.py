"""What a saved module says of itself when it is run: right gradients pass, and planted errors are told."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

import backpropsym as bp
from backpropsym.kernels.runtime.scalar_runtime import check_batch, check_gradients, slope

Change = Callable[[float, dict[str, Any]], tuple[float, dict[str, Any]]]

WRONG: dict[str, Change] = {
    "a gradient scaled by 1 + 1e-5": lambda value, slopes: (value, {**slopes, "v11": slopes["v11"] * (1 + 1e-5)}),
    "gradients negated": lambda value, slopes: (value, {name: -slope for name, slope in slopes.items()}),
    "a gradient of zero": lambda value, slopes: (value, {**slopes, "p11": 0.0}),
    "a value times two": lambda value, slopes: (2 * value, slopes),
}


def _kernel() -> Any:
    """The lecture's network with a smooth activation, so that finite differences are exact to 1e-9."""
    source = bp.example("lecture")
    text = [f'{name} = "tanh({name.replace("z", "s").replace("h", "u")})"' for name in ("z1", "z2", "h1", "h2")]
    nodes = ["w11*x1 + w21*x2", "w12*x1 + w22*x2", "v11*z1 + v21*z2", "v12*z1 + v22*z2", "p11*h1 + p21*h2"]
    named = [f'{name} = "{formula}"' for name, formula in zip(("s1", "s2", "u1", "u2", "a"), nodes, strict=True)]
    parameters = list(source.parameters)
    head = f'inputs = ["x1", "x2"]\nparameters = {parameters}\noutput = "a"\n[nodes]\n'.replace("'", '"')
    return bp.compile(bp.loads(head + "\n".join([*named, *text])))


def test_a_right_kernel_passes(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = _kernel()
    assert check_gradients(kernel, ["x1", "x2"], kernel.parameters)
    assert check_batch(kernel, ["x1", "x2"], kernel.parameters)
    assert "30 gradients compared" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", WRONG)
def test_planted_errors_are_told(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    kernel = _kernel()
    assert not check_gradients(lambda **values: WRONG[wrong](*kernel(**values)), ["x1", "x2"], kernel.parameters)
    assert "WRONG" in capsys.readouterr().out


def test_a_batch_that_is_no_mean_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = _kernel()

    def of_batches(**values: Any) -> Any:
        value, gradients = kernel(**values)
        return (value, gradients) if isinstance(values["x1"], float) else (value, {**gradients, "w11": 0.0})

    assert not check_batch(of_batches, ["x1", "x2"], kernel.parameters)
    assert "DISAGREES" in capsys.readouterr().out


def test_slopes_are_extrapolated() -> None:
    """To a precision that one extrapolation gives and none of the plain differences."""
    source = random.Random(3)
    for _ in range(20):
        at = source.uniform(-1, 1)
        derivative, error = slope(lambda x: (math.sin(3 * x) * math.exp(x), {}), {"x": at}, "x")
        right = (3 * math.cos(3 * at) + math.sin(3 * at)) * math.exp(at)
        assert abs(derivative - right) < 1e-10
        assert error < 1e-9
