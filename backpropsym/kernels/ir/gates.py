"""Where a choice cuts a derivative off: 0 of a branch not taken times infinity is no term, and not nan.

The zero of a choice, of a step or of an entry that is not read is exact: a term behind it does not exist. A zero that
was computed is a number like others, and its product with infinity is undefined. So a gate follows the first kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any, Protocol

from backpropsym.evaluate.cut_off import CHOICES
from backpropsym.kernels.ir.array_operations import Operation
from backpropsym.kernels.ir.program import Kind, Value


class GatedValues(Protocol):
    """What gates ask of the values that they are of; see `Values`."""

    items: list[Value]
    derivative: bool

    def number(self, value: float) -> int:
        """A constant."""

    def add(self, left: int, right: int) -> int:
        """left + right."""

    def multiply(self, left: int, right: int) -> int:
        """left * right."""

    def compare(self, symbol: str, left: int, right: int) -> int:
        """Whether left < right, or <=, >, >=."""

    def call(self, name: str, arguments: tuple[int, ...]) -> int:
        """A primitive function of `arguments`."""

    def is_cut_by(self, operation: Operation, cut: Sequence[bool]) -> bool:
        """Whether the result of an operation over axes may be cut off, of operands that may be."""

    def gate_of_operation(self, position: int) -> int:
        """The gate of an operation over axes that may be cut off."""


class Gates:
    """The gates of values, built where they are asked for.

    Attributes
    ----------
    cut : for each value, whether a choice may have cut it off.
    """

    def __init__(self, values: GatedValues) -> None:
        self.values = values
        self.cut: list[bool] = []
        self._built: dict[int, int] = {}
        self._building = False

    def note(self, kind: Kind, operands: tuple[int, ...], data: Any) -> None:
        """Take in a new value; outside of derivatives only steps, deltas and zero cut off."""
        if kind is Kind.NUMBER:
            self.cut.append(bool(data == 0.0))
        elif kind is Kind.CALL and data in CHOICES:
            self.cut.append(True)
        else:
            self.cut.append(self.values.derivative and self._is_cut(kind, operands, data))

    def closed(self, product: int, factors: Iterable[int]) -> int:
        """A product, or zero where one of these factors is cut off."""
        if self._building or not self.values.derivative:
            return product
        gates = [self.of(factor) for factor in factors if self.cut[factor]]
        if not gates:
            return product
        with self._unguarded():
            values, zero = self.values, self.values.number(0.0)
            return values.call("where", (values.compare("<=", reduce(values.multiply, gates), zero), zero, product))

    def of(self, position: int) -> int:
        """Zero where a choice has cut a value off, else positive; it broadcasts to the value."""
        waiting = [position]  # no recursion, for chains are long
        with self._unguarded():
            while waiting:
                top = waiting[-1]
                before = [each for each in self._leading(top) if each not in self._built]
                if before:
                    waiting += before
                else:
                    self._built.setdefault(top, self._gate(top))
                    waiting.pop()
        return self._built[position]

    @contextmanager
    def _unguarded(self) -> Iterator[None]:
        """While gates are built, products are plain: gates are finite, whatever they are computed from."""
        before, self._building = self._building, True
        try:
            yield
        finally:
            self._building = before

    def of_operand(self, position: int) -> int:
        """The gate of an operand, 1 where nothing cuts it off."""
        return self._built[position] if self.cut[position] else self.values.number(1.0)

    def _leading(self, position: int) -> list[int]:
        """The operands on whose gates that of a value rests."""
        return [operand for operand in self.values.items[position].operands if self.cut[operand]]

    def _gate(self, position: int) -> int:
        item, values = self.values.items[position], self.values
        match item.kind:
            case Kind.CALL if item.data == "where":
                condition, *branches = item.operands
                return values.call("where", (condition, *map(self.of_operand, branches)))
            case Kind.NUMBER | Kind.CALL:
                return position
            case Kind.ADD | Kind.SUBTRACT:
                return values.add(*map(self.of_operand, item.operands))
            case Kind.MULTIPLY:
                return values.multiply(*map(self.of_operand, item.operands))
            case Kind.OPERATION:
                return values.gate_of_operation(position)
        return self.of_operand(item.operands[0])

    def _is_cut(self, kind: Kind, operands: Sequence[int], data: Any) -> bool:
        cut = [self.cut[operand] for operand in operands]
        match kind:
            case Kind.CALL:
                return data == "where" and any(cut[1:])
            case Kind.ADD | Kind.SUBTRACT:
                return all(cut)
            case Kind.MULTIPLY:
                return any(cut)
            case Kind.NEGATE | Kind.DIVIDE | Kind.POWER:
                return cut[0]
            case Kind.OPERATION:
                return self.values.is_cut_by(data, cut)
        return False
