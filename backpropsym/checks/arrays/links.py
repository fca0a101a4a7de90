"""Every link of a network of arrays on its own, so that a wrong rule is named by the link that uses it.

A link has three derivations: the reverse rule on arrays, the local derivative in index notation, and for an
elementwise node the formula, in two spellings. Each is compared with a complex step of the one node.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.checks.arrays.finite_differences import some_entries
from backpropsym.checks.arrays.index_evaluation import IndexNumbers
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.arrays.switches import sizes
from backpropsym.checks.edges import EPS, FLOOR, edge_numerics, ratio
from backpropsym.checks.faults import wrong_edges, wrong_spellings
from backpropsym.checks.gradients import Numbers
from backpropsym.checks.judgement import TOLERANCE
from backpropsym.checks.report import Fault
from backpropsym.checks.sample_points import Points
from backpropsym.derive.local.entries import Access, accesses
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import LimitError
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.number_systems import STEP, WatchedSteps, step_slopes
from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import Call, Expr, Index, Name, called
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.ops.kinds import Elementwise, Reduction
from backpropsym.ops.reducer import REDUCERS, read

ENTRIES = 24
FORMULA_ENTRIES = 64
DIRECTION = "direction of the check"
TINIEST = float(np.finfo(float).tiny)


def wrong_links(graph: Graph, points: Sequence[ArrayPoint], random: np.random.Generator) -> list[Fault]:
    """The links whose derivations disagree with complex steps, each in its worst place once."""
    found: dict[str, Fault] = {}
    for name in graph.order:
        node = graph[name]
        if node.op is None or name not in points[0].values:
            continue
        for point in points:
            for fault in _Link(graph, node, point, random).faults():
                found.setdefault(fault.place, fault)
        if isinstance(node.op, Elementwise):
            for fault in _wrong_formulas(graph, node, points, random):
                found.setdefault(fault.place, fault)
    return list(found.values())


def place(graph: Graph, edge: Edge) -> str:
    """A link for people: an operation inside a formula by its kind and by the node in whose formula it stands."""
    return f"{_end(graph[edge.source])} -> {_end(graph[edge.target])}"


def _end(node: Node) -> str:
    if node.named:
        return node.name
    return f"{type(node.op).__name__.lower()} in {node.owner}"


class _Link:
    """The links into one node at one point, along random directions of its parents."""

    def __init__(self, graph: Graph, node: Node, point: ArrayPoint, random: np.random.Generator) -> None:
        self.graph = graph
        self.node = node
        self.point = point
        self.random = random
        seed = random.standard_normal(sizes(node))
        self.seed = np.where(point.kinks[node.name], 0.0, seed) if node.name in point.kinks else seed

    def faults(self) -> Iterator[Fault]:
        """What is wrong with the reverse rule and with the local derivatives in index notation."""
        network, name = self.point.network, self.node.name
        pulled = network.pulled(name, self.seed)
        scales = network.pulled(name, np.abs(self.seed), magnitudes=True)
        some = some_entries(sizes(self.node), ENTRIES, self.random)
        for parent in self.node.parents:
            direction = self.random.standard_normal(np.shape(self.point.values[parent]))
            stepped = self._stepped(parent, direction)
            scale = total_product(np.abs(scales.get(parent, 0.0)), np.abs(direction))
            derived = total_product(pulled.get(parent, 0.0), direction)
            if not math.isfinite(derived):
                continue  # what is lost there is looked for by the comparison of finite slopes
            yield from self._compared(parent, "", derived, total_product(stepped, self.seed), scale)
            numeric = total_product(*(np.array([array[each] for each in some]) for array in (stepped, self.seed)))
            try:
                derived = self._by_index(parent, direction, some)
            except LimitError:
                continue
            yield from self._compared(parent, ", in index notation", derived, numeric, scale)

    def _compared(self, parent: str, where: str, derived: float, numeric: float, scale: float) -> Iterator[Fault]:
        gap = abs(derived - numeric)
        comparable = math.isfinite(numeric) and math.isfinite(scale)
        if comparable and not gap <= self._tolerance * EPS * scale + FLOOR:
            edge = Edge(parent, self.node.name)
            yield Fault(place(self.graph, edge) + where, f"{derived:.12g} along a direction", numeric, edge)

    @property
    def _tolerance(self) -> float:
        """32, or as many roundings as a sum over the largest parent has where that is more.

        Weights such as exp(x - logsumexp(x)) are as uncertain as their exponents, those that are zero left out.
        """
        values = [self.point.values[parent] for parent in self.node.parents]
        tolerance = max(TOLERANCE, math.sqrt(max(map(np.size, values), default=1)))
        op = self.node.op
        if isinstance(op, Reduction) and "exp" in called(read(REDUCERS[op.function].derivative or "x")):
            (operand,) = values
            weighed = operand - np.max(operand, axis=op.axes, keepdims=True) > np.log(TINIEST)
            return tolerance * (1 + float(np.max(np.abs(operand), where=weighed, initial=0.0)))
        return tolerance

    def _stepped(self, parent: str, direction: Array) -> Array:
        """d node along a direction of one parent, in the node's shape, by a complex step; nan where that is none."""
        values: dict[str, Array] = {each: self.point.values[each] for each in self.node.parents}
        values[parent] = values[parent] + 1j * STEP * direction
        watched = WatchedSteps()
        with np.errstate(all="ignore"):
            found = np.asarray(ArrayNetwork(self.graph, values, arithmetic=watched).apply(self.node.name))
        return np.where(watched.doubtful(found.shape), np.nan, step_slopes(found))

    def _by_index(self, parent: str, direction: Array, some: Sequence[tuple[int, ...]]) -> float:
        """The same along the direction, by the local derivatives of some entries in index notation."""
        numbers = IndexNumbers({**self.point.values, DIRECTION: direction}, self.graph.functions)
        total = np.zeros(len(some))
        for access in accesses(self.graph, self.node):
            if access.parent == parent:
                grid = dict(zip(access.indices, np.array(some, int).reshape(len(some), -1).T, strict=True))
                total = total + numbers.at(_along(access), grid)
        seeds = np.array([self.seed[each] for each in some])
        return total_product(total, seeds)


def _along(access: Access) -> Expr:
    """d node along a direction of the parent: the sum of local derivatives times the direction's entries."""
    entry: Expr = Index(Name(DIRECTION), access.subscripts) if access.subscripts else Name(DIRECTION)
    product = mul([access.factor, entry])
    return Call("Sum", (product, *access.sums)) if access.sums else product


def total_product(first: Numeric, second: Numeric) -> float:
    """The sum of products, in which an infinite or undefined number times zero is zero."""
    with np.errstate(all="ignore"):
        return float(np.sum(np.where(np.asarray(second) == 0, 0.0, np.multiply(first, second))))


def _wrong_formulas(
    graph: Graph, node: Node, points: Sequence[ArrayPoint], random: np.random.Generator
) -> Iterator[Fault]:
    """An elementwise formula as a network of scalars at some entries: what is computed and what is printed."""
    leaves = {parent: Node(parent, Role.INPUT) for parent in node.parents}
    alone = Node(node.name, Role.VALUE, (), node.op, node.parents)
    small = Graph({**leaves, node.name: alone}, node.name, functions=graph.functions)
    values: dict[str, Any] = {name: [] for name in small.nodes}
    most = max(1, FORMULA_ENTRIES // len(points))
    for point in points:
        some = some_entries(sizes(node), most, random)
        for name, listed in values.items():
            whole = np.broadcast_to(point.values[name], sizes(node))
            listed += [float(whole[each]) for each in some]
    arrays = {name: np.array(listed) for name, listed in values.items()}
    count = len(arrays[node.name])
    if not node.parents or not count:
        return
    numbers = Numbers(
        LocalDerivatives(small), Points(arrays, edge_numerics(small, [node.name], arrays), 0, np.arange(count), ())
    )
    edges = wrong_edges(numbers)
    for fault in (*edges, *wrong_spellings(numbers, edges)):
        assert fault.edge is not None
        yield Fault(place(graph, fault.edge), fault.derived, fault.numeric, fault.edge)


def wrong_sums(graph: Graph, points: Sequence[ArrayPoint]) -> Iterator[Fault]:
    """The nodes whose adjoint is not the sum over all their consumers of what each of them hands back."""
    for name in graph.order:
        if name not in points[0].values or name == graph.objective:
            continue
        users = [user for user in graph.consumers[name] if user in points[0].values]
        for point in points:
            handed = [point.network.pulled(user, point.adjoints[user]) for user in users]
            parts = [each[name] for each in handed if name in each]
            if not parts:  # a leaf that only chooses entries
                continue
            total, size = sum(parts[1:], parts[0]), sum(np.abs(part) for part in parts)
            off = np.where(np.isfinite(total), ratio(point.adjoints[name], total, size), 0.0)
            if np.any(off > max(TOLERANCE, len(parts))):
                worst = np.unravel_index(int(np.argmax(off)), off.shape)
                where = f"the adjoint of {_end(graph[name])}, a sum over {', '.join(users[:5])}"
                derived = f"{np.asarray(point.adjoints[name])[worst]:.12g}"
                yield Fault(where, derived, float(np.asarray(total)[worst]))
                break
