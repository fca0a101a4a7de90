"""Networks that repeat themselves: their small products as few, their rows together, against the reverse sweep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.networks import numbers
from tests.kernels.random_rows import random_rows, recurrent


def _agrees_with_the_reverse_sweep(text: str, seed: int, batch: int | None) -> None:
    graph = parse_network(text)
    values = numbers(graph, np.random.default_rng(seed), batch)
    network = ArrayNetwork(graph, values, batch)
    value = network.forward("a")
    adjoints = network.reverse("a", np.full_like(value, 1.0 / np.size(value), dtype=float))
    kernel = compile_kernel(graph)
    for _ in range(2):
        found, gradients = kernel(**values)
        assert found == pytest.approx(float(np.mean(value)), rel=1e-11)
        for name, gradient in gradients.items():
            np.testing.assert_allclose(gradient, adjoints.get(name, 0.0 * gradient), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("seed", range(30))
def test_random_recurrent_networks(seed: int, batch: int | None) -> None:
    _agrees_with_the_reverse_sweep(recurrent(np.random.default_rng(seed)), seed + 100, batch)


@pytest.mark.parametrize("batch", [None, 1, 3, 4])
@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_random_rows(seed: int, equal: bool, batch: int | None) -> None:
    _agrees_with_the_reverse_sweep(random_rows(np.random.default_rng(seed), equal), seed + 100, batch)


SHARED = """
inputs = {x = [4, 3], z = [3]}
parameters = {W = [3, 3], u = [3]}
output = "a"
[nodes]
p = "W @ x[0] + W @ x[1] + W @ x[2] + W @ x[3] + W @ z"
q = "tanh(W @ p) + x[0]*u + x[1]*u + x[2]*u + x[3]*u"
r = "sum(x[0]*x[1]) + sum(x[1]*x[1]) + sum(W[0]*W[1]) + sum(W[1]*W[2]*sigmoid(W[2]))"
a = "sum(q*q) + sum((W @ u)*(W @ W @ u)) + r*sum(exp(-W[1]) + exp(-W[0]) + exp(-W[2]))"
"""

TWICE = """
inputs = {x = [3, 3]}
parameters = {W = [2, 3], b = [2], c = [2]}
output = "a"
[nodes]
p = "(W @ x[0] + b + c + b)*(b + b + W @ x[1] + c + c)*(c + W @ x[2] + b + b + b)"
a = "sum(p)"
"""


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("text", [SHARED, TWICE], ids=["shared", "twice"])
def test_a_weight_in_many_places(text: str, batch: int | None) -> None:
    _agrees_with_the_reverse_sweep(text, 7, batch)


def _unrolled(steps: int) -> str:
    lines = [f"inputs = {{x = [{steps}, 5]}}", "parameters = {W = [6, 5], U = [6, 3], b = [6]}"]
    lines += [f'output = "h{steps - 1}"', f'loss = "sum(h{steps - 1})"', "[nodes]"]
    for t in range(steps):
        lines.append(f'g{t} = "reshape(W @ x[{t}]{f" + U @ h{t - 1}" if t else ""} + b, 2, 3)"')
        lines.append(f'h{t} = "tanh(g{t}[0])*sigmoid(g{t}[1])"')
    return "\n".join(lines)


def test_a_step_costs_two_products_whatever_the_number_of_weights() -> None:
    """Forward and backward through the state; input and weight gradients are products over all steps."""
    sources = [compile_kernel(parse_network(_unrolled(steps))).source for steps in (6, 7, 20)]
    bodies = [
        source[source.index("# forward") : source.index("    return ", source.index("# forward"))] for source in sources
    ]
    products = [body.count("_np.matmul(") + body.count("_in_blocks(") for body in bodies]
    assert products[1] - products[0] == 2
    assert products[2] - products[0] == 2 * 14


def test_a_sum_of_every_row_needs_no_copy_for_its_products() -> None:
    """What goes into one product is computed where it lies in the operands of that product."""
    source = compile_kernel(parse_network(_unrolled(6))).source
    assert "_np.stack" not in source
    assert source.count("_np.copyto(_a") == 2, (
        "the steps of the input come first; a weight of every step is read by rows"
    )


@pytest.mark.parametrize(
    ("rows", "products"), [("tanh(W @ x[0])*tanh(W @ x[1])*tanh(W @ x[2])", 1), ("tanh(W @ x[0])*tanh(W @ x[1])", 2)]
)
def test_all_rows_of_an_array_are_multiplied_at_once(rows: str, products: int) -> None:
    text = f'inputs = {{x = [3, 2]}}\nparameters = {{W = [2, 2]}}\noutput = "a"\n[nodes]\na = "sum({rows})"\n'
    source = compile_kernel(parse_network(text)).source
    assert source[source.index("# forward") : source.index("# derivatives")].count("_np.matmul(W") == products


@pytest.mark.parametrize("batch", [1, 4])
def test_other_products_of_a_recurrent_network(batch: int) -> None:
    """Gradients of each object, and of the input, from the same passes."""
    graph = parse_network(recurrent(np.random.default_rng(3)))
    values: dict[str, Any] = numbers(graph, np.random.default_rng(4), batch)
    kernel = compile_kernel(graph)
    mean = kernel(**values)
    per_object = kernel.per_object(values)
    for name, gradient in mean[1].items():
        np.testing.assert_allclose(np.mean(per_object[1][name], axis=0), gradient, rtol=1e-10, atol=1e-12)
    slope = kernel.jvp(values, {"x": np.ones_like(values["x"])}, ["a"])["a"]
    pulled = kernel.vjp(values, {"a": np.ones(batch)}, ["x"])["x"]
    np.testing.assert_allclose(np.sum(pulled), np.sum(slope), rtol=1e-10)


def _newton(steps: int) -> list[str]:
    """Functions of rows alone, each of which uses the one before twice."""
    lines = ['r0 = "W[0] + 1"', 's0 = "W[1] + 1"']
    for k in range(1, steps):
        lines += [f'{name}{k} = "{name}{k - 1}*(2 - cos({name}{k - 1}))/2"' for name in "rs"]
    return [*lines, f'a = "sum(r{steps - 1}*s{steps - 1})"']


DEEP = {
    "functions of rows": ("W = [2, 3]", _newton(60)),
    "a long sum under more axes": (
        "W = [6], v = [6]",
        [
            't0 = "W*v"',
            *(f't{k} = "t{k - 1} + v*{k}.5"' for k in range(1, 1500)),
            'g = "reshape(t1499/1e4, 2, 3)"',
            'a = "sum(tanh(g[0])*sigmoid(g[1]))"',
        ],
    ),
    "parts of parts": (
        "W = [1]",
        ['c0 = "tanh(W)"', *(f'c{k} = "concat(c{k - 1}, tanh(W*{k}))"' for k in range(1, 600)), 'a = "sum(c599*c599)"'],
    ),
}


@pytest.mark.parametrize("name", DEEP)
def test_depth_costs_neither_time_nor_the_stack(name: str) -> None:
    parameters, nodes = DEEP[name]
    text = "\n".join([f"parameters = {{{parameters}}}", 'output = "a"', "[nodes]", *nodes])
    _agrees_with_the_reverse_sweep(text, 11, None)
