"""Value and gradients in NumPy as an expert writes them for one network, with nothing general about them."""

from __future__ import annotations

from typing import Any

import numpy as np

_KEPT: dict[Any, Any] = {}


def _array(name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
    """An array that is kept from call to call."""
    key = (name, shape, dtype)
    if key not in _KEPT:
        _KEPT[key] = np.empty(shape, dtype)
    return _KEPT[key]


def _cross_entropy(logits: Any, y: Any) -> tuple[float, Any]:
    """The mean loss, and its derivative by the logits, which overwrites them."""
    count = np.arange(len(y))
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[count, y]
    np.exp(logits, out=logits)
    total = logits.sum(axis=1, keepdims=True)
    value = float((np.log(total[:, 0]) - chosen).mean())
    logits /= total
    logits[count, y] -= 1.0
    logits /= np.float32(len(y))
    return value, logits


def perceptron_by_hand(x: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:  # noqa: N803
    """784-1000-10 with relu and cross entropy."""
    s = np.matmul(x, W1.T, out=_array("s", (len(x), len(W1))))
    s += b1
    z = np.maximum(s, 0.0, out=s)
    o = z @ W2.T
    o += b2
    value, d_o = _cross_entropy(o, y)
    d_s = np.matmul(d_o, W2, out=_array("d_s", s.shape))
    d_s *= z > 0.0
    return value, {"W1": d_s.T @ x, "b1": d_s.sum(axis=0), "W2": d_o.T @ z, "b2": d_o.sum(axis=0)}


def large_products(x: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> None:  # noqa: N803
    """The two products of 784 x 1000 that no implementation can leave out."""
    s = np.matmul(x, W1.T, out=_array("s", (len(x), len(W1))))
    np.matmul(s.T, x, out=_array("W1", W1.shape))


def _columns(x: Any, size: int, name: str) -> Any:
    """Every window of channels-first images (c, n, h, w) as a column: (c, i, j, n, r, s)."""
    c, n, h, w = x.shape
    rows, columns = h - size + 1, w - size + 1
    found = _array(name, (c, size, size, n, rows, columns))
    for i in range(size):
        for j in range(size):
            found[:, i, j] = x[:, :, i : i + rows, j : j + columns]
    return found


def _pool(z: Any, name: str) -> tuple[Any, tuple[Any, Any]]:
    """The maximum of each 2x2 window, and the maxima of its rows."""
    upper = np.maximum(z[..., ::2, ::2], z[..., ::2, 1::2], out=_array(name + "u", _halved(z)))
    lower = np.maximum(z[..., 1::2, ::2], z[..., 1::2, 1::2], out=_array(name + "l", _halved(z)))
    return np.maximum(upper, lower, out=_array(name + "p", _halved(z))), (upper, lower)


def _halved(z: Any) -> tuple[int, ...]:
    return (*z.shape[:-2], z.shape[-2] // 2, z.shape[-1] // 2)


def _pool_back(d: Any, z: Any, parts: tuple[Any, Any], name: str) -> Any:
    """The derivative by the input of a pool and of the relu before it; a tie goes to the first entry."""
    upper, lower = parts
    found = _array(name, z.shape)
    below = np.greater(lower, upper)
    for half, (row, taken) in enumerate(((upper, ~below), (lower, below))):
        part = d * taken
        part *= row > 0.0
        right = z[..., half::2, 1::2] > z[..., half::2, ::2]
        np.multiply(part, right, out=found[..., half::2, 1::2])
        np.multiply(part, ~right, out=found[..., half::2, ::2])
    return found


def lenet_by_hand(x: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:  # noqa: N803
    """conv 8@5x5, pool, conv 16@5x5, pool, dense 10; channels first, the batch inside."""
    n = len(x)
    columns1 = _columns(x.transpose(1, 0, 2, 3), 5, "columns1").reshape(25, -1)
    s1 = np.matmul(W1.reshape(8, 25), columns1, out=_array("s1", (8, n * 576)))
    s1 += b1[:, None]
    z1 = np.maximum(s1, 0.0, out=s1).reshape(8, n, 24, 24)
    p1, rows1 = _pool(z1, "1")
    columns2 = _columns(p1, 5, "columns2").reshape(200, -1)
    s2 = np.matmul(W2.reshape(16, 200), columns2, out=_array("s2", (16, n * 64)))
    s2 += b2[:, None]
    z2 = np.maximum(s2, 0.0, out=s2).reshape(16, n, 8, 8)
    p2, rows2 = _pool(z2, "2")
    flat = np.ascontiguousarray(p2.transpose(1, 0, 2, 3)).reshape(n, 256)
    o = flat @ W3.T
    o += b3
    value, d_o = _cross_entropy(o, y)
    d_p2 = (d_o @ W3).reshape(n, 16, 4, 4).transpose(1, 0, 2, 3)
    d_s2 = _pool_back(d_p2, z2, rows2, "d2").reshape(16, -1)
    d_columns = np.matmul(W2.reshape(16, 200).T, d_s2, out=_array("d_columns2", columns2.shape))
    d_columns = d_columns.reshape(8, 5, 5, n, 8, 8)
    d_p1 = _array("d_p1", p1.shape)
    d_p1[:] = 0.0
    for i in range(5):
        for j in range(5):
            d_p1[:, :, i : i + 8, j : j + 8] += d_columns[:, i, j]
    d_s1 = _pool_back(d_p1, z1, rows1, "d1").reshape(8, -1)
    gradients = {
        "W1": (d_s1 @ columns1.T).reshape(W1.shape),
        "b1": d_s1.sum(axis=1),
        "W2": (d_s2 @ columns2.T).reshape(W2.shape),
        "b2": d_s2.sum(axis=1),
        "W3": d_o.T @ flat,
        "b3": d_o.sum(axis=0),
    }
    return value, gradients
