"""What is not taken is never multiplied in: guarded formulas have the finite derivatives that they have."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.evaluate.slopes import agreed, one_sided_slopes
from backpropsym.network import Network

STEEP = ("log({0})", "sqrt({0})", "1/{0}", "exp({0})", "log1p({0})", "{0}**(-2)", "{1}/({0} - {1})", "exp(1/{0})")
GUARDS = (
    "where({0} > 0, {steep}, {1})",
    "where({0} <= 0, {1}, {steep})",
    "where({0} < {1}, {1}**2, {steep}*{1})",
    "max({steep}, -2)",
    "min({steep}, 3)",
    "clip({steep}, -1, 1)",
    "where({1} > 0, where({0} > 0, {steep}, 0), {1}*{0})",
)
OUTER = ("{0}", "{0}*{1}", "tanh({0}) + {1}", "{0}**2 - {1}*{0}", "relu({0})*{1}", "{1}*exp({0})", "sqrt(relu({0}))")
NUMBERS = (-800.0, -1.5, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0, 800.0)
COUNT = 150


def network(seed: int, shape: str = "") -> tuple[str, dict[str, float]]:
    """A network of guarded steep formulas, some of their parts nodes of their own, and numbers for it."""
    draw = random.Random(seed)
    x, y = draw.sample(["x", "y"], 2)
    steep = draw.choice(STEEP).format(x, y)
    nodes = {}
    if draw.random() < 0.5:
        nodes["s"] = steep
        steep = "s"
    nodes["g"] = draw.choice(GUARDS).format(x, y, steep=steep)
    nodes["a"] = draw.choice(OUTER).format("g", draw.choice(["x", "y"]))
    output = "a"
    if shape:
        nodes["total"], output = "sum(a)", "total"
    leaves = f"{{x = {shape}, y = {shape}}}" if shape else '["x", "y"]'
    written = "\n".join(f'{name} = "{formula}"' for name, formula in nodes.items())
    text = f'parameters = {leaves}\noutput = "{output}"\n[nodes]\n{written}\n'
    return text, {name: draw.choice(NUMBERS) for name in ("x", "y")}


def finite_truth(net: Network, values: dict[str, Any], output: str) -> dict[str, float]:
    """The derivatives that are finite and the same from both sides, of a network whose value is finite in doubles."""
    found: dict[str, float] = {}
    if not math.isfinite(net.compile()(**values)[0]):
        return found
    for name in ("x", "y"):
        at = () if np.ndim(values[name]) == 0 else (0,)
        slope = agreed(one_sided_slopes(net.graph, values, (output, ()), (name, at)))
        if slope is not None and 1e-290 < abs(slope) < 1e290 or slope == 0.0:
            found[name] = slope
    return found


CASES = [seed for seed in range(COUNT) if finite_truth(bp.loads(network(seed)[0]), network(seed)[1], "a")]


def test_enough_cases_have_derivatives() -> None:
    assert len(CASES) > COUNT // 2


def agrees(found: Any, expected: float) -> bool:
    """Whether a number is the true one, up to rounding."""
    return math.isclose(float(found), expected, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("seed", CASES)
def test_numbers_of_guarded_formulas(seed: int) -> None:
    text, values = network(seed)
    net = bp.loads(text)
    truth = finite_truth(net, values, "a")
    traced = net.trace(values).gradient
    kernels = {
        "reverse": net.compile(),
        "full": net.compile(accuracy="full"),
        "forward": net.compile("forward"),
    }
    for name, expected in truth.items():
        derivation = net.derive("a", wrt=name)
        found = {"derive": derivation.evaluate(**values), "trace": traced.get(name, 0.0)}
        found["terms"] = sum(term.value for term in derivation.numeric(values))
        for kind, kernel in kernels.items():
            found[kind] = kernel(**values)[1][name]
            found[f"{kind}, arrays"] = kernel.gradients(values, name)[1][name]
        wrong = {kind: number for kind, number in found.items() if not agrees(number, expected)}
        assert not wrong, (wrong, text, values, name, expected)


@pytest.mark.parametrize("seed", CASES)
def test_numbers_of_guarded_arrays(seed: int) -> None:
    text, _ = network(seed, "[2]")
    _, numbers = network(seed)
    values = {name: np.array([number, 0.75]) for name, number in numbers.items()}
    net = bp.loads(text)
    traced, kernel = net.trace(values).gradient, net.compile()
    for name, expected in finite_truth(net, values, "total").items():
        found = {
            "derive": net.derive("total", wrt=name).evaluate(**values)[0],
            "entry": net.derive("total", wrt=f"{name}[0]").evaluate(**values),
            "trace": np.ravel(traced.get(name, 0.0))[0],
            "kernel": kernel(**values)[1][name][0],
        }
        wrong = {kind: number for kind, number in found.items() if not agrees(number, expected)}
        assert not wrong, (wrong, text, values, name, expected)


def test_the_root_of_what_is_not_taken() -> None:
    net = bp.loads('parameters = ["x"]\noutput = "l"\n[nodes]\nl = "where(x > 0, sqrt(x), 0)"\n[values]\nx = -1.0\n')
    derivation = net.derive("l", wrt="x")
    assert derivation.expression() == "where(x > 0, 1/(2*sqrt(x)), 0)"
    assert (derivation.evaluate(), net.compile()(x=-1.0)) == (0.0, (0.0, {"x": 0.0}))
    report = net.check(1)
    assert report.passed
    assert [str(row.verdict) for row in report.rows] == ["OK"]


@pytest.mark.parametrize("accuracy", ["default", "full"])
@pytest.mark.parametrize(
    ("p", "y", "value", "slope"), [(1.0, 1.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 100.0, -1e12)]
)
def test_saturated_cross_entropy_is_that_of_pytorch(
    p: float, y: float, value: float, slope: float, accuracy: str
) -> None:
    net = bp.loads('parameters = ["p"]\ntargets = ["y"]\noutput = "l"\n[nodes]\nl = "bce(p, y)"\n')
    assert net.compile(accuracy=accuracy)(p=p, y=y) == (value, {"p": slope})
    assert net.derive("l", wrt="p").evaluate(p=p, y=y) == slope
    assert net.trace({"p": p, "y": y}).gradient == {"p": slope}
    report = net.check(1, at={"p": p, "y": y})
    assert report.passed
    assert "follows a convention there" in " ".join(report.notes)


@pytest.mark.parametrize("loss", ["cross_entropy(o, y)", "nll(o, y)"])
def test_a_class_of_probability_zero_costs_nothing(loss: str) -> None:
    net = bp.loads(f'parameters = {{o = [2]}}\ntargets = {{y = [2]}}\noutput = "l"\n[nodes]\nl = "{loss}"\n')
    values = {"o": np.array([-np.inf, 0.0]), "y": np.array([0.0, 1.0])}
    value, gradients = net.compile()(**values)
    assert value == 0.0
    assert np.all(np.isfinite(gradients["o"]))
    np.testing.assert_array_equal(net.derive("l", wrt="o").evaluate(**values), gradients["o"])
    assert "weighted" not in net.derive("l", wrt="o").expression("index")
