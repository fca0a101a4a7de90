"""Why a derivative is zero: the fewest links with a zero local derivative that together lie on every path."""

from __future__ import annotations

from collections.abc import Callable

from backpropsym.derive.local.links import Edge
from backpropsym.derive.paths.semiring import LIVE, sweep
from backpropsym.graph.graph import Graph


class ZeroCuts:
    """Minimum cuts between any node and one target, by links that are zero.

    A path is dead where one of its links is zero. Where all paths are, some set of zero links meets every path: a
    cut. By the theorem of Ford and Fulkerson the smallest has as many links as the largest flow in which a zero link
    carries at most one unit and any other carries whatever comes. Of the smallest cuts the one nearest to the node
    is taken.

    Parameters
    ----------
    graph : the graph.
    of : the target of all paths.
    zero : whether the local derivative of a link is zero.

    References
    ----------
    Ford and Fulkerson, Maximal flow through a network, Canadian Journal of Mathematics 8, 1956.
    """

    def __init__(self, graph: Graph, of: str, zero: Callable[[Edge], bool]) -> None:
        self.graph = graph
        self.of = of
        self.zero = zero
        self._within = graph.ancestors(of)
        self._alive = self._alive_nodes()
        self._cuts: dict[str, tuple[Edge, ...]] = {}

    def _alive_nodes(self) -> set[str]:
        """The nodes from which some path to the target has no zero link."""
        nodes = [name for name in self.graph.order if name in self._within]
        users = {name: self._users(name) for name in nodes}
        found = sweep(nodes, users, LIVE, lambda link: not self.zero(link))
        return {name for name, alive in found.items() if alive}

    def _users(self, name: str) -> list[str]:
        """The next nodes on paths from `name` to the target."""
        return [] if name == self.of else [user for user in self.graph.consumers[name] if user in self._within]

    def alive(self, wrt: str) -> bool:
        """Whether some path from `wrt` to the target has no zero link."""
        return wrt in self._alive

    def cut(self, wrt: str) -> tuple[Edge, ...]:
        """The smallest set of zero links on all paths from `wrt`, nearest to it; empty where there is no path.

        Raises
        ------
        ValueError : a path is alive, so no set of zero links cuts them all.
        """
        if self.alive(wrt):
            raise ValueError(f"a path from {wrt} to {self.of} is alive")
        name, trail = wrt, [wrt]
        while name not in self._cuts:
            users = self._users(name)
            if not users or wrt not in self._within:
                self._cuts[name] = ()
            elif len(users) > 1:
                self._cuts[name] = self._smallest(name)
            elif self.zero(Edge(name, users[0])):
                self._cuts[name] = (Edge(name, users[0]),)
            else:
                name = users[0]
                trail.append(name)
        # What leads through one live link has the cut of what it leads to.
        self._cuts.update(dict.fromkeys(trail, self._cuts[name]))
        return self._cuts[wrt]

    def _smallest(self, wrt: str) -> tuple[Edge, ...]:
        """The cut by a largest flow. It runs against the links: NetworkX returns the cut nearest to the flow's end."""
        import networkx as nx
        from networkx.algorithms.flow import shortest_augmenting_path

        flow = nx.DiGraph()
        links = [Edge(name, user) for name in self.graph.between(wrt, self.of) for user in self._users(name)]
        for link in links:
            flow.add_edge(link.target, link.source, **({"capacity": 1} if self.zero(link) else {}))
        _, (far, near) = nx.minimum_cut(flow, self.of, wrt, flow_func=shortest_augmenting_path)
        return tuple(link for link in links if link.source in near and link.target in far)
