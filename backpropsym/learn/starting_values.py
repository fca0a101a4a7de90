"""Random numbers to start from: parameters, and objects for those who have none."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.errors import NetworkError
from backpropsym.evaluate.choices import whole_nodes
from backpropsym.evaluate.domains import domains
from backpropsym.formula.tree import Add, Call, Div, Expr, Mul, Name, Neg, children, walk
from backpropsym.graph.graph import Graph, Role, Shape
from backpropsym.ops.kinds import Elementwise, Join, View
from backpropsym.ops.memory_budget import check_memory

_USUAL = (-2.0, 2.0)


def random_parameters(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Parameters by name, in their shapes: He et al., Delving deep into rectifiers, 2015.

    Matrices and filters are normal with variance 2 / fan-in. Vectors and numbers start where their use asks for it:
    a term of a sum, as a bias, at 0; a vector that scales entries, as the gamma of layer_norm, at 1; an argument of a
    function at its default, the slope of prelu at 1/4. Others are normal with variance 1 / size, as at zero nothing
    before them would have a gradient.

    Raises
    ------
    NetworkError : a shape has a symbolic size.
    LimitError : there would be too many.
    """
    random = np.random.default_rng(seed)
    check_memory(sum(graph.entries[name] for name in graph.names(Role.PARAMETER)), "the parameters")
    return {name: _initial(graph, name, random) for name in graph.names(Role.PARAMETER)}


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


def _initial(graph: Graph, name: str, random: np.random.Generator) -> Array:
    sizes = _sizes(graph[name].shape)
    if len(sizes) > 1:
        return random.normal(0.0, math.sqrt(2.0 / math.prod(sizes[1:])), sizes)
    start = _start(graph, name)
    drawn = random.standard_normal(sizes) / math.sqrt(math.prod(sizes)) if start is None else np.full(sizes, start)
    return np.asarray(drawn)


def _start(graph: Graph, name: str) -> float | None:
    """Where a vector or a number starts by the formulas that it stands in, also moved; None if it is drawn."""
    starts: set[float] = set()
    moved = [name]
    for part in moved:
        for user in graph.consumers[part]:
            match graph[user].op:
                case View() | Join() if user not in moved:
                    moved.append(user)
                case Elementwise(formula):
                    starts.update(_starts(formula, Name(part), graph))
    return min(starts, default=None)


def _starts(formula: Expr, part: Name, graph: Graph) -> Iterator[float]:
    """Where a node starts by each place that it has in a formula."""
    for expr in walk(formula):
        match expr:
            case Add(terms) if part in terms or Neg(part) in terms:
                yield 0.0
            case Mul() | Div() if part in children(expr) and graph[part.name].shape:
                yield 1.0
            case Call(function) if function in graph.functions:
                starts = graph.functions[function].starts
                bound = graph.functions.bind(expr).items()
                yield from (
                    float(starts[argument]) for argument, given in bound if given == part and argument in starts
                )


def _sizes(shape: Shape) -> tuple[int, ...]:
    if not all(isinstance(size, int) for size in shape):
        raise NetworkError(f"the shape {shape} has symbolic sizes", fix="declare the sizes as numbers")
    return tuple(int(size) for size in shape)
