"""Where a check looks: the network's own numbers, then random points inside the domains of its functions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from backpropsym.arrays import Array, Numeric, Values
from backpropsym.checks.edges import EdgeNumerics, edge_numerics, reverse_sweep
from backpropsym.evaluate.domains import domains
from backpropsym.evaluate.number_systems import Switching, scaled
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.graph.graph import Graph, Role

CANDIDATES = 64
MAX_ROUNDS = 24
KINDS_WITH_BRANCHES = 4
MODERATE = 1e6
NOT_AT_OWN = "not checked at the network's own numbers"
DEFAULT = (-2.0, 2.0)
RANGES = (DEFAULT, (-10.0, 10.0), (0.1, 2.0), (0.05, 0.95), (-0.1, 0.1), (0.1, 20.0))


@dataclass(frozen=True)
class Points:
    """Points at which everything is finite, and the numbers of all edges there.

    Attributes
    ----------
    values : the value of every node, shape (points,).
    edges : the numbers of the edges.
    given : how many of the first points are the network's own numbers.
    chosen : the points for the checks that cost a forward pass a parameter.
    notes : what a reader should know about the points.
    lost : the leaves of a point that was given and is not finite.
    own_left_out : why the network's own numbers are not among the points; empty where they are, or are not complete.
    """

    values: Mapping[str, Array]
    edges: EdgeNumerics
    given: int
    chosen: Array
    notes: tuple[str, ...]
    lost: Mapping[str, Array] = field(default_factory=dict)
    own_left_out: str = ""

    @property
    def count(self) -> int:
        """The number of points."""
        return len(next(iter(self.values.values()), ()))


def find_points(graph: Graph, at: Values, samples: int, random: np.random.Generator) -> Points:
    """The given point, if its numbers are complete, and random ones: `samples` in all, more where there are kinks.

    A network with kinks gets `CANDIDATES` points, of which as many are chosen as it takes to see every switch on
    both sides and every edge carry something.
    """
    sampler = _Sampler(graph, at, random)
    own, given, left_out = sampler.given()
    notes = [f"{NOT_AT_OWN}: {left_out}"] if left_out else []
    drawn = max(CANDIDATES if sampler.branching else samples, samples) - given
    values = _joined(own, sampler.draw(drawn)) if drawn > 0 else own
    edges = edge_numerics(graph, sampler.wanted, values)
    count = len(next(iter(values.values())))
    if count < given + drawn:
        notes.append(f"only {count} of {given + drawn} points have finite values and derivatives")
    chosen = _choose(graph, edges, count, samples) if sampler.branching else np.arange(count)
    return Points(values, edges, given, chosen, (*notes, *_one_sided(edges)), sampler.lost, left_out)


def checked_nodes(graph: Graph) -> frozenset[str]:
    """The nodes that the objective or the output depend on."""
    return graph.ancestors(graph.objective) | graph.ancestors(graph.output)


def _joined(first: Mapping[str, Array], second: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.concatenate([first[name], second[name]]) for name in first}


class _Sampler:
    """Points for one network.

    Attributes
    ----------
    wanted : the nodes that are checked, in topological order.
    branching : those of them whose formulas have branches.
    """

    def __init__(self, graph: Graph, at: Values, random: np.random.Generator) -> None:
        kept = checked_nodes(graph)
        self.switching = Switching(graph.functions)
        self.graph = graph
        self.random = random
        self.pool = {**graph.values, **at, **graph.constants}
        self.wanted = tuple(name for name in graph.order if name in kept)
        self.leaves = [name for name in self.wanted if graph.nodes[name].op is None]
        formulas = ((name, op.formula) for name in self.wanted if (op := graph.nodes[name].op) is not None)
        self.branching = frozenset(name for name, formula in formulas if self.switching.branches(formula))
        self.lost: Mapping[str, Array] = {}

    def given(self) -> tuple[dict[str, Array], int, str]:
        """The values of the nodes at the numbers given, where they are complete and finite, else why they are not."""
        empty: dict[str, Array] = {name: np.empty(0) for name in self.wanted}
        if not all(name in self.pool for name in self.leaves):
            return empty, 0, ""
        numbers = (np.atleast_1d(np.asarray(self.pool[name], float))[:CANDIDATES] for name in self.leaves)
        arrays = np.broadcast_arrays(*numbers, np.zeros(1))
        values = self._forward(dict(zip(self.leaves, arrays, strict=False)))
        bad = next((name for name in self.wanted if not np.isfinite(values[name]).all()), None)
        if bad is not None:
            at = int(np.argmin(np.isfinite(values[bad])))
            self.lost = {name: values[name][at] for name in self.leaves}
            return empty, 0, f"{bad} is not finite there"
        for name in self.wanted:
            op = self.graph.nodes[name].op
            if op is not None and self.switching.departs(op.formula, values, self.graph.functions):
                return empty, 0, f"{name} follows a convention there, not its definition"
        return values, len(arrays[-1]), ""

    def _forward(self, leaves: Mapping[str, Array]) -> dict[str, Array]:
        """The values of the nodes, each of the shape of the points, constants filled in."""
        graph, points = self.graph, np.shape(next(iter(leaves.values()), np.zeros(1)))
        values: dict[str, Numeric] = {
            **leaves,
            **{name: np.full(points, value) for name, value in graph.constants.items()},
        }
        for of in dict.fromkeys((graph.objective, graph.output)):
            values |= forward(graph, values, of)
        return {name: np.broadcast_to(np.asarray(values[name], float), points) for name in self.wanted}

    def draw(self, count: int) -> dict[str, Array]:
        """Up to `count` random points at which all values and all derivatives are finite, moderate ones preferred.

        Where there are branches, only a share comes from one kind of proposal: of several kinds, some reach both
        sides of a switch.
        """
        kept: dict[str, Array] = {name: np.empty(0) for name in self.wanted}
        share = math.ceil(count / KINDS_WITH_BRANCHES) if self.branching else count
        for turn, leaves in enumerate(self._proposals(2 * share + 8)):
            missing = count - len(kept[self.wanted[0]])
            if missing <= 0 or turn >= MAX_ROUNDS:
                break
            values = self._forward(leaves)
            fine = self._moderate(values) if turn < MAX_ROUNDS // 2 else self._finite(values)
            first = np.flatnonzero(fine)[: min(missing, share)]
            values = {name: value[first] for name, value in values.items()}
            usable = self._differentiable(values)
            kept = _joined(kept, {name: value[usable] for name, value in values.items()})
        return kept

    def _finite(self, values: Mapping[str, Array]) -> Array:
        finite: Array = np.all([np.isfinite(value) for value in values.values()], axis=0)
        return finite

    def _moderate(self, values: Mapping[str, Array]) -> Array:
        """At which points no value is too large, too small or lost: a number that rounded to zero is lost.

        A zero is as good as any number where a parent is zero or a branch may have made it.
        """
        fine = np.ones(np.shape(values[self.wanted[0]]), bool)
        for name in self.wanted:
            size, parents = np.abs(values[name]), self.graph.nodes[name].parents
            zero_allowed = np.bool_(name in self.branching or not parents)
            for parent in parents:
                zero_allowed = zero_allowed | (values[parent] == 0)
            fine &= (size < MODERATE) & ((size > 1 / MODERATE**2) | ((size == 0) & zero_allowed))
        return fine

    def _differentiable(self, values: Mapping[str, Array]) -> Array:
        """At which points every edge has a finite slope and the products of the slopes stay finite."""
        edges = edge_numerics(self.graph, self.wanted, values)
        usable = np.ones(np.shape(values[self.wanted[0]]), bool)
        for number in (*edges.slope.values(), *edges.size.values()):
            usable &= np.isfinite(number)
        for total in reverse_sweep(self.graph, self.graph.objective, edges.size).values():
            usable &= np.isfinite(total)
        return usable

    def _proposals(self, count: int) -> Iterator[dict[str, Array]]:
        """Random numbers for the leaves: from the domains of their functions, then from ever other ranges."""
        graph, random = self.graph, self.random
        leaves = [name for name in self.leaves if name not in graph.constants]
        inside = domains(graph, leaves)
        usual = {name: _default_range(graph, name) for name in leaves}
        while True:
            yield {name: random.uniform(*inside.get(name, usual[name]), count) for name in leaves}
            yield {name: random.uniform(*usual[name], count) for name in leaves}
            if all(name in self.pool for name in leaves):
                near = {name: np.asarray(self.pool[name], float).flat[0] for name in leaves}
                noise = {name: random.standard_normal((2, count)) for name in leaves}
                yield {name: near[name] * (1 + 0.3 * noise[name][0]) + 0.03 * noise[name][1] for name in leaves}
            for low, high in RANGES[1:]:
                yield {name: random.uniform(low, high, count) for name in leaves}
            ranges = np.array([*RANGES, (-2.0, -0.1)])
            choice = {name: ranges[random.integers(len(ranges), size=count)] for name in leaves}
            yield {name: random.uniform(choice[name][:, 0], choice[name][:, 1]) for name in leaves}


def _default_range(graph: Graph, name: str) -> tuple[float, float]:
    """A range for a leaf; a parameter among many parents is drawn smaller, so that sums keep their size."""
    if graph.nodes[name].role is not Role.PARAMETER:
        return DEFAULT
    fan_in = max((len(graph.nodes[user].parents) for user in graph.consumers[name]), default=1)
    width = DEFAULT[1] * min(1.0, 2.0 / math.sqrt(fan_in))
    return -width, width


def _choose(graph: Graph, edges: EdgeNumerics, count: int, samples: int) -> Array:
    """The first `samples` points, and those that show a side of a switch or a live edge for the first time."""
    adjoints = reverse_sweep(graph, graph.objective, edges.size)
    features = [np.stack([sides > 0, sides < 0]).reshape(-1, count) for sides in edges.sides.values()]
    live = [scaled(adjoints[edge.target], size) != 0 for edge, size in edges.size.items() if edge.target in adjoints]
    seen_at = np.concatenate([*features, np.stack(live)]) if live else np.concatenate(features)
    chosen = list(range(min(samples, count)))
    seen: Array = np.any(seen_at[:, chosen], axis=1)
    while True:
        gains = np.count_nonzero(seen_at & ~seen[:, None], axis=0)
        best = int(np.argmax(gains)) if count else 0
        if not count or gains[best] == 0:
            return np.array(sorted(chosen), int)
        chosen.append(best)
        seen |= seen_at[:, best]


def _one_sided(edges: EdgeNumerics) -> list[str]:
    """Switches that no point has seen on both sides."""
    never: dict[str, list[str]] = {"above": [], "below": []}
    for name, sides in edges.sides.items():
        for sign, word in ((1, "above"), (-1, "below")):
            if not (sides == sign).any(axis=1).all():
                never[word].append(name)
    return [
        f"never {word} zero at any point: the switch in {', '.join(found[:10])}"
        + (" and more" if len(found) > 10 else "")
        for word, found in never.items()
        if found
    ]
