"""Entries that a program reads, one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backpropsym.kernels.ir.array_operations import BATCH, Read, Scatter
from backpropsym.kernels.ir.positions import (
    Along,
    Chosen,
    ChosenAt,
    Extent,
    Inside,
    Opposite,
    Position,
    Quotient,
    Remainder,
    Times,
    Total,
    Whole,
)
from backpropsym.ops.size_values import size_value
from backpropsym.ops.sizes import Dimension

Place = tuple[int, ...]


class PlacesRead:
    """The places of a reading or of its adjoint."""

    def __init__(self, operation: Read | Scatter, operands: Sequence[Any], sizes: Mapping[str, int]) -> None:
        self.operation = operation
        self.operands = operands
        self.sizes = sizes

    def whole(self) -> tuple[int, ...]:
        """The shape of what is read, with an axis of objects where it differs between them."""
        own = [1] * self.operation.rank
        parts = list(self.operation.places.parts())
        for part in parts:
            if isinstance(part, Along):
                own[part.axis] = self._number(part.size)
        data = any(isinstance(part, Chosen) and part.batched or self._chosen_by_object(part) for part in parts)
        return (self.sizes[BATCH], *own) if self.operation.lead or data else tuple(own)

    def pairs(self, shape: tuple[int, ...]) -> Iterator[tuple[Place, Place]]:
        """Each place of a result of this shape, and the one that it reads, where that exists."""
        lead, places = len(shape) - self.operation.rank, self.operation.places
        for place in itertools.product(*map(range, shape)):
            at = place[0] if lead else 0, place[lead:]
            guards = [(self._position(each, *at), self._number(size)) for each, size in places.guards]
            if all(0 <= position < size for position, size in guards):
                source = tuple(self._position(each, *at) for each in places.axes)
                yield place, (at[0], *source) if self.operation.lead else source

    def _number(self, size: Dimension) -> int:
        number = size_value(size, self.sizes)
        assert number is not None
        return number

    def _chosen_by_object(self, part: Position) -> bool:
        return isinstance(part, ChosenAt) and self.operands[part.slot].ndim > len(part.parts)

    def _position(self, position: Position, number: int, place: Place) -> int:
        match position:
            case Along(axis):
                return place[axis]
            case Whole(value):
                return value
            case Extent(size):
                return self._number(size)
            case Chosen(slot, batched):
                return int(self.operands[slot][number] if batched else self.operands[slot])
        parts = [self._position(each, number, place) for each in position.parts]
        match position:
            case Total():
                return sum(parts)
            case Times():
                return math.prod(parts)
            case Opposite():
                return -parts[0]
            case Quotient():
                return parts[0] // parts[1]
            case Remainder():
                return parts[0] % parts[1]
            case ChosenAt(slot):
                own = (number, *parts) if self._chosen_by_object(position) else tuple(parts)
                return int(self.operands[slot][own])
            case Inside(_, size):
                assert 0 <= parts[0] < self._number(size)
                return parts[0]
