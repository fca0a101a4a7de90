"""Local derivatives in numbers; where a formula has none, the slope of the node itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from backpropsym.arrays import Numbers, Numeric
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.evaluate.cut_off import Marked, marked
from backpropsym.evaluate.scalar_evaluation import Evaluate, in_range
from backpropsym.evaluate.slopes import agreed, one_sided_slopes
from backpropsym.formula.tree import ZERO, Expr, names
from backpropsym.graph.graph import Graph, Node, Role


def local_numbers(local: LocalDerivatives, links: Iterable[Edge], values: Numbers) -> dict[Edge, Numeric]:
    """The local derivative on each link, shape () or (batch,); where its formula has no number, the node's slope."""
    table = local.graph.functions
    found = {link: in_range(partial(_of_one, local[link]), values, table) for link in links}
    lost = [link for link, number in found.items() if not np.all(np.isfinite(number))]
    return found | {link: _with_slopes(local, link, found[link], values) for link in lost}


def _with_slopes(local: LocalDerivatives, link: Edge, numbers: Numeric, values: Numbers) -> Numeric:
    """The numbers of a link; where its formula multiplies in what a choice cuts off, 0, and else the node's slope."""
    node = local.graph[link.target]
    if link in local.replaced:
        return numbers
    kept = np.array(numbers, dtype=float)
    for place in map(tuple, np.argwhere(~np.isfinite(kept))):
        arrays = {name: np.asarray(values[name]) for name in names(node.formula or ZERO)}
        point = {name: array[place] if array.ndim else array for name, array in arrays.items()}
        with np.errstate(all="ignore"):
            cut = marked(local[link], {name: Marked(value) for name, value in point.items()}, local.graph.functions)
        slope = float(cut.value) if np.isfinite(cut.value) else agreed(link_slopes(local.graph, link, point))
        kept[place] = kept[place] if slope is None else slope
    return kept[()]


def link_slopes(graph: Graph, link: Edge, values: Numbers) -> tuple[float, float] | None:
    """The slopes of a node of a network of scalars by one of its parents, to the left and to the right."""
    node = graph[link.target]
    parents = names(node.formula or ZERO)
    nodes = {name: Node(name, Role.PARAMETER) for name in parents}
    alone = Graph({**nodes, node.name: replace(node, parents=parents)}, node.name, functions=graph.functions)
    return one_sided_slopes(alone, values, (node.name, ()), (link.source, ()))


def _of_one(formula: Expr, number: Evaluate) -> Numeric:
    return number(formula)
