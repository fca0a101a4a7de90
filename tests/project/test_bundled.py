"""Every bundled network loads without a warning and derives."""

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import AbstractFunctionError, UnknownNameError
from backpropsym.spec.source import examples

NAMES = examples()


def test_the_bundled_networks_are_these() -> None:
    assert set(NAMES) >= {"abstract", "deep", "lecture", "neuron", "prelu", "skip"}


@pytest.mark.parametrize("name", NAMES)
def test_loads_without_a_warning_and_has_a_title(name: str) -> None:
    net = bp.example(name)
    assert net.graph.warnings == ()
    assert net.title


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_reaches_the_loss(name: str) -> None:
    for derivation in bp.example(name).gradients("loss").values():
        assert derivation.count > 0


@pytest.mark.parametrize("name", [name for name in NAMES if name != "abstract"])
def test_values_are_complete_and_backward_equals_the_path_sum(name: str) -> None:
    for derivation in bp.example(name).gradients("loss").values():
        total = sum(term.value for term in derivation.numeric())
        np.testing.assert_allclose(derivation.evaluate(), total, rtol=1e-12, atol=1e-15)


def test_the_abstract_network_has_no_numbers() -> None:
    values = {name: 1.0 for name in ("x1", "x2", "y")} | {name: 1.0 for name in bp.example("abstract").parameters}
    with pytest.raises(AbstractFunctionError, match="f is abstract"):
        bp.example("abstract").derive(wrt="w11").evaluate(**values)


def test_an_unknown_example_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean lecture"):
        bp.example("lectur")
