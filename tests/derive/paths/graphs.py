"""Random graphs with numbers on their links, and graphs with more paths than can be listed."""

from __future__ import annotations

import random

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.graph.graph import Graph
from tests.derive.networks import network


def random_dag(seed: int) -> Derivation:
    """A derivative over a random graph of up to 13 nodes: skips, fan-out, negative links, dead links, equal links."""
    drawn = random.Random(seed)
    size = drawn.randint(2, 12)
    nodes = {}
    for j in range(1, size + 1):
        before = drawn.sample(range(j), drawn.randint(1, min(j, 4)))
        weights = (drawn.choice(["0", "1", "-1", "2", f"{drawn.uniform(-2, 2):.3f}"]) for _ in before)
        nodes[f"n{j}"] = " + ".join(f"({w})*{f'n{i}' if i else 'x'}" for w, i in zip(weights, before, strict=True))
        if drawn.random() < 0.3:
            nodes[f"n{j}"] += " - w*tanh(w)"
    graph = network(["x"], ["w"], nodes, f"n{size}")
    return Derivation(LocalDerivatives(graph), f"n{size}", "x")


POINT = {"x": 0.7, "w": -0.4}


def ladder(sides: list[tuple[float, float]]) -> Derivation:
    """One rung after another, each with a path through the left side and one through the right: 2**rungs paths."""
    nodes, before = {}, "x"
    for i, (left, right) in enumerate(sides):
        nodes |= {f"q{i}": f"{right!r}*{before}", f"r{i}": f"{left!r}*{before} + q{i}"}
        before = f"r{i}"
    graph = network(["x"], [], nodes, before)
    return Derivation(LocalDerivatives(graph), before, "x")


def dense(width: int, depth: int) -> Graph:
    """Fully connected layers with a number of its own on every link: width**depth paths."""
    drawn = random.Random(0)
    nodes, before = {}, ["x"]
    for layer in range(depth):
        after = [f"h{layer}_{j}" for j in range(width)]
        for name in after:
            nodes[name] = " + ".join(f"{drawn.uniform(-1, 1):.4f}*{each}" for each in before).replace("+ -", "- ")
        before = after
    nodes["a"] = " + ".join(before)
    return network(["x"], [], nodes, "a")
