"""Arithmetic as a graph of shared values: each distinct operation exists once.

A value that is built twice is the same value, so what forward and backward passes have in common is computed
once. Numbers fold while values are built; what is left is what a careful person would write down.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from backpropsym.arrays import Numeric
from backpropsym.errors import LimitError
from backpropsym.kernels.ir import bounds
from backpropsym.kernels.ir.array_operations import Operation
from backpropsym.kernels.ir.bounds import Bound
from backpropsym.kernels.ir.gates import Gates
from backpropsym.kernels.ir.program import Kind, Value
from backpropsym.ops.function import FUNCTIONS, Primitive

MAX_VALUES = 3_000_000


_FOLD: dict[Kind, Callable[[float, float], float]] = {
    Kind.ADD: operator.add,
    Kind.SUBTRACT: operator.sub,
    Kind.MULTIPLY: operator.mul,
    Kind.DIVIDE: operator.truediv,
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NOTHING: Mapping[int, Bound] = MappingProxyType({})
_DEPTH = 8
"""How deep a branch of a choice is looked into for what its condition makes finite."""

_HALF = Fraction(1, 2)
_MAX_UNROLLED_POWER = 4


@cache
def _registered_names() -> Mapping[Primitive, str]:
    return {function.primitive: name for name, function in FUNCTIONS.items() if function.primitive is not None}


def registered_name(primitive: Primitive) -> str:
    """The name under which a primitive is registered; a network may know it by another one."""
    return _registered_names()[primitive]


class Values:
    """Values by position, operands first.

    Attributes
    ----------
    items : the values.
    owners : for each value, the name it was first built for.
    owner : the name that values are being built for.
    derivative : whether derivatives are being built. There a factor of zero or of a step decides whether a term
        exists, so that inf and nan of a branch not taken stay out; in a person's formula 0*inf is nan.
    bounds : for each value, what is known of it before any number is.
    gates : where choices cut values off.
    """

    def __init__(self) -> None:
        self.items: list[Value] = []
        self.owners: list[str] = []
        self.owner = ""
        self.derivative = False
        self._positions: dict[tuple[object, ...], int] = {}
        self.bounds: list[Bound] = []
        self.gates = Gates(self)

    def number(self, value: float) -> int:
        """A constant."""
        return self._value(Kind.NUMBER, (), float(value), (Kind.NUMBER, repr(float(value))))

    def leaf(self, name: str, batched: bool) -> int:
        """A number, or one an object, that the caller gives."""
        return self._value(Kind.LEAF, (), name, (Kind.LEAF, name), batched)

    def add(self, left: int, right: int) -> int:
        """left + right."""
        if self._is(left, 0.0):
            return right
        if self._is(right, 0.0):
            return left
        if self.items[right].kind is Kind.NEGATE:
            return self.subtract(left, self.items[right].operands[0])
        if self.items[left].kind is Kind.NEGATE:
            return self.subtract(right, self.items[left].operands[0])
        return self._binary(Kind.ADD, left, right, commutes=True)

    def subtract(self, left: int, right: int) -> int:
        """left - right."""
        if self._is(right, 0.0):
            return left
        if self._is(left, 0.0):
            return self.negate(right)
        if self.items[right].kind is Kind.NEGATE:
            return self.add(left, self.items[right].operands[0])
        if self.derivative and self._is(left, 1.0) and self._calls(right, "step"):
            condition = self.compare(">", self.items[right].operands[0], self.number(0.0))
            return self.call("where", (condition, self.number(0.0), left))
        return self._binary(Kind.SUBTRACT, left, right)

    def multiply(self, left: int, right: int) -> int:
        """left * right."""
        if self._is(left, 1.0):
            return self._once(right)
        if self._is(right, 1.0):
            return self._once(left)
        if self._is(left, -1.0):
            return self.negate(right)
        if self._is(right, -1.0):
            return self.negate(left)
        for position, other in ((left, right), (right, left)):
            if self.items[position].kind is Kind.NEGATE:
                return self.negate(self._product_in_order(position, left, right))
            if self.derivative:
                if self._is(position, 0.0):
                    return position
                gated = self._gated(position, other)
                if gated is not None:
                    return gated
        product = self._binary(Kind.MULTIPLY, left, right, commutes=True)
        return self.gates.closed(product, (a for a, b in ((left, right), (right, left)) if not self.bounds[b].finite))

    def divide(self, left: int, right: int) -> int:
        """left / right."""
        if self._is(right, 1.0) or (self.derivative and self._is(left, 0.0)):
            return left
        if self.items[left].kind is Kind.NEGATE:
            return self.negate(self.divide(self.items[left].operands[0], right))
        if self.derivative and self.items[right].kind is not Kind.NUMBER:
            chosen = self._choice(left)
            if chosen is not None:
                condition, *branches = chosen
                return self.call("where", (condition, *(self.divide(branch, right) for branch in branches)))
        quotient = self._binary(Kind.DIVIDE, left, right)
        number = self.items[right].kind is Kind.NUMBER and not self._is(right, 0.0)
        safe = number or (self.bounds[right].finite and self.bounds[right].positive)
        return quotient if safe else self.gates.closed(quotient, (left,))

    def negate(self, operand: int) -> int:
        """-operand."""
        item = self.items[operand]
        if item.kind is Kind.NUMBER:
            return self.number(-item.data)
        if item.kind is Kind.NEGATE:
            return item.operands[0]
        return self._value(Kind.NEGATE, (operand,), None)

    def power(self, base: int, exponent: Fraction) -> int:
        """base ** exponent; small whole powers as products, halves as square roots."""
        if exponent < 0:
            return self.divide(self.number(1.0), self.power(base, -exponent))
        if exponent == 0:
            return self.number(1.0)
        if exponent == _HALF:
            return self.call("sqrt", (base,))
        if exponent.denominator == 1 and exponent <= _MAX_UNROLLED_POWER:
            return self._unrolled(base, int(exponent))
        data = int(exponent) if exponent.denominator == 1 else float(exponent)
        if self.items[base].kind is Kind.NUMBER:
            return self._folded(operator.pow, self.items[base].data, data)
        return self._value(Kind.POWER, (base,), data)

    def compare(self, symbol: str, left: int, right: int) -> int:
        """Whether left < right, or <=, >, >=."""
        return self._value(Kind.COMPARE, (left, right), symbol)

    def call(self, name: str, arguments: tuple[int, ...]) -> int:
        """A primitive function of `arguments`."""
        if name == "where":
            condition, then, otherwise = arguments
            sides = [self.items[side] for side in self.items[condition].operands]
            if then == otherwise:
                return then
            if all(side.kind is Kind.NUMBER for side in sides):
                chosen = _COMPARE[self.items[condition].data](sides[0].data, sides[1].data)
                return then if chosen else otherwise
        elif all(self.items[argument].kind is Kind.NUMBER for argument in arguments):
            primitive = FUNCTIONS[name].primitive
            assert primitive is not None, f"{name} is a primitive"
            return self._folded(primitive.real, *(self.items[argument].data for argument in arguments))
        return self._value(Kind.CALL, arguments, name)

    def opaque(self, operation: Operation, operands: tuple[int, ...], batched: bool) -> int:
        """The result of an operation over axes, which is a value itself: equal ones are one."""
        return self._value(Kind.OPERATION, operands, operation, batched=batched)

    def _is(self, position: int, number: float) -> bool:
        item = self.items[position]
        return item.kind is Kind.NUMBER and item.data == number

    def _calls(self, position: int, name: str) -> bool:
        item = self.items[position]
        return item.kind is Kind.CALL and item.data == name

    def _once(self, factor: int) -> int:
        """1 * factor; in a derivative a step is a choice there as beside any other factor."""
        if self.derivative and self._calls(factor, "step"):
            condition = self.compare("<=", self.items[factor].operands[0], self.number(0.0))
            return self.call("where", (condition, self.number(0.0), self.number(1.0)))
        return factor

    def _choice(self, gate: int) -> tuple[int, int, int] | None:
        """A step, or a choice of which one branch is zero, as (condition, then, otherwise)."""
        item = self.items[gate]
        if self._calls(gate, "step"):
            zero = self.number(0.0)
            return self.compare("<=", item.operands[0], zero), zero, self.number(1.0)
        if self._calls(gate, "where") and any(self._is(branch, 0.0) for branch in item.operands[1:]):
            condition, then, otherwise = item.operands
            return condition, then, otherwise
        return None

    def _gated(self, gate: int, other: int) -> int | None:
        """gate * other as a choice, where `gate` is a step, or a choice between two numbers.

        Or a choice that may be zero, where `other` may be inf or nan: there the other branch is not multiplied in.
        """
        item, chosen = self.items[gate], self._choice(gate)
        if self._calls(gate, "where"):
            numbers = all(self.items[branch].kind is Kind.NUMBER for branch in item.operands[1:])
            if not numbers and (chosen is None or self.bounds[other].finite):
                return None
            chosen = chosen or (item.operands[0], item.operands[1], item.operands[2])
        if chosen is None:
            return None
        condition, *branches = chosen
        return self.call("where", (condition, *(self.multiply(branch, other) for branch in branches)))

    def _product_in_order(self, negated: int, left: int, right: int) -> int:
        """left * right without the sign of `negated`, which is one of them."""
        inner = self.items[negated].operands[0]
        return self.multiply(inner, right) if negated == left else self.multiply(left, inner)

    def _unrolled(self, base: int, exponent: int) -> int:
        if exponent == 1:
            return base
        half = self._unrolled(base, exponent // 2)
        square = self.multiply(half, half)
        return self.multiply(square, base) if exponent % 2 else square

    def _binary(self, kind: Kind, left: int, right: int, commutes: bool = False) -> int:
        first, second = self.items[left], self.items[right]
        if first.kind is Kind.NUMBER and second.kind is Kind.NUMBER:
            return self._folded(_FOLD[kind], first.data, second.data)
        key = (kind, right, left) if commutes and right < left else (kind, left, right)
        return self._value(kind, (left, right), None, key)

    def _folded(self, function: Callable[..., Numeric], *numbers: float) -> int:
        """A constant computed now, by IEEE 754: inf and nan rather than errors."""
        with np.errstate(all="ignore"):
            return self.number(float(function(*map(np.float64, numbers))))

    def _value(
        self,
        kind: Kind,
        operands: tuple[int, ...],
        data: Any,
        key: tuple[object, ...] | None = None,
        batched: bool | None = None,
    ) -> int:
        key = key or (kind, data, *operands)
        position = self._positions.get(key)
        if position is not None:
            return position
        if len(self.items) >= MAX_VALUES:
            raise LimitError(
                f"the kernel would need more than {MAX_VALUES:,} operations",
                fix="use mode reverse, fewer parameters, or a smaller network",
            )
        if batched is None:
            batched = any(self.items[operand].batched for operand in operands)
        self._positions[key] = len(self.items)
        self.items.append(Value(kind, operands, data, batched))
        self.owners.append(self.owner)
        self.bounds.append(self._bound(kind, operands, data))
        self.gates.note(kind, operands, data)
        return len(self.items) - 1

    def _bound(
        self, kind: Kind, operands: tuple[int, ...], data: Any, assumed: Mapping[int, Bound] = _NOTHING, depth: int = 0
    ) -> Bound:
        """What is known of an operation, where `assumed` is known; to this depth below what is known already."""
        if kind is Kind.CALL and data == "where":
            condition, *branches = operands
            return bounds.either([self._under(branch, condition, branch == branches[0]) for branch in branches])
        known = [self._bound_below(operand, assumed, depth) for operand in operands]
        if kind is Kind.MULTIPLY and operands[0] == operands[1]:
            return bounds.squared(known[0])
        if kind is Kind.DIVIDE and self.items[operands[1]].kind is Kind.NUMBER and not self._is(operands[1], 0.0):
            return bounds.multiplied(known[0], bounds.number(self.items[operands[1]].data))
        return self.bound_of(data, operands) if kind is Kind.OPERATION else bounds.bound(kind, data, known)

    def _bound_below(self, position: int, assumed: Mapping[int, Bound], depth: int) -> Bound:
        if position in assumed:
            return assumed[position]
        if not depth:
            return self.bounds[position]
        item = self.items[position]
        return self._bound(item.kind, item.operands, item.data, assumed, depth - 1)

    def _under(self, branch: int, condition: int, holds: bool) -> Bound:
        """What is known of a branch where its condition holds, or does not: exp(x) where x < 0 is finite."""
        found, (left, right) = self.bounds[branch], self.items[condition].operands
        if found.finite or not self._is(right, 0.0):
            return found
        sign = bounds.sign_where(self.items[condition].data, holds)
        assumed = {left: Bound(self.bounds[left].finite, sign)}
        if self._calls(left, "max") and self._is(self.items[left].operands[1], 0.0):
            assumed[self.items[left].operands[0]] = assumed[left]
        return self._bound_below(branch, assumed, _DEPTH)

    def bound_of(self, operation: Operation, operands: tuple[int, ...]) -> Bound:
        """What is known of the result of an operation over axes."""
        return Bound(all(self.bounds[operand].finite for operand in operands))

    def is_cut_by(self, operation: Operation, cut: Sequence[bool]) -> bool:
        """Whether the result of an operation over axes may be cut off, of operands that may be."""
        return False

    def gate_of_operation(self, position: int) -> int:
        """The gate of an operation over axes that may be cut off."""
        raise TypeError(f"{self.items[position].data} cuts nothing off")
