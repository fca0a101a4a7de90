"""An activation of one's own, x + sin(x)**2: its derivative, and the proof.

python examples/own_activation.py
"""

from __future__ import annotations

import backpropsym as bp


def network() -> bp.Network:
    """One neuron with the activation, named `snake`, and a trained frequency.

    References
    ----------
    Ziyin, Hartwig and Ueda, Neural networks fail to learn periodic functions and how to fix it, 2020.
    """
    net = bp.Network("A neuron with a periodic activation")
    x = net.input("x")
    y = net.target("y")
    w, b, alpha = net.parameter("w b alpha")
    snake = net.function("snake(x, alpha)", "x + sin(alpha*x)**2/alpha")
    s = net.node("s", w * x + b)
    a = net.node("a", snake(s, alpha))
    net.output = a
    net.loss = bp.mse(a, y)
    return net


def main() -> None:
    """Print the derivatives of the output, and prove all gradients."""
    net = network()
    for name in net.parameters:
        print(f"da/d{name} =", net.derive("a", wrt=name).expression())
    report = bp.check(net, seed=0)
    report.raise_for_failure()
    print("every gradient is proved:", report.passed)


if __name__ == "__main__":
    main()
