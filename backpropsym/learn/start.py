"""Random parameters to start from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backpropsym.errors import NetworkError
from backpropsym.graph import Graph, Role, Shape


def random_parameters(graph: Graph, seed: int = 0) -> dict[str, Any]:
    """Parameters by name, in their shapes: He et al., Delving deep into rectifiers, 2015.

    Vectors and scalars are standard normal for networks of scalars, and zero (biases) otherwise; matrices and filters
    are normal with variance 2 / fan-in.

    Raises
    ------
    NetworkError : a shape has a symbolic size.
    """
    random = np.random.default_rng(seed)
    return {name: _initial(graph[name].shape, graph.scalar, random) for name in graph.names(Role.PARAMETER)}


def _initial(shape: Shape, scalar: bool, random: np.random.Generator) -> Any:
    if not all(isinstance(size, int) for size in shape):
        raise NetworkError(f"the shape {shape} has symbolic sizes", fix="declare the sizes as numbers")
    sizes = tuple(int(size) for size in shape)
    if len(sizes) > 1:
        return random.normal(0.0, math.sqrt(2.0 / math.prod(sizes[1:])), sizes)
    return np.asarray(random.standard_normal(sizes)) if scalar else np.zeros(sizes)
