"""What is compared: a network at some points, its kernels, and objects that share parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Arrays
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.arrays.switches import sizes
from backpropsym.checks.comparisons.objects import SingleObject
from backpropsym.checks.plan import Plan
from backpropsym.errors import ValuesError
from backpropsym.evaluate.choices import position_nodes
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.api.compile import Kernel, compile_kernel
from backpropsym.kernels.ir.verifier import verification

ATTEMPTS = 20


class Subject:
    """A network in hand.

    Attributes
    ----------
    points : where values and gradients were compared with independent numerics; all else is compared with them.
    lost : points that were given and are not finite.
    """

    def __init__(
        self,
        graph: Graph,
        points: Sequence[ArrayPoint],
        random: np.random.Generator,
        plan: Plan | None = None,
        lost: Sequence[ArrayPoint] = (),
    ) -> None:
        self.graph = graph
        self.points = points
        self.random = random
        self.plan = plan or Plan()
        self.budget = self.plan.budget
        self.lost = lost
        self._kernels: dict[object, Kernel] = {}
        self._objects: dict[frozenset[str], list[SingleObject]] = {}

    @property
    def of(self) -> str:
        """The objective."""
        return self.graph.objective

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The inputs, targets and parameters that the objective can be derived by."""
        needed, chosen = self.graph.ancestors(self.of), position_nodes(self.graph)
        leaves = self.graph.names(Role.PARAMETER, Role.INPUT, Role.TARGET)
        return tuple(name for name in leaves if name in needed and name not in chosen)

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """The inputs and targets that the objective depends on."""
        needed = self.graph.ancestors(self.of)
        return tuple(name for name in self.graph.names(Role.INPUT, Role.TARGET) if name in needed)

    def kernel(
        self,
        mode: str = "reverse",
        accuracy: str = "default",
        engine: str = "numpy",
        objects_at_once: int | None = None,
    ) -> Kernel:
        """A compiled kernel of the network, each compiled once, its program verified after every pass.

        Raises
        ------
        BackpropsymError : it cannot be compiled.
        """
        key = mode, accuracy, engine, objects_at_once
        if key not in self._kernels:
            options: dict[str, Any] = {"mode": mode, "accuracy": accuracy, "engine": engine}
            options |= {} if objects_at_once is None else {"objects_at_once": objects_at_once}
            with verification():
                self._kernels[key] = compile_kernel(self.graph, **options)
        return self._kernels[key]

    @cached_property
    def singles(self) -> list[SingleObject]:
        """The points, one object each, with parameters of their own."""
        return [SingleObject(point, self.random) for point in self.points]

    @cached_property
    def first(self) -> SingleObject:
        """The first point at which all derivatives are finite; the first of all where there is none."""
        return next((single for single in self.singles if single.point.finite), self.singles[0])

    def given(self, single: SingleObject) -> dict[str, Any]:
        """Arrays for every leaf of the network, also for those that the objective does not depend on."""
        names, leaves = self.graph.names(Role.PARAMETER, Role.INPUT, Role.TARGET), single.point.leaves
        return {name: leaves[name] if name in leaves else np.zeros(sizes(self.graph[name])) for name in names}

    def objects(self, count: int, shared: frozenset[str] = frozenset()) -> list[SingleObject]:
        """Objects with the parameters, and with the `shared` inputs, of the first point that is finite."""
        if shared not in self._objects:
            self._objects[shared] = [self.first]
        found = self._objects[shared]
        while len(found) < count:
            found.append(SingleObject(self._another(len(found), shared), self.random))
        return found[:count]

    def _another(self, number: int, shared: frozenset[str]) -> ArrayPoint:
        """One more object: inputs of another point where all is finite with them, else its own ones moved a little."""
        first = self.first.point
        moving = [name for name in self.varying if name not in shared]
        for attempt in range(ATTEMPTS):
            other = self.points[(number + attempt) % len(self.points)]
            leaves = first.leaves | {name: self._moved(name, other, attempt) for name in moving}
            try:
                point = ArrayPoint(self.graph, leaves, first.switching)
            except ValuesError:  # a position that is computed from others lies outside
                continue
            if point.finite:
                return point
        return first

    def _moved(self, name: str, other: ArrayPoint, attempt: int) -> Array:
        value = np.asarray(other.leaves[name])
        chosen = position_nodes(self.graph)
        if name in chosen:
            return self.random.integers(*chosen[name].drawn(name), size=value.shape)
        spread = 0.2 / (1 + attempt)
        return value * (1 + spread * self.random.uniform(-1, 1, value.shape))

    def batch(self, objects: Sequence[SingleObject], shared: frozenset[str] = frozenset()) -> Arrays:
        """Objects as one batch: an axis of objects for every input and target but the shared ones."""
        singles = [self.given(single) for single in objects]
        batched = set(self.graph.names(Role.INPUT, Role.TARGET)) - shared
        return {
            name: np.stack([np.asarray(single[name]) for single in singles]) if name in batched else value
            for name, value in singles[0].items()
        }
