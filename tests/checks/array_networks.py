"""Networks of arrays, points in them, and plants: ways in which a derivative by an array may be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from backpropsym.checks.arrays.sample_points import ArrayPoint, find_points, with_sizes
from backpropsym.derive.local.entries import Access
from backpropsym.formula.algebra import add, mul, neg
from backpropsym.formula.tree import ZERO, Number
from backpropsym.graph.graph import Graph
from backpropsym.spec.toml import parse_network

TINY = 1e-9


def _misplaced(part: Any) -> Any:
    """Entries in other places: transposed where that has the same shape, else in reverse order."""
    if part.ndim > 1 and part.shape[-1] == part.shape[-2]:
        return np.swapaxes(part, -1, -2)
    return np.flip(part) if part.ndim else part


ARRAY_PLANTS: dict[str, Callable[[Any], Any]] = {
    "factor": lambda part: part * (1 + TINY),
    "sign": lambda part: -part,
    "dropped": lambda part: part * 0.0,
    "offset": lambda part: part + 1e-4,
    "transposed": _misplaced,
}
INDEX_PLANTS: dict[str, Callable[[Access], Access]] = {
    "factor": lambda access: replace(access, factor=mul([Number(1 + Fraction(1, 10**9)), access.factor])),
    "sign": lambda access: replace(access, factor=neg(access.factor)),
    "dropped": lambda access: replace(access, factor=ZERO),
    "offset": lambda access: replace(access, factor=add([access.factor, Number(Fraction(1, 10**4))])),
    "transposed": lambda access: replace(access, subscripts=tuple(reversed(access.subscripts))),
}


def network(*lines: str, nodes: str = "", **values: Any) -> Graph:
    """A network file in short: declarations, node formulas one a line, values."""
    numbers = "\n".join(f"{name} = {np.asarray(value).tolist()!r}" for name, value in values.items())
    return parse_network("\n".join([*lines, "[nodes]", nodes, "[values]", numbers]))


def points_of(graph: Graph, count: int = 2, seed: int = 0) -> tuple[Graph, list[ArrayPoint]]:
    """The graph with numbers for its sizes, and points in it."""
    sized = with_sizes(graph, {})
    return sized, list(find_points(sized, {}, count, np.random.default_rng(seed)).found[:count])
