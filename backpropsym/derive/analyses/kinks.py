"""Derivatives at kinks: what rests on a convention, and the slopes that the whole really has on both sides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backpropsym.arrays import Numbers, Values
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.link_numbers import link_slopes
from backpropsym.derive.local.links import Edge
from backpropsym.derive.paths.path_space import edges
from backpropsym.evaluate.branches import at_switch
from backpropsym.evaluate.slopes import one_sided_slopes, same
from backpropsym.graph.graph import Graph
from backpropsym.ops.kinds import Elementwise, Reduction
from backpropsym.ops.reducer import REDUCERS

_MOST_PATHS = 10_000
_MOST_WORK = 20_000
_MOST_ENTRIES = 64


@dataclass(frozen=True)
class Kink:
    """A derivative where some function on its paths has no slope, and a convention gives one.

    Attributes
    ----------
    value : what the conventions give.
    left, right : the slopes of the whole to both sides; nan where there is none.
    links : the links whose local derivative rests on a convention, in networks of scalars.
    """

    value: float
    left: float
    right: float
    links: frozenset[Edge] = frozenset()

    @property
    def neither(self) -> bool:
        """Whether the conventions give none of the two slopes."""
        slopes = [slope for slope in (self.left, self.right) if not math.isnan(slope)]
        return bool(slopes) and not any(same(self.value, slope) for slope in slopes)

    def marks(self, path: Sequence[str], numbers: Sequence[float]) -> bool:
        """Whether the term of a path rests on a convention: it has such a link, and no other link cuts it.

        Parameters
        ----------
        numbers : of each link on the path.
        """
        links = list(edges(tuple(path)))
        others = [number for link, number in zip(links, numbers, strict=True) if link not in self.links]
        return len(others) < len(links) and 0.0 not in others


def kink_of(derivation: Derivation, values: Values | None = None) -> Kink | None:
    """The kink at which a derivative is taken at one object; None where no term rests on a convention.

    Raises
    ------
    ValuesError : numbers are missing, or a batch is given.
    """
    if not derivation.count or derivation.of == derivation.wrt:
        return None
    numbers, nodes = derivation.numbers_at_one_object(values), derivation.node_values(values)
    graph = derivation.graph
    links = resting_links(graph, numbers, nodes)
    found = Kink(math.nan, math.nan, math.nan, links)
    if not any(found.marks(path, [numbers[link] for link in edges(path)]) for path in _paths_over(derivation, links)):
        return None
    slopes = one_sided_slopes(graph, nodes, (derivation.of, ()), (derivation.wrt, ())) or (math.nan, math.nan)
    return Kink(float(derivation.adjoint_values(values)[derivation.wrt]), *slopes, links)


def _paths_over(derivation: Derivation, links: Iterable[Edge]) -> Iterable[tuple[str, ...]]:
    """The first paths, where some link of a kink lies on one."""
    wanted = set(links)
    if wanted:
        for number, path in enumerate(derivation.space):
            if number == _MOST_PATHS:
                return
            if not wanted.isdisjoint(edges(path)):
                yield path


def resting_links(graph: Graph, numbers: Mapping[Edge, float], values: Numbers) -> frozenset[Edge]:
    """The links of a network of scalars at a kink: both slopes differ, or the local derivative is none of them."""
    touching: dict[str, bool] = {}
    found = []
    for link, number in numbers.items():
        formula = graph[link.target].formula
        if link.target not in touching:
            touching[link.target] = formula is not None and at_switch(formula, values, graph.functions)
        if touching[link.target]:
            left, right = link_slopes(graph, link, values) or (math.nan, math.nan)
            if not (same(left, right) and same(left, number)):
                found.append(link)
    return frozenset(found)


def touches_kinks(graph: Graph, of: str, values: Numbers) -> bool:
    """Whether a node that `of` depends on is at a kink, or ties in a maximum or a minimum over axes."""
    for name in graph.ancestors(of):
        op = graph[name].op
        match op:
            case Elementwise(formula):
                # Entries pair by broadcasting of trailing axes, as in the network itself.
                if at_switch(formula, values, graph.functions):
                    return True
            case Reduction(function, operand, axes) if REDUCERS[function].extreme:
                array = np.asarray(values[operand])
                best = REDUCERS[function].numbers(array, axis=axes, keepdims=True)
                if np.any(np.sum(array == best, axis=axes) > 1):
                    return True
    return False


def kinks_of(graph: Graph, values: Numbers, of: str, derivatives: Numbers) -> dict[str, Kink]:
    """The kinks of the derivatives of a number by the entries of some nodes, by the names of those entries.

    Parameters
    ----------
    values : the value of every node at one object.
    derivatives : by node, in its shape; in a network that is not small only the first entries are looked at.
    """
    if not touches_kinks(graph, of, values):
        return {}
    size = sum(int(np.size(values[name])) for name in graph.ancestors(of))
    left = min(_MOST_ENTRIES, max(1, _MOST_WORK // max(size, 1)))
    found: dict[str, Kink] = {}
    for name, array in derivatives.items():
        for place in np.ndindex(np.shape(array)):
            if left == 0:
                return found
            left -= 1
            number = float(np.asarray(array)[place])
            slopes = one_sided_slopes(graph, values, (of, ()), (name, place))
            if slopes is not None and not (same(slopes[0], slopes[1]) and same(slopes[0], number)):
                entry = f"{name}[{','.join(map(str, place))}]" if place else name
                found[entry] = Kink(number, *slopes)
    return found
