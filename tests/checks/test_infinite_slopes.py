"""Where a slope is infinite, as that of a root at zero, a right network is never called wrong, nor proved there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.checks.comparisons.expected import Expected
from backpropsym.evaluate.differences import complex_step

ARRAYS = {
    "beside a root": 'h = "sqrt(w)"\ny = "W @ relu(h)"',
    "a sum of roots": 'y = "sum(sqrt(w)) + sum(W)"',
    "a square of a root": 'h = "sqrt(w)"\ny = "sum(h*h) + sum(W)"',
    "at a tie": 'y = "sum(relu(sqrt(w))**2)*sum(W)"',
    "a maximum of roots": 'y = "max(sqrt(w)) + sum(W)"',
    "infinite inside of a formula": 'y = "sum(1/(1 + 1/w)*W)"',
    "back from infinity": 'y = "sum(exp(log(w))*W)"',
    "shares of roots": 'y = "W @ softmax(sqrt(w))"',
    "entry by entry": '"z[i]" = "relu(sqrt(w[i]))*W[i]"\ny = "sum(z)"',
    "an infinite node": 'h = "log(w)"\ny = "sum(exp(h)*W)"',
}
NUMBERS = {
    "relu of a root": 'h = "sqrt(w)"\ny = "v*relu(h)"',
    "a square of it": 'y = "relu(sqrt(w))**2*v"',
    "a root": 'y = "v*sqrt(w)"',
    "the size of a root": 'h = "sqrt(w)"\ny = "v*abs(h)"',
    "a chain": 'h = "sqrt(w)"\ng = "relu(h)"\ny = "g*g*v + w"',
    "an infinite node ": 'h = "1/w"\ny = "v/(1 + h)"',
}


def arrays(name: str, w: str) -> bp.Network:
    head = 'inputs = {}\nparameters = {w = [3], W = [3]}\noutput = "y"\n[nodes]\n'
    return bp.loads(f"{head}{ARRAYS[name]}\n[values]\nw = {w}\nW = [1.0, -2.0, 0.5]")


def numbers(name: str, v: float) -> bp.Network:
    head = 'inputs = []\nparameters = ["w", "v"]\noutput = "y"\n[nodes]\n'
    return bp.loads(f"{head}{NUMBERS[name]}\n[values]\nw = 0.0\nv = {v}")


def assert_not_wrong(net: bp.Network) -> None:
    report = net.check()
    assert report.passed, str(report)
    assert not report.complete
    assert any("not finite" in each.left for each in report.comparisons)
    assert any(row.passed for row in report.rows)


@pytest.mark.parametrize("w", ["[0.0, 1.0, 4.0]", "[0.0, 0.0, 4.0]"])
@pytest.mark.parametrize("name", ARRAYS)
def test_a_right_network_of_arrays_is_not_called_wrong(name: str, w: str) -> None:
    assert_not_wrong(arrays(name, w))


@pytest.mark.parametrize("v", [1.0, 0.0])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_right_network_of_numbers_is_not_called_wrong(name: str, v: float) -> None:
    assert_not_wrong(numbers(name, v))


def test_what_is_wrong_beside_an_infinite_slope_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from backpropsym.evaluate.array_evaluation import ArrayNetwork

    right = ArrayNetwork._pull

    def wrong(self: ArrayNetwork, node: Any, adjoint: Any) -> list[tuple[str, Any]]:
        return [(name, part * (1 + 1e-9) if name == "W" else part) for name, part in right(self, node, adjoint)]

    monkeypatch.setattr(ArrayNetwork, "_pull", wrong)
    report = arrays("beside a root", "[0.0, 1.0, 4.0]").check()
    assert [fault.place for fault in report.faults][0] == "W -> y"


def test_own_numbers_that_are_left_out_are_named() -> None:
    report = numbers("an infinite node ", 1.0).check()
    (own,) = (each for each in report.comparisons if each.name == "own numbers")
    assert own.left == "h is not finite there"
    assert "NOT COMPLETE" in report.summary


@pytest.mark.parametrize("formula", ["exp(log(w))", "1/(1 + 1/w)", "sqrt(w)", "relu(sqrt(w))**2", "max(sqrt(w), -1)"])
def test_a_complex_step_through_infinity_tells_nothing(formula: str) -> None:
    """A finite number would be taken for the truth; to the left of zero none of these is defined, or has no slope."""
    net = bp.loads(f'inputs = []\nparameters = ["w"]\noutput = "y"\n[nodes]\ny = "{formula}"')
    found = complex_step(net.graph, {"w": 0.0}, "y", ["w"])["w"]
    assert np.isnan(found) or formula == "1/(1 + 1/w)"


def test_a_complex_step_beside_infinity_is_judged_in_many_digits() -> None:
    text = 'inputs = ["c"]\nparameters = ["w"]\noutput = "y"\n[nodes]\nh = "log(w)"\ny = "where(c > 0, c*w, h)"'
    assert complex_step(bp.loads(text).graph, {"w": 0.0, "c": 3.0}, "y", ["w"])["w"] == pytest.approx(3.0, rel=1e-12)


def test_what_is_infinitely_uncertain_is_not_counted() -> None:
    expected = Expected(np.array([1.0, 2.0, np.inf]), np.array([np.inf, 1.0, np.inf]), lambda: np.zeros(3))
    found = np.array([5.0, 2.0, np.inf])
    assert expected.wrong(found) is None
    assert (expected.known.tolist(), expected.left_out(found)) == ([False, True, False], 1)
    assert expected.wrong(np.array([1.0, np.nan, 1.0])) == (1,)
    assert replace(expected, told=False).left_out(found) == 0
