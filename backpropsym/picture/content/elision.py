"""Long products and paths by their ends, such that two that differ never look alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

Part = TypeVar("Part", bound=Hashable)


def stretches(lists: Sequence[Sequence[Part]], most: int) -> list[list[Sequence[Part]]]:
    """The stretches of each list that are shown: the ends of a list of more than `most` parts, shorter ones whole.

    Of lists whose ends are the same, each shows besides the first part in which it differs from the others. A gap
    of one part is not left out.
    """
    half = most // 2
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for at, parts in enumerate(lists):
        if len(parts) > most:
            alike[*parts[:half], *parts[-half:]].append(at)
    found: list[list[Sequence[Part]]] = []
    for parts in lists:
        ends = {*range(min(half, len(parts))), *range(max(0, len(parts) - half), len(parts))}
        group = alike[*parts[:half], *parts[-half:]] if len(parts) > most else []
        kept = ends | {_difference(parts, lists[other]) for other in group if lists[other] != parts}
        found.append(_runs(parts, kept) if len(parts) > most else [parts])
    return found


def _difference(parts: Sequence[Part], other: Sequence[Part]) -> int:
    """The first position in which two lists with the same ends differ."""
    return next(
        (at for at, (one, two) in enumerate(zip(parts, other, strict=False)) if one != two),
        min(len(parts), len(other)) - 1,
    )


def _runs(parts: Sequence[Part], kept: Iterable[int]) -> list[Sequence[Part]]:
    places = sorted(kept)
    cuts = [after for before, after in pairwise(places) if after - before > 2]
    starts, ends = [0, *cuts], [*(places[places.index(cut) - 1] + 1 for cut in cuts), len(parts)]
    return [parts[start:end] for start, end in zip(starts, ends, strict=True)]
