"""Functions, products with derivatives, objects apart and sequences against JAX, which shares no code with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import nn

import backpropsym as bp
from backpropsym.ops.function import FUNCTIONS

jax.config.update("jax_enable_x64", True)

PEERS: dict[str, Callable[..., Any]] = {
    "relu": nn.relu,
    "elu": nn.elu,
    "celu": nn.celu,
    "selu": nn.selu,
    "sigmoid": nn.sigmoid,
    "softplus": nn.softplus,
    "silu": nn.silu,
    "mish": nn.mish,
    "gelu": lambda x: nn.gelu(x, approximate=False),
    "gelu_tanh": nn.gelu,
    "hard_sigmoid": nn.hard_sigmoid,
    "hard_tanh": nn.hard_tanh,
    "relu6": nn.relu6,
    "softsign": nn.soft_sign,
    "square": jnp.square,
    "reciprocal": jnp.reciprocal,
    "exp": jnp.exp,
    "log": jnp.log,
    "log1p": jnp.log1p,
    "expm1": jnp.expm1,
    "sqrt": jnp.sqrt,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "atan": jnp.arctan,
    "tanh": jnp.tanh,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "abs": jnp.abs,
}


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("name", PEERS)
def test_value_slope_and_bend_of_a_function(name: str) -> None:
    """The bend by the product of the second derivative with a direction."""
    net = bp.loads(f"parameters = {{w = [40]}}\noutput = 'a'\n[nodes]\nz = '{name}(w)'\na = 'sum(z)'\n")
    w = np.random.default_rng(3).uniform(*FUNCTIONS[name].domain[0], 40)
    kernel = net.compile()
    value, gradients = kernel(w=w)
    slope = jax.grad(lambda moved: PEERS[name](moved).sum())
    assert value == pytest.approx(float(PEERS[name](w).sum()), rel=1e-12)
    assert_same(gradients, {"w": slope(w)})
    bend = jax.jvp(slope, (w,), (np.ones(40),))[1]
    assert_same(kernel.hvp({"w": w}, {"w": np.ones(40)}), {"w": bend})


LEAVES = ("W1", "b1", "W2", "b2")


def outputs(parameters: Any, x: Any) -> Any:
    """The outputs for one object or a batch."""
    return jnp.tanh(x @ parameters["W1"].T + parameters["b1"]) @ parameters["W2"].T + parameters["b2"]


def loss(parameters: Any, x: Any, y: Any) -> Any:
    return -jnp.take_along_axis(nn.log_softmax(outputs(parameters, x)), y[:, None], axis=1).mean()


def test_every_product_of_a_perceptron() -> None:
    net = bp.parse("x[4] -> dense(5, tanh) -> dense(3) -> cross_entropy")
    random, kernel, output = np.random.default_rng(2), net.compile(), net.graph.output
    values: dict[str, Any] = {name: random.normal(size=shape) for name, shape in net.parameters.items()}
    values |= {"x": random.normal(size=(6, 4)), "y": random.integers(0, 3, 6)}
    parameters = {name: jnp.asarray(values[name]) for name in LEAVES}
    direction = {name: jnp.asarray(random.normal(size=np.shape(values[name]))) for name in LEAVES}
    value, gradients = jax.value_and_grad(loss)(parameters, values["x"], values["y"])
    mine = kernel(**values)
    assert mine[0] == pytest.approx(float(value), rel=1e-12)
    assert_same(mine[1], gradients)

    def forward(moved: Any) -> Any:
        return outputs(moved, values["x"])

    pushed = jax.jvp(forward, (parameters,), (direction,))[1]
    assert_same(kernel.jvp(values, direction, output), {output: pushed})
    cotangent = random.normal(size=pushed.shape)
    assert_same(kernel.vjp(values, {output: cotangent}), jax.vjp(forward, parameters)[1](jnp.asarray(cotangent))[0])
    slope = jax.grad(lambda moved: loss(moved, values["x"], values["y"]))
    assert_same(kernel.hvp(values, direction), jax.jvp(slope, (parameters,), (direction,))[1])
    alone = jax.vmap(jax.grad(lambda moved, x, y: loss(moved, x[None], y[None])), in_axes=(None, 0, 0))
    assert_same(kernel.per_object(values)[1], alone(parameters, values["x"], values["y"]))
    by_input = jax.vmap(jax.jacrev(lambda x: outputs(parameters, x)))(values["x"])
    assert_same({"x": kernel.jacobian(values, output, "x")}, {"x": by_input})


def test_a_recurrent_layer_is_a_scan() -> None:
    shapes = {"W": [3, 2], "U": [3, 3], "b": [3]}
    declared = ", ".join(f"{name} = {shape}" for name, shape in shapes.items())
    net = bp.loads(
        f"inputs = {{x = [5, 2]}}\nparameters = {{{declared}}}\noutput = 'a'\n"
        "[nodes]\nh = 'rnn(x, W, U, b)'\na = 'sum(h*h)'\n"
    )
    random = np.random.default_rng(7)
    values = {"x": random.normal(size=(5, 2))} | {name: random.normal(size=shape) for name, shape in shapes.items()}

    def total(parameters: Any) -> Any:
        def step(state: Any, x: Any) -> Any:
            state = jnp.tanh(parameters["W"] @ x + parameters["U"] @ state + parameters["b"])
            return state, state

        return (jax.lax.scan(step, jnp.zeros(3), values["x"])[1] ** 2).sum()

    value, gradients = jax.value_and_grad(total)({name: values[name] for name in shapes})
    mine = net.compile()(**values)
    assert mine[0] == pytest.approx(float(value), rel=1e-12)
    assert_same(mine[1], gradients)


def test_convolution_and_pool() -> None:
    net = bp.parse("x[2,6,5] -> conv2d(3, 2) -> gelu -> avg_pool(2) -> flatten -> dense(1) -> mse")
    random = np.random.default_rng(4)
    values: dict[str, Any] = {name: random.normal(size=shape) for name, shape in net.parameters.items()}
    x, y = random.normal(size=(4, 2, 6, 5)), random.normal(size=(4, 1))

    def squared(parameters: Any) -> Any:
        image = jax.lax.conv(x, parameters["W1"], (1, 1), "VALID") + parameters["b1"][:, None, None]
        image = nn.gelu(image, approximate=False)[:, :, :4, :4].reshape(4, 3, 2, 2, 2, 2).mean((3, 5))
        return ((image.reshape(4, -1) @ parameters["W2"].T + parameters["b2"] - y) ** 2).mean()

    value, gradients = jax.value_and_grad(squared)(values)
    mine = net.compile()(**values, x=x, y=y)
    assert mine[0] == pytest.approx(float(value), rel=1e-12)
    assert_same(mine[1], gradients)
