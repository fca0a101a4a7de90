"""Networks of tensors that together use every op, and random numbers for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from backpropsym.evaluate.leaf_arrays import choices
from backpropsym.graph.graph import Graph, Role
from tests.derive.arrays.sequences import EMBEDDING, SEQUENCES

PERCEPTRON = """
inputs = {x = [3]}
targets = ["y"]
parameters = {W1 = [4, 3], b1 = [4], W2 = [2, 4], b2 = [2]}
output = "o"
loss = "cross_entropy(o, y)"
[nodes]
s = "W1 @ x + b1"
z = "tanh(s)"
o = "W2 @ z + b2"
"""

REDUCTIONS = """
inputs = {x = [2, 2]}
parameters = {W = [2, 4], g = [2], b = [2], c = [], M = [2, 2]}
output = "a"
[nodes]
y = "layer_norm(x, g, b)"
s = "W @ flatten(x)"
q = "softmax(s)*c + x[0]"
r = "transpose(x) @ M @ x + x[1, 0]"
a = "max(s) + sum(y) + var(s) + norm(x) + sum(q*q) + max(max(r, axis=1)) + min(x)*logsumexp(x)"
"""

CONVOLUTIONS = """
inputs = {x = [2, 4, 4]}
parameters = {K = [2, 2, 2, 2], b = [2], G = [2, 1, 2, 2], w = [2, 3]}
output = "a"
[nodes]
c = "conv2d(x, K, bias=b, padding=1)"
p = "max_pool(tanh(c), 2)"
d = "conv2d(c, G, groups=2, stride=2, dilation=2)"
e = "concat(flatten(p), flatten(d))"
t = "attention(transpose(w), transpose(w), transpose(w))"
a = "sum(e*e) + sum(avg_pool(c, 2)) + norm(t)"
"""

PLAIN_IMAGE = """
inputs = {x = [4, 3]}
parameters = {K = [3, 2], b = [], T = [4, 3]}
targets = ["y"]
output = "a"
[nodes]
c = "conv2d(x, K, bias=b, padding=1)"
d = "embedding(y, T)"
a = "norm(c) + norm(rms_norm(d, d))"
"""

LECTURE_CONVOLUTION = """
inputs = {im = [6, 5]}
parameters = {K = ["-1..1", "-1..1"], b = []}
output = "a"
[nodes]
"out[r, c]" = "sum(K[i, j]*im[r+i, c+j], (i, -1, 1), (j, -1, 1)) + b"
a = "sum(out*out)"
"""

SOFTMAX_BY_HAND = """
inputs = {x = [3]}
parameters = {W = [4, 3]}
output = "a"
[nodes]
"s[i]" = "sum(W[i, k]*x[k], (k, 0, 2))"
"p[i]" = "exp(s[i])/sum(exp(s[k]), (k, 0, 3))"
a = "sum(p[i]*s[i]*p[i], (i, 0, 3))"
"""

NETWORKS = {
    "perceptron": (PERCEPTRON, "loss"),
    "reductions": (REDUCTIONS, "a"),
    "convolutions": (CONVOLUTIONS, "a"),
    "plain image": (PLAIN_IMAGE, "a"),
    "lecture convolution": (LECTURE_CONVOLUTION, "a"),
    "softmax by hand": (SOFTMAX_BY_HAND, "a"),
    "embedding": (EMBEDDING, "loss"),
    **{name: (text, "a") for name, text in SEQUENCES.items()},
}


def numbers(graph: Graph, random: np.random.Generator, batch: int | None = None) -> dict[str, Any]:
    """Random arrays for the leaves; what chooses entries is 0 or 1, as are scalar targets."""
    chosen = choices(graph)
    found: dict[str, Any] = {}
    for name, node in graph.nodes.items():
        if node.op is None:
            lead = () if batch is None or name not in graph.batched else (batch,)
            index = name in chosen or (node.role is Role.TARGET and not node.shape)
            shape = lead + node.shape
            if node.role is Role.CONSTANT:
                found[name] = np.asarray(graph.constants[name])
                continue
            found[name] = random.integers(0, 2, size=shape) if index else random.normal(size=shape)
    return found
