"""A batch is its objects: what a kernel gives for several is the mean, or one row each, of what it gives for one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backpropsym as bp

NETWORKS = {
    "a number of parameters beside a batch": """
        inputs = {x = [3]}
        parameters = {w = [2], v = [3]}
        output = "a"
        [nodes]
        a = "logsumexp(x*v) + logsumexp(w)"
    """,
    "a batch added to rows of a parameter": """
        inputs = {b = [1]}
        parameters = {X = [3, 1]}
        output = "a"
        [nodes]
        h = "stack(X[0] + b, X[1] + b, X[2] + b)"
        a = "sum(h*h)"
    """,
    "reductions over one axis and over two": """
        inputs = {x = [2]}
        parameters = {w = [3, 2]}
        output = "a"
        [nodes]
        a = "mean(x)*logsumexp(w)"
    """,
}
"""Networks in which the axis of objects was taken for another."""


def network(text: str) -> bp.Network:
    """The network of an indented text."""
    return bp.loads("\n".join(line.strip() for line in text.splitlines()))


def drawn(net: bp.Network, objects: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Random numbers for a batch, and the same for each of its objects."""
    random = np.random.default_rng(objects)
    shared = {name: random.normal(size=shape) for name, shape in net.parameters.items()}
    varying = {**net.inputs, **net.targets}
    batch = {name: random.normal(size=(objects, *shape)) for name, shape in varying.items()}
    rows = [{name: array[row] for name, array in batch.items()} for row in range(objects)]
    return {**shared, **batch}, [{**shared, **row} for row in rows]


@pytest.mark.parametrize("objects", [1, 2, 3, 5])
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_a_batch_is_its_objects(text: str, objects: int) -> None:
    """The value and the gradients are means over objects, and `per_object` has a row each."""
    net = network(text)
    kernel, leaves = bp.compile(net), [*net.inputs, *net.parameters]
    values, singles = drawn(net, objects)
    value, gradients = kernel(**values)
    assert value == pytest.approx(np.mean([kernel(**each)[0] for each in singles]), rel=1e-12)
    for name, gradient in gradients.items():
        mean = np.mean([kernel(**each)[1][name] for each in singles], axis=0)
        np.testing.assert_allclose(gradient, mean, rtol=1e-12, atol=1e-14)
    rows, derivatives = kernel.per_object(values, leaves)
    for row, each in enumerate(singles):
        value, gradients = kernel.gradients(each, leaves)
        assert rows[row] == pytest.approx(value, rel=1e-12)
        for name in leaves:
            np.testing.assert_allclose(derivatives[name][row], gradients[name], rtol=1e-12, atol=1e-14)
