"""Arrays for the leaves of a network of tensors, checked against their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from backpropsym.arrays import Array, Values
from backpropsym.errors import Problem, ValuesError
from backpropsym.evaluate.choices import Choice, choices, misplaced
from backpropsym.evaluate.given_numbers import given_numbers, missing_numbers
from backpropsym.graph.graph import Graph, Role
from backpropsym.ops.real_numbers import real_array
from backpropsym.ops.size_values import size_value, solved_sizes


def array_leaves(
    graph: Graph, values: Values, needed: Iterable[str]
) -> tuple[dict[str, Array], int | None, dict[str, int]]:
    """Arrays for the leaves among `needed` and for those that tell sizes, the number of objects, the sizes of symbols.

    Inputs and targets may have a leading axis of objects; if one has it, the others are repeated for every object.

    Raises
    ------
    ValuesError : arrays are missing, are not numbers, have other shapes, or are given to what the network does not
        have; all mistakes.
    """
    problems: list[Problem] = []
    arrays = _given_arrays(graph, values, needed, problems)
    sizes = solved_sizes(
        pair
        for name, array in arrays.items()
        for pair in zip(graph[name].shape, _own(graph, name, array), strict=False)
    )
    batch = {name: len(array) for name, array in arrays.items() if _matches(graph, name, array.shape, sizes, problems)}
    if len(set(batch.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in batch.items())
        problems.append(Problem(f"the numbers of objects differ: {counts}", fix="give every batch the same length"))
    chosen = choices(graph)
    found = (_choice_problem(chosen.get(name), name, array, sizes) for name, array in arrays.items())
    problems += [problem for problem in found if problem is not None]
    if problems:
        raise ValuesError(problems)
    count = next(iter(batch.values()), None)
    if count is not None:
        for name in arrays:
            if name in graph.batched and name not in batch:
                arrays[name] = np.broadcast_to(arrays[name], (count, *arrays[name].shape))
    return arrays, count, sizes


def _given_arrays(graph: Graph, values: Values, needed: Iterable[str], problems: list[Problem]) -> dict[str, Array]:
    """The leaves that have numbers as arrays of floats; that others have none is a problem."""
    pool = {**graph.values, **given_numbers(graph, values), **graph.constants}
    needed = frozenset(needed)
    needed |= graph.sizing(needed)
    leaves = [name for name, node in graph.nodes.items() if name in needed and node.role is not Role.VALUE]
    missing = [name for name in leaves if name not in pool]
    problems += [missing_numbers(graph, missing)] if missing else []
    arrays: dict[str, Array] = {}
    for name in leaves:
        if name not in pool:
            continue
        array, wrong = real_array(pool[name])
        if wrong:
            fix = f"give real numbers in an array of shape {graph[name].shape}"
            problems.append(Problem(f"the value of {name} is not an array of numbers: {wrong}", fix=fix))
        else:
            arrays[name] = array.astype(float)
    return arrays


def _choice_problem(choice: Choice | None, name: str, array: Array, sizes: Mapping[str, int]) -> Problem | None:
    """What is wrong with numbers that choose entries: they are whole and inside."""
    ends = None if choice is None else choice.ends(sizes)
    return misplaced(name, array, *ends) if ends else None


def _own(graph: Graph, name: str, array: Array) -> tuple[int, ...]:
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
