"""How much of a derivative, or how large a weight, each link carries: what sets the width of its line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, get_args

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.link_numbers import local_numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.graph.graph import Graph
from backpropsym.picture.scene import LinkId

Width = Literal["weight", "share"]
WIDTHS: Final = get_args(Width)


class LinkWidth(NamedTuple):
    """What one link carries: its strength from 0 to 1, and whether no derivative passes it."""

    strength: float | None = None
    dead: bool = False


def link_widths(
    graph: Graph,
    links: Iterable[LinkId],
    weights: Mapping[LinkId, tuple[str, ...]],
    values: Mapping[str, float],
    adjoints: Mapping[str, float],
    derivation: Derivation | None = None,
    width: Width | None = None,
) -> dict[LinkId, LinkWidth]:
    """The width of each of `links` of a network of scalars.

    Parameters
    ----------
    weights : the parameters that stand on each link.
    values, adjoints : the numbers of the two passes; a node without an adjoint takes no part in the derivative.
    width : `weight` for the magnitude of the weight; `share` for the part of the derivative that passes the link:
        of the highlighted one, or without one of the adjoint that the link hands on. None for no strengths.
    """
    known = [link for link in links if link.target in adjoints and link.source in values]
    local = local_numbers(LocalDerivatives(graph), [Edge(*link) for link in known], values)
    passed = {link: float(local[Edge(*link)]) * adjoints[link.target] for link in known}
    sizes: Mapping[LinkId, float] = {}
    if width == "weight":
        sizes = {link: max(abs(values[name]) for name in names) for link, names in weights.items() if link in passed}
    elif width == "share":
        reached = _tangents(derivation, values) if derivation else None
        sizes = {
            link: abs(passed[link])
            if reached is None
            else _share(link, passed, weights, reached, graph, values, adjoints)
            for link in known
        }
    top = max((size for size in sizes.values() if math.isfinite(size)), default=0.0)
    return {
        link: LinkWidth(min(sizes[link] / top, 1.0) if link in sizes and top else None, passed[link] == 0)
        for link in known
    }


def _tangents(derivation: Derivation, values: Mapping[str, float]) -> dict[str, float]:
    """d node / d wrt of every node on the paths."""
    numbers = local_numbers(derivation.local, derivation.links(), values)
    found = dict.fromkeys(derivation.space.nodes, 0.0)
    found[derivation.wrt] = 1.0
    for name in derivation.space.nodes:
        for user in derivation.space.successors[name]:
            found[user] += found[name] * float(numbers[Edge(name, user)])
    return found


def _share(
    link: LinkId,
    passed: Mapping[LinkId, float],
    weights: Mapping[LinkId, tuple[str, ...]],
    reached: Mapping[str, float],
    graph: Graph,
    values: Mapping[str, float],
    adjoints: Mapping[str, float],
) -> float:
    """What passes a link from its source, or from the weight that stands on it."""
    own = abs(reached.get(link.source, 0.0) * passed[link])
    starts = [Edge(name, link.target) for name in weights.get(link, ()) if name in reached]
    numbers = local_numbers(LocalDerivatives(graph), starts, values)
    return own + sum(abs(reached[e.source] * float(numbers[e]) * adjoints[link.target]) for e in starts)
