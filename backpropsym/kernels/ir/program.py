"""What a kernel computes, as plain data between lowering and source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What a value is computed by. The printers of source have one rule a kind."""

    LEAF = "leaf"
    NUMBER = "number"
    ADD = "add"
    SUBTRACT = "subtract"
    MULTIPLY = "multiply"
    DIVIDE = "divide"
    NEGATE = "negate"
    POWER = "power"
    COMPARE = "compare"
    CALL = "call"
    OPERATION = "operation"


class Value(NamedTuple):
    """One operation.

    Attributes
    ----------
    operands : positions of the values that it uses; all smaller than its own.
    data : the name of a leaf, a number, an exponent, a comparison, a primitive function, or an operation over axes.
    batched : whether it differs from object to object, shape (n,) in a batch; else one number, shape ().
    """

    kind: Kind
    operands: tuple[int, ...]
    data: Any
    batched: bool


@dataclass(frozen=True)
class Program:
    """Values in the order in which they are computed, and which of them are results.

    Attributes
    ----------
    items : the values; operands come first.
    nodes, symbols : the names of the nodes and of the derivatives, by position.
    owners : for each value, the name it was built for; what has no name of its own is called after it.
    backward : the position at which derivatives start.
    value : the position of the mean objective.
    gradients : the positions of the derivatives of the mean objective, by parameter.
    """

    items: tuple[Value, ...]
    nodes: Mapping[int, str]
    symbols: Mapping[int, str]
    owners: tuple[str, ...]
    backward: int
    value: int
    gradients: Mapping[str, int]

    def live(self) -> list[bool]:
        """Which values the results depend on."""
        alive = [False] * len(self.items)
        for position in (self.value, *self.gradients.values()):
            alive[position] = True
        for position in range(len(self.items) - 1, -1, -1):
            if alive[position]:
                for operand in self.items[position].operands:
                    alive[operand] = True
        return alive
