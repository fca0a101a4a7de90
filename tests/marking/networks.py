"""Networks whose derivatives are claimed: the lecture's with any activation, and random ones of 4-8-8-1."""

from __future__ import annotations

import random
from functools import cache

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.graph.graph import Graph
from backpropsym.marking.examiner import Examiner
from backpropsym.spec.source import example_text
from backpropsym.spec.toml import parse_network

FUNCTIONS = ("tanh", "sigmoid", "relu", "abstract")
SMOOTH = ("tanh", "sigmoid")


@cache
def lecture(function: str) -> Graph:
    """The network of the lecture with another activation."""
    return parse_network(example_text("lecture").replace('f = "relu"', f'f = "{function}"'))


@cache
def dense(function: str, seed: int = 1) -> Graph:
    """Layers of 4, 8, 8 and 1 neurons with random links left out; every name is one of a person's."""
    drawn = random.Random(seed)
    widths, letters = (4, 8, 8), (("x", "s", "z", "w"), ("z", "u", "h", "v"))
    nodes, parameters = {}, []
    for (below, sums, values, weight), before, after in zip(letters, widths, widths[1:], strict=False):
        for j in range(1, after + 1):
            kept = sorted(drawn.sample(range(1, before + 1), before - drawn.randrange(2)))
            parameters += [f"{weight}{i}{j}" for i in kept]
            nodes[f"{sums}{j}"] = " + ".join(f"{weight}{i}{j}*{below}{i}" for i in kept)
            nodes[f"{values}{j}"] = f"f({sums}{j})"
    parameters += [f"p{i}" for i in range(1, 9)]
    nodes["a"] = " + ".join(f"p{i}*h{i}" for i in range(1, 9))
    lines = "\n".join(f'{name} = "{formula}"' for name, formula in nodes.items())
    inputs = [f"x{i}" for i in range(1, 5)]
    head = f'inputs = {inputs}\ntargets = ["y"]\nparameters = {parameters}\noutput = "a"\nloss = "(a - y)**2"\n'
    return parse_network(f'{head}[nodes]\n{lines}\n[functions]\nf = "{function}"\n')


def graph_of(network: str, function: str) -> Graph:
    return {"lecture": lecture, "dense": dense}[network](function)


def weight_of(network: str) -> str:
    """A weight of the first layer, whose derivative is a sum over paths."""
    return {"lecture": "w11", "dense": "w23"}[network]


@cache
def examiner(network: str, function: str, wrt: str, of: str = "a") -> Examiner:
    return Examiner(graph_of(network, function), of, wrt)


def derivation(network: str, function: str, wrt: str, of: str = "a") -> Derivation:
    return Derivation(LocalDerivatives(graph_of(network, function)), of, wrt)
