"""What functions declare of their kinks."""

from __future__ import annotations

from backpropsym.formula.tree import Expr, called
from backpropsym.graph.graph import Graph


def declared_conventions(graph: Graph, formula: Expr) -> list[str]:
    """The conventions that the functions of a formula declare for their kinks."""
    found = []
    for name in called(formula):
        definition = graph.functions.definition(name)
        if graph.functions[name].kink:
            found.append(graph.functions[name].kink)
        elif definition is not None:
            found += declared_conventions(graph, definition)
    return found
