"""Second derivatives, and first ones whose paths cancel, keep their digits where functions saturate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import backpropsym as bp

SOFTMAX = 'parameters = {s = [2]}\noutput = "p"\n[nodes]\np = "softmax(s)"\n'
BY_HAND = 'parameters = ["s", "t"]\noutput = "p"\n[nodes]\ne = "exp(s)"\nf = "exp(t)"\nS = "e + f"\np = "e/S"\n'
SIGMOID = 'parameters = ["s", "t"]\noutput = "p"\n[nodes]\np = "1/(1 + exp(t - s))"\n'
TANH = 'parameters = ["s", "t"]\noutput = "p"\n[nodes]\nd = "s - t"\np = "tanh(d/2)/2"\n'
POINTS = [(50.0, 0.0), (-40.0, 3.0), (0.5, 0.25), (30.0, 29.0), (0.0, 45.0)]


def truth(order: tuple[int, int], at: tuple[float, float]) -> float:
    """A derivative of exp(s)/(exp(s) + exp(t)), in fifty digits and more."""
    with mpmath.workdps(120):
        function: Callable[..., Any] = lambda s, t: mpmath.exp(s) / (mpmath.exp(s) + mpmath.exp(t))  # noqa: E731
        return float(mpmath.diff(function, tuple(map(mpmath.mpf, at)), order))


@pytest.mark.parametrize("at", POINTS, ids=str)
@pytest.mark.parametrize("text", [SOFTMAX, BY_HAND, SIGMOID, TANH], ids=["softmax", "by hand", "sigmoid", "tanh"])
def test_second_derivatives_in_all_digits(text: str, at: tuple[float, float]) -> None:
    net = bp.loads(text)
    arrays = text is SOFTMAX
    values = {"s": np.array(at)} if arrays else dict(zip("st", at, strict=True))
    of, names = ("p[0]", ("s[0]", "s[1]")) if arrays else ("p", ("s", "t"))
    hessian = net.hessian(of)
    expected = np.array([[truth((2, 0), at), truth((1, 1), at)], [truth((1, 1), at), truth((0, 2), at)]])
    np.testing.assert_allclose(hessian.evaluate(**values), expected, rtol=1e-13)
    direction = {name: np.array([0.75, -0.5]) for name in ["s"]} if arrays else {"s": 0.75, "t": -0.5}
    product = hessian.times(direction, **values)
    np.testing.assert_allclose(list(product.values()), expected @ [0.75, -0.5], rtol=1e-13)
    for row, first in enumerate(names):
        for column, second in enumerate(names):
            derivation = net.derive(of, wrt=[first, second])
            assert derivation.evaluate(**values) == pytest.approx(expected[row, column], rel=1e-13)


@pytest.mark.parametrize("at", POINTS, ids=str)
def test_paths_that_cancel(at: tuple[float, float]) -> None:
    derivation = bp.loads(BY_HAND).derive("p", wrt="s")
    assert derivation.evaluate(s=at[0], t=at[1]) == pytest.approx(truth((1, 0), at), rel=1e-12)


def test_what_is_zero_stays_zero() -> None:
    net = bp.loads('parameters = ["s"]\noutput = "p"\n[nodes]\ne = "s*0.1"\np = "e*s - s*s*0.1 + (e - e)*exp(s)"\n')
    assert net.hessian().evaluate(s=0.7) == [[pytest.approx(0.0, abs=1e-16)]]
    assert bp.loads('parameters = ["s"]\noutput = "p"\n[nodes]\ne = "exp(s)"\np = "e - e"\n').hessian().evaluate(
        s=0.7
    ) == [[0.0]]


def test_at_a_kink_the_convention_stays() -> None:
    """More digits would put 10*0.1 - 1 beside the kink; doubles put it there."""
    net = bp.loads('parameters = ["s"]\noutput = "p"\n[nodes]\nh = "relu(10*s - 1)"\np = "h*h + h*s"\n')
    assert net.hessian().evaluate(s=0.1) == [[0.0]]
    assert net.derive("p", wrt=["s", "s"]).evaluate(s=0.1) == 0.0
