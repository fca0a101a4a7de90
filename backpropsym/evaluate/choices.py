"""Which values choose entries by data, and the whole numbers that they may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backpropsym.arrays import Array
from backpropsym.errors import Problem, ValuesError
from backpropsym.formula.affine import affine
from backpropsym.formula.tree import Index, Name, names
from backpropsym.graph.graph import Graph
from backpropsym.ops.kinds import Elementwise, Reduction, View
from backpropsym.ops.size_values import whole_range
from backpropsym.ops.sizes import Dimension, size_sum
from backpropsym.ops.subscripts import Span, Subscript, read_subscript

Use = tuple[int, Dimension, Dimension, Dimension]
"""A position that is factor*q + rest, rest from low to high, on an axis of so many entries."""


@dataclass(frozen=True, slots=True)
class Choice:
    """All positions that one value is used for, each as (factor, low, high, size)."""

    uses: tuple[Use, ...]

    def ends(self, sizes: Mapping[str, int] | None = None) -> tuple[int, int] | None:
        """The smallest and largest value that stays on every axis; None where a size has no number.

        The smallest is above the largest where no value does.
        """
        return whole_range(self.uses, sizes or {})

    def drawn(self, name: str) -> tuple[int, int]:
        """From and up to where numbers for `name` are drawn, as NumPy counts: the end is not included.

        Raises
        ------
        ValuesError : there are none.
        """
        ends = self.ends()
        if ends is None or ends[0] > ends[1]:
            message = f"no whole number keeps all entries inside that {name} chooses"
            raise ValuesError(message, fix="choose them by inputs of their own")
        return ends[0], ends[1] + 1


def choices(graph: Graph) -> dict[str, Choice]:
    """The nodes that stand in positions of entries, each with its uses."""
    found: dict[str, Choice] = {}
    for node in graph.nodes.values():
        if isinstance(node.op, View) and any(name in graph.nodes for each in node.op.source for name in names(each)):
            spans = {index: Span(0, size) for index, size in zip(node.op.indices, node.shape, strict=True)}
            for axis, source in enumerate(node.op.source):
                position = read_subscript(source, graph.nodes, node.op.indices)
                if position is not None and position.data is not None:
                    use = position.factor, *position.reach(spans), graph[node.op.operand].shape[axis]
                    _add(found, _named(position), (use,))
    return found


def whole_nodes(graph: Graph) -> dict[str, Choice]:
    """The same with the nodes that those are read or counted from: all that hold whole numbers.

    Where numbers are drawn at random, these are drawn whole and inside.
    """
    direct = choices(graph)
    found = dict(direct)
    for name, choice in direct.items():
        uses = choice.uses
        while (step := _counted_from(graph, name)) is not None:
            name, factor, rest = step
            uses = tuple(_counted_on(use, factor, rest) for use in uses)
            _add(found, name, uses)
    return found


def position_nodes(graph: Graph) -> dict[str, Choice]:
    """The same with everything that positions are computed from, by whatever operations.

    Whole numbers drawn for sums and joined arrays stay inside; for products and the like they are worth a try.
    """
    found = whole_nodes(graph)
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        for parent, multiple, rest in _computed_from(graph, name):
            if parent not in found:
                tried = Choice(tuple(_counted_on(use, multiple, rest) for use in found[name].uses))
                ends = tried.ends()
                found[parent] = found[name] if ends is not None and ends[0] > ends[1] else tried
                waiting.append(parent)
    return found


def misplaced(name: str, array: Array, low: int, high: int) -> Problem | None:
    """What is wrong with numbers that choose entries, if any of them is not a whole number from `low` to `high`."""
    if np.all((array >= low) & (array <= high) & (array == np.floor(array))):
        return None
    if low > high:
        message = f"{name} chooses entries of several axes, and no whole number keeps all of them inside"
        return Problem(message, fix="choose them by inputs of their own")
    message = f"{name} chooses an entry, and is not a whole number from {low} to {high}"
    fix = f"give {name} = {low}" if low else f"give {name} as a class or row, which counts from zero"
    return Problem(message, fix=fix)


def _counted_from(graph: Graph, name: str) -> tuple[str, int, int] | None:
    """What the entries of a node are whole multiples of: a node, the factor, and what is added."""
    match graph[name].op:
        case View(operand):
            return operand, 1, 0
        case Elementwise(formula) if len(names(formula)) == 1:
            position = read_subscript(formula, graph.nodes)
            if position is not None and isinstance(position.data, Name):
                return position.data.name, position.factor, position.rest.get("", 0)
    return None


def _computed_from(graph: Graph, name: str) -> list[tuple[str, int, int]]:
    """What a node is computed from, each with a multiple and what is added, such that either keeps the whole inside.

    A sum of n terms is the mean of n times each of them.
    """
    match graph[name].op:
        case View(operand):
            return [(operand, 1, 0)]
        case Reduction("sum", operand, axes):
            return [(operand, math.prod(int(graph[operand].shape[axis]) for axis in axes), 0)]
        case Elementwise(formula):
            terms = affine(formula) or {}
            weights = {each: int(value) for each, value in terms.items() if each and value}
            if weights and all(value.denominator == 1 for value in terms.values()):
                return [(each, len(weights) * weight, int(terms.get("", 0))) for each, weight in weights.items()]
    return [(parent, 1, 0) for parent in graph[name].parents]


def _counted_on(use: Use, multiple: int, rest: int) -> Use:
    """The same for p, where q = multiple*p + rest."""
    factor, low, high, size = use
    shift = factor * rest
    return factor * multiple, size_sum([low, shift]), size_sum([high, shift]), size


def _named(position: Subscript) -> str:
    """The node that chooses."""
    data = position.data.base if isinstance(position.data, Index) else position.data
    assert isinstance(data, Name), "refused when the network was read"
    return data.name


def _add(found: dict[str, Choice], name: str, uses: tuple[Use, ...]) -> None:
    found[name] = Choice((*(found[name].uses if name in found else ()), *uses))
