"""Values and gradients of ops, layers and losses over axes against PyTorch's, in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from backpropsym.graph.graph import Role
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.spec.architecture import parse_architecture
from tests.peers.cases import CASES, Case, drawn_shapes, drawn_values, network

TOLERANCE = 1e-10

# What cases.toml does not hold: arithmetic, products by @, functions of scalars on arrays.
ARITHMETIC = [
    Case("W @ x", "W @ x", {"W": ["a", "b"], "x": ["b"]}),
    Case("W @ x", "W @ x", {"W": ["a", "b"], "x": ["b", "c"]}),
    Case("W @ x", "W @ x", {"W": ["n", "a", "b"], "x": ["n", "b", "c"]}),
    Case("x @ W", "x @ W", {"x": ["a"], "W": ["a", "b"]}),
    Case("a*b + c/(2 + b**2)", "a*b + c/(2 + b**2)", {"a": ["m", "n"], "b": ["n"], "c": ["m", 1]}),
    Case("transpose(a) @ tanh(a)", "a.T @ torch.tanh(a)", {"a": ["m", "n"]}),
    Case("a*a[0, 1]", "a*a[0, 1]", {"a": ["m", "n"]}),
    Case("norm(x)*min(x)*x", "x.norm()*x.min()*x", {"x": ["m", "n"]}),
    Case("gelu(x)", "F.gelu(x)", {"x": ["n"]}),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", [*CASES, *ARITHMETIC], ids=lambda case: f"{case.formula} | {case.torch}")
def test_case_agrees_with_pytorch(case: Case, seed: int) -> None:
    random = np.random.default_rng(seed)
    shapes = drawn_shapes(case, random)
    graph = network(case, shapes)
    values = drawn_values(case, shapes, random)
    weights = random.normal(size=graph["weights"].shape)
    value, gradients = compile_kernel(graph)(**values, weights=weights)
    tensors = {name: torch.tensor(array, requires_grad=name in gradients) for name, array in values.items()}
    out = eval(case.torch, {"torch": torch, "F": F, **tensors})  # noqa: S307  (the cases are our own)
    assert tuple(out.shape) == graph["out"].shape
    whole = (out * torch.tensor(weights)).sum()
    whole.backward()
    assert math.isclose(value, whole.item(), rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    for name, gradient in gradients.items():
        expected = tensors[name].grad
        assert expected is not None, name
        np.testing.assert_allclose(gradient, expected.numpy(), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("formula", ["norm(x)", "norm(x, axis=0)"])
def test_the_norm_of_zero_has_the_gradient_zero_as_in_pytorch(formula: str) -> None:
    case = Case(formula, "", {"x": [3, 2]})
    graph = network(case, {"x": (3, 2)})
    weights = np.ones(graph["weights"].shape)
    _, gradients = compile_kernel(graph)(x=np.zeros((3, 2)), weights=weights)
    x = torch.zeros((3, 2), dtype=torch.float64, requires_grad=True)
    torch.linalg.vector_norm(x, dim=None if formula == "norm(x)" else 0).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(gradients["x"], x.grad.numpy())


@pytest.mark.parametrize("batch", [1, 7])
def test_convolutional_classifier_agrees_with_pytorch(batch: int) -> None:
    graph = parse_architecture(
        "x[1,12,12] -> conv2d(3, 5) -> relu -> max_pool(2) -> flatten -> dense(6, tanh) -> dense(4) -> cross_entropy"
    )
    random = np.random.default_rng(0)
    arrays = {name: random.normal(size=graph[name].shape) / 4 for name in graph.names(Role.PARAMETER)}
    x, y = random.normal(size=(batch, 1, 12, 12)), random.integers(0, 4, size=batch)
    value, gradients = compile_kernel(graph)(x=x, y=y, **arrays)
    t = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    hidden = F.max_pool2d(F.relu(F.conv2d(torch.tensor(x), t["W1"], t["b1"])), 2).flatten(1)
    logits = F.linear(torch.tanh(F.linear(hidden, t["W2"], t["b2"])), t["W3"], t["b3"])
    loss = F.cross_entropy(logits, torch.tensor(y))
    loss.backward()
    assert math.isclose(value, loss.item(), rel_tol=TOLERANCE)
    for name, tensor in t.items():
        assert tensor.grad is not None
        np.testing.assert_allclose(gradients[name], tensor.grad.numpy(), rtol=TOLERANCE, atol=1e-13)
