"""Where what is not taken has an infinite slope, every step of a trace still adds up to its adjoint."""

from __future__ import annotations

import math

import pytest

import backpropsym as bp

TEXT = """
inputs = ["x"]
parameters = ["w"]
output = "a"
[functions]
root = "where(x > 1, sqrt(x - 1), x**2)"
[nodes]
{nodes}
"""
CASES = {
    "a dead path": ('u = "sqrt(w)"\na = "where(x > 1, u, 3*w)"', 0.0, 3.0),
    "a branch inside a formula": ('a = "where(w > 1, sqrt(w - 1), 3*w) + x"', 0.5, 3.0),
    "a branch of a person's function": ('h = "root(w)"\na = "x*h"', 0.5, 2 * 0.5 * 0.5),
    "no such link": ('u = "exp(w)"\na = "x*u"', 0.0, 0.5),
}


@pytest.mark.parametrize(("nodes", "w", "slope"), CASES.values(), ids=CASES)
def test_every_step_adds_up(nodes: str, w: float, slope: float) -> None:
    net = bp.loads(TEXT.replace("{nodes}", nodes))
    trace = net.trace({"x": 0.5, "w": w})
    for step in trace.backward:
        if step.bricks:
            assert sum(brick.product for brick in step.bricks) == pytest.approx(step.adjoint)
    assert {step.node: step.adjoint for step in trace.backward}["w"] == pytest.approx(slope)
    assert math.isfinite(net.derive("a", wrt="w").evaluate(x=0.5, w=w))


@pytest.mark.parametrize("shape", ["", " = [2]"])
def test_a_parameter_that_does_not_matter_takes_no_step(shape: str) -> None:
    sizes = "{x = [2], w = [2], v = [2]}" if shape else '["x", "w", "v"]'
    sums = ("sum(w*x)", "sum(v*x)") if shape else ("w*x", "v*x")
    net = bp.loads(f'parameters = {sizes}\noutput = "b"\n[nodes]\na = "{sums[0]}"\nb = "a + {sums[1]}"\n')
    value = [1.0, 2.0] if shape else 1.0
    trace = net.trace({"x": value, "w": value, "v": value}, of="a")
    assert {step.node for step in trace.backward} == {"a", "w", "x"}
    assert set(trace.descent.gradient) == {"w", "x"}
