"""Random numbers to start from: parameters, and objects for those who have none."""

from __future__ import annotations

import math
from collections.abc import Container

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.errors import NetworkError
from backpropsym.evaluate.choices import whole_nodes
from backpropsym.evaluate.domains import domains
from backpropsym.graph.graph import Graph, Role, Shape
from backpropsym.ops.memory_budget import check_memory

_USUAL = (-2.0, 2.0)


def random_parameters(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Parameters by name, in their shapes: He et al., Delving deep into rectifiers, 2015.

    Vectors and scalars are standard normal for networks of scalars, and zero (biases) otherwise; matrices and filters
    are normal with variance 2 / fan-in.

    Raises
    ------
    NetworkError : a shape has a symbolic size.
    LimitError : there would be too many.
    """
    random = np.random.default_rng(seed)
    check_memory(sum(graph.entries[name] for name in graph.names(Role.PARAMETER)), "the parameters")
    return {name: _initial(graph[name].shape, graph.scalar, random) for name in graph.names(Role.PARAMETER)}


def random_numbers(graph: Graph, seed: int, given: Container[str]) -> dict[str, Numeric]:
    """Numbers for every leaf but those `given`: parameters as `random_parameters` has them, and one object.

    Inputs and targets are uniform on (-2, 2), or where their functions are defined; what chooses an entry, such as a
    class, is a whole number that does.

    Raises
    ------
    NetworkError : a shape has a symbolic size.
    LimitError : there would be too many.
    """
    random, chosen = np.random.default_rng(seed), whole_nodes(graph)
    leaves = list(graph.names(Role.INPUT, Role.TARGET))
    inside = domains(graph, leaves)
    check_memory(sum(graph.entries[name] for name in leaves), "one object")
    found = random_parameters(graph, seed)
    for name in leaves:
        shape = _sizes(graph[name].shape)
        if name in chosen:
            found[name] = random.integers(*chosen[name].drawn(name), size=shape).astype(float)
        else:
            found[name] = random.uniform(*inside.get(name, _USUAL), shape)
    return {name: np.asarray(value)[()] for name, value in found.items() if name not in given}


def _initial(shape: Shape, scalar: bool, random: np.random.Generator) -> Array:
    sizes = _sizes(shape)
    if len(sizes) > 1:
        return random.normal(0.0, math.sqrt(2.0 / math.prod(sizes[1:])), sizes)
    return np.asarray(random.standard_normal(sizes)) if scalar else np.zeros(sizes)


def _sizes(shape: Shape) -> tuple[int, ...]:
    if not all(isinstance(size, int) for size in shape):
        raise NetworkError(f"the shape {shape} has symbolic sizes", fix="declare the sizes as numbers")
    return tuple(int(size) for size in shape)
