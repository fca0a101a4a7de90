"""Products of a Hessian with a direction, where it is written out entry by entry and where it is too large for that."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import LimitError, NotScalarError, UnknownNameError, ValuesError
from backpropsym.kernels.api.hessian_product import LargeHessian

SMALL = "x[3] -> dense(2, tanh) -> dense(2) -> cross_entropy"
LARGE = "x[20] -> dense(120, tanh) -> dense(3) -> cross_entropy"
REFUSAL = LimitError("too large", fix="take fewer")


def test_products_of_whole_leaves_are_those_of_the_matrix() -> None:
    net, random = bp.parse(SMALL), np.random.default_rng(0)
    direction = {"W1": random.standard_normal((2, 3)), "b2[1]": 0.5}
    for objects in ((), (4,)):
        values = {**net.init(1), "x": random.standard_normal((*objects, 3)), "y": np.ones(objects)}
        small = net.hessian().times(direction, **values)
        large = LargeHessian(net.graph, None, (), REFUSAL).times(direction, **values)
        assert large == pytest.approx(small, rel=1e-12, abs=1e-15)


def test_products_of_numbers_are_those_of_the_matrix() -> None:
    net = bp.example("lecture")
    direction = {"w11": 0.5, "p21": -2.0}
    large = LargeHessian(net.graph, "loss", (), REFUSAL).times(direction)
    assert large == pytest.approx(net.hessian("loss").times(direction), rel=1e-12, abs=1e-15)


def test_a_large_network_gives_products_alone() -> None:
    net, random = bp.parse(LARGE), np.random.default_rng(1)
    values = {**net.init(0), "x": random.standard_normal(20), "y": 2}
    direction = {name: random.standard_normal(shape) for name, shape in net.parameters.items()}
    found = pickle.loads(pickle.dumps(net.hessian()))
    step, moved = 1e-5, {}
    for sign in (-1, 1):
        at = {**values, **{name: values[name] + sign * step * each for name, each in direction.items()}}
        moved[sign] = net.compile()(**at)[1]
    product = found.times(direction, **values)
    for name in net.parameters:
        numeric = (moved[1][name] - moved[-1][name]) / (2 * step)
        got = np.reshape([product[each] for each in product if each.startswith(f"{name}[")], numeric.shape)
        np.testing.assert_allclose(got, numeric, rtol=1e-5, atol=1e-8)
    for ask in (found.evaluate, lambda: found["W1[0,0]", "b1[0]"], lambda: found.names, lambda: list(found.upper())):
        with pytest.raises(LimitError, match="multiply it by a direction"):
            ask()


def test_what_a_large_hessian_refuses() -> None:
    net = bp.parse(LARGE)
    found, values = net.hessian(), {**net.init(0), "x": np.ones(20), "y": 2}
    with pytest.raises(UnknownNameError, match="no node is called 'q'"):
        found.times({"q": 1.0}, **values)
    with pytest.raises(ValuesError, match=r"the Hessian has no column x"):
        found.times({"x": np.ones(20)}, **values)
    with pytest.raises(ValuesError, match=r"the direction of W1 has the shape \(3,\)"):
        found.times({"W1": np.ones(3)}, **values)
    with pytest.raises(NotScalarError):
        net.hessian("s1", wrt="W2[0,0]")
    with pytest.raises(LimitError):
        net.hessian(wrt=["W1", "W2[0,0]"])
