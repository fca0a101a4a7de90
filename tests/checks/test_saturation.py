"""`check` grants second derivatives what rounding loses of 1 - tanh(x)**2 beside saturation, and no more.

Where inputs are large it takes steps that do not leap from one saturated end to the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.comparisons.objects import SingleObject
from backpropsym.evaluate.number_systems import Switching
from backpropsym.kernels.api.derivative_products import Products

TEXT = """
inputs = {{x = [2]}}
parameters = {{w = [2]}}
output = "L"

[nodes]
a = "{formula}"
L = "a * a + 1"

[values]
x = [{far}, 0.5]
w = [1.0, 1.0]
"""


@pytest.mark.parametrize("far", [8.0, 16.0, 18.0, 19.0, 20.0])
@pytest.mark.parametrize("formula", ["tanh(w @ x)", "tanh(w @ x) * tanh(w @ x)", "sigmoid(w @ x)"])
def test_a_saturated_network_is_right(formula: str, far: float) -> None:
    report = bp.loads(TEXT.format(formula=formula, far=far)).check()
    assert report.passed, report


@pytest.mark.parametrize("far", [1.0, 8.0])
def test_a_second_derivative_that_is_off_is_still_wrong(far: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Products.hvp

    def off(products: Products, *given: Any) -> Any:
        return {name: value * (1 + 1e-4) for name, value in right(products, *given).items()}

    monkeypatch.setattr(Products, "hvp", off)
    report = bp.loads(TEXT.format(formula="tanh(w @ x)", far=far)).check()
    assert "hvp" in str(report), report
    assert not report.passed


SCALED = """
inputs = ["x", "E"]
parameters = ["b", "w"]
output = "L"

[nodes]
S = "b*x + w*E"
L = "tanh(S)**2"

[values]
x = 1
E = {size}
b = 1
w = {weight}
"""


@pytest.mark.parametrize("size", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("wrong", [False, True])
def test_second_derivatives_of_large_inputs(size: float, wrong: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Products.hvp

    def off(products: Products, *given: Any) -> Any:
        return {name: value * (1 + 1e-4 * wrong) for name, value in right(products, *given).items()}

    monkeypatch.setattr(Products, "hvp", off)
    report = bp.loads(SCALED.format(size=size, weight=1 / size)).check()
    assert report.passed != wrong, report
    assert ("hvp by" in str(report)) == wrong


def test_what_softmax_blurs_does_not_depend_on_luck() -> None:
    text = 'inputs = {x = [2]}\noutput = "L"\n[nodes]\np = "softmax(tanh(x))"\nL = "sum(p*p)"\n'
    random = np.random.default_rng(0)
    net = bp.loads(text)
    point = ArrayPoint(net.graph, {"x": np.array([8.0, 9.0])}, Switching(net.graph.functions))
    single = SingleObject(point, random)
    draws = [float(np.max(single.pushed("p", {"x": np.array([1.0, -1.0])}).blur())) for _ in range(40)]
    assert min(draws) > max(draws) / 100
