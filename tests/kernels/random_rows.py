"""Random networks that read arrays row by row, as recurrent ones do: what the passes of the compiler look for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FUNCTIONS = ("sigmoid", "tanh", "softplus", "exp")


def recurrent(random: np.random.Generator) -> str:
    """A recurrent network with random gates, read in a random direction along a random axis of its input."""
    steps, width, features = (int(random.integers(low, 6)) for low in (2, 1, 1))
    gates = [str(each) for each in random.choice(["sigmoid", "tanh", "softplus"], size=random.integers(1, 5))]
    first, bias, gated = (bool(each) for each in random.integers(0, 2, size=3))
    rows = random.permutation(steps) if random.integers(0, 2) else np.arange(steps)[:: random.choice([-1, 1])]
    shape = [steps, features] if first else [features, steps]
    lines = [f"inputs = {{x = {shape}}}"]
    size = len(gates) * width
    lines += [f"parameters = {{W = [{size}, {features}], U = [{size}, {width}], b = [{size}], v = [{width}]}}"]
    lines += ['output = "a"', "[nodes]"]
    for step, row in enumerate(rows):
        terms = [f"W @ x[{row}]" if first else f"W @ x[:, {row}]", *(["b"] if bias else [])]
        terms += [f"U @ h{step - 1}"] if step else []
        lines.append(f'g{step} = "reshape({" + ".join(random.permutation(terms))}, {len(gates)}, {width})"')
        parts = [f"{name}(g{step}[{gate}])" for gate, name in enumerate(gates)]
        kept = [f"tanh(h{step - 1})"] if step and gated else []
        lines.append(f'h{step} = "{"*".join([*parts, *kept])} + v"')
    every = bool(random.integers(0, 2))
    read = " + ".join(f"sum(h{step}*h{step})" for step in range(steps)) if every else f"sum(h{steps - 1})"
    return "\n".join([*lines, f'a = "{read} + sum(W*W) + sum(b)"'])


@dataclass(frozen=True)
class _Sizes:
    steps: int
    features: int
    width: int
    gates: int


def random_rows(random: np.random.Generator, equal: bool) -> str:
    """A network of shared weights, gates and rows in many uses; its sizes are all 3, or all different."""
    sizes = _Sizes(3, 3, 3, 3) if equal else _Sizes(4, 2, 3, 5)
    return _Rows(random, sizes).text()


class _Rows:
    """One such network while it grows."""

    def __init__(self, random: np.random.Generator, sizes: _Sizes) -> None:
        self.random = random
        self.sizes = sizes
        self.first = self.chance(0.6)
        self.shared = sizes.gates * sizes.width == sizes.width or (sizes.features == sizes.width and self.chance(0.6))
        self.bias = str(random.choice(["b", "c", "s", ""]))
        self.split = int(random.integers(0, 3))

    def chance(self, share: float) -> bool:
        """Whether something happens."""
        return bool(self.random.random() < share)

    def text(self) -> str:
        """The network file."""
        steps, features, width, gates = self.sizes.steps, self.sizes.features, self.sizes.width, self.sizes.gates
        size = gates * width
        shape = [steps, features] if self.first else [features, steps]
        kinds = "inputs = {{x = {0}, y = [2]}}\nparameters = {{{1}}}"
        weights = f"W = [{size}, {features}], U = [{size}, {width}], b = [{size}], c = [1], s = [], v = [{width}]"
        if self.chance(0.3):
            kinds, weights = "inputs = {{y = [2]}}\nparameters = {{{1}}}", f"x = {shape}, {weights}"
        lines = [kinds.format(shape, weights), 'output = "a"', "[nodes]"]
        order = self.random.permutation(steps) if self.chance(0.5) else np.arange(steps)[:: self.random.choice([-1, 1])]
        for step, row in enumerate(order):
            lines += [f'k{step} = "{self.before(step, int(row))}"', f'h{step} = "{self.state(step)}"']
        return "\n".join([*lines, f'a = "{self.read()}"'])

    def row(self, index: int) -> str:
        """One row of the input."""
        return f"x[{index}]" if self.first else f"x[:, {index}]"

    def before(self, step: int, row: int) -> str:
        """What the gates are functions of."""
        terms = [f"W @ {self.row(row)}", *([self.bias] if self.bias else [])]
        terms += [f"{'W' if self.shared else 'U'} @ h{step - 1}"] if step else []
        terms += [self.bias] if self.bias and self.chance(0.2) else []
        total = " + ".join(self.random.permutation(terms))
        shape = (self.sizes.gates, self.sizes.width) if self.split < 2 else (self.sizes.width, self.sizes.gates)
        return f"reshape({total}, {shape[0]}, {shape[1]})"

    def state(self, step: int) -> str:
        """A state from the gates, the state before and the vector v."""
        parts = []
        for gate in range(self.sizes.gates):
            name = FUNCTIONS[gate % 2] if self.chance(0.7) else str(self.random.choice(FUNCTIONS[:3]))
            part = f"k{step}[{gate}]" if self.split < 2 else f"k{step}[:, {gate}]"
            parts.append(f"{name}({part})" if self.chance(0.8) else f"({part} + v)")
        parts += [f"h{step - 1}"] if step and self.chance(0.4) else []
        half = len(parts) // 2
        return f"tanh({'*'.join(parts[:half] or ['v'])}) + tanh({'*'.join(parts[half:])})"

    def read(self) -> str:
        """A number from states and rows."""
        steps = self.sizes.steps
        states = range(steps) if self.chance(0.6) else [steps - 1]
        terms = [f"sum(h{step}*h{step})" for step in states]
        same = self.sizes.features == self.sizes.width
        terms += [f"sum(h{step}*{self.row(step)})" for step in range(steps) if same and self.chance(0.4)]
        rows = [f"sum(exp(-{self.row(step)})*{self.row(step)})" for step in range(steps)]
        terms += rows if self.chance(0.3) else []
        terms += ["sum(W*W)*sum(y)"] if self.chance(0.3) else []
        terms += [f"sum({self.row(0)}*{self.row(1)})*s + sum(b)"] if self.chance(0.3) else []
        return " + ".join(terms)
