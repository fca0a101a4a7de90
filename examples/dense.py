"""Write a fully connected network of scalars, without biases, as a network file.

    python examples/dense.py 8 16 16 1 > deep.toml
    python examples/dense.py 100 100 10 --activation relu > wide.toml

Widths go from the inputs to the outputs; several outputs are summed into one node, `a`. The weight `w2_3_1`
links neuron 3 of layer 1 to neuron 1 of layer 2. Weights are drawn from a fixed seed, so the file is the same every
time.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence


def network(widths: Sequence[int], activation: str, seed: int = 0) -> Iterator[str]:
    """The lines of the network file.

    Parameters
    ----------
    widths : neurons in each layer, the inputs first; at least two layers.
    activation : a registered function of one argument, applied in every layer but the last.
    """
    inputs = [f"x{i}" for i in range(1, widths[0] + 1)]
    nodes, weights = layers(inputs, widths[1:], activation)
    yield f'title = "Fully connected, {"-".join(map(str, widths))}, {activation}"'
    yield f"inputs = {listed(inputs)}"
    yield 'targets = ["y"]'
    yield f"parameters = {listed(list(weights))}"
    yield 'output = "a"'
    yield 'loss = "mse(a, y)"'
    yield ""
    yield "[nodes]"
    yield from (f'{name} = "{formula}"' for name, formula in nodes.items())
    yield ""
    yield "[values]"
    yield from (f"{name} = {value}" for name, value in numbers([*inputs, "y"], weights, seed).items())


def layers(inputs: Sequence[str], widths: Sequence[int], activation: str) -> tuple[dict[str, str], dict[str, int]]:
    """The formulas of all nodes, and the number of links into the neuron that each weight feeds."""
    nodes: dict[str, str] = {}
    weights: dict[str, int] = {}
    before = list(inputs)
    for layer, width in enumerate(widths, 1):
        last = layer == len(widths)
        now = []
        for j in range(1, width + 1):
            links = {f"w{layer}_{i}_{j}": name for i, name in enumerate(before, 1)}
            weights |= dict.fromkeys(links, len(links))
            total = "a" if last and width == 1 else f"{'o' if last else 's'}{layer}_{j}"
            nodes |= summed(total, [f"{weight}*{name}" for weight, name in links.items()])
            now.append(total)
            if not last:
                now[-1] = f"z{layer}_{j}"
                nodes[now[-1]] = f"{activation}({total})"
        before = now
    if widths[-1] > 1:
        nodes |= summed("a", before)
    return nodes, weights


def summed(name: str, terms: Sequence[str], most: int = 50) -> dict[str, str]:
    """A node that adds `terms`, in parts of at most `most`: a formula has a limited length."""
    nodes: dict[str, str] = {}
    while len(terms) > most:
        groups = [terms[start : start + most] for start in range(0, len(terms), most)]
        parts = {f"{name}_{len(nodes) + k}": " + ".join(group) for k, group in enumerate(groups, 1)}
        nodes |= parts
        terms = list(parts)
    return {**nodes, name: " + ".join(terms)}


def numbers(leaves: Sequence[str], weights: dict[str, int], seed: int) -> dict[str, float]:
    """Leaves uniform in [-1, 1]; weights normal, with variance 1 over the number of links of their neuron."""
    source = random.Random(seed)
    values = {name: round(source.uniform(-1, 1), 3) for name in leaves}
    return values | {name: round(source.gauss(0, count**-0.5), 3) for name, count in weights.items()}


def listed(names: Sequence[str], width: int = 110) -> str:
    """A TOML list of `names`, broken into lines where it is long."""
    lines, line = [], "   "
    for name in names:
        if len(line) + len(name) + 4 > width:
            lines.append(line)
            line = "   "
        line += f' "{name}",'
    if not lines:
        return f"[{line.strip().rstrip(',')}]"
    return "[\n" + "\n".join([*lines, line]) + "\n]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the network that the command line describes."""
    parser = argparse.ArgumentParser(description="Write a fully connected network of scalars as a network file.")
    parser.add_argument("widths", nargs="+", type=int, help="neurons in each layer, the inputs first")
    parser.add_argument("--activation", default="tanh", help="a registered function (default: tanh)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights (default: 0)")
    options = parser.parse_args(arguments)
    if len(options.widths) < 2 or min(options.widths) < 1:
        parser.error("give at least two widths, each at least 1")
    for line in network(options.widths, options.activation, options.seed):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
