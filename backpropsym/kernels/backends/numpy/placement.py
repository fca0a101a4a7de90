"""Which arrays are computed at once where they will lie as parts of others, so that they need not be copied there."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from backpropsym.kernels.ir.array_operations import (
    ALL,
    Concatenate,
    Finite,
    Item,
    Operation,
    Place,
    Product,
    Reduce,
    Stack,
    picked_shape,
)
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Kind, Value
from backpropsym.ops.kinds import Shape

_GIVEN = (Kind.LEAF, Kind.NUMBER, Kind.COMPARE)
_DEEPEST = 8
"""How many levels of parts of parts there may be."""
_COMPUTED = (Product, Reduce, Finite, Place, Concatenate, Stack)


@dataclass(frozen=True)
class Part:
    """A part of the value `owner`."""

    owner: int
    region: tuple[Item, ...]


def placements(
    items: Sequence[Value], alive: Sequence[bool], values: ArrayValues, fixed: Container[int]
) -> dict[int, Part]:
    """The values that are computed as parts of others; not those in `fixed`, which have a place already."""
    found: dict[int, Part] = {}
    depth: dict[int, int] = {}
    for position, item in reversed(list(enumerate(items))):
        if not alive[position] or item.kind is not Kind.OPERATION or depth.get(position, 0) > _DEEPEST:
            continue
        places = regions(item.data, [values.shape(operand) for operand in item.operands])
        for operand, region in zip(item.operands, places, strict=False):
            free = operand not in found and operand not in fixed and _computed(items[operand])
            if free and values.shape(operand) == picked_shape(item.data.shape, region):
                found[operand] = Part(position, region)
                depth[operand] = depth.get(position, 0) + 1
    return found


def _computed(item: Value) -> bool:
    """Whether a value is written into memory of its own, rather than given or a view."""
    if item.kind is Kind.OPERATION:
        return isinstance(item.data, _COMPUTED) and not (isinstance(item.data, Place) and item.data.based)
    return item.kind not in _GIVEN


def regions(operation: Operation, shapes: Sequence[Shape]) -> list[tuple[Item, ...]]:
    """Where each operand lies in the result of an operation that lays them side by side; nothing for others."""
    match operation:
        case Stack(shape):
            return [(index, *[ALL] * (len(shape) - 1)) for index in range(len(shapes))]
        case Place(_, places, disjoint=True, complete=True, based=False):
            return list(places)
        case Concatenate(shape, axis):
            found: list[tuple[Item, ...]] = []
            start = 0
            for each in shapes:
                size = each[axis]
                if not isinstance(size, int):
                    return []
                found.append((*[ALL] * axis, (start, start + size, 1), *[ALL] * (len(shape) - axis - 1)))
                start += size
            return found
    return []


def around(region: Sequence[Item], order: Sequence[int]) -> tuple[int, ...]:
    """The order in memory of a whole that suits a part: that of the part, the axes that it does not have in front."""
    kept = [axis for axis, item in enumerate(region) if not isinstance(item, int)]
    plain = tuple(range(len(region)))
    if tuple(order) == tuple(range(len(kept))):
        return plain
    missing = [axis for axis in plain if axis not in kept]
    return (*missing, *(kept[axis] for axis in order))
