"""Paths between two nodes: counted, listed, cut, ranked; against listing them all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpropsym.derive.local.links import Edge
from backpropsym.derive.paths.path_space import PathSpace, edges
from backpropsym.graph.graph import Graph
from tests.derive.networks import chain, layers, network, residual


@st.composite
def spaces(draw: st.DrawFn) -> PathSpace:
    """All paths between two nodes of a random network of sums."""
    nodes: dict[str, str] = {}
    for index in range(draw(st.integers(1, 9))):
        earlier = ["x", *nodes]
        parents = draw(st.lists(st.sampled_from(earlier), min_size=1, max_size=4, unique=True))
        nodes[f"n{index}"] = " + ".join(parents)
    graph = network(["x"], [], nodes, list(nodes)[-1])
    return PathSpace(graph, draw(st.sampled_from(["x", *nodes])), draw(st.sampled_from(list(nodes))))


def weights(draw: st.DataObject, space: PathSpace, values: st.SearchStrategy[float]) -> dict[Edge, float]:
    links = [Edge(name, user) for name in space.nodes for user in space.successors[name]]
    return {link: draw.draw(values) for link in links}


@given(spaces())
def test_counts_are_those_of_the_list(space: PathSpace) -> None:
    listed = list(space)
    assert len(set(listed)) == len(listed) == space.count
    assert all(path[0] == space.source and path[-1] == space.target for path in listed)
    for name in space.nodes:
        assert space.from_source[name] == len({path[: path.index(name)] for path in listed if name in path})
        assert space.to_target[name] == len({path[path.index(name) :] for path in listed if name in path})


@given(spaces())
def test_no_node_is_a_dead_end(space: PathSpace) -> None:
    assert set(space.nodes) == {name for path in space for name in path}


@given(spaces())
def test_common_nodes_are_on_every_path(space: PathSpace) -> None:
    listed = list(space)
    expected = [name for name in space.nodes if all(name in path for path in listed)]
    assert list(space.common) == expected


@given(spaces(), st.data())
def test_total_and_alive_are_those_of_the_list(space: PathSpace, data: st.DataObject) -> None:
    cost = weights(data, space, st.integers(0, 3).map(float))
    listed = list(space)
    assert space.total(lambda link: int(cost[link])) == sum(int(cost[link]) for path in listed for link in edges(path))
    alive = [path for path in listed if all(cost[link] for link in edges(path))]
    assert space.alive(lambda link: bool(cost[link])) == len(alive)


@given(spaces(), st.data())
def test_a_section_has_the_paths_between_two_common_nodes(space: PathSpace, data: st.DataObject) -> None:
    if len(space.common) < 2:
        return
    start, end = sorted(data.draw(st.permutations(range(len(space.common))))[:2])
    source, target = space.common[start], space.common[end]
    part = space.section(source, target)
    expected = list(dict.fromkeys(path[path.index(source) : path.index(target) + 1] for path in space))
    assert sorted(part) == sorted(expected)
    assert part.common == space.common[start : end + 1]
    assert part.count == len(expected)


SIZES = st.one_of(st.floats(-3, 3), st.sampled_from([0.0, 1.0, -1.0, 2.0, -2.0, 0.5]))


@settings(max_examples=200)
@given(spaces(), st.data())
def test_the_strongest_are_found_in_order(space: PathSpace, data: st.DataObject) -> None:
    size = weights(data, space, SIZES)
    strengths = {path: abs(math.prod(size[link] for link in edges(path))) for path in space}
    found = list(space.strongest(size.__getitem__))
    assert sorted(found) == sorted(strengths)
    for one, other in itertools.pairwise(found):
        assert strengths[one] >= strengths[other] * (1 - 1e-12)


@settings(max_examples=100)
@given(spaces(), st.data(), st.integers(0, 6))
def test_the_first_k_are_the_k_strongest(space: PathSpace, data: st.DataObject, count: int) -> None:
    size = weights(data, space, st.sampled_from([0.0, 1.0, 2.0, 4.0, -8.0, 0.5]))
    ranked = sorted(space, key=lambda path: -abs(math.prod(size[link] for link in edges(path))))
    found = list(itertools.islice(space.strongest(size.__getitem__), count))
    assert [abs(math.prod(size[link] for link in edges(path))) for path in found] == [
        abs(math.prod(size[link] for link in edges(path))) for path in ranked[:count]
    ]


@given(spaces())
def test_equally_strong_paths_come_in_the_order_of_the_list(space: PathSpace) -> None:
    assert list(space.strongest(lambda link: 1.0)) == list(space)
    assert list(space.strongest(lambda link: 0.0)) == list(space)


@pytest.mark.parametrize("size", [math.nan, math.inf, -math.inf, 1e308, 5e-324])
def test_odd_sizes_lose_no_path(size: float) -> None:
    space = PathSpace(layers(3, 3), "x", "a")
    calls = iter(range(10**6))
    odd: Callable[[Edge], float] = lambda link: size if next(calls) % 2 else 1.0  # noqa: E731
    assert sorted(space.strongest(odd)) == sorted(space)


def test_paths_come_in_the_order_in_which_the_nodes_are_written() -> None:
    graph = network(["x"], [], {"b": "x", "c": "x", "a": "x + c + b"}, "a")
    assert list(PathSpace(graph, "x", "a")) == [("x", "b", "a"), ("x", "c", "a"), ("x", "a")]


def test_the_ends() -> None:
    graph = network(["x"], ["w"], {"a": "x", "b": "a + w"}, "b")
    assert list(PathSpace(graph, "a", "a")) == list(PathSpace(graph, "a", "a").strongest(lambda link: 1.0)) == [("a",)]
    none = PathSpace(graph, "w", "a")
    assert (none.count, list(none), none.common, none.nodes) == (0, [], (), ())
    assert list(none.strongest(lambda link: 1.0)) == []
    assert none.total(lambda link: 1) == none.alive(lambda link: True) == 0
    assert list(PathSpace(graph, "b", "a")) == []


HUGE = [(layers(10, 31), 10**31), (layers(2, 120), 2**120), (residual(300), 2**300)]


@pytest.mark.parametrize(("graph", "count"), HUGE, ids=["10^31", "2^120", "2^300"])
@pytest.mark.parametrize("size", [0.0, 1.0, 0.1, 3.0])
def test_ever_so_many_paths_are_counted_exactly_and_listed_lazily(graph: Graph, count: int, size: float) -> None:
    """Ties in particular: no search may go through all the equally strong, or equally dead, paths."""
    space = PathSpace(graph, "x", graph.output)
    assert space.count == count
    first = list(itertools.islice(space, 5))
    assert len(set(first)) == 5
    strongest = list(itertools.islice(space.strongest(lambda link: size), 5))
    assert len(set(strongest)) == 5
    assert all(len(path) == len(set(path)) for path in strongest)


def test_the_strongest_of_very_many_are_the_right_ones() -> None:
    space = PathSpace(layers(10, 31), "x", "a")
    strength = {name: 1.0 - int(name.partition("_")[2] or 0) / 100 for name in space.nodes}
    best, second = itertools.islice(space.strongest(lambda link: strength[link.target]), 2)
    assert best == ("x", *(f"h{layer}_0" for layer in range(1, 32)), "a")
    assert sum(one != other for one, other in zip(best, second, strict=True)) == 1


def test_a_chain_of_ten_thousand() -> None:
    graph = chain(10_000)
    space = PathSpace(graph, "w0", graph.output)
    [path] = space
    assert len(path) == len(space.common) == 10_001
    assert list(space.strongest(lambda link: 0.5)) == [path]
    assert space.total(lambda link: 1) == 10_000


def test_counts_on_a_long_ladder_are_exact() -> None:
    space = PathSpace(residual(1_000), "x", "r1000")
    assert space.count == 2**1000
    assert space.total(lambda link: 1) == sum(math.comb(1000, k) * (1 + 1000 + k) for k in range(1001))
    assert space.alive(lambda link: not link.source.startswith("z")) == 1
    assert len(space.common) == 1_002
