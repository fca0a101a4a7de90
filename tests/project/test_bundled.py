"""Every bundled network loads without a warning and derives."""

import math

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import AbstractFunctionError, UnknownNameError
from backpropsym.spec.source import examples

NAMES = examples()
SCALAR = [name for name in NAMES if bp.example(name).graph.scalar]


def test_the_bundled_networks_are_these() -> None:
    assert set(NAMES) >= {"abstract", "convolution", "deep", "digits", "lecture", "neuron", "prelu", "skip"}


@pytest.mark.parametrize("name", NAMES)
def test_loads_without_a_warning_and_has_a_title(name: str) -> None:
    net = bp.example(name)
    assert net.graph.warnings == ()
    assert net.title


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_reaches_the_loss(name: str) -> None:
    for derivation in bp.example(name).gradients("loss").values():
        assert derivation.count > 0


@pytest.mark.parametrize("name", [name for name in SCALAR if name != "abstract"])
def test_values_are_complete_and_backward_equals_the_path_sum(name: str) -> None:
    for derivation in bp.example(name).gradients("loss").values():
        total = sum(term.value for term in derivation.numeric())
        np.testing.assert_allclose(derivation.evaluate(), total, rtol=1e-12, atol=1e-15)


def test_the_convolution_is_the_sum_over_all_places_of_the_filter() -> None:
    net = bp.example("convolution")
    by_filter = net.derive(wrt="K")
    assert by_filter.expression() == "Sum(im[k + i,l + j]*((out[k,l] - y[k,l])/6), (k, 0, 3), (l, 0, 2))"
    whole = by_filter.evaluate()
    np.testing.assert_allclose(bp.compile(net)(**net.values)[1]["K"], whole, rtol=1e-12, atol=1e-15)
    for position in np.ndindex(3, 3):
        entry = net.derive(wrt=f"K[{position[0]},{position[1]}]")
        assert entry.count == 12
        total = sum(term.value for term in entry.numeric())
        np.testing.assert_allclose(total, whole[position], rtol=1e-12, atol=1e-15)


def test_the_digits_network_has_almost_a_million_parameters() -> None:
    net = bp.example("digits")
    assert sum(math.prod(shape) for shape in net.parameters.values()) == 795_010
    assert net.derive(wrt="W").count == 1
    assert net.derive(wrt="W[2,0]").count == 10


def test_the_digits_network_is_the_architecture_string_of_the_readme() -> None:
    random = np.random.default_rng(0)
    values = bp.example("digits").init(seed=0) | {"x": random.random(784), "y": 3}
    names = {"W1": "W", "b1": "b", "W2": "V", "b2": "c", "x": "x", "y": "y"}
    layers = bp.parse("x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy")
    loss, gradients = bp.compile(bp.example("digits"))(**values)
    same, others = bp.compile(layers)(**{name: values[own] for name, own in names.items()})
    assert loss == same
    for name, gradient in others.items():
        np.testing.assert_array_equal(gradient, gradients[names[name]])


def test_the_abstract_network_has_no_numbers() -> None:
    values = {name: 1.0 for name in ("x1", "x2", "y")} | {name: 1.0 for name in bp.example("abstract").parameters}
    with pytest.raises(AbstractFunctionError, match="f is abstract"):
        bp.example("abstract").derive(wrt="w11").evaluate(**values)


def test_an_unknown_example_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean lecture"):
        bp.example("lectur")
