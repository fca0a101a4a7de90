"""The order of boxes within columns: as written, unless another one spares at least half of the crossings.

References
----------
Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures, IEEE Transactions on
Systems, Man and Cybernetics 11, 1981: the barycentre rule. Barth, Jünger and Mutzel, Simple and efficient bilayer
cross counting, Graph Drawing 2002.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from backpropsym.picture.scene import Box, Link

SWEEPS = 6
MAX_LINKS = 2_000
"""A denser picture keeps the order written."""

_Neighbours = Mapping[str, Sequence[str]]


def ordered(groups: Sequence[Sequence[Box]], links: Iterable[Link], column: Mapping[str, int]) -> list[list[Box]]:
    """The boxes of each column from the top down.

    Columns of inputs, and those with boxes left out, stay as they are.
    """
    near = [link for link in links if column[link.target] - column[link.source] == 1]
    written = [list(group) for group in groups]
    before = crossings(written, near)
    if not before or len(near) > MAX_LINKS:
        return written
    best, fewest, current = written, before, written
    for sweep in range(SWEEPS):
        current = _swept(current, near, forward=sweep % 2 == 0)
        count = crossings(current, near)
        if count < fewest:
            best, fewest = current, count
    return best if 2 * fewest <= before else written


def crossings(groups: Sequence[Sequence[Box]], links: Iterable[Link]) -> int:
    """The number of pairs of links between neighbouring columns that cross."""
    place = {box.id: i for group in groups for i, box in enumerate(group)}
    number = {box.id: i for i, group in enumerate(groups) for box in group}
    gaps: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for link in links:
        if link.source in place and link.target in place:
            gaps[number[link.source]].append((place[link.source], place[link.target]))
    return sum(_inversions([target for _, target in sorted(pairs)]) for pairs in gaps.values())


def _inversions(values: Iterable[int]) -> int:
    seen: list[int] = []
    count = 0
    for value in values:
        count += len(seen) - bisect_right(seen, value)
        insort(seen, value)
    return count


def _swept(groups: Sequence[Sequence[Box]], links: Iterable[Link], *, forward: bool) -> list[list[Box]]:
    """Every column in the order of the middles of its neighbours in the column swept before it."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for link in links:
        near, far = (link.source, link.target) if forward else (link.target, link.source)
        neighbours[far].append(near)
    found = [list(group) for group in groups]
    for i in range(len(found)) if forward else range(len(found) - 1, -1, -1):
        before = i - 1 if forward else i + 1
        if not 0 <= before < len(found) or not _movable(found[i]):
            continue
        place = {box.id: at for at, box in enumerate(found[before])}
        found[i] = _sorted(found[i], neighbours, place, len(found[before]))
    return found


def _movable(group: Sequence[Box]) -> bool:
    return len(group) > 1 and all(box.role in ("value", "output", "loss") and not box.again for box in group)


def _sorted(group: Sequence[Box], neighbours: _Neighbours, place: Mapping[str, int], size: int) -> list[Box]:
    """A column by barycentres; a box without neighbours keeps its height."""
    aims = {}
    for at, box in enumerate(group):
        seen = [place[name] for name in neighbours.get(box.id, ()) if name in place]
        middle = sum(seen) / len(seen) / max(size - 1, 1) if seen else at / max(len(group) - 1, 1)
        aims[box.id] = middle
    return sorted(group, key=lambda box: aims[box.id])
