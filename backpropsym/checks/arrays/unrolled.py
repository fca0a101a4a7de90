"""A small network of arrays as the network of its entries: path sums, and fifty digits to judge by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from backpropsym.arrays import Array
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.exact import ExactPoint
from backpropsym.checks.forms import FormsVerdict, compare_forms
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.errors import LimitError
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import entry_name, unroll

MAX_ENTRIES = 500
MAX_LINKS = 4_000
MAX_PATHS = 400


class Unrolled:
    """The scalar network of a network of arrays, at the same points.

    It is made from the index definitions of the nodes and shares no code with the rules on arrays.
    """

    def __init__(self, whole: Graph, graph: Graph) -> None:
        self.whole = whole
        self.graph = graph
        self.of = whole.objective
        self.local = LocalDerivatives(graph)
        self._exact: dict[int, ExactPoint] = {}

    def exact(self, point: ArrayPoint) -> ExactPoint:
        """The network in fifty digits at a point."""
        if id(point) not in self._exact:
            entries = self.entries(point)
            leaves = {name: entries[name] for name, node in self.graph.nodes.items() if node.op is None}
            self._exact[id(point)] = ExactPoint(self.local, self.of, leaves)
        return self._exact[id(point)]

    def entries(self, point: ArrayPoint) -> dict[str, float]:
        """The number of every entry at a point; what the objective does not depend on is zero."""
        found = dict.fromkeys(self.graph.nodes, 0.0)
        for name, value in point.values.items():
            if self.whole[name].named:
                array = np.asarray(value)
                found |= {entry_name(name, at): float(array[at]) for at in np.ndindex(*array.shape)}
        return found

    def forms(
        self, wrt: str, points: Sequence[ArrayPoint], derived: Array, size: Array, tolerance: float
    ) -> FormsVerdict | None:
        """All forms of the derivative by one entry at some points; None where its paths are too many."""
        derivation = Derivation(self.local, self.of, wrt)
        if derivation.count > MAX_PATHS:
            return None
        listed = [self.entries(point) for point in points]
        values = {name: np.array([each[name] for each in listed]) for name in self.graph.nodes}
        return compare_forms(derivation, derived, size, tolerance, values, lambda index: self.exact(points[index]))

    def slope(self, point: ArrayPoint, name: str, direction: Array) -> tuple[float, float]:
        """Derivative along a direction of one leaf by a difference in fifty digits, and the derivation's gap to it.

        The gap is relative to the sum of absolute path products.
        """
        exact = self.exact(point)
        weights = {entry_name(name, at): float(direction[at]) for at in np.ndindex(*np.shape(direction))}
        size = float(np.sum(point.magnitudes[name] * np.abs(direction)))
        gap = exact.gap(lambda: (exact.along(weights), exact.slope(weights)), size)
        try:
            return float(exact.slope(weights)), gap
        except (ArithmeticError, ValueError, TypeError):
            return math.nan, gap


def unrolled(graph: Graph) -> Unrolled | None:
    """The network of entries, where it is small."""
    entries = sum(math.prod(int(size) for size in node.shape) for node in graph.nodes.values() if node.named)
    if entries > MAX_ENTRIES:
        return None
    try:
        found = unroll(graph)
    except LimitError:
        return None
    links = sum(len(node.parents) for node in found.nodes.values())
    return Unrolled(graph, found) if links <= MAX_LINKS else None
