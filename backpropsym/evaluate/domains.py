"""Where functions may be asked for values: the intervals that the entries of their table name."""

from __future__ import annotations

import math

from backpropsym.formula.tree import Call, Name, walk
from backpropsym.graph.graph import Graph


def domains(graph: Graph, leaves: list[str]) -> dict[str, tuple[float, float]]:
    """For leaves that stand directly in a function, the interval that all those functions sample."""
    found: dict[str, tuple[float, float]] = {}
    known = set(leaves)
    for node in graph.nodes.values():
        for part in walk(node.formula) if node.formula is not None else ():
            if not isinstance(part, Call):
                continue
            for argument, interval in zip(part.arguments, graph.functions[part.function].domain, strict=False):
                if isinstance(argument, Name) and argument.name in known:
                    low, high = found.get(argument.name, (-math.inf, math.inf))
                    both = max(low, interval[0]), min(high, interval[1])
                    found[argument.name] = both if both[0] < both[1] else interval
    return found
