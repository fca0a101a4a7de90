"""Networks built in Python: every operation, and wrong use."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import BackpropsymError, FormulaError, NetworkError
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import depth
from backpropsym.network import Network
from backpropsym.ops.function import FUNCTIONS
from backpropsym.spec.handles import Handle, handle

X, W, B = handle("x"), handle("w"), handle("b")
WRITTEN: dict[str, Callable[[], Handle]] = {
    "w*x + b": lambda: W * X + B,
    "w*x*b": lambda: W * X * B,
    "w*(x*b)": lambda: W * (X * B),
    "w + x + b": lambda: W + X + B,
    "w - x - b": lambda: W - X - B,
    "w - (x - b)": lambda: W - (X - B),
    "2*w + 1": lambda: 2 * W + 1,
    "1 + w": lambda: 1 + W,
    "1 - w": lambda: 1 - W,
    "w - 1": lambda: W - 1,
    "w/x": lambda: W / X,
    "1/x": lambda: 1 / X,
    "x/2": lambda: X / 2,
    "w/x/b": lambda: W / X / B,
    "-x": lambda: -X,
    "x**2": lambda: X**2,
    "x**(1/2)": lambda: X**0.5,
    "x**(1/3)": lambda: X ** Fraction(1, 3),
    "x**(-1)": lambda: X**-1,
    "w @ x": lambda: W @ X,
    "x[0]": lambda: X[0],
    "x[0,1]": lambda: X[0, 1],
    "abs(x)": lambda: abs(X),
    "tanh(x)": lambda: bp.tanh(X),
    "leaky_relu(x, 0.3)": lambda: bp.leaky_relu(X, 0.3),
    "prelu(x, w)": lambda: bp.prelu(X, W),
    "max(x, 0)": lambda: bp.max(X, 0),
    "where(x > 0, x, 0.1*x)": lambda: bp.where(X > 0, X, 0.1 * X),
    "where(x <= w, 1, 0)": lambda: bp.where(X <= W, 1, 0),
    "where(x < 2, 1, 0)": lambda: bp.where(X < 2, 1, 0),
    "where(x >= 2, 1, 0)": lambda: bp.where(X >= 2, 1, 0),
    "x + w + b": lambda: sum([X, W, B]),  # type: ignore[return-value,list-item]
    "0.1*x": lambda: np.float64(0.1) * X,
    "3*x": lambda: np.int64(3) * X,
    "x*3": lambda: X * np.int64(3),
    "1/3*x": lambda: Fraction(1, 3) * X,
}


@pytest.mark.parametrize("text", WRITTEN)
def test_operations(text: str) -> None:
    assert to_text(WRITTEN[text]().expr) == text
    assert repr(WRITTEN[text]()) == f"<{text}>"
    assert WRITTEN[text]().levels == depth(WRITTEN[text]().expr)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_registered_function_builds_formulas(name: str) -> None:
    function = FUNCTIONS[name]
    assert getattr(bp, name).__name__ == name
    arguments = [X > 0 if name == "where" and index == 0 else W for index in range(len(function.required))]
    assert to_text(getattr(bp, name)(*arguments).expr).startswith(f"{name}(")


WRONG: dict[str, Callable[[], Any]] = {
    "a formula is neither true nor false": lambda: bool(X > 0),
    "a formula is neither true nor false ": lambda: W if X else B,
    "a formula has no parts to go through": lambda: list(X),
    "a formula has no parts to go through ": lambda: [*X],
    "the exponent is not a constant": lambda: 2**X,
    "the exponent is not a constant of moderate size": lambda: X**W,
    "the exponent is not a constant of moderate size ": lambda: X**65,
    "powers of powers are too large": lambda: (X**20) ** 20,
    "'w' cannot stand in a formula": lambda: X + "w",
    "None cannot stand in a formula": lambda: X * None,
    "True cannot stand in a formula": lambda: X + True,
    "nan cannot stand in a formula": lambda: X + float("nan"),
    "inf cannot stand in a formula": lambda: X * float("inf"),
    "1j cannot stand in a formula": lambda: X * 1j,
    "cannot stand in a formula": lambda: X * np.ones(3),
    "cannot stand in a formula ": lambda: np.ones(3) * X,
    "tanh takes 1 argument, found 2": lambda: bp.tanh(X, W),
    "leaky_relu takes 1 to 2 arguments, found 3": lambda: bp.leaky_relu(X, W, B),
    "prelu takes 2 arguments, found 1": lambda: bp.prelu(X),
    "[] cannot stand in a formula": lambda: bp.tanh([]),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_use(message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        WRONG[message]()
    assert message.strip() in str(caught.value)


def test_a_formula_of_too_many_levels_asks_for_a_node() -> None:
    deep = X
    with pytest.raises(FormulaError, match="more than 64 levels") as caught:
        for _ in range(100):
            deep = bp.tanh(deep)
    assert caught.value.problems[0].fix == 'name a part of it as a node: net.node("s", ...)'
    with pytest.raises(FormulaError, match="more than 64 levels"):
        for _ in range(100):
            deep = 1 + (2 - deep)


def test_a_long_sum_is_no_deep_formula() -> None:
    total = sum(handle(f"w{i}") * handle(f"x{i}") for i in range(2_000))
    assert isinstance(total, Handle)
    assert total.levels == 3
    difference = X
    for _ in range(500):
        difference = difference - W * 2
    assert difference.levels == 4


def neuron() -> tuple[Network, Handle, Handle]:
    network = bp.Network("one neuron")
    x, w = network.input("x"), network.parameter("w")
    return network, x, w


def test_a_whole_network() -> None:
    network = bp.Network("mine")
    x1, x2 = network.input("x1 x2")
    y = network.target("y")
    w, b = network.parameter("w b")
    c = network.constant("c", 0.5)
    swish = network.function("swish(t, beta)", "t*sigmoid(beta*t)")
    f = network.function("f")
    s = network.node("s", w * x1 + b * x2 - c)
    z = network.node("z", swish(s, 2) + f(s, b))
    network.output = z
    network.loss = bp.mse(z, y)
    network.values = {"x1": 1, "w": np.float32(0.5), "b": np.int64(3)}
    assert network.title == "mine"
    assert (network.output, network.loss) == ("z", "loss")
    assert network.inputs == {"x1": (), "x2": ()}
    assert network.parameters == {"w": (), "b": ()}
    assert dict(network.values) == {"x1": 1.0, "w": 0.5, "b": 3.0}
    assert network.derive(z, wrt=w).count == 1
    assert network.derive("z", wrt="b").count == 2
    assert network.derive("s", wrt=w).expression() == "x1"
    assert set(network.gradients()) == {"w", "b"}


def test_texts_and_handles_mix() -> None:
    network, x, w = neuron()
    network.node("s", "w*x")
    network.output = "a"
    network.node("a", handle("s") ** 2)
    network.loss = "a*2"
    assert network.derive("loss", wrt="w").evaluate(x=1.0, w=3.0) == 12.0


def test_a_network_grows_after_it_was_asked() -> None:
    network, x, w = neuron()
    network.output = network.node("a", w * x)
    assert network.derive(wrt="w").expression() == "x"
    network.loss = "a**3"
    assert network.derive("loss", wrt="w").expression() == "x*3*a**2"
    network.output = network.node("b", handle("a") * 5)
    assert network.derive(wrt=w).expression() == "x*5"


def test_a_mistake_can_be_corrected() -> None:
    network, x, w = neuron()
    network.output = network.node("a", "w*x*late + q")
    for _ in range(2):
        with pytest.raises(NetworkError) as caught:
            network.derive(wrt="w")
        assert [problem.message for problem in caught.value.problems] == ["late is not declared", "q is not declared"]
    network.input("late q")
    assert network.derive(wrt="w").expression() == "x*late"


def _with(change: Callable[[Network, Handle, Handle], Any]) -> Network:
    network, x, w = neuron()
    network.output = "a"
    change(network, x, w)
    return network


BROKEN: dict[str, Callable[[Network, Handle, Handle], Any]] = {
    "a comparison stands only, and always, as the first": lambda n, x, w: n.node("a", x > w),
    "a comparison stands only, and always, as the first ": lambda n, x, w: n.node("a", bp.relu(x > w)),
    "a comparison stands only, and always, as the first  ": lambda n, x, w: n.node("a", bp.where(x, w, 1)),
    "z is not declared": lambda n, x, w: n.node("a", bp.Network().input("z") * w),
    "f is not a function of this network": lambda n, x, w: n.node("a", bp.Network().function("f")(x)),
    "a number is outside the range of floating point": lambda n, x, w: n.node("a", x * 10**400),
    "x is declared twice": lambda n, x, w: n.input("x"),
    "x is declared twice ": lambda n, x, w: n.node("x", w),
    "w is declared twice": lambda n, x, w: n.constant("w", 1),
    "u is declared twice": lambda n, x, w: n.input("u u"),
    "f is declared twice": lambda n, x, w: (n.function("f", "x"), n.function("f", "x**2")),
    "f is declared twice ": lambda n, x, w: (n.function("f", "x"), n.function("f(x)", "x**2"), n.node("a", x)),
    "'a b' cannot be a name": lambda n, x, w: n.node("a b", x * w),
    "'lambda' is a reserved word": lambda n, x, w: n.parameter("lambda"),
    "the output 'x*w' is not a node": lambda n, x, w: (n.node("a", x), setattr(n, "output", x * w)),
    "the output '3' is not a node": lambda n, x, w: (n.node("a", x), setattr(n, "output", 3)),
    "the network has no output": lambda n, x, w: (n.node("a", x), setattr(n._declaration, "output", None)),
    "prelo is not a function": lambda n, x, w: n.node("a", n.function("f", "prelo")(x)),
    "f takes 2 arguments, found 1": lambda n, x, w: n.node("a", n.function("f", "prelu")(x)),
    "g takes 2 arguments, found 1": lambda n, x, w: n.node("a", n.function("g(x, beta)", "x*beta")(x)),
    "h is called with 1 and with 2 arguments": lambda n, x, w: n.node("a", (h := n.function("h"))(x, w) + h(x)),
    "nodes depend on each other in a circle: a -> a": lambda n, x, w: n.node("a", handle("a") * w),
    "the value of x is not a number": lambda n, x, w: (n.node("a", x), setattr(n, "values", {"x": "1"})),
    "the value of x is not finite": lambda n, x, w: (n.node("a", x), setattr(n, "values", {"x": float("nan")})),
    "the value of c is not": lambda n, x, w: (n.node("a", x), n.constant("c", float("inf"))),
    "gives a number to q, which is not declared": lambda n, x, w: (n.node("a", x), setattr(n, "values", {"q": 1.0})),
    "loss is declared twice": lambda n, x, w: (n.node("a", x), n.node("loss", x), setattr(n, "loss", "a")),
    "is not a size": lambda n, x, w: (n.node("a", w), n.input("v", shape=(0,))),
}


@pytest.mark.parametrize("message", BROKEN)
def test_broken_networks(message: str) -> None:
    with pytest.raises(BackpropsymError) as caught:
        _with(BROKEN[message]).derive(wrt="w")
    assert message.strip() in str(caught.value)


def test_a_mistake_in_a_text_is_marked_there() -> None:
    with pytest.raises(NetworkError) as caught:
        _with(lambda n, x, w: n.node("a", "w*x + q")).derive(wrt="w")
    assert str(caught.value).splitlines()[1:3] == ["  [nodes] a   w*x + q", "                    ^"]


def test_a_loaded_network_takes_no_further_nodes() -> None:
    network = bp.example("lecture")
    with pytest.raises(NetworkError, match="this network is finished"):
        network.node("b", "a**2")
    with pytest.raises(NetworkError, match="this network is finished"):
        network.loss = "a"


def test_names_that_do_not_exist_are_told() -> None:
    network = bp.example("lecture")
    with pytest.raises(BackpropsymError, match="did you mean w11"):
        network.derive(wrt="w111")
    with pytest.raises(BackpropsymError, match="no node is called 'b'"):
        network.derive("b", wrt="w11")
