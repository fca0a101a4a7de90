"""Minimum cuts by zero links, against every set of links on small graphs."""

from __future__ import annotations

import itertools
import random

import pytest

from backpropsym.derive.local.links import Edge
from backpropsym.derive.paths.minimal_cut import ZeroCuts
from backpropsym.derive.paths.path_space import PathSpace, edges
from backpropsym.graph.graph import Graph, Node, Role


def random_case(seed: int) -> tuple[Graph, set[Edge]]:
    """A graph of eight nodes and about half of its links zero."""
    chance = random.Random(seed)
    names = [f"n{at}" for at in range(8)]
    nodes = {}
    for at, name in enumerate(names):
        parents = tuple(other for other in names[:at] if chance.random() < 0.45)
        nodes[name] = Node(name, Role.VALUE if parents else Role.INPUT, (), None, parents)
    graph = Graph(nodes, names[-1])
    links = [Edge(parent, node.name) for node in nodes.values() for parent in node.parents]
    return graph, {link for link in links if chance.random() < 0.6}


def meets_all(cut: tuple[Edge, ...], paths: list[tuple[str, ...]]) -> bool:
    return all(set(edges(path)) & set(cut) for path in paths)


@pytest.mark.parametrize("seed", range(100))
def test_cuts_are_the_smallest_sets_of_zero_links_on_all_paths(seed: int) -> None:
    graph, zeros = random_case(seed)
    cuts = ZeroCuts(graph, graph.output, zeros.__contains__)
    for name in graph.nodes:
        if name == graph.output:
            continue
        paths = list(PathSpace(graph, name, graph.output))
        alive = any(not set(edges(path)) & zeros for path in paths)
        assert cuts.alive(name) == alive
        if alive:
            with pytest.raises(ValueError, match="alive"):
                cuts.cut(name)
            continue
        found = cuts.cut(name)
        assert set(found) <= zeros
        assert meets_all(found, paths)
        on_paths = {link for path in paths for link in edges(path)} & zeros
        smaller = itertools.combinations(sorted(on_paths), len(found) - 1) if found else ()
        assert not any(meets_all(each, paths) for each in smaller), "a smaller cut exists"
        for other in itertools.combinations(sorted(on_paths), len(found)):
            if meets_all(other, paths):
                assert nearer(found, other, paths), f"{other} is nearer to {name} than {found}"


def nearer(cut: tuple[Edge, ...], other: tuple[Edge, ...], paths: list[tuple[str, ...]]) -> bool:
    """Whether no path meets `other` before it meets `cut`."""
    return all(
        min(links.index(each) for each in cut if each in links)
        <= min(links.index(each) for each in other if each in links)
        for links in (list(edges(path)) for path in paths)
    )
