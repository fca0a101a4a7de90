"""Why a derivative is zero: no path leads there."""

from __future__ import annotations

from backpropsym.derive.derivation import Derivation
from backpropsym.document.formulas import Joined, Line, Node

_REACHED = 5
"""As many nodes are named of those that one reaches."""


def why_zero(derivation: Derivation) -> Line:
    """That there is no path, and where those from the node lead instead."""
    of, wrt, graph = derivation.of, derivation.wrt, derivation.graph
    why: Line = ("there is no path from ", Node(wrt), " to ", Node(of))
    if graph.between(of, wrt):
        why += ("; ", Node(wrt), " is computed from ", Node(of))
    elif not graph.consumers[wrt]:
        why += (": nothing uses ", Node(wrt))
    else:
        after = graph.descendants(wrt) - {wrt}
        found = [name for name in graph.order if name in after and graph[name].named]
        more = f" and {len(found) - _REACHED} more" if len(found) > _REACHED else ""
        reached = Joined(tuple(map(Node, found[:_REACHED])), ",")
        why += (": ", Node(wrt), " reaches ", reached, more)
    return why
