"""The network as a person meets it: loaded, asked, derived, compiled and checked."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import AbstractFunctionError, NetworkError, UnknownNameError
from backpropsym.ops.function import FUNCTIONS
from backpropsym.spec.source import examples

NEURON = """\
title = "One neuron"
inputs = ["x"]
targets = ["y"]
parameters = ["w", "b"]
output = "a"
loss = "(a - y)**2"
[nodes]
a = "tanh(w*x + b)"
[values]
x = 0.5
w = 2.0
"""


def test_what_a_network_tells_about_itself() -> None:
    network = bp.loads(NEURON)
    assert repr(network) == "<Network 'One neuron': 6 nodes, 2 parameters>"
    assert repr(bp.parse("x[2] -> dense(1, bias=False) -> mse")).endswith(", 1 parameter>")
    assert network.title == "One neuron"
    assert (network.output, network.loss) == ("a", "loss")
    assert (network.inputs, network.targets) == ({"x": ()}, {"y": ()})
    assert network.parameters == {"w": (), "b": ()}
    assert dict(network.values) == {"x": 0.5, "w": 2.0}


def test_the_output_is_derived_by_default() -> None:
    network = bp.loads(NEURON)
    assert network.derive(wrt="w").of == "a"
    assert network.derive("loss", wrt="w").of == "loss"
    assert network.derive("loss", wrt="w").expression() == "(1 - tanh(w*x + b)**2)*x*2*(a - y)"


def test_gradients_are_of_the_loss_by_every_parameter() -> None:
    network = bp.loads(NEURON)
    gradients = network.gradients()
    assert list(gradients) == ["w", "b"]
    assert {each.of for each in gradients.values()} == {"loss"}
    assert {each.of for each in network.gradients("a").values()} == {"a"}
    without = bp.loads(NEURON.replace('loss = "(a - y)**2"\n', ""))
    assert {each.of for each in without.gradients().values()} == {"a"}


def test_all_derivations_share_the_local_derivatives() -> None:
    network = bp.loads(NEURON)
    assert network.derive(wrt="w").local is network.derive(wrt="b").local is network.local


def test_the_derivative_by_numbers_by_kernel_and_by_hand() -> None:
    network = bp.loads(NEURON)
    at = {"x": 0.5, "y": 1.0, "w": 2.0, "b": -0.25}
    a = math.tanh(0.75)
    by_hand = 2 * (a - 1) * (1 - a**2) * 0.5
    assert network.derive("loss", wrt="w").evaluate(**at) == pytest.approx(by_hand, rel=1e-14)
    value, gradients = bp.compile(network)(**at)
    assert value == pytest.approx((a - 1) ** 2, rel=1e-14)
    assert gradients["w"] == pytest.approx(by_hand, rel=1e-13)
    assert bp.check(network, seed=0).passed


def test_initial_parameters_depend_on_the_seed_alone() -> None:
    network = bp.example("lecture")
    first, again, other = network.init(seed=1), network.init(seed=1), network.init(seed=2)
    assert list(first) == list(network.parameters)
    assert all(value.shape == () and value.dtype == np.float64 for value in first.values())
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", examples())
def test_every_example_is_derived_by_every_parameter(name: str) -> None:
    network = bp.example(name)
    leaves = [*network.inputs, *network.targets, *network.parameters]
    for wrt, derivation in network.gradients().items():
        assert derivation.wrt == wrt
        assert derivation.expression()
        if derivation.between_arrays:
            continue
        assert derivation.expression("backward")
        try:
            assert math.isfinite(derivation.evaluate(**dict.fromkeys(leaves, 0.5)))
        except AbstractFunctionError:
            assert any(function.abstract for function in network.graph.functions.own.values())


def test_a_path_or_a_text_names_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(NEURON, encoding="utf-8")
    assert bp.load(path).title == bp.load(str(path)).title == "One neuron"
    with pytest.raises(NetworkError):
        bp.load(tmp_path / "none.toml")


def test_a_broken_network_tells_its_mistakes_when_it_is_asked() -> None:
    network = bp.Network("mine")
    network.output = "a"
    for ask in (lambda: network.graph, lambda: network.output, lambda: network.derive(wrt="w"), lambda: network.inputs):
        with pytest.raises(NetworkError, match="the output 'a' is not a node"):
            ask()


def test_the_package_gives_its_names_and_the_registered_functions() -> None:
    for name in ("BackpropsymError", "Network", "example", "load", "loads", "compile", "check"):
        assert getattr(bp, name) is not None
        assert name in dir(bp)
    assert set(FUNCTIONS) <= set(dir(bp))
    assert issubclass(NetworkError, bp.BackpropsymError)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = bp.nonsense
    with pytest.raises(AttributeError):
        _ = bp.__wrapped__


def test_an_unknown_example_is_told() -> None:
    with pytest.raises(UnknownNameError, match="did you mean lecture"):
        bp.example("lectures")
