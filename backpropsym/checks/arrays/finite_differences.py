"""Directional derivatives of the objective of a network of arrays: complex steps and extrapolated differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from backpropsym.arrays import Array
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.arrays.switches import RecordingNetwork, sizes
from backpropsym.checks.finite_differences import NUMBERS, Jobs, Lines
from backpropsym.checks.time_budget import Budget
from backpropsym.evaluate.arithmetic import REAL, Arithmetic
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.number_systems import BranchRecorder, Switching, WatchedSteps
from backpropsym.graph.graph import Graph, Role

Position = tuple[int, ...]
TINY = 1e-300
NO_SIDE = 2
"""The sign of what is no number."""


@dataclass(frozen=True)
class Directions(Jobs):
    """Jobs along directions in one leaf each.

    Attributes
    ----------
    directions : the direction of each job, in its leaf's shape.
    entries : the entry that a direction moves alone, or None.
    """

    directions: Sequence[Array]
    entries: Sequence[Position | None]

    def part(self, chosen: Array) -> Directions:
        """The jobs at some positions."""
        names, directions, entries = (
            [every[index] for index in chosen] for every in (self.names, self.directions, self.entries)
        )
        return Directions(names, self.points[chosen], directions, entries)


class ArrayLines(Lines):
    """The objective of a network of arrays along directions in its leaves.

    All steps in one leaf from one point go through the network together, as a batch of objects.
    """

    def __init__(self, graph: Graph, points: Sequence[ArrayPoint], budget: Budget | None = None) -> None:
        super().__init__(budget)
        self.graph = graph
        self.points = points
        self.switching = Switching(graph.functions)
        self._moving: dict[str, Graph] = {}

    def _scales(self, jobs: Jobs) -> Array:
        """See Lines: the largest number of the leaf, for a direction as long as one entry."""
        assert isinstance(jobs, Directions)
        found = []
        for name, point, direction in zip(jobs.names, jobs.points, jobs.directions, strict=True):
            own = np.max(np.abs(self.points[point].values[name]), initial=1.0)
            found.append(own / max(float(np.linalg.norm(direction)), TINY))
        return np.array(found)

    def _shifted(self, jobs: Jobs, offsets: Array, recorder: BranchRecorder | None = None) -> Array:
        """See Lines."""
        assert isinstance(jobs, Directions)
        ends = np.empty(offsets.shape, dtype=offsets.dtype)
        groups: dict[tuple[str, int], list[int]] = {}
        for row, key in enumerate(zip(jobs.names, jobs.points.tolist(), strict=True)):
            groups.setdefault(key, []).append(row)
        for (name, point), rows in groups.items():
            every = [(row, column) for row in rows for column in range(offsets.shape[1])]
            width = max(1, NUMBERS // self._size(name))
            signs: list[dict[tuple[str, int], Array]] = []
            for start in range(0, len(every), width):
                pairs = every[start : start + width]
                steps = [offsets[pair] * jobs.directions[pair[0]] for pair in pairs]
                watched = WatchedSteps()
                arithmetic = watched if np.iscomplexobj(offsets) else REAL
                network = self._network(name, point, np.array(steps), arithmetic, recorder is not None)
                found = network.forward(self.graph.objective)
                ends[tuple(zip(*pairs, strict=True))] = np.where(watched.doubtful((len(steps),)), np.nan, found)
                signs.append(_signs(network))
            if recorder is not None:
                _note(recorder, rows, signs)
        return ends

    def _network(self, name: str, point: int, steps: Array, arithmetic: Arithmetic, recorded: bool) -> ArrayNetwork:
        """The network with one leaf stepped, an object a step; what does not depend on it keeps its value."""
        graph, values = self._graph(name), self.points[point].values
        leaves = {key: value for key, value in values.items() if key not in graph.batched}
        leaves[name] = values[name] + steps
        if recorded:
            return RecordingNetwork(graph, leaves, self.switching, len(steps))
        return ArrayNetwork(graph, leaves, len(steps), arithmetic)

    def _graph(self, name: str) -> Graph:
        """The graph in which one leaf alone differs from object to object."""
        if name not in self._moving:
            roles = {
                each: replace(node, role=Role.INPUT if each == name else Role.PARAMETER)
                for each, node in self.graph.nodes.items()
                if node.op is None
            }
            self._moving[name] = replace(self.graph, nodes={**self.graph.nodes, **roles})
        return self._moving[name]

    def _size(self, name: str) -> int:
        """See Lines."""
        return sum(math.prod(sizes(self.graph[each])) for each in self._graph(name).batched)


def _signs(network: ArrayNetwork) -> dict[tuple[str, int], Array]:
    """The signs of each switch, shape (steps, entries)."""
    sides = network.sides if isinstance(network, RecordingNetwork) else {}
    return {
        (name, at): np.nan_to_num(sign, nan=NO_SIDE).reshape(len(sign), -1).astype(np.int8)
        for name, listed in sides.items()
        for at, sign in enumerate(listed)
    }


def _note(recorder: BranchRecorder, rows: Sequence[int], parts: Sequence[dict[tuple[str, int], Array]]) -> None:
    """Take in the signs of all switches at every column of some rows."""
    for key in parts[0]:
        signs = np.concatenate([part[key] for part in parts]).reshape(len(rows), len(recorder.reference), -1)
        same = (signs == signs[:, recorder.reference]).all(axis=2)
        touching = (signs[:, :1] == 0) & (signs[:, recorder.nearest] != 0)
        recorder.same[rows] &= same
        recorder.touching[rows] |= touching.any(axis=(1, 2))


def directions(
    names: Sequence[str],
    points: Sequence[ArrayPoint],
    chosen: Sequence[int],
    random: np.random.Generator,
    along: int,
    most: int,
) -> Directions:
    """For each leaf at each point: `along` random directions, and its entries one by one, at most `most` of them."""
    jobs: list[tuple[str, int, Array, Position | None]] = []
    for name in names:
        for point in chosen:
            shape = np.shape(points[point].values[name])
            if math.prod(shape) > 1:
                jobs += [(name, point, random.standard_normal(shape), None) for _ in range(along)]
            for position in some_entries(shape, most, random):
                alone = np.zeros(shape)
                alone[position] = 1.0
                jobs.append((name, point, alone, position))
    listed = [list(column) for column in zip(*jobs, strict=True)] or [[], [], [], []]
    return Directions(listed[0], np.array(listed[1], int), listed[2], listed[3])


def some_entries(shape: tuple[int, ...], most: int, random: np.random.Generator) -> list[Position]:
    """All positions of an array, or `most` of them at random."""
    count = math.prod(shape)
    flat = np.arange(count) if count <= most else np.sort(random.choice(count, size=most, replace=False))
    return [tuple(int(index) for index in np.unravel_index(each, shape)) for each in flat]
