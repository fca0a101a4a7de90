"""Every gradient of a network, proved against numerics that share no code with the derivation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.checks.edges import kinks_on_paths, reverse_sweep
from backpropsym.checks.exact import AGREE, ExactPoint
from backpropsym.checks.sample_points import Points
from backpropsym.derive.forms.programme import Programme, adjoints
from backpropsym.derive.local.link_numbers import local_numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.evaluate.scalar_evaluation import Evaluate, in_range
from backpropsym.graph.graph import Graph, Role


class Numbers:
    """The derivation in numbers at points: local derivatives, adjoints, and what rounding may blur.

    Parameters
    ----------
    local : the local derivatives under check.
    """

    def __init__(self, local: LocalDerivatives, points: Points) -> None:
        self.local = local
        self.graph: Graph = local.graph
        self.of = self.graph.objective
        self.points = points
        self._exact: dict[int, ExactPoint] = {}

    @cached_property
    def edges(self) -> dict[Edge, Array]:
        """The derived local derivative of every edge, shape (points,)."""
        shape = (self.points.count,)
        found = local_numbers(self.local, self.points.edges.slope, self.points.values)
        return {edge: np.broadcast_to(np.asarray(number, float), shape) for edge, number in found.items()}

    @cached_property
    def plain(self) -> Array:
        """At which points every local derivative, computed as it is written, is finite, shape (points,)."""
        found = np.ones(self.points.count, bool)
        for edge in self.points.edges.slope:
            found &= np.isfinite(in_range(self._written(edge), self.points.values, self.graph.functions))
        return found

    def _written(self, edge: Edge) -> Callable[[Evaluate], Numeric]:
        return lambda number: number(self.local[edge])

    @cached_property
    def programme(self) -> Programme:
        """The backward programme under check."""
        return adjoints(self.local, self.of)

    @cached_property
    def adjoints(self) -> dict[str, Array]:
        """The adjoint of every node by the backward programme, shape (points,)."""
        shape = (self.points.count,)
        found: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            for equation in self.programme.equations:
                parts = [found[name] * self.edges[link] for name, link in equation.parts]
                found[equation.by] = sum(parts, np.zeros(shape)) if parts else np.ones(shape)
        return found

    @cached_property
    def sizes(self) -> dict[str, Array]:
        """For every node the sum over paths of |products of numeric local derivatives|, shape (points,)."""
        totals = reverse_sweep(self.graph, self.of, self.points.edges.size)
        return {name: np.broadcast_to(total, (self.points.count,)) for name, total in totals.items()}

    def derivative(self, name: str) -> Array:
        """The derived derivative of the objective by a node, shape (points,); zero where no path leads to it."""
        return self.adjoints.get(name, np.zeros(self.points.count))

    def size(self, name: str) -> Array:
        """The sum of the absolute path products of a node, shape (points,)."""
        return self.sizes.get(name, np.zeros(self.points.count))

    @cached_property
    def magnitudes(self) -> dict[str, Array]:
        """For every node the sum over paths of |products of derived local derivatives|, shape (points,)."""
        totals = reverse_sweep(self.graph, self.of, {edge: np.abs(number) for edge, number in self.edges.items()})
        return {name: np.broadcast_to(total, (self.points.count,)) for name, total in totals.items()}

    def magnitude(self, name: str) -> Array:
        """What rounding may blur in the derived derivative by a node, were its local derivatives right."""
        return np.fmax(self.size(name), self.magnitudes.get(name, np.zeros(self.points.count)))

    @cached_property
    def crossings(self) -> dict[str, Array]:
        """For every node, whether a path from it crosses a kink, shape (points,)."""
        found = kinks_on_paths(self.graph, self.of, self.points.edges)
        return {name: np.broadcast_to(each, (self.points.count,)) for name, each in found.items()}

    def blocked(self, name: str) -> Array:
        """At which points a path from a node crosses a kink, shape (points,)."""
        return self.crossings.get(name, np.zeros(self.points.count, bool))

    def exact(self, point: int) -> ExactPoint:
        """The network in fifty digits at a point."""
        if point not in self._exact:
            here = {name: float(value[point]) for name, value in self.points.values.items()}
            leaves = {name: value for name, value in here.items() if self.graph.nodes[name].op is None}
            self._exact[point] = ExactPoint(self.local, self.of, leaves)
        return self._exact[point]


def row_names(graph: Graph) -> tuple[str, ...]:
    """What a check derives by: the parameters, else the inputs."""
    return graph.names(Role.PARAMETER) or graph.names(Role.INPUT)


def is_wrong(gap: float, derived: float) -> bool:
    """Whether a disagreement in fifty digits is more than their rounding.

    Where the derived number is not finite and fifty digits give none either, the point decides nothing.
    """
    return gap > AGREE if not math.isfinite(derived) else not gap <= AGREE
