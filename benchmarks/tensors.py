"""Networks of tensors: value and all gradients over a batch, against NumPy by hand, PyTorch and jax.jit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import losses
import numpy as np
from by_hand import large_products, lenet_by_hand, perceptron_by_hand
from measure import OWN
from own import by_hand, kernel, network, part
from peers import PEERS, Loss, itself
from workload import Alternative, Workload


@dataclass(frozen=True)
class Tensors:
    """One network with its numbers, and the same loss in the words of other libraries.

    Attributes
    ----------
    text : a network file or an architecture string.
    batch : the number of objects.
    torch, jax : the mean loss, given the library's module and all arrays by name.
    hand : value and gradients in NumPy as an expert writes them, or None.
    parts : what bounds every implementation from below, such as the large products alone, by name.
    tolerance : for the whole array, of its largest entry. Near 0 rounding opens a relu for an object in one library and
        not in the other; among 10,000 objects x 1,000 neurons there are some, each a term of a gradient.
    """

    name: str
    text: str
    batch: int
    torch: Loss
    jax: Loss
    hand: Callable[..., Any] | None = None
    parts: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    dtype: str = "float32"
    classes: int = 10
    tolerance: float = 2e-4

    @property
    def title(self) -> str:
        """What it is, over how many objects, in what precision."""
        return f"{self.name}, batch {self.batch:,}, {self.dtype}"

    def workload(self) -> Workload:
        """What is measured."""
        net = network(self.text)
        found: dict[str, Alternative] = {OWN: kernel(self.text)}
        if self.hand is not None:
            found["NumPy by hand"] = by_hand(self.hand)
        found |= {name: part(each) for name, each in self.parts.items()}
        for name, loss in (("torch", self.torch), ("jax.jit", self.jax)):
            found[name] = PEERS[name].alternative(loss, tuple(net.parameters), itself)
        return Workload(self.title, self.arrays(net), found, self.tolerance)

    def arrays(self, net: Any) -> dict[str, Any]:
        """Random numbers: standard normal inputs, weights of variance 1 / fan-in, classes for scalar targets."""
        random = np.random.default_rng(0)
        found: dict[str, Any] = {}
        for name, shape in net.parameters.items():
            fan = max(int(np.prod(shape[1:])), 1)
            found[name] = (random.standard_normal(shape) / np.sqrt(fan)).astype(self.dtype)
        for name, shape in net.inputs.items():
            found[name] = random.standard_normal((self.batch, *shape)).astype(self.dtype)
        for name, shape in net.targets.items():
            chosen = random.integers(0, self.classes, self.batch)
            found[name] = random.standard_normal((self.batch, *shape)).astype(self.dtype) if shape else chosen
        return found


ATTENTION = """
inputs = {x = [64, 64]}
targets = {y = [64, 64]}
parameters = {Q = [64, 64], K = [64, 64], V = [64, 64]}
output = "a"
loss = "mse(a, y)"
[nodes]
q = "x @ Q"
k = "x @ K"
v = "x @ V"
a = "attention(q, k, v)"
"""


def lstm(steps: int, width: int) -> str:
    """An LSTM cell unrolled over time, its last state against a target; gates in the order i, f, g, o."""
    lines = [f"inputs = {{x = [{steps}, {width}]}}", f"targets = {{y = [{width}]}}"]
    lines += [f"parameters = {{W = [{4 * width}, {width}], U = [{4 * width}, {width}], b = [{4 * width}]}}"]
    lines += [f'output = "h{steps - 1}"', f'loss = "mse(h{steps - 1}, y)"', "[nodes]"]
    for t in range(steps):
        state = f" + U @ h{t - 1}" if t else ""
        kept = f"sigmoid(g{t}[1])*c{t - 1} + " if t else ""
        lines.append(f'g{t} = "reshape(W @ x[{t}]{state} + b, 4, {width})"')
        lines.append(f'c{t} = "{kept}sigmoid(g{t}[0])*tanh(g{t}[2])"')
        lines.append(f'h{t} = "sigmoid(g{t}[3])*tanh(c{t})"')
    return "\n".join(lines)


PERCEPTRON = Tensors(
    "784-1000-10 relu",
    "x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy",
    128,
    losses.torch_perceptron,
    losses.jax_perceptron,
    perceptron_by_hand,
    {"the large products alone": large_products},
)
LENET = Tensors(
    "conv 8@5x5, pool, conv 16@5x5, pool, dense 10",
    "x[1,28,28] -> conv2d(8, 5) -> relu -> max_pool(2) -> conv2d(16, 5) -> relu -> max_pool(2)"
    " -> flatten -> dense(10) -> cross_entropy",
    64,
    losses.torch_lenet,
    losses.jax_lenet,
    lenet_by_hand,
)
NORM = Tensors(
    "784-512-512-10 layer norm, gelu",
    "x[784] -> dense(512) -> layer_norm -> gelu -> dense(512) -> layer_norm -> gelu -> dense(10) -> cross_entropy",
    32,
    losses.torch_norm,
    losses.jax_norm,
)
TENSORS = (
    PERCEPTRON,
    replace(PERCEPTRON, batch=10_000, hand=None, parts={}, tolerance=1e-2),
    LENET,
    replace(LENET, batch=2_048, hand=None),
    NORM,
    Tensors("attention head, T=64, D=64", ATTENTION, 32, losses.torch_attention, losses.jax_attention),
    Tensors("LSTM, T=32, H=64", lstm(32, 64), 32, losses.torch_lstm, losses.jax_lstm),
)
