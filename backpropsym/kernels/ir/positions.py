"""Which entry of an array is read: formulas of positions as data, for every backend to write down in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backpropsym.ops.sizes import Dimension


@dataclass(frozen=True, slots=True)
class Along:
    """The place of an entry along one axis of the result, without an axis of objects, of this size."""

    axis: int
    size: Dimension


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    value: int


@dataclass(frozen=True, slots=True)
class Extent:
    """A symbolic size as a number."""

    size: Dimension


@dataclass(frozen=True, slots=True)
class Total:
    """A sum."""

    parts: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """A product."""

    parts: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Opposite:
    """A position with the other sign."""

    parts: tuple[Position]


@dataclass(frozen=True, slots=True)
class Quotient:
    """Whole-number division, rounded down, of the first part by the second."""

    parts: tuple[Position, Position]


@dataclass(frozen=True, slots=True)
class Remainder:
    """What that division leaves."""

    parts: tuple[Position, Position]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The number that the operand `slot` holds: one for all, or one an object where it is `batched`."""

    slot: int
    batched: bool


@dataclass(frozen=True, slots=True)
class ChosenAt:
    """The entry of the operand `slot` at positions."""

    slot: int
    parts: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Inside:
    """A position chosen by data, which a call refuses if it is outside of an axis of this size."""

    parts: tuple[Position]
    size: Dimension


Position = Along | Whole | Extent | Total | Times | Opposite | Quotient | Remainder | Chosen | ChosenAt | Inside


@dataclass(frozen=True, slots=True)
class Places:
    """The entries of an array that a result has.

    Attributes
    ----------
    axes : the position along each axis of the array, without that of objects.
    guards : positions, each with the size of its axis, that may be outside; an entry exists where all are inside.
    """

    axes: tuple[Position, ...]
    guards: tuple[tuple[Position, Dimension], ...] = ()

    @property
    def fixed(self) -> bool:
        """Whether they are the same at every call: no data chooses them, and all sizes are numbers."""
        return not any(_varies(part) for part in self.parts()) and all(isinstance(size, int) for _, size in self.guards)

    def parts(self) -> Iterator[Position]:
        """Every formula, and every part of it."""
        for position in (*self.axes, *(position for position, _ in self.guards)):
            yield from _walk(position)


def _walk(position: Position) -> Iterator[Position]:
    yield position
    match position:
        case Along() | Whole() | Extent() | Chosen():
            return
        case _:
            for part in position.parts:
                yield from _walk(part)


def _varies(position: Position) -> bool:
    match position:
        case Along(_, size) | Inside(_, size):
            return not isinstance(size, int)
        case Extent() | Chosen() | ChosenAt():
            return True
    return False
