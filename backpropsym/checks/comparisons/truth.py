"""Values and derivatives against the plain truth: the reference interpreter, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from backpropsym.arrays import Array, Values
from backpropsym.checks.arrays.finite_differences import Position, some_entries
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.arrays.switches import sizes
from backpropsym.checks.arrays.work import work
from backpropsym.checks.comparisons.expected import Expected
from backpropsym.checks.comparisons.objects import ROUNDINGS, SingleObject
from backpropsym.checks.comparisons.registry import Comparison, Pair
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.edges import EPS
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.choices import position_nodes
from backpropsym.evaluate.differences import ExactPoint, complex_step
from backpropsym.evaluate.reference import Reference
from backpropsym.evaluate.slopes import two_sided_slope
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import entry_name

ENTRIES = 24
"""Of each node at each point; of a larger one at random."""

TERMS = 20_000
"""How many terms the entries of one node may have together, at least one entry."""

COPIES = 4
SMALL = 3_000
"""Networks whose forward pass takes in no more numbers are differentiated by the reference as a whole."""

SAME_SLOPES = 1e-6
LARGEST = float(np.finfo(float).max)


def values(subject: Subject) -> Iterator[Pair]:
    """Every node's entries from the values of its parents, so that a wrong one is named."""
    graph, needed = subject.graph, subject.graph.ancestors(subject.of)
    for point in subject.points:
        for name in graph.order:
            if name in needed and graph[name].op is not None:
                some = some_entries(sizes(graph[name]), _count(graph, graph[name]), subject.random)
                yield from node_values(graph, name, point, some, subject.random)
    for point in subject.lost:
        bad = point.first_beyond(LARGEST)
        if bad is not None and graph[bad].op is not None:
            lost = np.argwhere(~(np.abs(point.values[bad]) <= LARGEST))[:ENTRIES].tolist()
            yield from node_values(graph, bad, point, list(map(tuple, lost)), subject.random)


def node_values(
    graph: Graph, name: str, point: ArrayPoint, positions: Sequence[Position], random: np.random.Generator
) -> Iterator[Pair]:
    """Some entries of a node, each from the values of its parents."""
    node = graph[name]
    small = alone(graph, node)
    parents = {parent: point.values[parent] for parent in node.parents}
    network = ArrayNetwork(small, parents)
    network.forward(name)
    value, reference = np.asarray(point.values[name]), Reference(small, parents)
    for position in positions:
        with np.errstate(all="ignore"):
            right = np.asarray(reference.entry(name, position), float)
        blur = partial(_blur, small, name, parents, position, float(right), random)
        what = entry_name(_called(node), position)
        yield Pair(what, value[position], Expected(right, np.abs(network.sizes[name][position]), blur))


def alone(graph: Graph, node: Node) -> Graph:
    """A graph of one node, its parents as leaves."""
    leaves = {parent: Node(parent, Role.INPUT, graph[parent].shape) for parent in node.parents}
    own = Node(node.name, Role.VALUE, node.shape, node.op, node.parents)
    return Graph({**leaves, node.name: own}, node.name, functions=graph.functions)


def _called(node: Node) -> str:
    return node.name if node.named else f"{type(node.op).__name__.lower()} in {node.owner}"


def _count(graph: Graph, node: Node) -> int:
    """How many entries of a node are computed: fewer where each is a long sum."""
    entries = max(1, math.prod(sizes(node)))
    small = alone(graph, node)
    return max(1, min(ENTRIES, TERMS * entries // max(1, work(small))))


def _blur(
    graph: Graph,
    name: str,
    parents: Values,
    position: Position,
    right: float,
    random: np.random.Generator,
) -> Array:
    """By how much an entry moves when its parents are off by a few roundings."""
    chosen, gaps = position_nodes(graph), [0.0]
    for _ in range(COPIES):
        moved = {
            parent: value
            if parent in chosen
            else np.asarray(value) * (1 + ROUNDINGS * EPS * random.uniform(-1, 1, np.shape(value)))
            for parent, value in parents.items()
        }
        with np.errstate(all="ignore"):
            gaps.append(abs(float(Reference(graph, moved).entry(name, position)) - right))
    return np.asarray(np.fmax.reduce(gaps))


def derivatives(subject: Subject) -> Iterator[Pair]:
    """The gradient of a small network by complex steps of the reference, by every leaf."""
    if work(subject.graph) > SMALL or not subject.leaves:
        return
    for single in subject.singles[:1]:
        slopes = complex_step(subject.graph, single.point.leaves, subject.of, subject.leaves)
        for name in subject.leaves:
            adjoint = single.adjoint(name)
            right = _two_sided(subject, single, name, slopes[name], np.isfinite(adjoint.right))
            expected = Expected(right, adjoint.size, adjoint.blur)
            yield Pair(f"d{subject.of}/d{name}", adjoint.right, expected)


def _two_sided(subject: Subject, single: SingleObject, name: str, slopes: Array, found: Array) -> Array:
    """True slopes; none where no number was found and the network has one side only, as sqrt(w)**2 at w = 0."""
    right = np.array(slopes)
    for place in map(tuple, np.argwhere(np.isfinite(slopes) & ~found)):
        right[place] = two_sided_slope(subject.graph, single.point.leaves, (subject.of, ()), (name, place))
    return right


def finite(subject: Subject) -> Iterator[Pair]:
    """Links that hand back what is no finite number, where the true local derivative is one.

    A branch that is not taken is never multiplied in, and what saturates has a derivative; at a point where a root
    begins it is infinite, and that is no fault.
    """
    for point in subject.points:
        if not point.finite:
            for name in reversed(subject.graph.order):
                if name in point.adjoints and np.all(np.isfinite(point.adjoints[name])):
                    yield from _lost_parts(subject.graph, name, point)


def _lost_parts(graph: Graph, name: str, point: ArrayPoint) -> Iterator[Pair]:
    """What a node with a finite adjoint hands back to its parents, where that is not finite."""
    node = graph[name]
    small = alone(graph, node)
    if node.op is None or work(small) > SMALL:
        return
    parents = {parent: point.values[parent] for parent in node.parents}
    for parent, part in point.network.pulled(name, point.adjoints[name]).items():
        for place in np.argwhere(~np.isfinite(part))[:ENTRIES].tolist():
            slopes = true_slopes(small, parents, name, parent, tuple(place))
            if slopes is not None:
                right = np.sum(np.asarray(point.adjoints[name]) * slopes)
                what = f"{entry_name(parent, place)} -> {_called(node)}"
                yield Pair(what, np.asarray(part)[tuple(place)], Expected(right, np.abs(right), partial(np.zeros, ())))


def true_slopes(graph: Graph, leaves: Values, of: str, name: str, position: Position) -> Array | None:
    """The derivatives of the entries of a node in sixty digits where both one-sided ones agree, else None."""
    try:
        left, right = (np.array(side, float) for side in ExactPoint(graph, leaves).one_sided_slopes(of, name, position))
    except (ArithmeticError, ValueError, TypeError):
        return None
    same = np.abs(left - right) <= SAME_SLOPES * (1 + np.abs(right))
    return right if np.all(np.isfinite(left) & np.isfinite(right) & same) else None


BEFORE = (
    Comparison("values", "entries of every node, with their index definitions by the reference", values),
    Comparison("finite", "local derivatives that are no numbers, with exact differences", finite),
)
DEFAULT = (Comparison("reference", "gradients of a small network, with complex steps of the reference", derivatives),)
