"""Arrays for the leaves of a network of tensors, checked against their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from backpropsym.errors import Problem, ValuesError
from backpropsym.graph import Graph, Role
from backpropsym.ops.kinds import Dimension


def array_leaves(
    graph: Graph, values: Mapping[str, Any], needed: Iterable[str]
) -> tuple[dict[str, Any], int | None, dict[str, int]]:
    """Arrays for the leaves among `needed`, the number of objects, and the sizes of symbols.

    Inputs and targets may have a leading axis of objects; if one has it, the others are repeated for every object.

    Raises
    ------
    ValuesError : arrays are missing, are not numbers, or have other shapes; all mistakes.
    """
    pool = {**graph.values, **values, **graph.constants}
    leaves = [name for name in graph.nodes if name in set(needed) and graph[name].role is not Role.VALUE]
    problems: list[Problem] = []
    arrays: dict[str, Any] = {}
    for name in leaves:
        if name not in pool:
            problems.append(
                Problem(f"no numbers are given for {name}", fix=f"give an array of shape {graph[name].shape}")
            )
            continue
        try:
            arrays[name] = np.asarray(pool[name], dtype=float)
        except (TypeError, ValueError):
            problems.append(Problem(f"the value of {name} is not an array of numbers"))
    sizes: dict[str, int] = {}
    batch = {name: len(array) for name, array in arrays.items() if _matches(graph, name, array.shape, sizes, problems)}
    if len(set(batch.values())) > 1:
        found = ", ".join(f"{name} has {count}" for name, count in batch.items())
        problems.append(Problem(f"the numbers of objects differ: {found}", fix="give every batch the same length"))
    if problems:
        raise ValuesError(problems)
    count = next(iter(batch.values()), None)
    if count is not None:
        for name in arrays:
            if name in graph.batched and name not in batch:
                arrays[name] = np.broadcast_to(arrays[name], (count, *arrays[name].shape))
    return arrays, count, sizes


def _matches(graph: Graph, name: str, shape: tuple[int, ...], sizes: dict[str, int], problems: list[Problem]) -> bool:
    """Whether an array has a leading axis of objects; a shape that fits in neither way is a problem."""
    expected = graph[name].shape
    batched = name in graph.batched and len(shape) == len(expected) + 1
    own = shape[1:] if batched else shape
    if len(own) != len(expected) or not all(_fits(size, want, sizes) for size, want in zip(own, expected, strict=True)):
        lead = f", or (objects, {', '.join(map(str, expected))})" if name in graph.batched else ""
        fix = f"give an array of shape ({', '.join(map(str, expected))}){lead}"
        problems.append(Problem(f"{name} has the shape {shape}", fix=fix))
        return False
    return batched


def _fits(size: int, expected: Dimension, sizes: dict[str, int]) -> bool:
    return size == (expected if isinstance(expected, int) else sizes.setdefault(expected, size))
