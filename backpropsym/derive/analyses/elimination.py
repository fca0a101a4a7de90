"""Derivatives by eliminating nodes one by one: each order is an algorithm, and reverse mode is one of them.

A graph with its local derivatives on the links stays equivalent when a node is taken out and every path of two links
through it becomes a link: the products of the two are put on it, and added to what is there. When only the links from
the parameters to the output are left, they are the derivatives. From the output back this is backprop, from the
parameters on it is forward mode; in between lie all other orders, and the cheapest of them is hard to find (Naumann
2008), so that it is searched for in small graphs and approximated in large ones.

References
----------
Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, chapters 9 and 10.
Griewank and Reese, On the calculation of Jacobian matrices by the Markowitz rule, 1991.
Naumann, Optimal Jacobian accumulation is NP-complete, Mathematical Programming 112, 2008.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backpropsym.arrays import Numeric
from backpropsym.derive.analyses.array_costs import FREE, Operations
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.formula.tree import ONE

ORDERS = ("reverse", "forward", "markowitz", "best")
MAX_SEARCHED = 20
"""Nodes to eliminate up to which the best order is searched for."""

MAX_STATES = 5_000
"""Sets of eliminated nodes that the search looks at before it gives up; more than there are of 12 nodes."""


@dataclass(frozen=True)
class Step:
    """One node taken out.

    Attributes
    ----------
    node : the node.
    removed : its links.
    added : links that were not there before.
    merged : links that were there and to which a product was added.
    cost : the multiplications and additions of this step; a factor of one costs nothing.
    total : those of all steps so far.
    """

    node: str
    removed: tuple[Edge, ...]
    added: tuple[Edge, ...]
    merged: tuple[Edge, ...]
    cost: Operations
    total: Operations


@dataclass(frozen=True)
class Elimination:
    """An order with what it does.

    Attributes
    ----------
    order : how the order was chosen.
    steps : the nodes, in the order in which they are taken out.
    links : what is left: a link for each derivative that is not zero.
    exact : whether it is proven that no order takes fewer multiplications, nor as many and fewer additions.
    """

    order: str
    steps: tuple[Step, ...]
    links: tuple[Edge, ...]
    exact: bool = False

    @property
    def cost(self) -> Operations:
        """All multiplications and additions."""
        return self.steps[-1].total if self.steps else FREE

    def evaluate(self, numbers: Mapping[Edge, Numeric]) -> dict[Edge, Numeric]:
        """The derivatives by the steps themselves, from the numbers of the local derivatives.

        Parameters
        ----------
        numbers : the local derivative of every link of the graph, shape () or (batch,); results have the same.
        """
        values = dict(numbers)
        for step in self.steps:
            into = [link for link in step.removed if link.target == step.node]
            out = [link for link in step.removed if link.source == step.node]
            for first, second in itertools.product(into, out):
                product, link = values[first] * values[second], Edge(first.source, second.target)
                values[link] = values[link] + product if link in values else product
            for link in step.removed:
                del values[link]
        return {link: values[link] for link in self.links}


class Linearised:
    """The links from some nodes to others, nodes being taken out.

    Parameters
    ----------
    of, wrt : the ends; a node between two ends that is an end itself stays.
    """

    def __init__(self, local: LocalDerivatives, of: Sequence[str], wrt: Sequence[str]) -> None:
        graph = local.graph
        within = graph.ancestors(*of) & graph.descendants(*wrt)
        kept = [name for name in graph.order if name in within]
        ends = {*of, *wrt}
        self.inner = tuple(name for name in kept if name not in ends)
        self.out: dict[str, dict[str, bool]] = {name: {} for name in kept}
        self.into: dict[str, dict[str, bool]] = {name: {} for name in kept}
        for name in kept:
            for parent in graph.nodes[name].parents:
                if parent in within and name not in wrt:
                    self._link(parent, name, local[Edge(parent, name)] == ONE)

    def _link(self, source: str, target: str, is_one: bool) -> None:
        self.out[source][target] = self.into[target][source] = is_one

    def links(self) -> tuple[Edge, ...]:
        """The links that are there now."""
        return tuple(Edge(source, target) for source, targets in self.out.items() for target in targets)

    def markowitz(self, node: str) -> int:
        """How many products it takes to eliminate a node now."""
        return sum(not (first or second) for first in self.into[node].values() for second in self.out[node].values())

    def eliminate(self, node: str) -> tuple[Operations, tuple[Edge, ...], tuple[Edge, ...], tuple[Edge, ...]]:
        """Take out a node: what that costs, the links removed, added, and added to."""
        into, out = self.into.pop(node), self.out.pop(node)
        removed = (*(Edge(source, node) for source in into), *(Edge(node, target) for target in out))
        multiplications = sum(not (first or second) for first in into.values() for second in out.values())
        for source in into:
            del self.out[source][node]
        for target in out:
            del self.into[target][node]
        added: list[Edge] = []
        merged: list[Edge] = []
        for (source, first), (target, second) in itertools.product(into.items(), out.items()):
            there = target in self.out[source]
            (merged if there else added).append(Edge(source, target))
            self._link(source, target, not there and first and second)
        return Operations(multiplications, len(merged)), removed, tuple(added), tuple(merged)

    def copy(self) -> Linearised:
        """Another one with the same links."""
        other = object.__new__(Linearised)
        other.inner = self.inner
        other.out = {name: dict(targets) for name, targets in self.out.items()}
        other.into = {name: dict(sources) for name, sources in self.into.items()}
        return other


def eliminate(local: LocalDerivatives, of: Sequence[str], wrt: Sequence[str], order: str = "best") -> Elimination:
    """The derivatives of the nodes `of` by the nodes `wrt`, as the elimination of all that lies between.

    Parameters
    ----------
    order : `reverse`, `forward`, `markowitz` (always the node that is cheapest now), or `best`: searched for, and where
        the search is given up the cheapest of the others.

    Raises
    ------
    UnknownNameError : no such node or order.
    """
    if order not in ORDERS:
        fix = did_you_mean(order, ORDERS, f"the orders are: {', '.join(ORDERS)}")
        raise UnknownNameError(f"no order of elimination is called {order!r}", fix=fix)
    of, wrt = ([local.graph[name].name for name in names] for names in (of, wrt))
    start = Linearised(local, of, wrt)
    if order != "best":
        return _run(start, order, _order(start, order))
    others = [_run(start, each, _order(start, each)) for each in ORDERS[:-1]]
    cheapest = min(others, key=lambda each: _key(each.cost))
    found = _search(start, cheapest.cost) if len(start.inner) <= MAX_SEARCHED else None
    if found is None:
        return Elimination("best", cheapest.steps, cheapest.links)
    nodes = found or [step.node for step in cheapest.steps]
    return _run(start, "best", nodes, exact=True)


def _run(start: Linearised, order: str, nodes: Iterable[str], exact: bool = False) -> Elimination:
    """Take out `nodes` in their order."""
    graph, total, steps = start.copy(), FREE, []
    for node in nodes:
        cost, removed, added, merged = graph.eliminate(node)
        total += cost
        steps.append(Step(node, removed, added, merged, cost, total))
    return Elimination(order, tuple(steps), graph.links(), exact)


def _order(start: Linearised, order: str) -> list[str]:
    """The nodes in an order that is not searched for."""
    if order == "markowitz":
        return _cheapest_first(start.copy())
    return list(start.inner) if order == "forward" else list(reversed(start.inner))


def _cheapest_first(graph: Linearised) -> list[str]:
    """Always the node that takes the fewest products now, of several the one nearest to the output."""
    place = {name: -position for position, name in enumerate(graph.inner)}
    known = {name: graph.markowitz(name) for name in graph.inner}
    heap = [(degree, place[name], name) for name, degree in known.items()]
    heapq.heapify(heap)
    nodes = []
    while heap:
        degree, _, node = heapq.heappop(heap)
        if known.get(node) != degree:
            continue
        neighbours = [*graph.into[node], *graph.out[node]]
        graph.eliminate(node)
        nodes.append(node)
        del known[node]
        for name in neighbours:
            if name in known:
                known[name] = graph.markowitz(name)
                heapq.heappush(heap, (known[name], place[name], name))
    return nodes


def _key(cost: Operations) -> tuple[int, int]:
    return cost.multiplications, cost.additions


def _search(start: Linearised, bound: Operations) -> list[str] | None:
    """An order cheaper than `bound`; empty where there is none, None where the search is given up.

    What is left after a set of nodes is taken out does not depend on their order, so the cheapest way to each set is
    kept; sets are looked at by rising cost, and those that cost as much as `bound` are cut off.
    """
    inner = start.inner
    waiting: list[tuple[tuple[int, int], int, int]] = [((0, 0), 0, 0)]
    least = {0: (0, 0)}
    came: dict[int, tuple[int, int]] = {}
    graphs = {0: start}
    whole, looked, tie = (1 << len(inner)) - 1, 0, itertools.count(1)
    while waiting:
        cost, _, done = heapq.heappop(waiting)
        if cost > least[done]:
            continue
        if done == whole:
            return _way(came, done, inner) if cost < _key(bound) else []
        looked += 1
        if looked > MAX_STATES:
            return None
        graph = graphs.pop(done)
        for place, node in enumerate(inner):
            if done >> place & 1:
                continue
            after = graph.copy()
            step, *_ = after.eliminate(node)
            reached, total = done | 1 << place, (cost[0] + step.multiplications, cost[1] + step.additions)
            if total <= _key(bound) and total < least.get(reached, (total[0] + 1, 0)):
                least[reached], came[reached], graphs[reached] = total, (done, place), after
                heapq.heappush(waiting, (total, next(tie), reached))
    return []


def _way(came: Mapping[int, tuple[int, int]], done: int, inner: Sequence[str]) -> list[str]:
    nodes = []
    while done:
        done, place = came[done]
        nodes.append(inner[place])
    return nodes[::-1]
