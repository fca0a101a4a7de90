"""Subscripts of arrays as source."""

from __future__ import annotations

from collections.abc import Sequence

from backpropsym.kernels.ir.array_operations import ALL, Item

WHOLE = ":"


def item_sources(items: Sequence[Item]) -> list[str]:
    """Basic indices as source, a colon for a whole axis."""
    return [WHOLE if item == ALL else item_source(item) for item in items]


def item_source(item: Item) -> str:
    """A basic index as source: a number, or start:stop:step."""
    if isinstance(item, int):
        return str(item)
    start, stop, step = item
    first = "" if start == 0 and step > 0 else start
    text = f"{first}:{'' if stop is None else stop}"
    return text if step == 1 else f"{text}:{step}"


def subscripts(texts: Sequence[str]) -> str:
    """Subscripts without what is whole at the end."""
    left = list(texts)
    while len(left) > 1 and left[-1] == WHOLE:
        left.pop()
    return ", ".join(left)
