"""Build a network in Python, derive a gradient, prove it and compile it.

python examples/build.py
"""

from __future__ import annotations

import backpropsym as bp


def gate() -> bp.Network:
    """A gate that mixes its input with a neuron: a = k h + (1 - k) x."""
    net = bp.Network("A gate")
    x = net.input("x")
    y = net.target("y")
    w, g = net.parameter("w g")
    h = net.node("h", bp.tanh(w * x))
    k = net.node("k", bp.sigmoid(g * x))
    a = net.node("a", k * h + (1 - k) * x)
    net.output = a
    net.loss = bp.mse(a, y)
    net.values = {"x": 1.0, "y": 0.5, "w": 0.8, "g": -0.4}
    return net


def main() -> None:
    """Print the derivative by g as paths, its number, and all gradients of the loss."""
    net = gate()
    derivation = net.derive("a", wrt="g")
    print(f"da/dg has {derivation.count} path")
    for term in derivation.terms:
        print("  ", " -> ".join(term.path), ":", term.product)
    print("at the network's values:", round(float(derivation.evaluate()), 12))

    bp.check(net, seed=0).raise_for_failure()
    print("every gradient is proved")

    value, gradients = bp.compile(net)(**net.values)
    print("loss", round(float(value), 12))
    for name, gradient in gradients.items():
        print(f"dloss/d{name}", round(float(gradient), 12))


if __name__ == "__main__":
    main()
