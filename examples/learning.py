"""What one hidden layer can learn, and what it cannot: width, and digits that are shifted.

    python examples/learning.py [STEPS]

First, a network with one hidden layer is fitted to a wave: the wider it is, the nearer it comes (Cybenko, 1989). Then a
fully connected and a convolutional network learn digits, and are asked about the same digits shifted by a pixel.
"""

from __future__ import annotations

import sys

import numpy as np

import backpropsym as bp
from backpropsym.learn.data import read_data
from backpropsym.learn.descent import Plan

WIDTHS = (1, 2, 4, 8, 16, 32)
NETWORKS = {
    "fully connected": "x[1,8,8] -> flatten -> dense(64, relu) -> dense(10) -> cross_entropy",
    "convolutional": "x[1,8,8] -> conv2d(16, 3) -> relu -> max_pool(2) -> flatten -> dense(10) -> cross_entropy",
}


def errors_by_width(steps: int) -> dict[int, float]:
    """The mean squared error of a network with one hidden layer on a wave, by its width."""
    x = np.linspace(-1.0, 1.0, 200)
    found = {}
    for width in WIDTHS:
        network = bp.parse(f"x[1] -> dense({width}, tanh) -> dense(1) -> mse")
        start = network.init(seed=1)
        start["W1"] = start["W1"] * 4.0
        start["b1"] = np.linspace(-4.0, 4.0, width)
        training = network.train({"x": x, "y": np.sin(4.0 * x)}, at=start, plan=Plan(rate=0.05, steps=steps))
        found[width] = training.after.train.objective
    return found


def shifted(images: np.ndarray, right: int) -> np.ndarray:
    """Pictures moved to the right; what enters is empty."""
    moved = np.zeros_like(images)
    moved[..., right:] = images[..., :-right]
    return moved


def right_answers(steps: int) -> dict[str, tuple[int, float, float]]:
    """Parameters, and the shares of right answers on digits of the test as they are and shifted by one pixel."""
    found = {}
    for name, text in NETWORKS.items():
        network = bp.parse(text)
        data = read_data(network.graph, "digits")
        training = network.train(data.train, data.test, plan=Plan(rate=0.1, batch=32, steps=steps))
        kernel = bp.compile(network)
        moved = {**training.parameters, **data.test, "x": shifted(data.test["x"], 1)}
        answers = kernel.intermediates(moved, [network.output])[network.output].argmax(axis=1)
        straight = training.after.test
        assert straight is not None and straight.right is not None
        size = sum(value.size for value in training.parameters.values())
        found[name] = size, straight.right, float(np.mean(answers == data.test["y"]))
    return found


def main(steps: int) -> None:
    """Print both tables."""
    print("width   mean squared error")
    for width, error in errors_by_width(2 * steps).items():
        print(f"{width:5}   {error:.2g}")
    print("\nnetwork           parameters   right   right, shifted")
    for name, (size, straight, moved) in right_answers(steps).items():
        print(f"{name:15}   {size:10,}   {straight:5.1%}   {moved:14.1%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
