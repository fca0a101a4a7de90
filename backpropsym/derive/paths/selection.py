"""Single paths of very many: the one of a number, the number of one, and a few that stand for all."""

from __future__ import annotations

from collections.abc import Container

from backpropsym.derive.local.links import Edge
from backpropsym.derive.paths.path_space import Path, PathSpace, edges
from backpropsym.derive.paths.semiring import STRONGEST


def path_of(space: PathSpace, number: int) -> Path:
    """The path of this number, counted from 1 in path order; found without listing those before it.

    Parameters
    ----------
    number : from 1 to the number of paths.
    """
    names, left = [space.source], number - 1
    while names[-1] != space.target:
        for user in space.successors[names[-1]]:
            if left < space.to_target[user]:
                names.append(user)
                break
            left -= space.to_target[user]
    return tuple(names)


def number_of(space: PathSpace, path: Path) -> int:
    """The number of a path, counted from 1 in path order."""
    before = 0
    for name, after in edges(path):
        users = space.successors[name]
        before += sum(space.to_target[user] for user in users[: users.index(after)])
    return before + 1


def representative(space: PathSpace, count: int) -> list[int]:
    """The numbers of `count` paths that show what all are like, in path order; of fewer paths all.

    The first is the shortest, so that a shortcut is never left out. Each next one takes as many links as it can that
    none before it takes; where none is left, paths follow in their order. Of equals the first in path order.
    """
    if space.count <= count:
        return list(range(1, space.count + 1))
    # Halving at each link makes the strongest path the shortest one.
    path = next(space.strongest(lambda link: 0.5))
    found, taken = {number_of(space, path)}, set(edges(path))
    while len(found) < count:
        path = _most_new(space, taken)
        new = set(edges(path)) - taken
        if not new:
            break
        taken |= new
        found.add(number_of(space, path))
    rest = (number for number in range(1, space.count + 1) if number not in found)
    while len(found) < count:
        found.add(next(rest))
    return sorted(found)


def _most_new(space: PathSpace, taken: Container[Edge]) -> Path:
    """The path with the most links that are not among `taken`."""
    cost = space.sweep(STRONGEST, lambda link: -1.0 if link not in taken else 0.0)
    names = [space.source]
    while names[-1] != space.target:
        here = names[-1]
        costs = {user: cost[user] - (Edge(here, user) not in taken) for user in space.successors[here]}
        names.append(min(costs, key=costs.__getitem__))
    return tuple(names)
