"""Small networks made by chance, as network files: for exercises and for tests."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

SUMS, VALUES, WEIGHTS = "suvm", "zhgk", "wpqr"
FUNCTIONS = ("relu", "relu", "tanh", "sigmoid")
"""What the neurons of a network made by chance compute; ReLU, which is easy by hand, comes up most."""

MOST_LAYERS = len(SUMS)


def random_network(seed: int) -> str:
    """A network small enough for pen and paper: two inputs and two hidden layers of two or three neurons."""
    chance = random.Random(f"network {seed}")
    widths = [2, *chance.choice(((2, 2), (3, 2), (2, 3))), 1]
    return layered(widths, chance.choice(FUNCTIONS), seed, f"A network made by chance, seed {seed}")


def layered(widths: Sequence[int], function: str = "relu", seed: int = 0, title: str = "") -> str:
    """The text of a fully connected network of scalars, named as in the lecture: first index start, second end.

    Parameters
    ----------
    widths : the number of inputs, of neurons in each hidden layer (at most four layers), and 1 for the output.
    function : what every neuron computes of its sum.
    seed : chooses inputs, target and weights, all of them whole or in quarters.

    Raises
    ------
    ValueError : several outputs, or no hidden layer or too many.
    """
    *hidden, last = widths[1:]
    if last != 1 or not 1 <= len(hidden) <= MOST_LAYERS:
        raise ValueError(f"one output and 1 to {MOST_LAYERS} hidden layers are possible, not {list(widths)}")
    chance = random.Random(f"values {seed}")
    before = [f"x{at}" for at in range(1, widths[0] + 1)]
    values = {name: f"{chance.choice((-2, -1, 1, 2, 3))}" for name in before}
    nodes: dict[str, str] = {}
    for layer, width in enumerate(hidden):
        for end in range(1, width + 1):
            links = {_weight(WEIGHTS[layer], start, end): name for start, name in enumerate(before, 1)}
            values |= {weight: _quarter(chance) for weight in links}
            nodes[f"{SUMS[layer]}{end}"] = " + ".join(f"{weight}*{name}" for weight, name in links.items())
        nodes |= {f"{VALUES[layer]}{end}": f"f({SUMS[layer]}{end})" for end in range(1, width + 1)}
        before = [f"{VALUES[layer]}{end}" for end in range(1, width + 1)]
    links = {f"c{start}": name for start, name in enumerate(before, 1)}
    values |= {weight: _quarter(chance) for weight in links}
    nodes["a"] = " + ".join(f"{weight}*{name}" for weight, name in links.items())
    values["y"] = f"{chance.choice((-1, 0, 1, 2))}"
    return _file_text(title or "A network made by chance", nodes, function, values)


def _file_text(title: str, nodes: Mapping[str, str], function: str, values: Mapping[str, str]) -> str:
    """The text of a network file with the target y, the output a and a squared loss.

    Parameters
    ----------
    nodes : formulas by name.
    values : numbers by name; those in x are inputs, y is the target, all others are parameters.
    """
    inputs = [f'"{name}"' for name in values if name[0] == "x"]
    parameters = [f'"{name}"' for name in values if name[0] not in "xy"]
    sections = {
        "nodes": {name: f'"{formula}"' for name, formula in nodes.items()},
        "functions": {"f": f'"{function}"'},
        "values": values,
    }
    lines = [
        f'title = "{title}"',
        f"inputs = [{', '.join(inputs)}]",
        'targets = ["y"]',
        f"parameters = [{', '.join(parameters)}]",
        'output = "a"',
        'loss = "(a - y)**2"',
    ]
    for section, rows in sections.items():
        lines += ["", f"[{section}]", *(f"{name} = {text}" for name, text in rows.items())]
    return "\n".join(lines) + "\n"


def _weight(letter: str, start: int, end: int) -> str:
    """w12 from 1 to 2; w_1_10 where an index has two digits."""
    return f"{letter}{start}{end}" if max(start, end) < 10 else f"{letter}_{start}_{end}"


def _quarter(chance: random.Random) -> str:
    """A weight that is easy to multiply by: a quarter of a whole number, never zero."""
    return f"{chance.choice((-1, 1)) * chance.randint(1, 8) / 4:g}"
