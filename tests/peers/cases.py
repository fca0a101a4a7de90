"""The cases of cases.toml: ops, layers and losses in every option, with random shapes and numbers."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backpropsym.graph.graph import Graph
from backpropsym.spec.toml import parse_network

FILE = Path(__file__).with_name("cases.toml")
SMALLEST, LARGEST = 2, 4
Size = int | str


@dataclass(frozen=True)
class Case:
    """One op with some of its options.

    Attributes
    ----------
    fixed : the arrays by which nothing is derived.
    """

    formula: str
    torch: str
    shapes: Mapping[str, list[Size]]
    op: str = ""
    sizes: Mapping[str, list[int]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The op that the case is about."""
        return self.op or self.formula.partition("(")[0]

    @property
    def options(self) -> set[str]:
        """The options that it uses."""
        return set(re.findall(r"(\w+)=", self.formula))

    @property
    def constant(self) -> tuple[str, ...]:
        """The arrays by which nothing is derived, because they choose entries or because the case says so."""
        return tuple(name for name in self.shapes if name in self.fixed or self.values.get(name, "")[:5] == "class")


def read_cases() -> list[Case]:
    """The cases of the file, in its order."""
    listed = tomllib.loads(FILE.read_text(encoding="utf-8"))["case"]
    return [Case(**{**each, "fixed": tuple(each.get("fixed", ()))}) for each in listed]


CASES = read_cases()
BY_FORMULA = {f"{case.formula} | {case.torch}": case for case in CASES}


def drawn_shapes(case: Case, random: np.random.Generator) -> dict[str, tuple[int, ...]]:
    """Shapes with a random number for each letter."""
    letters = dict.fromkeys(size for shape in case.shapes.values() for size in shape if isinstance(size, str))
    bounds = {letter: case.sizes.get(letter, [SMALLEST, LARGEST]) for letter in letters}
    sizes = {letter: int(random.integers(low, high + 1)) for letter, (low, high) in bounds.items()}
    return {
        name: tuple(size if isinstance(size, int) else sizes[size] for size in shape)
        for name, shape in case.shapes.items()
    }


def drawn_values(case: Case, shapes: Mapping[str, tuple[int, ...]], random: np.random.Generator) -> dict[str, Any]:
    """An array for each name."""
    return {name: _array(case.values.get(name, ""), shape, random) for name, shape in shapes.items()}


def _array(kind: str, shape: tuple[int, ...], random: np.random.Generator) -> Any:
    match kind.split():
        case ["class", count]:
            return random.integers(0, int(count), size=shape).astype(float)
        case ["probability"]:
            found = random.uniform(0.1, 1.0, size=shape)
            return found / found.sum()
        case ["share"]:
            return random.uniform(0.1, 0.9, size=shape)
        case ["positive"]:
            return random.uniform(0.2, 2.0, size=shape)
        case ["mask"]:
            return random.integers(0, 2, size=shape).astype(float)
        case ["sign"]:
            return random.choice([-1.0, 1.0], size=shape)
        case []:
            return random.normal(size=shape)
        case _:
            raise ValueError(f"{FILE.name} has no values of the kind {kind!r}")


def network(case: Case, shapes: Mapping[str, tuple[int, ...]], weighted: bool = True) -> Graph:
    """The case as node `out`; with `weighted` the scalar `total`, the sum of `out` times an array `weights`."""
    declared = {name: list(shape) for name, shape in shapes.items()}
    inputs = {name: shape for name, shape in declared.items() if name in case.constant}
    text = f"[nodes]\nout = '{case.formula}'\n"
    output = "out"
    if weighted:
        inputs["weights"] = list(out_shape(case, shapes))
        text += "total = 'sum(out*weights)'\n"
        output = "total"
    parameters = {name: shape for name, shape in declared.items() if name not in case.constant}
    head = f"inputs = {_table(inputs)}\nparameters = {_table(parameters)}\noutput = '{output}'\n"
    return parse_network(head + text)


def batched_network(case: Case, shapes: Mapping[str, tuple[int, ...]]) -> Graph:
    """The weighted case with every array that is derived by given as an input plus a parameter."""
    free = [name for name in shapes if name not in case.constant]
    inputs = {f"{name}_in" if name in free else name: list(shape) for name, shape in shapes.items()}
    inputs["weights"] = list(out_shape(case, shapes))
    parameters = {f"{name}_own": list(shapes[name]) for name in free}
    nodes = "".join(f"{name} = '{name}_in + {name}_own'\n" for name in free)
    head = f"inputs = {_table(inputs)}\nparameters = {_table(parameters)}\noutput = 'total'\n[nodes]\n"
    return parse_network(f"{head}{nodes}out = '{case.formula}'\ntotal = 'sum(out*weights)'\n")


def out_shape(case: Case, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of the result."""
    return tuple(int(size) for size in network(case, shapes, weighted=False)["out"].shape)


def entries(shape: tuple[int, ...]) -> int:
    """The number of entries of an array."""
    return math.prod(shape)


def _table(shapes: Mapping[str, list[int]]) -> str:
    return "{" + ", ".join(f"{name} = {shape}" for name, shape in shapes.items()) + "}"
