"""Values and gradients of ops, layers and losses over axes against PyTorch's, in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from backpropsym.graph import Graph, Role
from backpropsym.kernels.compile import compile_kernel
from backpropsym.spec.architecture import parse_architecture
from backpropsym.spec.toml import parse_network

TOLERANCE = 1e-10

# name: (shapes of parameters, formula of node `out`, the same in PyTorch)
OPS = {
    "matmul-vector": ({"W": (3, 4), "x": (4,)}, "W @ x", lambda p: p["W"] @ p["x"]),
    "matmul-matrix": ({"W": (3, 4), "x": (4, 2)}, "W @ x", lambda p: p["W"] @ p["x"]),
    "matmul-batched": ({"W": (2, 3, 4), "x": (2, 4, 2)}, "W @ x", lambda p: p["W"] @ p["x"]),
    "matmul-left": ({"x": (4,), "W": (4, 3)}, "x @ W", lambda p: p["x"] @ p["W"]),
    "einsum": (
        {"a": (2, 3), "b": (3, 4), "c": (4,)},
        'einsum("ij,jk,k->i", a, b, c)',
        lambda p: torch.einsum("ij,jk,k->i", p["a"], p["b"], p["c"]),
    ),
    "broadcast": (
        {"a": (2, 3), "b": (3,), "c": (2, 1)},
        "a*b + c/(2 + b**2)",
        lambda p: p["a"] * p["b"] + p["c"] / (2 + p["b"] ** 2),
    ),
    "transpose": ({"a": (2, 3)}, "transpose(a) @ a", lambda p: p["a"].T @ p["a"]),
    "reshape": ({"a": (2, 6)}, "reshape(a, 3, 4)", lambda p: p["a"].reshape(3, 4)),
    "flatten": ({"a": (2, 3, 2)}, "flatten(tanh(a))", lambda p: torch.tanh(p["a"]).flatten()),
    "row": ({"a": (3, 2)}, "a[1]*a[0]", lambda p: p["a"][1] * p["a"][0]),
    "entry": ({"a": (3, 2)}, "a*a[2, 1]", lambda p: p["a"] * p["a"][2, 1]),
    "concat": ({"a": (2, 3), "b": (2, 2)}, "concat(a, b, axis=1)", lambda p: torch.cat([p["a"], p["b"]], 1)),
    "sum-axis": ({"a": (2, 3)}, "sum(a*a, axis=0)", lambda p: (p["a"] ** 2).sum(0)),
    "mean-axis": ({"a": (2, 3)}, "mean(a*a, axis=1)", lambda p: (p["a"] ** 2).mean(1)),
    "max-axis": ({"a": (3, 4)}, "max(a, axis=0)", lambda p: p["a"].max(0).values),
    "min-all": ({"a": (3, 4)}, "min(a)*a", lambda p: p["a"].min() * p["a"]),
    "logsumexp": ({"a": (3, 4)}, "logsumexp(a, axis=1)", lambda p: torch.logsumexp(p["a"], 1)),
    "var": ({"a": (3, 4)}, "var(a, axis=0)", lambda p: p["a"].var(0, unbiased=False)),
    "norm": ({"a": (3, 4)}, "norm(a)*a", lambda p: p["a"].norm() * p["a"]),
    "softmax": ({"a": (3, 4)}, "softmax(a)", lambda p: F.softmax(p["a"], -1)),
    "log_softmax": ({"a": (4,)}, "log_softmax(a)", lambda p: F.log_softmax(p["a"], -1)),
    "layer_norm": (
        {"x": (3, 4), "g": (4,), "b": (4,)},
        "layer_norm(x, g, b)",
        lambda p: F.layer_norm(p["x"], (4,), p["g"], p["b"]),
    ),
    "rms_norm": ({"x": (3, 4), "g": (4,)}, "rms_norm(x, g)", lambda p: F.rms_norm(p["x"], (4,), p["g"], eps=1e-5)),
    "attention": (
        {"q": (3, 4), "k": (5, 4), "v": (5, 2)},
        "attention(q, k, v)",
        lambda p: F.scaled_dot_product_attention(p["q"], p["k"], p["v"]),
    ),
    "conv1d": (
        {"x": (2, 7), "K": (3, 2, 3), "b": (3,)},
        "conv1d(x, K, bias=b, stride=2, padding=1)",
        lambda p: F.conv1d(p["x"], p["K"], p["b"], stride=2, padding=1),
    ),
    "conv2d": (
        {"x": (2, 6, 5), "K": (3, 2, 3, 2), "b": (3,)},
        "conv2d(x, K, bias=b)",
        lambda p: F.conv2d(p["x"], p["K"], p["b"]),
    ),
    "conv2d-options": (
        {"x": (4, 7, 8), "K": (6, 2, 3, 2)},
        "conv2d(x, K, stride=2, padding=2, dilation=2, groups=2)",
        lambda p: F.conv2d(p["x"], p["K"], stride=2, padding=2, dilation=2, groups=2),
    ),
    "conv3d": (
        {"x": (1, 4, 4, 5), "K": (2, 1, 2, 3, 2)},
        "conv3d(x, K, padding=1)",
        lambda p: F.conv3d(p["x"], p["K"], padding=1),
    ),
    "max_pool": ({"x": (2, 6, 6)}, "max_pool(x, 2)", lambda p: F.max_pool2d(p["x"], 2)),
    "max_pool-stride": ({"x": (2, 6, 6)}, "max_pool(x, 3, stride=1)", lambda p: F.max_pool2d(p["x"], 3, stride=1)),
    "avg_pool": ({"x": (2, 6, 6)}, "avg_pool(x, 3)", lambda p: F.avg_pool2d(p["x"], 3)),
    "global_avg_pool": ({"x": (2, 4, 5)}, "global_avg_pool(x)", lambda p: p["x"].mean((1, 2))),
    "gelu": ({"x": (5,)}, "gelu(x)", lambda p: F.gelu(p["x"])),
    "mse": ({"x": (5,), "t": (5,)}, "mse(x, t)", lambda p: F.mse_loss(p["x"], p["t"])),
    "mae": ({"x": (5,), "t": (5,)}, "mae(x, t)", lambda p: F.l1_loss(p["x"], p["t"])),
    "huber": ({"x": (5,), "t": (5,)}, "huber(x, t)", lambda p: F.huber_loss(p["x"], p["t"])),
    "soft-cross-entropy": (
        {"x": (5,), "t": (5,)},
        "cross_entropy(x, softmax(t))",
        lambda p: F.cross_entropy(p["x"], F.softmax(p["t"], -1)),
    ),
}


def _network(shapes: dict[str, tuple[int, ...]], formula: str) -> Graph:
    declared = ", ".join(f"{name} = {list(shape)}" for name, shape in shapes.items())
    text = f"parameters = {{{declared}}}\noutput = 'total'\n[nodes]\nout = '{formula}'\n"
    text += "total = 'sum(out*out) + sum(out)'\n"
    return parse_network(text)


@pytest.mark.parametrize("name", OPS)
def test_op_agrees_with_pytorch(name: str) -> None:
    shapes, formula, peer = OPS[name]
    random = np.random.default_rng(3)
    arrays = {key: random.normal(size=shape) for key, shape in shapes.items()}
    value, gradients = compile_kernel(_network(shapes, formula))(**arrays)
    tensors = {key: torch.tensor(array, requires_grad=True) for key, array in arrays.items()}
    out = peer(tensors)
    whole = (out * out).sum() + out.sum()
    whole.backward()
    assert math.isclose(value, whole.item(), rel_tol=TOLERANCE)
    for key, tensor in tensors.items():
        assert tensor.grad is not None
        np.testing.assert_allclose(gradients[key], tensor.grad.numpy(), rtol=TOLERANCE, atol=TOLERANCE)


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
