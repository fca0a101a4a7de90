"""Gradient descent with a compiled kernel: three neurons learn a bump, and the descent says why it stopped.

python examples/descent.py
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import backpropsym as bp


def network(neurons: int) -> bp.Network:
    """One hidden layer of tanh neurons with biases, one input, one output."""
    net = bp.Network(f"One hidden layer of {neurons} neurons")
    x = net.input("x")
    y = net.target("y")
    total = net.parameter("c")
    for k in range(1, neurons + 1):
        w, b, p = net.parameter(f"w{k} b{k} p{k}")
        h = net.node(f"h{k}", bp.tanh(w * x + b))
        total = total + p * h
    a = net.node("a", total)
    net.output = a
    net.loss = bp.mse(a, y)
    return net


def descend(
    net: bp.Network, data: Mapping[str, Any], rate: float = 0.1, eps: float = 1e-4, most: int = 20_000
) -> tuple[list[float], str]:
    """Gradient descent from random parameters.

    Parameters
    ----------
    data : inputs and targets, shape (objects,).
    rate : the step, eta.
    eps : stop when the norm of the change of the parameters is below it.
    most : stop after so many steps.

    Returns
    -------
    The loss before each step, and why the descent stopped.
    """
    kernel = bp.compile(net)
    parameters = net.init(seed=0)
    losses = []
    for count in range(1, most + 1):
        value, gradients = kernel(**data, **parameters)
        losses.append(float(value))
        change = {name: -rate * gradient for name, gradient in gradients.items()}
        parameters = {name: parameters[name] + change[name] for name in parameters}
        norm = math.sqrt(sum(float(each) ** 2 for each in change.values()))
        if norm < eps:
            return losses, f"the parameters moved by less than {eps:g} in step {count:,}"
    return losses, f"{most:,} steps were made"


def main() -> None:
    """Fit exp(-x**2) at 41 points in [-2, 2]."""
    x = np.linspace(-2, 2, 41)
    losses, reason = descend(network(3), {"x": x, "y": np.exp(-(x**2))})
    print(f"loss {losses[0]:.4f} before, {losses[-1]:.4f} after; stopped: {reason}")


if __name__ == "__main__":
    main()
