"""The local derivative on every link of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from backpropsym.formula.tree import Expr, substitute
from backpropsym.graph.graph import Graph
from backpropsym.ops.differentiate import partials


class Edge(NamedTuple):
    """The link from a node to one that uses it."""

    source: str
    target: str


class LocalDerivatives:
    """d target / d source for the links of one graph, derived when first asked for.

    Parameters
    ----------
    graph : the graph.
    replaced : local derivatives that take the place of the derived ones, by edge. Planting a wrong one here is
        how a checker is checked.
    """

    def __init__(self, graph: Graph, replaced: Mapping[Edge, Expr] | None = None) -> None:
        self.graph = graph
        self.replaced = dict(replaced or {})
        self._by_target: dict[str, dict[str, Expr]] = {}

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.graph, self.replaced)

    def of(self, target: str) -> Mapping[str, Expr]:
        """d target / d parent for each parent, a formula over the names of the parents.

        Where a parent is a step that nobody named, what it computes stands for it: 2*(a - y).
        """
        if target not in self._by_target:
            node = self.graph[target]
            links = (Edge(parent, target) for parent in node.parents)
            planted = {link.source: self.replaced[link] for link in links if link in self.replaced}
            derived: dict[str, Expr] = {}
            if node.formula is not None and len(planted) < len(node.parents):
                derived = partials(node.formula, self.graph.functions)
            if self._steps:
                derived = {parent: substitute(tree, self._steps) for parent, tree in derived.items()}
            self._by_target[target] = derived | planted
        return self._by_target[target]

    @cached_property
    def _steps(self) -> Mapping[str, Expr]:
        """What the steps without a person's name compute, over the names that a person gave."""
        found: dict[str, Expr] = {}
        for name in self.graph.order if self.graph.steps else ():
            formula = self.graph[name].formula
            if name in self.graph.steps and formula is not None:
                found[name] = substitute(formula, found)
        return found

    def __getitem__(self, edge: Edge) -> Expr:
        return self.of(edge.target)[edge.source]
