"""A bias that several neurons share is drawn at each of them, as a shared weight stands on each of its links."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from backpropsym.picture.layout.grid import MOST_HUNG, SMALL
from backpropsym.picture.scene import Box, Link, LinkId


def at_each(
    boxes: Sequence[Box], links: Sequence[Link], highlighted: Collection[LinkId] = ()
) -> tuple[tuple[Box, ...], tuple[Link, ...]]:
    """`boxes` and `links` with a small box at every neuron for each bias that several share.

    A bias stays one box where a path begins at it (`highlighted`), or where one of its neurons has no room above it.
    """
    outgoing: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        outgoing[link.source].append(link)
    small = [box for box in boxes if box.role in SMALL and not box.value]
    above = Counter(link.target for box in small for link in outgoing[box.id])
    shared = {
        box.id
        for box in small
        if len(outgoing[box.id]) > 1
        and all(
            not link.label and link.id not in highlighted and above[link.target] <= MOST_HUNG
            for link in outgoing[box.id]
        )
    }

    def copies(box: Box) -> Iterator[Box]:
        if box.id not in shared:
            yield box
        else:
            yield from (replace(box, id=_at(link)) for link in outgoing[box.id])

    moved = (replace(link, source=_at(link)) if link.source in shared else link for link in links)
    return tuple(copy for box in boxes for copy in copies(box)), tuple(moved)


def _at(link: Link) -> str:
    """Names what stands at the target of a link for the source."""
    return f"{link.source}@{link.target}"
