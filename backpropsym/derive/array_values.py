"""Arrays for the leaves of a network of tensors, checked against their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from backpropsym.errors import Problem, ValuesError
from backpropsym.formula.tree import names
from backpropsym.graph import Graph, Role
from backpropsym.ops.kinds import View
from backpropsym.ops.real_numbers import real_array
from backpropsym.ops.size_values import size_value, solved_sizes
from backpropsym.ops.sizes import Dimension
from backpropsym.spec.given import given_numbers


def array_leaves(
    graph: Graph, values: Mapping[str, Any], needed: Iterable[str]
) -> tuple[dict[str, Any], int | None, dict[str, int]]:
    """Arrays for the leaves among `needed` and for those that tell sizes, the number of objects, the sizes of symbols.

    Inputs and targets may have a leading axis of objects; if one has it, the others are repeated for every object.

    Raises
    ------
    ValuesError : arrays are missing, are not numbers, have other shapes, or are given to what the network does not
        have; all mistakes.
    """
    pool = {**graph.values, **given_numbers(graph, values), **graph.constants}
    needed = frozenset(needed)
    needed |= graph.sizing(needed)
    leaves = [name for name in graph.nodes if name in needed and graph[name].role is not Role.VALUE]
    problems: list[Problem] = []
    arrays: dict[str, Any] = {}
    for name in leaves:
        if name not in pool:
            problems.append(
                Problem(
                    f"no numbers are given for {name}",
                    fix=f"give an array of shape {graph[name].shape} as a keyword, with --at FILE or in [values]",
                )
            )
            continue
        array, wrong = real_array(pool[name])
        if wrong:
            fix = f"give real numbers in an array of shape {graph[name].shape}"
            problems.append(Problem(f"the value of {name} is not an array of numbers: {wrong}", fix=fix))
        else:
            arrays[name] = array.astype(float)
    sizes = solved_sizes(
        pair
        for name, array in arrays.items()
        for pair in zip(graph[name].shape, _own(graph, name, array), strict=False)
    )
    batch = {name: len(array) for name, array in arrays.items() if _matches(graph, name, array.shape, sizes, problems)}
    if len(set(batch.values())) > 1:
        found = ", ".join(f"{name} has {count}" for name, count in batch.items())
        problems.append(Problem(f"the numbers of objects differ: {found}", fix="give every batch the same length"))
    problems += [problem for name, array in arrays.items() if (problem := _choice_problem(graph, name, array, sizes))]
    if problems:
        raise ValuesError(problems)
    count = next(iter(batch.values()), None)
    if count is not None:
        for name in arrays:
            if name in graph.batched and name not in batch:
                arrays[name] = np.broadcast_to(arrays[name], (count, *arrays[name].shape))
    return arrays, count, sizes


def choices(graph: Graph) -> dict[str, Dimension]:
    """The leaves that choose an entry of a node by data, with the size of the axis they choose from."""
    found: dict[str, Dimension] = {}
    for node in graph.nodes.values():
        if isinstance(node.op, View):
            for axis, source in enumerate(node.op.source):
                chosen = (name for name in names(source) if name in graph.nodes)
                found |= {name: graph[node.op.operand].shape[axis] for name in chosen}
    return found


def whole_leaves(graph: Graph) -> dict[str, Dimension]:
    """The leaves from which positions are read, also by way of other nodes, with the size of the axis they choose from.

    Where numbers are drawn at random, these are drawn whole and inside.
    """
    found: dict[str, Dimension] = {}
    for name, size in choices(graph).items():
        while isinstance(op := graph[name].op, View):
            name = op.operand
        found[name] = size
    return found


def _choice_problem(graph: Graph, name: str, array: Any, sizes: Mapping[str, int]) -> Problem | None:
    """What is wrong with numbers that choose entries: they are whole and count from zero."""
    size = choices(graph).get(name)
    limit = None if size is None else size_value(size, sizes)
    if limit is None or np.all((array >= 0) & (array < limit) & (array == np.floor(array))):
        return None
    return Problem(f"{name} chooses an entry, and is not a whole number from 0 to {limit - 1}", fix=f"give {name} = 0")


def _own(graph: Graph, name: str, array: Any) -> tuple[int, ...]:
    """The shape of an array without its leading axis of objects."""
    shape: tuple[int, ...] = array.shape
    return shape[name in graph.batched and len(shape) == len(graph[name].shape) + 1 :]


def _matches(
    graph: Graph, name: str, shape: tuple[int, ...], sizes: Mapping[str, int], problems: list[Problem]
) -> bool:
    """Whether an array has a leading axis of objects; a shape that fits in neither way is a problem."""
    expected = graph[name].shape
    batched = name in graph.batched and len(shape) == len(expected) + 1
    own = shape[1:] if batched else shape
    if own != tuple(size_value(size, sizes) for size in expected):
        lead = f", or (objects, {', '.join(map(str, expected))})" if name in graph.batched else ""
        fix = f"give an array of shape ({', '.join(map(str, expected))}){lead}"
        problems.append(Problem(f"{name} has the shape {shape}", fix=fix))
        return False
    return batched
