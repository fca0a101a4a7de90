"""Networks of tensors: value and all gradients over a batch, against NumPy by hand, PyTorch and jax.jit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from by_hand import large_products, lenet_by_hand, perceptron_by_hand
from measure import OWN, Row, interleaved, rows

import backpropsym as bp

Arrays = Mapping[str, Any]
Loss = Callable[[Any, Arrays], Any]


@dataclass(frozen=True)
class Workload:
    """One network with its numbers, and the same loss in the words of other libraries.

    Attributes
    ----------
    network : a network file or an architecture string.
    batch : the number of objects.
    torch, jax : the mean loss, given the library's modules and all arrays by name.
    hand : value and gradients in NumPy as an expert writes them, or None.
    parts : what bounds every implementation from below, such as the large products alone, by name.
    """

    name: str
    network: str
    batch: int
    torch: Loss
    jax: Loss
    hand: Callable[..., Any] | None = None
    parts: Mapping[str, Callable[..., Any]] | None = None
    dtype: str = "float32"
    classes: int = 10

    def net(self) -> bp.Network:
        """The network."""
        return bp.parse(self.network) if "->" in self.network.split("\n")[0] else bp.loads(self.network)

    def arrays(self, net: bp.Network) -> dict[str, Any]:
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

    def rows(self, rounds: int) -> list[Row]:
        """Medians of one call, and of everything up to the end of the first call."""
        calls: dict[str, Any] = {}
        notes: dict[str, str] = {}
        first: dict[str, float] = {}
        net = self.net()
        arrays = self.arrays(net)
        start = time.perf_counter()
        kernel = self.net().compile()
        expected = kernel(**arrays)
        first[OWN] = time.perf_counter() - start
        calls[OWN] = (kernel, arrays)
        for name, hand in ({"NumPy by hand": self.hand} | dict(self.parts or {})).items():
            if hand is not None:
                calls[name] = (hand, arrays)
        for name, prepare in (("torch", self._torch), ("jax.jit", self._jax)):
            try:
                start = time.perf_counter()
                call, inputs = prepare(arrays, tuple(net.parameters))
                found = call(**inputs)
            except ImportError as error:
                notes[name] = f"left out: {error.name} is not installed"
                continue
            first[name] = time.perf_counter() - start
            calls[name] = (call, inputs)
            _must_agree(name, expected, found)
        if self.hand is not None:
            _must_agree("by hand", expected, self.hand(**arrays))
        timed = interleaved(self.name, calls, rounds, notes)
        compiled = rows(f"{self.name}: to the end of the first call", first, {})
        return timed + [each for each in compiled if each.alternative != "torch"]

    def _torch(self, arrays: Arrays, parameters: tuple[str, ...]) -> tuple[Callable[..., Any], Arrays]:
        torch = import_module("torch")
        tensors = {name: torch.tensor(each, requires_grad=name in parameters) for name, each in arrays.items()}

        def value_and_gradients(**given: Any) -> Any:
            value = self.torch(torch, given)
            gradients = torch.autograd.grad(value, [given[name] for name in parameters])
            return value, dict(zip(parameters, gradients, strict=True))

        return value_and_gradients, tensors

    def _jax(self, arrays: Arrays, parameters: tuple[str, ...]) -> tuple[Callable[..., Any], Arrays]:
        jax = import_module("jax")
        jax.config.update("jax_enable_x64", True)

        def value_and_gradients(**given: Any) -> Any:
            rest = {name: each for name, each in given.items() if name not in parameters}
            chosen = {name: given[name] for name in parameters}
            return jax.value_and_grad(lambda chosen: self.jax(jax, rest | chosen))(chosen)

        compiled = jax.jit(value_and_gradients)
        inputs = {name: jax.device_put(each) for name, each in arrays.items()}
        return (lambda **given: jax.block_until_ready(compiled(**given))), inputs


def _must_agree(name: str, expected: Any, found: Any) -> None:
    """Speed is compared between functions that give the same numbers."""
    for key, array in expected[1].items():
        other = found[1][key]
        other = other.detach().numpy() if hasattr(other, "detach") else np.asarray(other)
        scale = max(float(np.abs(array).max()), 1e-6)
        if float(np.abs(np.asarray(array) - other).max()) > 2e-4 * scale:
            raise SystemExit(f"{name} and the kernel differ by the gradient of {key}")


def _torch_perceptron(torch: Any, v: Arrays) -> Any:
    f = torch.nn.functional
    return f.cross_entropy(f.linear(f.relu(f.linear(v["x"], v["W1"], v["b1"])), v["W2"], v["b2"]), v["y"])


def _jax_cross_entropy(jax: Any, logits: Any, y: Any) -> Any:
    whole = jax.nn.logsumexp(logits, axis=-1)
    return (whole - jax.numpy.take_along_axis(logits, y[:, None], axis=-1)[:, 0]).mean()


def _jax_perceptron(jax: Any, v: Arrays) -> Any:
    hidden = jax.nn.relu(v["x"] @ v["W1"].T + v["b1"])
    return _jax_cross_entropy(jax, hidden @ v["W2"].T + v["b2"], v["y"])


def _torch_lenet(torch: Any, v: Arrays) -> Any:
    f = torch.nn.functional
    first = f.max_pool2d(f.relu(f.conv2d(v["x"], v["W1"], v["b1"])), 2)
    second = f.max_pool2d(f.relu(f.conv2d(first, v["W2"], v["b2"])), 2)
    return f.cross_entropy(f.linear(second.flatten(1), v["W3"], v["b3"]), v["y"])


def _jax_lenet(jax: Any, v: Arrays) -> Any:
    def block(x: Any, w: Any, b: Any) -> Any:
        x = jax.nn.relu(jax.lax.conv_general_dilated(x, w, (1, 1), "VALID") + b[:, None, None])
        return jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    second = block(block(v["x"], v["W1"], v["b1"]), v["W2"], v["b2"])
    return _jax_cross_entropy(jax, second.reshape(second.shape[0], -1) @ v["W3"].T + v["b3"], v["y"])


def _torch_norm(torch: Any, v: Arrays) -> Any:
    f, z = torch.nn.functional, v["x"]
    for k in (1, 3):
        s = f.linear(z, v[f"W{k}"], v[f"b{k}"])
        z = f.gelu(f.layer_norm(s, s.shape[-1:], v[f"W{k + 1}"], v[f"b{k + 1}"]))
    return f.cross_entropy(f.linear(z, v["W5"], v["b5"]), v["y"])


def _jax_norm(jax: Any, v: Arrays) -> Any:
    z = v["x"]
    for k in (1, 3):
        s = z @ v[f"W{k}"].T + v[f"b{k}"]
        s = (s - s.mean(-1, keepdims=True)) / jax.numpy.sqrt(s.var(-1, keepdims=True) + 1e-5)
        z = jax.nn.gelu(s * v[f"W{k + 1}"] + v[f"b{k + 1}"], approximate=False)
    return _jax_cross_entropy(jax, z @ v["W5"].T + v["b5"], v["y"])


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


def _torch_attention(torch: Any, v: Arrays) -> Any:
    f, x = torch.nn.functional, v["x"]
    a = f.scaled_dot_product_attention(x @ v["Q"], x @ v["K"], x @ v["V"])
    return f.mse_loss(a, v["y"])


def _jax_attention(jax: Any, v: Arrays) -> Any:
    q, k, value = (v["x"] @ v[name] for name in "QKV")
    weights = jax.nn.softmax(q @ k.transpose(0, 2, 1) / 8.0, axis=-1)
    return ((weights @ value - v["y"]) ** 2).mean()


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


def _torch_lstm(torch: Any, v: Arrays) -> Any:
    zero = torch.zeros(1, len(v["x"]), v["U"].shape[1])
    flat = [v["W"], v["U"], v["b"], torch.zeros_like(v["b"])]
    _, last, _ = torch.lstm(v["x"], (zero, zero), flat, True, 1, 0.0, True, False, True)
    return torch.nn.functional.mse_loss(last[0], v["y"])


def _jax_lstm(jax: Any, v: Arrays) -> Any:
    def step(carry: Any, x: Any) -> Any:
        h, c = carry
        i, f, g, o = jax.numpy.split(x @ v["W"].T + h @ v["U"].T + v["b"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
        return (jax.nn.sigmoid(o) * jax.numpy.tanh(c), c), None

    zero = jax.numpy.zeros_like(v["x"][:, 0])
    (last, _), _ = jax.lax.scan(step, (zero, zero), v["x"].transpose(1, 0, 2))
    return ((last - v["y"]) ** 2).mean()


def _torch_tanh(torch: Any, v: Arrays) -> Any:
    z = torch.tanh(torch.tanh(v["x"] @ v["W1"].T) @ v["W2"].T)
    return (((z @ v["W3"].T)[:, 0] - v["y"]) ** 2).mean()


def _jax_tanh(jax: Any, v: Arrays) -> Any:
    z = jax.numpy.tanh(jax.numpy.tanh(v["x"] @ v["W1"].T) @ v["W2"].T)
    return (((z @ v["W3"].T)[:, 0] - v["y"]) ** 2).mean()


WORKLOADS = {
    each.name: each
    for each in (
        Workload(
            "784-1000-10 relu, batch 128, float32",
            "x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy",
            128,
            _torch_perceptron,
            _jax_perceptron,
            perceptron_by_hand,
            {"the large products alone": large_products},
        ),
        Workload(
            "conv 8@5x5, pool, conv 16@5x5, pool, dense 10, batch 64, float32",
            "x[1,28,28] -> conv2d(8, 5) -> relu -> max_pool(2) -> conv2d(16, 5) -> relu -> max_pool(2)"
            " -> flatten -> dense(10) -> cross_entropy",
            64,
            _torch_lenet,
            _jax_lenet,
            lenet_by_hand,
        ),
        Workload(
            "784-512-512-10 layer norm, gelu, batch 32, float32",
            "x[784] -> dense(512) -> layer_norm -> gelu -> dense(512) -> layer_norm -> gelu -> dense(10)"
            " -> cross_entropy",
            32,
            _torch_norm,
            _jax_norm,
        ),
        Workload("attention head, T=64, D=64, batch 32, float32", ATTENTION, 32, _torch_attention, _jax_attention),
        Workload("LSTM, T=32, H=64, batch 32, float32", lstm(32, 64), 32, _torch_lstm, _jax_lstm),
    )
}
