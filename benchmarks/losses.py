"""The losses of the networks of tensors in the words of PyTorch and of JAX: a module and all arrays in, a mean out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Arrays = Mapping[str, Any]


def torch_perceptron(torch: Any, v: Arrays) -> Any:
    """Dense, relu, dense, cross entropy."""
    f = torch.nn.functional
    return f.cross_entropy(f.linear(f.relu(f.linear(v["x"], v["W1"], v["b1"])), v["W2"], v["b2"]), v["y"])


def _jax_cross_entropy(jax: Any, logits: Any, y: Any) -> Any:
    whole = jax.nn.logsumexp(logits, axis=-1)
    return (whole - jax.numpy.take_along_axis(logits, y[:, None], axis=-1)[:, 0]).mean()


def jax_perceptron(jax: Any, v: Arrays) -> Any:
    """Dense, relu, dense, cross entropy."""
    hidden = jax.nn.relu(v["x"] @ v["W1"].T + v["b1"])
    return _jax_cross_entropy(jax, hidden @ v["W2"].T + v["b2"], v["y"])


def torch_lenet(torch: Any, v: Arrays) -> Any:
    """Twice a convolution, relu and the maximum of 2x2; dense; cross entropy."""
    f = torch.nn.functional
    first = f.max_pool2d(f.relu(f.conv2d(v["x"], v["W1"], v["b1"])), 2)
    second = f.max_pool2d(f.relu(f.conv2d(first, v["W2"], v["b2"])), 2)
    return f.cross_entropy(f.linear(second.flatten(1), v["W3"], v["b3"]), v["y"])


def jax_lenet(jax: Any, v: Arrays) -> Any:
    """Twice a convolution, relu and the maximum of 2x2; dense; cross entropy."""

    def block(x: Any, w: Any, b: Any) -> Any:
        x = jax.nn.relu(jax.lax.conv_general_dilated(x, w, (1, 1), "VALID") + b[:, None, None])
        return jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    second = block(block(v["x"], v["W1"], v["b1"]), v["W2"], v["b2"])
    return _jax_cross_entropy(jax, second.reshape(second.shape[0], -1) @ v["W3"].T + v["b3"], v["y"])


def torch_norm(torch: Any, v: Arrays) -> Any:
    """Twice dense, layer norm and gelu; dense; cross entropy."""
    f, z = torch.nn.functional, v["x"]
    for k in (1, 3):
        s = f.linear(z, v[f"W{k}"], v[f"b{k}"])
        z = f.gelu(f.layer_norm(s, s.shape[-1:], v[f"W{k + 1}"], v[f"b{k + 1}"]))
    return f.cross_entropy(f.linear(z, v["W5"], v["b5"]), v["y"])


def jax_norm(jax: Any, v: Arrays) -> Any:
    """Twice dense, layer norm and gelu; dense; cross entropy."""
    z = v["x"]
    for k in (1, 3):
        s = z @ v[f"W{k}"].T + v[f"b{k}"]
        s = (s - s.mean(-1, keepdims=True)) / jax.numpy.sqrt(s.var(-1, keepdims=True) + 1e-5)
        z = jax.nn.gelu(s * v[f"W{k + 1}"] + v[f"b{k + 1}"], approximate=False)
    return _jax_cross_entropy(jax, z @ v["W5"].T + v["b5"], v["y"])


def torch_attention(torch: Any, v: Arrays) -> Any:
    """One head of attention and the squared error."""
    f, x = torch.nn.functional, v["x"]
    a = f.scaled_dot_product_attention(x @ v["Q"], x @ v["K"], x @ v["V"])
    return f.mse_loss(a, v["y"])


def jax_attention(jax: Any, v: Arrays) -> Any:
    """One head of attention and the squared error."""
    q, k, value = (v["x"] @ v[name] for name in "QKV")
    weights = jax.nn.softmax(q @ k.transpose(0, 2, 1) / 8.0, axis=-1)
    return ((weights @ value - v["y"]) ** 2).mean()


def torch_lstm(torch: Any, v: Arrays) -> Any:
    """An LSTM over time and the squared error of its last state."""
    zero = torch.zeros(1, len(v["x"]), v["U"].shape[1])
    flat = [v["W"], v["U"], v["b"], torch.zeros_like(v["b"])]
    _, last, _ = torch.lstm(v["x"], (zero, zero), flat, True, 1, 0.0, True, False, True)
    return torch.nn.functional.mse_loss(last[0], v["y"])


def jax_lstm(jax: Any, v: Arrays) -> Any:
    """An LSTM over time and the squared error of its last state."""

    def step(carry: Any, x: Any) -> Any:
        h, c = carry
        i, f, g, o = jax.numpy.split(x @ v["W"].T + h @ v["U"].T + v["b"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
        return (jax.nn.sigmoid(o) * jax.numpy.tanh(c), c), None

    zero = jax.numpy.zeros_like(v["x"][:, 0])
    (last, _), _ = jax.lax.scan(step, (zero, zero), v["x"].transpose(1, 0, 2))
    return ((last - v["y"]) ** 2).mean()
