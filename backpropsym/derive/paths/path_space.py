"""The paths between two nodes: counted exactly, listed lazily, the strongest found without listing all."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from backpropsym.collection import collection_paused
from backpropsym.derive.local.links import Edge
from backpropsym.derive.paths.semiring import COUNT, STRONGEST, Semiring, log_magnitude, sweep
from backpropsym.graph.graph import Graph

V = TypeVar("V")
Path = tuple[str, ...]
_Candidate = tuple[float, int, int, str]


def edges(path: Path) -> tuple[Edge, ...]:
    """The links of a path, in its order."""
    return tuple(Edge(source, target) for source, target in itertools.pairwise(path))


class PathSpace:
    """All paths from `source` to `target` in a graph, as names from source to target.

    Only nodes that lie on some path are ever visited.
    """

    def __init__(self, graph: Graph, source: str, target: str) -> None:
        self.graph = graph
        self.source = graph[source].name
        self.target = graph[target].name

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.graph, self.source, self.target)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The nodes on some path, in topological order."""
        return self.graph.between(self.source, self.target)

    @cached_property
    @collection_paused()
    def successors(self) -> Mapping[str, tuple[str, ...]]:
        """For each node on some path, the next ones, in the order written."""
        kept, consumers = set(self.nodes), self.graph.consumers
        return {
            name: tuple(user for user in consumers[name] if user in kept) if name != self.target else ()
            for name in self.nodes
        }

    def sweep(self, semiring: Semiring[V], weight: Callable[[Edge], V] | None = None) -> dict[str, V]:
        """For each node the sum over its paths to the target of the products of the weights of their links."""
        return sweep(self.nodes, self.successors, semiring, weight)

    def over(self, semiring: Semiring[V], weight: Callable[[Edge], V]) -> V:
        """The sum over all paths of the products of the weights of their links."""
        return self.sweep(semiring, weight).get(self.source, semiring.zero)

    def sweep_on(self, semiring: Semiring[V], weight: Callable[[Edge], V] | None = None) -> dict[str, V]:
        """For each node the sum over the paths from the source to it; the product of `semiring` is commutative."""
        before: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name in self.nodes:
            for user in self.successors[name]:
                before[user].append(name)
        return sweep(self.nodes[::-1], before, semiring, weight, against=True)

    @cached_property
    def to_target(self) -> Mapping[str, int]:
        """The number of paths from each node to the target, exact."""
        return self.sweep(COUNT)

    @cached_property
    def from_source(self) -> Mapping[str, int]:
        """The number of paths from the source to each node, exact."""
        return self.sweep_on(COUNT)

    @cached_property
    def count(self) -> int:
        """The number of paths, exact; by one pass over the graph's links where the paths' own are not known yet."""
        if "successors" in self.__dict__:
            return self.to_target.get(self.source, 0)
        counts = {self.source: 1}
        order, parents, known = self.graph.order, self.graph.parents, counts.get
        for name in order[order.index(self.source) + 1 :]:
            total = 0
            for parent in parents[name]:
                total += known(parent, 0)
            if total:
                counts[name] = total
        return counts.get(self.target, 0)

    @cached_property
    def common(self) -> tuple[str, ...]:
        """The nodes that every path visits, from source to target: those that no link leaps over."""
        position = self._position
        reach, kept = 0, []
        for index, name in enumerate(self.nodes):
            if reach <= index:
                kept.append(name)
            reach = max(reach, *(position[user] for user in self.successors[name]), 0)
        return tuple(kept)

    @cached_property
    def _position(self) -> Mapping[str, int]:
        return {name: index for index, name in enumerate(self.nodes)}

    def section(self, source: str, target: str) -> PathSpace:
        """The paths from `source` to `target`, where all paths of this space from `source` visit `target`."""
        found, stack = {target}, [source]
        while stack:
            name = stack.pop()
            if name not in found:
                found.add(name)
                stack.extend(self.successors[name])
        part = object.__new__(PathSpace)
        part.graph, part.source, part.target = self.graph, source, target
        part.nodes = tuple(sorted(found, key=self._position.__getitem__))
        part.successors = {name: self.successors[name] if name != target else () for name in part.nodes}
        return part

    def __iter__(self) -> Iterator[Path]:
        """Every path, depth first, links in the order in which the person wrote the nodes."""
        if not self.nodes:
            return
        trail = [self.source]
        pending = [iter(self.successors[self.source])]
        if self.source == self.target:
            yield (self.source,)
        while pending:
            name = next(pending[-1], None)
            if name is None:
                pending.pop()
                trail.pop()
            elif name == self.target:
                yield (*trail, name)
            else:
                trail.append(name)
                pending.append(iter(self.successors[name]))

    def total(self, weight: Callable[[Edge], int]) -> int:
        """The sum over all paths of the sum of `weight` over their links, exact."""
        return sum(
            weight(Edge(name, user)) * self.from_source[name] * self.to_target[user]
            for name in self.nodes
            for user in self.successors[name]
        )

    def alive(self, carries: Callable[[Edge], bool]) -> int:
        """The number of paths for all links of which `carries` holds."""
        return self.over(COUNT, carries)

    def strongest(self, size: Callable[[Edge], float]) -> Iterator[Path]:
        """Paths by falling product of |size| over their links, equal ones in path order; lazily."""
        ranking = _Ranking(self, size)
        while ranking.extend():
            yield ranking.last()


class _Ranking:
    """The paths of a space by falling strength, found one by one; each costs about its own length.

    The best path of every node is a sweep in the tropical semiring. Its next path is the best of the candidates
    through its successors; when one is taken, only the successor that it went through is asked for its own next path.

    References
    ----------
    Jimenez and Marzal, Computing the K shortest paths: a new algorithm and an experimental comparison, 1999.
    """

    def __init__(self, space: PathSpace, size: Callable[[Edge], float]) -> None:
        self.space = space
        links = (Edge(name, user) for name in space.nodes for user in space.successors[name])
        self.costs = {link: -log_magnitude(size(link)) for link in links}
        best = space.sweep(STRONGEST, self.costs.__getitem__)
        self.ranked: dict[str, list[_Candidate]] = {name: [] for name in space.nodes}
        self.waiting: dict[str, list[_Candidate]] = {}
        for name in reversed(space.nodes):
            waiting: list[_Candidate] = [(0.0, 0, 0, "")] if name == space.target else []
            for place, user in enumerate(space.successors[name]):
                waiting.append((self.costs[Edge(name, user)] + best[user], place, 0, user))
            heapq.heapify(waiting)
            self.waiting[name] = waiting
            if name != space.source:
                self._take(name)

    def _take(self, name: str) -> None:
        if self.waiting[name]:
            self.ranked[name].append(heapq.heappop(self.waiting[name]))

    def extend(self) -> bool:
        """Find the next path from the source; whether there is one."""
        if not self.space.nodes:
            return False
        trail = [self.space.source]
        while self.ranked[trail[-1]]:
            _, _, rank, user = self.ranked[trail[-1]][-1]
            if not user or len(self.ranked[user]) > rank + 1:
                break
            trail.append(user)
        found = len(self.ranked[self.space.source])
        for name in reversed(trail):
            if self.ranked[name]:
                self._wait_for_next(name)
            self._take(name)
        return len(self.ranked[self.space.source]) > found

    def _wait_for_next(self, name: str) -> None:
        """Put the path after the last one through the same successor among the candidates of `name`."""
        _, place, rank, user = self.ranked[name][-1]
        if user and len(self.ranked[user]) > rank + 1:
            cost = self.costs[Edge(name, user)] + self.ranked[user][rank + 1][0]
            heapq.heappush(self.waiting[name], (cost, place, rank + 1, user))

    def last(self) -> Path:
        """The path found last."""
        names = [self.space.source]
        _, _, rank, user = self.ranked[self.space.source][-1]
        while user:
            names.append(user)
            _, _, rank, user = self.ranked[user][rank]
        return tuple(names)
