"""A batch is its objects: what a kernel gives for several is the mean, or one row each, of what it gives for one.

For every product, on batches in which some inputs are shared, and on batches that are worked in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import ValuesError
from backpropsym.kernels.compile import Kernel
from backpropsym.learn.descent import Plan
from tests.kernels.networks import dense

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


def varying(net: bp.Network) -> dict[str, tuple[int, ...]]:
    return {**net.inputs, **net.targets}


def moving(net: bp.Network) -> list[str]:
    """The leaves that may move: what chooses a class may not."""
    classes = [name for name, shape in net.targets.items() if not shape and net.loss and not net.graph.scalar]
    return [name for name in (*varying(net), *net.parameters) if name not in classes]


class Batch:
    """Random numbers for the leaves of a network, some of them one for all objects, and the same object by object."""

    def __init__(self, net: bp.Network, objects: int, shared: Sequence[str] = (), seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        single = [*net.parameters, *shared]
        shapes = {**varying(net), **net.parameters}
        lead = {name: () if name in single else (objects,) for name in shapes}
        self.net = net
        self.whole: dict[str, Any] = {
            name: random.normal(size=lead[name] + shape)
            if name in moving(net)
            else random.integers(0, 2, size=lead[name] + shape)
            for name, shape in shapes.items()
        }
        self.rows = [
            {name: array if name in single else array[row] for name, array in self.whole.items()}
            for row in range(objects)
        ]
        self.differs = [name for name in self.whole if name not in single]

    def row_of(self, values: Mapping[str, Any], row: int) -> dict[str, Any]:
        """One object of an array for each leaf."""
        return {name: array[row] if name in self.differs else array for name, array in values.items()}

    def by_leaf(self, singles: Sequence[Mapping[str, Any]], shared: Callable[..., Any], share: float = 1.0) -> Any:
        """Derivatives object by object as those of the batch: rows, or what is shared put together."""
        return {
            name: np.stack([single[name] for single in singles]) * share
            if name in self.differs
            else shared([single[name] for single in singles], axis=0)
            for name in singles[0]
        }


def agree(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        assert np.shape(found[name]) == np.shape(expected[name]), name
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


def shared_sets(net: bp.Network) -> list[tuple[str, ...]]:
    """No input shared, each input shared that leaves another, as sets."""
    names = list(varying(net))
    return [(), *([(names[0],), (names[-1],)] if len(names) > 1 else [])]


CASES = [
    pytest.param(name, shared, part, id=f"{name}, {'+'.join(shared) or 'nothing'} shared, parts {part}")
    for name in NETWORKS
    for shared in shared_sets(network(name))
    for part in (None, 2)
]
every_case = pytest.mark.parametrize(("name", "shared", "part"), CASES)
SIZES = (1, 2, 5)


@every_case
def test_means_of_values_and_gradients(name: str, shared: tuple[str, ...], part: int | None) -> None:
    net, kernel, alone = network(name), kernel_of(name, part), kernel_of(name, None)
    for objects in SIZES:
        batch = Batch(net, objects, shared)
        value, gradients = kernel(**batch.whole)
        singles = [alone(**row) for row in batch.rows]
        assert value == pytest.approx(np.mean([single[0] for single in singles]), rel=1e-12)
        agree(gradients, {each: np.mean([row[1][each] for row in singles], axis=0) for each in gradients})
        leaves = moving(net)
        value, gradients = kernel.gradients(batch.whole, leaves)
        singles = [alone.gradients(row, leaves) for row in batch.rows]
        assert value == pytest.approx(np.mean([single[0] for single in singles]), rel=1e-12)
        agree(gradients, batch.by_leaf([single[1] for single in singles], np.mean, 1 / objects))


@every_case
def test_rows_of_objects(name: str, shared: tuple[str, ...], part: int | None) -> None:
    net, kernel, alone = network(name), kernel_of(name, part), kernel_of(name, None)
    nodes = [node.name for node in net.graph.nodes.values() if node.named and node.role != "constant"]
    for objects in SIZES:
        batch = Batch(net, objects, shared)
        value, gradients = kernel.per_object(batch.whole, moving(net))
        singles = [alone.gradients(row, moving(net)) for row in batch.rows]
        assert np.shape(value) == (objects,)
        np.testing.assert_allclose(value, [single[0] for single in singles], rtol=1e-12)
        agree(gradients, {each: np.stack([row[1][each] for row in singles]) for each in moving(net)})
        rows = [alone.intermediates(row, nodes) for row in batch.rows]
        agree(kernel.intermediates(batch.whole, nodes), _of_nodes(net, rows))


def _of_nodes(net: bp.Network, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Values or derivatives of nodes: a row an object where the node depends on an input or a target."""
    batched = net.graph.batched
    return {name: np.stack([row[name] for row in rows]) if name in batched else rows[0][name] for name in rows[0]}


@every_case
def test_products_with_vectors(name: str, shared: tuple[str, ...], part: int | None) -> None:
    net, kernel, alone = network(name), kernel_of(name, part), kernel_of(name, None)
    nodes = list(dict.fromkeys((*[each for each in ("h", "r") if each in net.graph.nodes], net.graph.objective)))
    for objects in SIZES:
        batch, direction = Batch(net, objects, shared), Batch(net, objects, shared, seed=1)
        moved = {each: direction.whole[each] for each in moving(net)}
        rows = [alone.jvp(row, batch.row_of(moved, index), nodes) for index, row in enumerate(batch.rows)]
        agree(kernel.jvp(batch.whole, moved, nodes), _of_nodes(net, rows))
        products = [alone.hvp(row, batch.row_of(moved, index), moving(net)) for index, row in enumerate(batch.rows)]
        agree(kernel.hvp(batch.whole, moved, moving(net)), batch.by_leaf(products, np.mean, 1 / objects))
        cotangents = kernel.intermediates(batch.whole, nodes)
        pulled = []
        for index, row in enumerate(batch.rows):
            each = {
                node: cotangent[index] if node in net.graph.batched else np.asarray(cotangent) / objects
                for node, cotangent in cotangents.items()
            }
            pulled.append(alone.vjp(row, each, moving(net)))
        agree(kernel.vjp(batch.whole, cotangents, moving(net)), batch.by_leaf(pulled, np.sum))


@every_case
def test_jacobians(name: str, shared: tuple[str, ...], part: int | None) -> None:
    net, kernel, alone = network(name), kernel_of(name, part), kernel_of(name, None)
    batch = Batch(net, 5, shared)
    for node in dict.fromkeys((*[each for each in ("h", "r") if each in net.graph.nodes], net.output)):
        for leaf in moving(net):
            rows = [{node: alone.jacobian(row, node, leaf)} for row in batch.rows]
            agree({node: kernel.jacobian(batch.whole, node, leaf)}, _of_nodes(net, rows))


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
    kernel, values = net.compile(), {**Batch(net, 5).whole, **changed}
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
    kernel, batch = net.compile(), Batch(net, 65)
    value, gradients = kernel.per_object(batch.whole, "W1")
    assert value.shape == (65,)
    singles = [kernel.gradients(batch.rows[row], "W1") for row in (0, 31, 32, 33, 64)]
    for row, (alone, slopes) in zip((0, 31, 32, 33, 64), singles, strict=True):
        assert value[row] == pytest.approx(alone)
        np.testing.assert_allclose(gradients["W1"][row], slopes["W1"], rtol=1e-9)
    assert kernel.intermediates(batch.whole, "loss")["loss"].shape == (65,)


def test_training_on_pictures_in_uneven_parts() -> None:
    net = bp.parse("x[1,28,28] -> conv2d(4, 5) -> relu -> max_pool(2) -> flatten -> dense(3) -> cross_entropy")
    random = np.random.default_rng(0)
    data = {"x": random.normal(size=(101, 1, 28, 28)), "y": random.integers(0, 3, 101)}
    training = net.train(data, plan=Plan(rate=0.001, steps=2, batch=67))
    assert training.after.train.objective < training.before.train.objective
