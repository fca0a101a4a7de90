"""Shared values with shapes, and the moves and sums of entries that they allow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from backpropsym.kernels.ir import bounds
from backpropsym.kernels.ir.array_operations import (
    ALL,
    BATCH,
    LONG_SUM,
    Alias,
    Arrange,
    Concatenate,
    Constant,
    Finite,
    First,
    Fold,
    Item,
    ObjectShare,
    Operation,
    Ordered,
    Pick,
    Place,
    Product,
    Read,
    Reduce,
    Reshape,
    Scatter,
    Size,
    Spread,
    Stack,
    Windows,
    broadcast_shape,
    nominal,
    picked_shape,
)
from backpropsym.kernels.ir.bounds import Bound, Sign
from backpropsym.kernels.ir.program import Kind, Value
from backpropsym.kernels.ir.values import Values
from backpropsym.ops.kinds import Shape

LARGEST = 1e38
"""Below the largest number in single precision; what is larger may be infinite."""


class ArrayValues(Values):
    """Shared values with shapes.

    Attributes
    ----------
    shares : for x and its logsumexp, the exponentials and their sum: what exp(x - logsumexp(x)) is the quotient of.
    dropped : for a value without axes of size 1, and these axes, the same with them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shapes: dict[int, Shape] = {}
        self.shares: dict[tuple[int, ...], tuple[int, int]] = {}
        self.dropped: dict[tuple[int, tuple[int, ...]], int] = {}

    def shape(self, position: int) -> Shape:
        """The shape of a value; of an arithmetic one, what broadcasting makes of its operands."""
        if position not in self.shapes:
            self.shapes[position] = broadcast_shape([self.shape(each) for each in self.items[position].operands])
        return self.shapes[position]

    def make(self, operation: Operation, *operands: int) -> int:
        """The result of an operation."""
        position = self.opaque(operation, operands, BATCH in operation.shape)
        self.shapes[position] = operation.shape
        return position

    def product(self, operation: Product, *operands: int) -> int:
        """A sum of products, without the terms of a derivative that a choice has cut off."""
        plain = self.make(operation, *operands)
        if self.derivative:
            for slot, operand in enumerate(operands):
                others = (*operands[:slot], *operands[slot + 1 :])
                if not self.bounds[operand].finite and any(self.gates.cut[each] for each in others):
                    return self._without_cut(operation, operands, slot, plain)
        return plain

    def _without_cut(self, operation: Product, operands: tuple[int, ...], slot: int, plain: int) -> int:
        """A sum of products in which one operand may be infinite where others are cut off."""
        operand, zero, one = operands[slot], self.number(0.0), self.number(1.0)
        held = self.compare("<=", self.call("abs", (operand,)), self.number(LARGEST))
        finite, lost = (self.call("where", (held, *branches)) for branches in ((operand, zero), (zero, one)))
        self.bounds[finite] = self.bounds[operand]._replace(finite=True)
        kept = self.product(operation, *operands[:slot], finite, *operands[slot + 1 :])
        gates = [self._gate_in_shape(each) for each in operands]
        gates[slot] = lost
        reached = self.make(operation, *gates)
        return self.call("where", (self.compare("<=", reached, zero), kept, plain))

    def _gate_in_shape(self, operand: int) -> int:
        gate = self.gates.of(operand) if self.gates.cut[operand] else self.number(1.0)
        return self.spread(gate, self.shape(operand))

    def bound_of(self, operation: Operation, operands: tuple[int, ...]) -> Bound:
        """See Values."""
        known = [self.bounds[operand] for operand in operands]
        finite = all(each.finite for each in known)
        match operation:
            case Size(_, size):
                return Bound(True, Sign.ANY if "-" in str(size) else Sign.POSITIVE)
            case ObjectShare():
                return Bound(True, Sign.POSITIVE)
            case Constant():
                return Bound(True)
            case Product() if len(operands) == 2 and len(set(operands)) == len(set(operation.groups)) == 1:
                return bounds.squared(known[0])
            case Product():
                return reduce(bounds.multiplied, known)
            case First():
                return Bound(True, Sign.NOT_NEGATIVE)
            case Finite():
                return known[0]._replace(finite=True)
            case Place() | Fold() | Scatter():
                return Bound(finite, Sign.NOT_NEGATIVE if all(each.not_negative for each in known) else Sign.ANY)
            case Concatenate() | Stack():
                return bounds.either(known)
        return known[0]

    def is_cut_by(self, operation: Operation, cut: Sequence[bool]) -> bool:
        """See Values; zeros around what is placed are cut off too."""
        match operation:
            case First():
                return True
            case Place(based=True) | Fold(based=True) | Scatter(based=True):
                return cut[-1]
            case Place(complete=True) | Product() | Concatenate() | Stack():
                return any(cut)
            case Place() | Fold() | Scatter():
                return True
            case Reduce(function="sum") | Alias() | Reshape() | Ordered() | Windows() | Read():
                return cut[0]
        return False

    def gate_of_operation(self, position: int) -> int:
        """See Values: the same operation on gates, where values that choose entries by data stay."""
        item = self.items[position]
        if isinstance(item.data, First):
            return position
        gates = [self._gate_in_shape(operand) for operand in item.operands]
        if isinstance(item.data, Read | Scatter):
            last = len(gates) - getattr(item.data, "based", False)
            gates[1:last] = item.operands[1:last]
        return self.again(item, tuple(gates), self.shape(position))

    def again(self, item: Value, operands: tuple[int, ...], shape: Shape | None) -> int:
        """An operation of other values on operands of these; its shape, where that does not follow from them."""
        if item.kind is Kind.NUMBER:
            return self.number(item.data)
        position = self._value(item.kind, operands, item.data, batched=item.batched)
        self.shapes[position] = self.shape(position) if shape is None else shape
        return position

    def call(self, name: str, arguments: tuple[int, ...]) -> int:
        """See Values; the exponential that belongs to a logsumexp is not computed again."""
        if name == "exp":
            item = self.items[arguments[0]]
            share = self.shares.get(item.operands) if item.kind is Kind.SUBTRACT else None
            if share is not None:
                return self.divide(*share)
        return super().call(name, arguments)

    def compare(self, symbol: str, left: int, right: int) -> int:
        """See Values; of arrays x > 0 is read off max(x, 0) where that is there, so that x need not be kept."""
        if self.derivative and symbol in (">", "<=") and self._is(right, 0.0) and self.shape(left):
            left = self._positions.get((Kind.CALL, "max", left, right), left)
        return super().compare(symbol, left, right)

    def pick(self, operand: int, items: Sequence[Item]) -> int:
        """Basic indexing; nothing where every range is whole."""
        shape = self.shape(operand)
        items = [ALL if item == (0, size, 1) else item for item, size in zip(items, shape, strict=True)]
        if all(item == ALL for item in items):
            return operand
        inner = self.items[operand].data
        if isinstance(inner, Arrange):
            places = zip(items, inner.axes, strict=True)
            if all(item == ALL if axis is not None else item == 0 for item, axis in places):
                return self.arrange(self.items[operand].operands[0], [axis for axis in inner.axes if axis is not None])
        return self.make(Pick(picked_shape(shape, items), tuple(items)), operand)

    def arrange(self, operand: int, axes: Sequence[int | None]) -> int:
        """Axes in another order, with new ones of size 1."""
        shape = self.shape(operand)
        if tuple(axes) == tuple(range(len(shape))):
            return operand
        return self.make(Arrange(tuple(1 if axis is None else shape[axis] for axis in axes), tuple(axes)), operand)

    def spread(self, operand: int, shape: Shape) -> int:
        """A value repeated to a shape that it broadcasts to."""
        return operand if self.shape(operand) == shape else self.make(Spread(shape), operand)

    def reshape(self, operand: int, shape: Shape) -> int:
        """The entries in the same order under other axes."""
        return operand if self.shape(operand) == shape else self.make(Reshape(shape), operand)

    def leading(self, operand: int, axis: int) -> int:
        """The operand with one axis first, in C order."""
        shape = self.shape(operand)
        if axis == 0:
            return operand
        axes = [axis, *(each for each in range(len(shape)) if each != axis)]
        return self.make(Ordered(tuple(shape[each] for each in axes)), self.arrange(operand, axes))

    def sum(self, operand: int, axes: Sequence[int], keep: bool = False) -> int:
        """The sum over axes; of negatives as the negative of a sum, of a product by a product's operation."""
        if self.items[operand].kind is Kind.NEGATE:
            return self.negate(self.sum(self.items[operand].operands[0], axes, keep))
        ones = [axis for axis in axes if self.shape(operand)[axis] == 1]
        if ones and not keep:
            rank = len(self.shape(operand))
            operand = self.pick(operand, [0 if axis in ones else ALL for axis in range(rank)])
        left = [axis for axis in range(len(self.shape(operand)) + (0 if keep else len(ones))) if axis not in ones]
        axes = [axis if keep else left.index(axis) for axis in axes if axis not in ones]
        if not axes:
            return operand
        shape, item = self.shape(operand), self.items[operand]
        if item.kind is Kind.MULTIPLY and all(self.shape(each) == shape for each in item.operands):
            letters = "".join(chr(ord("a") + axis) for axis in range(len(shape)))
            output = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
            sizes = tuple(size for axis, size in enumerate(shape) if axis not in axes)
            total = self.make(Product(sizes, (letters, letters), output), *item.operands)
        elif nominal(tuple(shape[axis] for axis in axes)) < LONG_SUM:
            return self.reduce("sum", operand, axes, keep)
        else:
            total = self.reduce("sum", operand, axes)
        return self.widened(total, axes) if keep else total

    def mean(self, operand: int) -> int:
        """The mean over objects of one number an object; a number that is the same for all is its own mean."""
        if not self.shape(operand):
            return operand
        return self.divide(self.sum(operand, [0]), self.make(Size((), BATCH)))

    def reduce(self, function: str, operand: int, axes: Sequence[int], keep: bool = False) -> int:
        """A reduction over axes."""
        shape = self.shape(operand)
        if keep:
            left = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        else:
            left = tuple(size for axis, size in enumerate(shape) if axis not in axes)
        return self.make(Reduce(left, function, tuple(axes), keep), operand)

    def widened(self, operand: int, axes: Sequence[int]) -> int:
        """A reduced value with axes of size 1 where `axes` were."""
        if (operand, tuple(axes)) in self.dropped:
            return self.dropped[operand, tuple(axes)]
        rank = len(self.shape(operand)) + len(axes)
        own = iter(range(rank))
        return self.arrange(operand, [None if axis in axes else next(own) for axis in range(rank)])

    def narrowed(self, operand: int, axes: Sequence[int]) -> int:
        """The inverse of `widened`."""
        shape = self.shape(operand)
        found = self.pick(operand, [0 if axis in axes else ALL for axis in range(len(shape))])
        self.dropped[found, tuple(axes)] = operand
        return found
