"""Where a check of arrays looks: the network's own numbers, object by object, then random ones inside domains."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backpropsym.arrays import Array, Values
from backpropsym.checks.arrays.switches import RecordingNetwork, branching_nodes, moved_at_kink, on_kinks, sizes
from backpropsym.checks.arrays.work import SMALL_WORK, work
from backpropsym.checks.sample_points import DEFAULT, MAX_ROUNDS, MODERATE, NOT_AT_OWN, RANGES
from backpropsym.errors import LimitError, ValuesError
from backpropsym.evaluate.arithmetic import COMPLEX
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.choices import position_nodes
from backpropsym.evaluate.domains import domains
from backpropsym.evaluate.leaf_arrays import array_leaves
from backpropsym.evaluate.number_systems import STEP, Switching
from backpropsym.graph.graph import Graph, Role
from backpropsym.ops.kinds import View
from backpropsym.ops.memory_budget import check_memory
from backpropsym.ops.size_values import size_value, solved_sizes
from backpropsym.ops.sizes import Dimension

CANDIDATES = 12
_SIZES = (3, 4, 2, 5)
_ATTEMPTS = 2_000


class ArrayPoint:
    """A network of arrays at one point, for one object.

    Attributes
    ----------
    network : the values of all nodes that the objective depends on.
    sides : the signs of the switches, by node.
    switching : what tells them.
    """

    def __init__(self, graph: Graph, leaves: Values, switching: Switching) -> None:
        recording = RecordingNetwork(graph, leaves, switching)
        recording.forward(graph.objective)
        self.graph = graph
        self.switching = switching
        self.leaves = dict(leaves)
        self.sides = recording.sides
        self.network: ArrayNetwork = recording
        self._crossing: dict[str, bool] = {}

    @property
    def values(self) -> dict[str, Array]:
        """The value of each node."""
        return self.network.values

    @cached_property
    def adjoints(self) -> dict[str, Array]:
        """The adjoint of each node, by the reverse sweep under check."""
        return self.network.reverse(self.graph.objective, 1.0)

    @cached_property
    def magnitudes(self) -> dict[str, Array]:
        """For each node, what rounding may blur in its adjoint: the sum of absolute path products."""
        return self.network.reverse(self.graph.objective, 1.0, magnitudes=True)

    @cached_property
    def kinks(self) -> dict[str, Array]:
        """For each node that branches, the entries that are on a kink."""
        return {name: on_kinks(self.graph[name], sides) for name, sides in self.sides.items()}

    def crosses(self, name: str) -> bool:
        """Whether a path from a leaf to the objective crosses a kink; one that a zero slope cuts crosses nothing."""
        if name not in self._crossing:
            self._crossing[name] = any(kink.any() for kink in self.kinks.values()) and self._on_a_kink(name)
        return self._crossing[name]

    def _on_a_kink(self, name: str) -> bool:
        """Whether a step in a leaf moves what is at a kink, and the objective depends on it."""
        below = self.graph.descendants(name)
        moved = {key: value for key, value in self.values.items() if key not in below}
        direction = np.random.default_rng(0).uniform(0.5, 1.5, np.shape(self.values[name]))
        moved[name] = self.values[name] + 1j * STEP * direction
        network = ArrayNetwork(self.graph, moved, arithmetic=COMPLEX)
        network.forward(self.graph.objective)
        return any(
            bool(np.any(moved_at_kink(self.graph[node], sides, network.values) & (self.magnitudes[node] != 0)))
            for node, sides in self.sides.items()
            if node in below
        )

    @property
    def finite(self) -> bool:
        """Whether all values and all derivatives are."""
        return self.within(np.finfo(float).max) and all(np.isfinite(each).all() for each in self.adjoints.values())

    def within(self, limit: float) -> bool:
        """Whether no value is larger. What a view puts outside its operand, such as -inf, is no value."""
        return self.first_beyond(limit) is None

    def first_beyond(self, limit: float) -> str | None:
        """The first node that has a value larger than the limit, or one that is not a number."""
        computed = (each for each in self.values.items() if not isinstance(self.graph[each[0]].op, View))
        return next((name for name, value in computed if not np.all(np.abs(value) <= limit)), None)

    def first_departing(self, switching: Switching) -> str | None:
        """The first node that has numbers by a convention, where its definition has none or others."""
        for name in self.graph.order:
            formula = self.graph[name].formula
            if formula is not None and name in self.values:
                values = {each: self.network.aligned(each, 0) for each in self.graph[name].parents}
                if switching.departs(formula, values, self.graph.functions):
                    return name
        return None


@dataclass(frozen=True)
class ArrayPoints:
    """Points at which everything is finite.

    Attributes
    ----------
    found : the points; links are compared at all of them.
    given : how many of the first are the network's own numbers.
    chosen : the numbers of the points at which whole derivatives are compared.
    lost : points that were given and are not finite.
    own_left_out : why the network's own numbers are not among the points; empty where they are, or are not complete.
    """

    found: tuple[ArrayPoint, ...]
    given: int
    chosen: tuple[int, ...]
    notes: tuple[str, ...]
    lost: tuple[ArrayPoint, ...] = ()
    own_left_out: str = ""


def with_sizes(graph: Graph, at: Values) -> Graph:
    """The graph with numbers for its symbolic sizes: those of given arrays, else small ones that differ.

    Raises
    ------
    LimitError : no small numbers make every size, such as n - 3, positive.
    """
    pairs: list[tuple[Dimension, int]] = []
    for name, value in {**graph.values, **at}.items():
        shape = graph[name].shape if name in graph.nodes else ()
        found = np.shape(value)
        own = found[1:] if name in graph.batched and len(found) == len(shape) + 1 else found
        pairs += zip(shape, own, strict=False)
    given = solved_sizes(pairs)
    declared = {size for node in graph.nodes.values() for size in node.shape}
    random = np.random.default_rng(0)
    chosen = {symbol: _SIZES[index % len(_SIZES)] for index, symbol in enumerate(graph.symbols)} | given
    for attempt in range(_ATTEMPTS):
        if all((size_value(size, chosen) or 0) > 0 for size in declared):
            return graph.sized(chosen)
        chosen = {symbol: int(random.integers(1, 4 + attempt // 100)) for symbol in graph.symbols} | given
    shown = ", ".join(sorted(size for size in declared if isinstance(size, str)))
    raise LimitError(f"no small numbers make all sizes positive: {shown}", fix="declare the sizes as numbers")


def find_points(graph: Graph, at: Values, samples: int, random: np.random.Generator) -> ArrayPoints:
    """The given objects, if their numbers are complete, and random points: more where there are branches."""
    check_memory(sum(graph.entries.values()), f"checking {graph.objective}")
    sampler = _Sampler(graph, at, random)
    found, left_out = sampler.given()
    notes = [f"{NOT_AT_OWN}: {left_out}"] if left_out else []
    given = len(found)
    several = bool(sampler.branching) and work(graph) <= SMALL_WORK
    wanted = max(samples, given + 1, CANDIDATES if several else 0)
    found += sampler.draw(wanted - given)
    if len(found) < wanted:
        notes.append(f"only {len(found)} of {wanted} points have finite values and derivatives")
    chosen = _choose(found, max(samples, given))
    return ArrayPoints(tuple(found), given, chosen, (*notes, *_one_sided(found)), sampler.lost, left_out)


class _Sampler:
    def __init__(self, graph: Graph, at: Values, random: np.random.Generator) -> None:
        self.graph = graph
        self.random = random
        self.pool = {**graph.values, **at}
        self.wanted = graph.ancestors(graph.objective)
        self.switching = Switching(graph.functions)
        self.branching = branching_nodes(graph, self.switching) & self.wanted
        self.chosen = position_nodes(graph)
        leaves = [name for name in graph.order if name in self.wanted and graph[name].op is None]
        self.fixed = {name: np.asarray(graph.constants[name]) for name in leaves if name in graph.constants}
        self.leaves = [name for name in leaves if name not in self.fixed]
        self.lost: tuple[ArrayPoint, ...] = ()

    def given(self) -> tuple[list[ArrayPoint], str]:
        """A point for each object of the network's own numbers, where they are complete and finite, else why not."""
        if not all(name in self.pool for name in self.leaves):
            return [], ""
        arrays, batch, _ = array_leaves(self.graph, self.pool, self.wanted)
        points = []
        for index in range(min(batch or 1, CANDIDATES)):
            one = {
                name: array[index] if batch is not None and name in self.graph.batched else array
                for name, array in arrays.items()
            }
            points.append(ArrayPoint(self.graph, one, self.switching))
        for point in points:
            bad = point.first_beyond(np.finfo(float).max)
            if bad is not None:
                self.lost = (point,)
                return [], f"{bad} is not finite there"
            name = point.first_departing(self.switching)
            if name is not None:
                return [], f"{name} follows a convention there, not its definition"
        return points, ""

    def draw(self, count: int) -> list[ArrayPoint]:
        """Up to `count` random points at which all is finite; moderate values are preferred."""
        kept: list[ArrayPoint] = []
        for turn, ranges in enumerate(self._ranges()):
            if len(kept) >= count or turn >= MAX_ROUNDS * len(RANGES):
                break
            try:
                point = ArrayPoint(self.graph, self.fixed | self._leaves(ranges), self.switching)
            except ValuesError:  # a position that is computed from others lies outside
                continue
            if point.finite and (turn >= MAX_ROUNDS or point.within(MODERATE)):
                kept.append(point)
        return kept

    def _leaves(self, ranges: Mapping[str, tuple[float, float]]) -> dict[str, Array]:
        """Random arrays; what chooses an entry is a whole number within its axis."""
        found: dict[str, Array] = {}
        for name in self.leaves:
            shape = sizes(self.graph[name])
            if name in self.chosen:
                found[name] = self.random.integers(*self.chosen[name].drawn(name), size=shape)
            else:
                found[name] = np.asarray(self.random.uniform(*ranges[name], size=shape))
        return found

    def _ranges(self) -> Iterator[dict[str, tuple[float, float]]]:
        """From where to draw each leaf: the domains of its functions, then ever other ranges.

        Where there are branches the usual range is as frequent as the domains, so that both sides are seen.
        """
        usual = {name: self._usual(name) for name in self.leaves}
        inside = usual | domains(self.graph, self.leaves)
        while True:
            yield inside
            yield usual if self.branching else inside
            yield inside
            for low, high in (*RANGES[1:], (-2.0, -0.1)):
                yield usual if self.branching else inside
                yield {name: (low, high) for name in self.leaves}

    def _usual(self, name: str) -> tuple[float, float]:
        """A range for a leaf; a parameter that is summed over many entries is drawn smaller."""
        node = self.graph[name]
        if node.role is not Role.PARAMETER:
            return DEFAULT
        width = DEFAULT[1] * min(1.0, 1.0 / math.sqrt(max(math.prod(sizes(node)[1:]), 1)))
        return -width, width


def _choose(points: list[ArrayPoint], samples: int) -> tuple[int, ...]:
    """The first `samples` points, and each that shows a side of a switch, or a live node, for the first time."""
    chosen: list[int] = []
    seen: set[tuple[str, int, int]] = set()
    for index, point in enumerate(points):
        shown = {(name, at, side) for name, sides in point.sides.items() for at, side in _shown(sides)}
        shown |= {(name, -1, 0) for name, size in point.magnitudes.items() if np.any(size != 0)}
        if index < samples or not shown <= seen:
            chosen.append(index)
            seen |= shown
    return tuple(chosen)


def _shown(sides: list[Array]) -> Iterator[tuple[int, int]]:
    for at, sign in enumerate(sides):
        yield from ((at, side) for side in (-1, 1) if np.any(sign == side))


def _one_sided(points: list[ArrayPoint]) -> list[str]:
    """Switches that no entry at no point has on both sides."""
    seen: dict[str, set[tuple[int, int]]] = {}
    for point in points:
        for name, sides in point.sides.items():
            seen.setdefault(name, set()).update(_shown(sides))
    notes = []
    for side, word in ((1, "above"), (-1, "below")):
        never = [
            name
            for name, shown in seen.items()
            if len({at for at, _ in shown}) > sum(each == side for _, each in shown)
        ]
        if never:
            more = " and more" if len(never) > 10 else ""
            notes.append(f"never {word} zero at any point: the switch in {', '.join(never[:10])}{more}")
    return notes
