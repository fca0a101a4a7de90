"""Products with derivatives, per-object gradients and Jacobians against PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, hessian, jacrev, jvp, vjp, vmap

import backpropsym as bp

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
ACTIVATIONS = {"tanh": torch.tanh, "gelu": torch.nn.functional.gelu, "softplus": torch.nn.functional.softplus}
LEAVES = ("W1", "b1", "W2", "b2")


def theirs(activation: str, parameters: Any, x: Any) -> Any:
    """The output for one object or a batch."""
    hidden = ACTIVATIONS[activation](x @ parameters["W1"].T + parameters["b1"])
    return hidden @ parameters["W2"].T + parameters["b2"]


def loss(activation: str, parameters: Any, x: Any, y: Any) -> Any:
    return torch.nn.functional.cross_entropy(theirs(activation, parameters, x), y)


def numbers(activation: str) -> tuple[bp.Network, dict[str, Any], dict[str, Any]]:
    net = bp.parse(f"x[4] -> dense(5, {activation}) -> dense(3) -> cross_entropy")
    random = np.random.default_rng(2)
    values: dict[str, Any] = {name: random.normal(size=shape) for name, shape in net.parameters.items()}
    values |= {"x": random.normal(size=(6, 4)), "y": random.integers(0, 3, 6)}
    direction = {name: random.normal(size=np.shape(values[name])) for name in LEAVES}
    return net, values, direction


def tensors(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: torch.tensor(array) for name, array in arrays.items()}


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(found) == set(expected)
    for name, each in expected.items():
        np.testing.assert_allclose(found[name], each.detach().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_products_are_those_of_torch(activation: str) -> None:
    net, values, direction = numbers(activation)
    kernel, given = net.compile(), tensors(values)
    parameters = {name: given[name] for name in LEAVES}
    output = net.graph.output

    def forward(moved: Any) -> Any:
        return theirs(activation, moved, given["x"])

    pushed = jvp(forward, (parameters,), (tensors(direction),))[1]
    assert_same(kernel.jvp(values, direction, output), {output: pushed})
    cotangent = np.random.default_rng(5).normal(size=pushed.shape)
    pulled = vjp(forward, parameters)[1](torch.tensor(cotangent))[0]
    assert_same(kernel.vjp(values, {output: cotangent}), pulled)
    slope = grad(lambda moved: loss(activation, moved, given["x"], given["y"]))
    assert_same(kernel.hvp(values, direction), jvp(slope, (parameters,), (tensors(direction),))[1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_objects_apart_are_those_of_torch(activation: str) -> None:
    net, values, _ = numbers(activation)
    kernel, given = net.compile(), tensors(values)
    parameters = {name: given[name] for name in LEAVES}

    def alone(moved: Any, x: Any, y: Any) -> Any:
        return loss(activation, moved, x[None], y[None])

    each = vmap(grad(alone), in_dims=(None, 0, 0))(parameters, given["x"], given["y"])
    assert_same(kernel.per_object(values)[1], each)
    by_input = vmap(jacrev(lambda x: theirs(activation, parameters, x)))(given["x"])
    assert_same({"x": kernel.jacobian(values, net.graph.output, "x")}, {"x": by_input})
    by_weight = jacrev(lambda w: theirs(activation, {**parameters, "W1": w}, given["x"]))(parameters["W1"])
    assert_same({"W1": kernel.jacobian(values, net.graph.output, "W1")}, {"W1": by_weight})


def test_hessian_columns_are_those_of_torch() -> None:
    net, values, _ = numbers("tanh")
    kernel, given = net.compile(), tensors(values)
    parameters = {name: given[name] for name in LEAVES}
    whole = hessian(lambda b: loss("tanh", {**parameters, "b1": b}, given["x"], given["y"]))(parameters["b1"])
    columns = np.array([kernel.hvp(values, {"b1": unit}, "b1")["b1"] for unit in np.eye(5)])
    np.testing.assert_allclose(columns, whole.numpy(), rtol=1e-9, atol=1e-11)


CONVOLUTION = "x[1,7,7] -> conv2d(2, 3) -> relu -> max_pool(2) -> flatten -> dense(3) -> cross_entropy"


def test_convolution_and_pool_are_those_of_torch() -> None:
    net = bp.parse(CONVOLUTION)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    ).double()
    own = {"W1": "0.weight", "b1": "0.bias", "W2": "4.weight", "b2": "4.bias"}
    random = np.random.default_rng(4)
    values: dict[str, Any] = {name: random.normal(size=shape) for name, shape in net.parameters.items()}
    direction = {name: random.normal(size=shape) for name, shape in net.parameters.items()}
    x, y = random.normal(size=(3, 1, 7, 7)), random.integers(0, 3, 3)

    def objective(moved: Any) -> Any:
        return torch.nn.functional.cross_entropy(functional_call(module, moved, torch.tensor(x)), torch.tensor(y))

    at = {own[name]: torch.tensor(array) for name, array in values.items()}
    step = {own[name]: torch.tensor(array) for name, array in direction.items()}
    expected = jvp(grad(objective), (at,), (step,))[1]
    found = net.compile().hvp({**values, "x": x, "y": y}, direction)
    assert_same({own[name]: each for name, each in found.items()}, expected)
