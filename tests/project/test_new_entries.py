"""A new function, op, layer or loss is one entry: it is derived, compiled, checked and offered without another line."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.evaluate import differences
from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import Call
from backpropsym.ops.compose import compose
from backpropsym.ops.function import FUNCTIONS, Function, define
from backpropsym.ops.lowering import COMPOSITIONS, Lowering, Value
from backpropsym.spec.layers import layer_names, registered


@pytest.fixture
def entries() -> Iterator[None]:
    """A function of numbers, a layer and a loss that nobody else knows."""
    functions, compositions = dict(FUNCTIONS), dict(COMPOSITIONS)
    define(Function(name="bump", formula="x/(1 + x**2)", source="a test"))

    @compose("squared", "x", shapes="any", source="a test", layer=True, follows=True)
    def squared(lowering: Lowering, call: Call) -> Value:
        """The square of every entry."""
        return lowering.combine(lambda x: mul([x, x]), lowering.value(call.arguments[0]))

    @compose("agreement", "prediction", "target", shapes="any, the same → ()", source="a test", target="entries")
    def agreement(lowering: Lowering, call: Call) -> Value:
        """The sum of squares of the prediction, weighted by the target."""
        values = [lowering.value(part) for part in call.arguments]
        whole = lowering.combine(lambda o, y: mul([o, o, y]), *values)
        return lowering.reduce("sum", whole, tuple(range(len(whole.shape))))

    yield
    for registry, before in ((FUNCTIONS, functions), (COMPOSITIONS, compositions)):
        registry.clear()
        registry.update(before)


@pytest.mark.usefixtures("entries")
def test_an_architecture_of_new_entries_is_derived_compiled_and_checked() -> None:
    net = bp.parse("x[3] -> dense(4, bump) -> dense(2, squared) -> squared -> agreement")
    assert {"squared"} <= {*layer_names()}
    assert "agreement" in registered("target")
    random = np.random.default_rng(0)
    leaves = {name: random.normal(size=node.shape) for name, node in net.graph.nodes.items() if node.op is None}
    right = differences.complex_step(net.graph, leaves, "loss", net.parameters)
    _, gradients = bp.compile(net)(**leaves)
    for name in net.parameters:
        np.testing.assert_allclose(gradients[name], right[name], rtol=1e-10)
        np.testing.assert_allclose(net.derive("loss", wrt=name).evaluate(**leaves), right[name], rtol=1e-10)
    net.check(seconds=60).raise_for_failure()


@pytest.mark.usefixtures("entries")
def test_new_entries_are_offered_where_a_name_is_wrong() -> None:
    for wrong, right in (("sqaured", "squared"), ("agreemnt", "agreement"), ("bumpp", "bump")):
        with pytest.raises(bp.BackpropsymError, match=f"did you mean {right}"):
            bp.parse(f"x[3] -> dense(4) -> {wrong}")
