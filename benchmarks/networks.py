"""The networks of the benchmarks, as network files and as the straight-line Python that a person would write."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Dense:
    """A fully connected network of scalars: inputs x*, weights w*, tanh neurons, one linear output, squared loss.

    `widths` are the numbers of neurons a layer, the inputs first.
    """

    widths: tuple[int, ...]

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs."""
        return [f"x{i}" for i in range(self.widths[0])]

    @property
    def weights(self) -> list[str]:
        """The names of the weights, layer by layer, [out, in] within a layer."""
        return [name for layer in range(1, len(self.widths)) for row in self.matrix(layer) for name in row]

    def matrix(self, layer: int) -> list[list[str]]:
        """The names of the weights into a layer, one row a neuron."""
        below, here = self.widths[layer - 1], self.widths[layer]
        return [[f"w{layer}_{j}_{i}" for i in range(below)] for j in range(here)]

    def neurons(self, layer: int) -> list[str]:
        """The names of the outputs of a layer."""
        if layer == 0:
            return self.inputs
        last = layer == len(self.widths) - 1
        return ["a"] if last else [f"z{layer}_{j}" for j in range(self.widths[layer])]

    def toml(self) -> str:
        """The network file."""
        nodes = []
        for layer in range(1, len(self.widths)):
            for name, row in zip(self.neurons(layer), self.matrix(layer), strict=True):
                total = " + ".join(f"{w}*{z}" for w, z in zip(row, self.neurons(layer - 1), strict=True))
                if name == "a":
                    nodes.append(f'a = "{total}"')
                else:
                    nodes += [f's{name} = "{total}"', f'{name} = "tanh(s{name})"']
        head = [f"inputs = {self.inputs}", 'targets = ["y"]', f"parameters = {self.weights}", 'output = "a"']
        return "\n".join([*head, 'loss = "(a - y)**2"', "[nodes]", *nodes]).replace("'", '"')

    def values(self) -> dict[str, float]:
        """Numbers for every name, of a size that keeps the neurons out of saturation."""
        source = random.Random(0)
        inputs = {name: source.uniform(-1.0, 1.0) for name in [*self.inputs, "y"]}
        return inputs | {name: source.gauss(0.0, max(self.widths) ** -0.5) for name in self.weights}

    def by_hand(self) -> str:
        """Value and gradients as straight-line Python, a function `hand` of keywords."""
        arguments = ", ".join([*self.inputs, "y", *self.weights])
        lines = ["from math import tanh", f"def hand(*, {arguments}):"]
        last = len(self.widths) - 1
        for layer in range(1, last + 1):
            for name, row in zip(self.neurons(layer), self.matrix(layer), strict=True):
                total = " + ".join(f"{w}*{z}" for w, z in zip(row, self.neurons(layer - 1), strict=True))
                lines.append(f"    {name} = {total}" if name == "a" else f"    {name} = tanh({total})")
        lines += ["    r = a - y", "    d_a = 2.0*r"]
        for layer in range(last - 1, 0, -1):
            for j, name in enumerate(self.neurons(layer)):
                column = [row[j] for row in self.matrix(layer + 1)]
                total = " + ".join(f"d_{up}*{w}" for up, w in zip(self.neurons(layer + 1), column, strict=True))
                lines.append(f"    d_{name} = ({total})*(1.0 - {name}*{name})")
        items = [
            f'"{weight}": d_{name}*{below}'
            for layer in range(1, last + 1)
            for name, row in zip(self.neurons(layer), self.matrix(layer), strict=True)
            for weight, below in zip(row, self.neurons(layer - 1), strict=True)
        ]
        return "\n".join([*lines, f"    return r*r, {{{', '.join(items)}}}"])

    def loss(self, functions: Mapping[str, Callable[[Any], Any]], values: Mapping[str, Any]) -> Any:
        """The loss in the numbers or symbols of another library."""
        below = [values[name] for name in self.inputs]
        for layer in range(1, len(self.widths)):
            rows = self.matrix(layer)
            sums = [
                sum(values[w] * z for w, z in zip(row[1:], below[1:], strict=True)) + values[row[0]] * below[0]
                for row in rows
            ]
            below = list(map(functions["tanh"], sums)) if layer < len(self.widths) - 1 else sums
        return (below[0] - values["y"]) ** 2

    def mean_loss(self, functions: Mapping[str, Callable[[Any], Any]], values: Mapping[str, Any]) -> Any:
        """The mean of the loss over arrays of objects."""
        return self.loss(functions, values).mean()


LECTURE_WEIGHTS = [f"{w}{i}{j}" for w, i, j in itertools.product("wv", "12", "12")] + ["p11", "p21"]


@dataclass(frozen=True)
class Lecture:
    """The lecture's network with `activation`, tanh or relu."""

    activation: str

    @property
    def weights(self) -> list[str]:
        """The names of the weights."""
        return LECTURE_WEIGHTS

    def toml(self) -> str:
        """The network file."""
        text = resources.files("backpropsym").joinpath("examples", "lecture.toml").read_text(encoding="utf-8")
        return text.replace('f = "relu"', f'f = "{self.activation}"')

    def by_hand(self) -> str:
        """Value and gradients as a person writes them down, a function `hand` of keywords."""
        forward = {"relu": "{s} if {s} > 0.0 else 0.0", "tanh": "tanh({s})"}[self.activation]
        backward = {"relu": "{d} if {s} > 0.0 else 0.0", "tanh": "({d})*(1.0 - {z}*{z})"}[self.activation]
        lines = ["from math import tanh", f"def hand(*, {', '.join(['x1', 'x2', 'y', *LECTURE_WEIGHTS])}):"]
        sums = {"s1": "w11*x1 + w21*x2", "s2": "w12*x1 + w22*x2", "u1": "v11*z1 + v21*z2", "u2": "v12*z1 + v22*z2"}
        for (s, total), z in zip(sums.items(), ("z1", "z2", "h1", "h2"), strict=True):
            lines += [f"    {s} = {total}", f"    {z} = {forward.format(s=s)}"]
        lines += ["    r = p11*h1 + p21*h2 - y", "    d = 2.0*r"]
        above = {"u1": "d*p11", "u2": "d*p21", "s1": "d_u1*v11 + d_u2*v12", "s2": "d_u1*v21 + d_u2*v22"}
        for (s, total), z in zip(above.items(), ("h1", "h2", "z1", "z2"), strict=True):
            lines.append(f"    d_{s} = {backward.format(d=total, s=s, z=z)}")
        layers = (("w", "s", "x"), ("v", "u", "z"))
        gradients = {f"{w}{i}{j}": f"d_{s}{j}*{x}{i}" for w, s, x in layers for i in "12" for j in "12"}
        gradients |= {"p11": "d*h1", "p21": "d*h2"}
        items = ", ".join(f'"{name}": {gradients[name]}' for name in LECTURE_WEIGHTS)
        return "\n".join([*lines, f"    return r*r, {{{items}}}"])

    def loss(self, functions: Mapping[str, Callable[[Any], Any]], v: Mapping[str, Any]) -> Any:
        """The loss in the numbers or symbols of another library."""
        f = functions[self.activation]
        z1, z2 = f(v["w11"] * v["x1"] + v["w21"] * v["x2"]), f(v["w12"] * v["x1"] + v["w22"] * v["x2"])
        h1, h2 = f(v["v11"] * z1 + v["v21"] * z2), f(v["v12"] * z1 + v["v22"] * z2)
        return (v["p11"] * h1 + v["p21"] * h2 - v["y"]) ** 2
