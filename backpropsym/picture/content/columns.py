"""Which column of a picture each node stands in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backpropsym.graph.graph import topological_order
from backpropsym.picture.scene import LinkId, Role


def columns(roles: Mapping[str, Role], links: Iterable[LinkId]) -> dict[str, int]:
    """The column of every node, counted from 0 at the left.

    A node stands one column right of its furthest parent, counted from the inputs. What depends on no input
    (parameters, targets, and values of those alone) stands just left of its first consumer. An output or loss
    that nothing uses stands in the last column.

    Parameters
    ----------
    roles : the role of every node by its name.
    links : from a node to one that uses it; acyclic.
    """
    parents: dict[str, list[str]] = {name: [] for name in roles}
    users: dict[str, list[str]] = {name: [] for name in roles}
    for source, target in links:
        parents[target].append(source)
        users[source].append(target)
    order = topological_order(parents)
    found: dict[str, int] = {}
    for name in order:
        before = [found[parent] for parent in parents[name] if parent in found]
        if before or roles[name] == "input":
            found[name] = 1 + max(before, default=-1)
    for name in reversed(order):
        if name not in found:
            found[name] = min((found[user] for user in users[name]), default=1) - 1
    last, first = max(found.values(), default=0), min(found.values(), default=0)
    ends = {name for name in order if roles[name] in ("output", "loss") and not users[name]}
    return {name: (last if name in ends else found[name]) - first for name in roles}
