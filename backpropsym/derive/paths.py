"""The paths between two nodes: counted exactly, listed lazily, the strongest found without listing all."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from backpropsym.derive.local import Edge
from backpropsym.graph import Graph

Path = tuple[str, ...]


def edges(path: Path) -> tuple[Edge, ...]:
    """The links of a path, in its order."""
    return tuple(Edge(source, target) for source, target in itertools.pairwise(path))


class PathSpace:
    """All paths from `source` to `target` in a graph, as names from source to target.

    Only nodes that lie on some path are ever visited.
    """

    def __init__(self, graph: Graph, source: str, target: str) -> None:
        self.source = source
        self.target = target
        self.nodes = graph.between(graph[source].name, graph[target].name)
        kept = set(self.nodes)
        self.successors: dict[str, tuple[str, ...]] = {
            name: tuple(user for user in graph.consumers[name] if user in kept) if name != target else ()
            for name in self.nodes
        }

    @cached_property
    def to_target(self) -> Mapping[str, int]:
        """The number of paths from each node to the target, exact."""
        counts: dict[str, int] = {}
        for name in reversed(self.nodes):
            counts[name] = 1 if name == self.target else sum(counts[user] for user in self.successors[name])
        return counts

    @cached_property
    def from_source(self) -> Mapping[str, int]:
        """The number of paths from the source to each node, exact."""
        counts = dict.fromkeys(self.nodes, 0)
        if self.nodes:
            counts[self.source] = 1
        for name in self.nodes:
            for user in self.successors[name]:
                counts[user] += counts[name]
        return counts

    @property
    def count(self) -> int:
        """The number of paths, exact."""
        return self.to_target.get(self.source, 0)

    @cached_property
    def common(self) -> tuple[str, ...]:
        """The nodes that every path visits, from source to target."""
        total = self.count
        return tuple(name for name in self.nodes if self.from_source[name] * self.to_target[name] == total)

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

    def alive(self, dead: Callable[[Edge], bool]) -> int:
        """The number of paths without a link for which `dead` holds."""
        counts: dict[str, int] = {}
        for name in reversed(self.nodes):
            users = (user for user in self.successors[name] if not dead(Edge(name, user)))
            counts[name] = 1 if name == self.target else sum(counts[user] for user in users)
        return counts.get(self.source, 0)

    def strongest(self, size: Callable[[Edge], float]) -> Iterator[Path]:
        """Paths by falling product of `size` over their links, found best first.

        The bound on the rest of a path is exact (the best continuation by dynamic programming), so the k-th
        path costs about its own length times the number of links of a node, however many paths there are.

        References
        ----------
        Hart, Nilsson and Raphael, A formal basis for the heuristic determination of minimum cost paths, 1968.
        """
        logs: dict[Edge, float] = {}
        best: dict[str, float] = {}
        for name in reversed(self.nodes):
            for user in self.successors[name]:
                magnitude = abs(size(Edge(name, user)))
                logs[Edge(name, user)] = math.log(magnitude) if magnitude > 0 else -math.inf
            ahead = [logs[Edge(name, user)] + best[user] for user in self.successors[name]]
            best[name] = 0.0 if name == self.target else max(ahead)
        ticket = itertools.count()
        queue: list[tuple[float, int, float, str, _Trail]] = []
        if self.nodes:
            queue.append((-best[self.source], next(ticket), 0.0, self.source, None))
        while queue:
            _, _, so_far, name, trail = heapq.heappop(queue)
            if name == self.target:
                yield _unwind(trail, name)
                continue
            for user in self.successors[name]:
                reached = so_far + logs[Edge(name, user)]
                heapq.heappush(queue, (-(reached + best[user]), next(ticket), reached, user, (name, trail)))


_Trail = tuple[str, "_Trail"] | None


def _unwind(trail: _Trail, last: str) -> Path:
    names = [last]
    while trail is not None:
        name, trail = trail
        names.append(name)
    return tuple(reversed(names))
