"""A batch is its objects: what a kernel gives for several is the mean, or one row each, of what it gives for one.

For every product, on batches in which some inputs are shared, and on batches that are worked in parts.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import ValuesError
from backpropsym.kernels.api.compile import Kernel
from backpropsym.learn.descent import Plan
from tests.kernels.networks import dense
from tests.objects import PRODUCTS, Batch

TEXTS = {
    "a number of parameters beside a batch": """
        inputs = {x = [3]}
        parameters = {w = [2], v = [3]}
        output = "a"
        [nodes]
        h = "x*v"
        a = "logsumexp(h) + logsumexp(w)"
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
        h = "mean(x)*w"
        a = "sum(h)*logsumexp(w)"
    """,
    "inputs that do not meet before the end": """
        inputs = {x = [2], y = [3]}
        parameters = {w = [2]}
        output = "a"
        [nodes]
        h = "w*x"
        r = "tanh(w)"
        a = "sum(h)*sum(y**2) + sum(r)"
    """,
    "an objective of parameters alone": """
        inputs = {x = [2]}
        parameters = {w = [2]}
        output = "a"
        [nodes]
        h = "w*x"
        a = "sum(w**3)"
    """,
    "an objective with an axis of one place": """
        inputs = {x = [2]}
        parameters = {W = [1, 2]}
        output = "a"
        [nodes]
        h = "tanh(W @ x)"
        a = "h*h"
    """,
    "axes as long as the batch": """
        inputs = {x = [5, 2], y = [5]}
        parameters = {W = [2, 2], g = [5, 2]}
        output = "a"
        [nodes]
        h = "tanh(x @ W + g)"
        a = "sum(h[0]*h[4]) + sum(h[1:3]) + sum(y*g[:, 0])"
    """,
    "as many steps as objects": """
        inputs = {x = [5, 2]}
        parameters = {W = [2, 2], U = [2, 2], b = [2]}
        output = "a"
        [nodes]
        h = "rnn(x, W, U, b)"
        a = "sum(h*x)"
    """,
    "maxima": """
        inputs = {x = [2, 3]}
        parameters = {w = [3]}
        output = "a"
        [nodes]
        h = "max(x*w, axis=1)"
        a = "sum(h*max(w))"
    """,
}
ARCHITECTURES = (
    "x[4] -> residual(dense(5, silu) -> dense(4)) -> softmax -> mse",
    "x[1,4,4] -> conv2d(2, 3, padding=1) -> tanh -> max_pool(2) -> flatten -> dense(3) -> cross_entropy",
)


@cache
def network(name: str) -> bp.Network:
    """One of the networks below by its name."""
    if name == "numbers":
        return bp.Network(graph=dense(2, 2))
    if name in ARCHITECTURES:
        return bp.parse(name)
    return bp.loads("\n".join(line.strip() for line in TEXTS[name].splitlines()))


NETWORKS = (*TEXTS, *ARCHITECTURES, "numbers")


@cache
def kernel_of(name: str, part: int | None) -> Kernel:
    """The kernel of a network, with parts of so many objects."""
    return network(name).compile(objects_at_once=part)


def batch_of(name: str, objects: int, shared: Collection[str] = ()) -> Batch:
    """Random numbers for the leaves of a network; classes are whole numbers, by which nothing is derived."""
    net, random = network(name), np.random.default_rng(objects)
    classes = [each for each, shape in net.targets.items() if not shape and net.loss and not net.graph.scalar]
    values = {}
    for leaf, shape in {**net.inputs, **net.targets, **net.parameters}.items():
        whole = (() if leaf in net.parameters or leaf in shared else (objects,)) + shape
        values[leaf] = random.integers(0, 2, whole) if leaf in classes else random.normal(size=whole)
    nodes = [each for each in ("h", "r", net.output, net.graph.objective) if each in net.graph.nodes]
    moving = [leaf for leaf in values if leaf not in classes]
    return Batch(net, values, objects, frozenset(shared), moving, list(dict.fromkeys(nodes)))


def shared_sets(net: bp.Network) -> list[tuple[str, ...]]:
    """No input shared; where there are several, the first, and the last."""
    names = [*net.inputs, *net.targets]
    return [(), *([(names[0],), (names[-1],)] if len(names) > 1 else [])]


CASES = [
    pytest.param(name, shared, part, id=f"{name}, {'+'.join(shared) or 'nothing'} shared, parts {part}")
    for name in NETWORKS
    for shared in shared_sets(network(name))
    for part in (None, 2)
]


@pytest.mark.parametrize("compared", PRODUCTS)
@pytest.mark.parametrize(("name", "shared", "part"), CASES)
def test_a_batch_is_its_objects(name: str, shared: tuple[str, ...], part: int | None, compared: Any) -> None:
    for objects in (1, 2, 5):
        batch = batch_of(name, objects, shared)
        for what, found, expected in compared(batch, kernel_of(name, part), kernel_of(name, None)):
            assert np.shape(found) == np.shape(expected), what
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12, err_msg=what)


def test_a_jacobian_by_an_input_that_the_node_does_not_use() -> None:
    """The shapes of the batch are those of the call, whether or not a node uses the arrays that have its axis."""
    net, values = network("inputs that do not meet before the end"), {"x": np.ones(2), "w": np.ones(2)}
    kernel = net.compile()
    values["y"] = np.ones((5, 3))
    assert kernel.jacobian(values, "h", "y").shape == (5, 2, 3)
    assert kernel.jacobian(values, "h", "w").shape == (5, 2, 2)
    assert kernel.intermediates(values, ["h", "r"])["h"].shape == (5, 2)
    assert np.shape(kernel.intermediates(values, ["h", "r"])["r"]) == (2,)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"w": np.ones((5, 2))}, "w has the shape"),
        ({"y": np.ones((4, 3))}, "numbers of objects differ"),
        ({"y": np.ones((0, 3)), "x": np.ones((0, 2))}, "numbers of objects differ or are zero"),
    ],
    ids=["a batch of parameters", "two lengths", "no objects"],
)
def test_batches_that_are_none(changed: dict[str, Any], message: str) -> None:
    net = network("inputs that do not meet before the end")
    kernel, values = net.compile(), {**batch_of("inputs that do not meet before the end", 5).values, **changed}
    for call in (
        lambda: kernel(**values),
        lambda: kernel.per_object(values),
        lambda: kernel.gradients(values, ["x", "y", "w"]),
        lambda: kernel.jacobian(values, "a", "w"),
        lambda: kernel.intermediates(values),
    ):
        with pytest.raises(ValuesError, match=message):
            call()


@pytest.mark.parametrize("part", [0, -1, 2.5])
def test_parts_of_no_size(part: Any) -> None:
    with pytest.raises(ValuesError, match="objects_at_once is"):
        network("maxima").compile(objects_at_once=part)


def test_long_batches_go_in_parts_by_themselves() -> None:
    """As many objects as make uneven parts, without a word about them."""
    net = bp.parse("x[1,28,28] -> conv2d(8, 3, bias=False) -> mse")
    kernel, random, some = net.compile(), np.random.default_rng(0), (0, 31, 32, 33, 64)
    values = {"x": random.normal(size=(65, 1, 28, 28)), "y": random.normal(size=(65, 8, 26, 26)), **net.init(seed=0)}
    value, gradients = kernel.per_object(values, "W1")
    assert value.shape == (65,)
    for row in some:
        alone, slopes = kernel.gradients({**values, "x": values["x"][row], "y": values["y"][row]}, "W1")
        assert value[row] == pytest.approx(alone)
        np.testing.assert_allclose(gradients["W1"][row], slopes["W1"], rtol=1e-9)
    assert kernel.intermediates(values, "loss")["loss"].shape == (65,)


def test_training_on_pictures_in_uneven_parts() -> None:
    net = bp.parse("x[1,28,28] -> conv2d(4, 5) -> relu -> max_pool(2) -> flatten -> dense(3) -> cross_entropy")
    random = np.random.default_rng(0)
    data = {"x": random.normal(size=(101, 1, 28, 28)), "y": random.integers(0, 3, 101)}
    training = net.train(data, plan=Plan(rate=0.001, steps=2, batch=67))
    assert training.after.train.objective < training.before.train.objective


def test_an_objective_without_objects_has_one_value_for_each_of_them() -> None:
    """Also where a batch is worked in parts and the objective depends on constants alone."""
    net = bp.loads(
        'inputs = {y = [3]}\nparameters = {b = [2]}\noutput = "u"\n'
        '[nodes]\nu = "sum(tanh(c))"\n[constants]\nc = [0.5]\n'
    )
    for part in (None, 2):
        value, gradients = bp.compile(net, objects_at_once=part).per_object({"y": np.ones((5, 3)), "b": np.ones(2)})
        np.testing.assert_allclose(value, np.full(5, np.tanh(0.5)))
        assert gradients["b"].shape == (5, 2)
