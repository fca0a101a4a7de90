"""One network at the levels of layers, named nodes, ops and neurons: counts and numbers agree."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import LimitError, UnknownNameError
from backpropsym.graph.levels import LEVELS, at_level

STRINGS = [
    "x[3] -> dense(4, tanh) -> dense(2) -> cross_entropy",
    "x[3] -> dense(4, relu) -> layer_norm -> dense(2) -> softmax -> mse",
    "x[3] -> dense(3) -> 2*(residual(dense(3, tanh) -> dense(3))) -> dense(1) -> mse",
    "x[4,4] -> conv2d(2, 3, relu) -> flatten -> dense(2) -> cross_entropy",
]


def numbers(net: bp.Network, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = net.inputs | net.parameters
    found = {name: random.normal(0, 1, tuple(map(int, shape))) for name, shape in shapes.items()}
    targets = {
        name: random.normal(0, 1, tuple(map(int, shape))) if shape else 1.0 for name, shape in net.targets.items()
    }
    return found | targets


@pytest.mark.parametrize("text", STRINGS)
@pytest.mark.parametrize("level", ["layers", "ops"])
def test_a_derivative_is_the_same_number_at_every_level(text: str, level: str) -> None:
    net = bp.parse(text)
    values = numbers(net, 1)
    other = net.at_level(level)
    for name in net.parameters:
        expected = net.derive("loss", wrt=name).evaluate(**values)
        np.testing.assert_allclose(other.derive("loss", wrt=name).evaluate(**values), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("text", STRINGS)
def test_neurons_agree_with_the_tensor_they_are_entries_of(text: str) -> None:
    net = bp.parse(text)
    values = numbers(net, 2)
    neurons = net.at_level("neurons")
    entries = {
        f"{name}[{','.join(map(str, place))}]" if place else name: np.asarray(value)[place]
        for name, value in values.items()
        for place in np.ndindex(*np.shape(value))
    }
    whole = net.derive("loss", wrt="W1").evaluate(**values)
    place = tuple(size - 1 for size in net.parameters["W1"])
    entry = neurons.derive("loss", wrt=f"W1[{','.join(map(str, place))}]")
    assert entry.evaluate(**entries) == pytest.approx(whole[place], rel=1e-10, abs=1e-14)


def test_the_layers_of_a_string_are_one_node_each() -> None:
    net = bp.parse("x[3] -> dense(4, tanh) -> layer_norm -> dense(2) -> cross_entropy")
    layers = net.at_level("layers")
    (term,) = layers.derive("loss", wrt="x").terms
    assert term.path == ("x", "z1", "layer_norm1", "s3", "loss")
    assert [block.label for block in layers.graph.blocks] == ["dense(4, tanh)", "layer_norm", "dense(2)"]
    assert [block.nodes for block in layers.graph.blocks] == [("z1",), ("layer_norm1",), ("s3",)]


def test_ops_show_what_is_inside_a_formula() -> None:
    net = bp.loads('inputs = {o = [3]}\noutput = "p"\n[nodes]\np = "softmax(o)"\n').at_level("ops")
    paths = {term.path for term in net.derive("p", wrt="o").terms}
    assert paths == {("o", "p_difference", "p"), ("o", "p_logsumexp", "p_difference", "p")}


def test_a_node_that_repeats_a_leaf_or_is_a_number_has_nothing_to_take_apart() -> None:
    net = bp.loads('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\nh = "w"\nk = "2"\na = "h*x + k*w"\n')
    ops = net.at_level("ops")
    assert [ops.graph[name].formula for name in "hk"] == [net.graph[name].formula for name in "hk"]
    assert ops.derive("a", wrt="w").count == net.derive("a", wrt="w").count == 2
    assert ops.derive("a", wrt="w").evaluate(x=3.0, w=5.0) == 5.0


def test_an_added_name_never_takes_the_name_of_a_person() -> None:
    text = 'inputs = {o = [3]}\nparameters = ["p_logsumexp"]\noutput = "p"\n[nodes]\np = "softmax(o) * p_logsumexp"\n'
    net = bp.loads(text).at_level("ops")
    assert {"p_logsumexp", "p_logsumexp2"} <= set(net.graph.nodes)


def test_the_paths_of_neurons_are_the_product_of_widths() -> None:
    net = bp.parse("x[2] -> dense(3, tanh) -> dense(4, tanh) -> dense(5) -> cross_entropy").at_level("neurons")
    assert net.derive("loss", wrt="x[0]").count == prod((3, 4, 5))


def test_fifty_residual_blocks_keep_their_paths_at_every_level() -> None:
    net = bp.parse("x[3] -> 50*(residual(dense(3, tanh))) -> dense(1) -> mse")
    assert net.derive("loss", wrt="x").count == net.at_level("layers").derive("loss", wrt="x").count == 2**50


def test_unknown_levels_and_too_many_neurons_are_refused() -> None:
    net = bp.parse("x[n] -> dense(2) -> cross_entropy")
    with pytest.raises(UnknownNameError, match="layers"):
        net.at_level("layer")
    with pytest.raises(LimitError, match="symbolic"):
        net.at_level("neurons")
    assert set(LEVELS) == {"layers", "ops", "neurons"}
    assert at_level(net.graph, "layers")["s1"].shape == (2,)


RECURRENT = """
inputs = {x = [40, 2]}
targets = {y = [3]}
parameters = {W = [12, 2], U = [12, 3], b = [12]}
output = "h"
loss = "mse(h[39], y)"
[nodes]
h = "lstm(x, W, U, b)"
"""


@pytest.mark.parametrize("form", ["index", "matrix"])
def test_steps_without_names_are_counted_before_they_are_written(form: str) -> None:
    """Forty steps of a recurrent layer in one formula: exact numbers at once, and the way around."""
    derivation = bp.loads(RECURRENT).at_level("layers").derive("loss", wrt="W")
    with pytest.raises(LimitError, match=r"[\d,]{20,} pa(th|rt)s.*\n.*fix: ask for it without --level layers"):
        derivation.latex(form)
    assert "W" in bp.loads(RECURRENT.replace("40", "2").replace("39", "1")).derive("loss", wrt="W").latex(form)


def test_more_neurons_than_are_listed_are_refused_before_any_is_made() -> None:
    net = bp.loads('inputs = {x = [400, 400]}\noutput = "a"\n[nodes]\nh = "tanh(x)"\na = "sum(h)"\n')
    with pytest.raises(LimitError, match="the arrays of the network have 320,000 entries"):
        net.at_level("neurons")
