"""What a value of a kernel of tensors may be besides arithmetic: products, reductions, and moves of entries.

Every operation knows the shape of its result; the batch, where there is one, is the first axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from backpropsym.kernels.values import Kind, Value, Values
from backpropsym.ops.kinds import Shape
from backpropsym.ops.sizes import Dimension

BATCH = "_n"
NOMINAL = {BATCH: 64}
LONG_SUM = 64
"""Sums of so many numbers are written as products with ones where memory allows."""
_NOMINAL_SYMBOL = 16
Range = tuple[int, int | None, int]
Item = int | Range
ALL: Range = (0, None, 1)


@dataclass(frozen=True)
class Operation:
    """The shape of the result."""

    shape: Shape


@dataclass(frozen=True)
class Source(Operation):
    """A number or an array that plain source gives without operands."""

    text: str


@dataclass(frozen=True)
class Product(Operation):
    """A sum of products of operands whose axes are the letters of `groups`, as in einsum."""

    groups: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Reduce(Operation):
    """`function` (sum, max or min) over `axes`, which stay with size 1 if `keep`."""

    function: str
    axes: tuple[int, ...]
    keep: bool


@dataclass(frozen=True)
class Finite(Operation):
    """The operand, with the largest number in the place of infinity."""


@dataclass(frozen=True)
class First(Operation):
    """1 at the first extreme over `axes`, 0 elsewhere."""

    function: str
    axes: tuple[int, ...]


@dataclass(frozen=True)
class Alias(Operation):
    """Another view of the operand's memory."""


@dataclass(frozen=True)
class Pick(Alias):
    """Basic indexing: one integer or range (start, stop, step) an axis."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Arrange(Alias):
    """Axis k is axis `axes[k]` of the operand; None is a new axis of size 1. Axes of size 1 may be left out."""

    axes: tuple[int | None, ...]


@dataclass(frozen=True)
class Spread(Alias):
    """The operand repeated along new axes and axes of size 1."""


@dataclass(frozen=True)
class Reshape(Operation):
    """The entries in the same order under other axes; another view of the memory where its order allows."""


@dataclass(frozen=True)
class Window:
    """One axis of an operand seen through windows: entry stride*out + dilation*within + start.

    Attributes
    ----------
    out, within : the axes of the result, of sizes `count` and `width`.
    """

    out: int
    within: int
    count: int
    width: int
    stride: int
    dilation: int
    start: int

    def item(self, offset: int) -> Range:
        """What one place within the window sees as the window moves."""
        first = self.start + self.dilation * offset
        return first, first + self.stride * (self.count - 1) + 1, self.stride


@dataclass(frozen=True)
class Kept:
    """One axis of an operand of which the result has the whole or a range, as its axis `out`."""

    out: int
    item: Range


@dataclass(frozen=True)
class Windows(Operation):
    """Every window of the operand, copied; one rule an axis of the operand."""

    axes: tuple[Window | Kept, ...]


@dataclass(frozen=True)
class Fold(Operation):
    """The adjoint of `Windows`: each window added where it was read; to the last operand if it is `based` on one."""

    axes: tuple[Window | Kept, ...]
    based: bool = False


@dataclass(frozen=True)
class Place(Operation):
    """Parts added to zeros, or to the last operand if it is `based` on one.

    `disjoint` regions do not overlap; with `complete` they leave nothing out.
    """

    regions: tuple[tuple[Item, ...], ...]
    disjoint: bool = False
    complete: bool = False
    based: bool = False


@dataclass(frozen=True)
class Read(Operation):
    """Entries chosen by index arrays: the first operand, then values that choose by data; `fill` for those outside."""

    index: str
    lead: int
    rank: int
    fill: float = 0.0


@dataclass(frozen=True)
class Scatter(Operation):
    """The adjoint of `Read`, added to the last operand if it is `based` on one; `unique` if no entry is read twice."""

    index: str
    lead: int
    rank: int
    unique: bool
    based: bool = False


@dataclass(frozen=True)
class Concatenate(Operation):
    """Operands laid one after another along `axis`."""

    axis: int


@dataclass(frozen=True)
class Stack(Operation):
    """Operands of one shape laid one after another along a new first axis."""


@dataclass(frozen=True)
class Ordered(Operation):
    """The operand copied into C order."""


def nominal(shape: Shape) -> int:
    """The number of entries, with a typical number for sizes that are not known yet."""
    return math.prod(size if isinstance(size, int) else NOMINAL.get(size, _NOMINAL_SYMBOL) for size in shape)


def broadcast_shape(shapes: Sequence[Shape]) -> Shape:
    """The shape that broadcasting makes of `shapes`."""
    width = max(map(len, shapes), default=0)
    result: list[Dimension] = [1] * width
    for shape in shapes:
        for axis, size in enumerate(shape, width - len(shape)):
            result[axis] = size if result[axis] == 1 else result[axis]
    return tuple(result)


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
        if self.items[position].kind is Kind.MEAN:
            return ()
        if position not in self.shapes:
            self.shapes[position] = broadcast_shape([self.shape(each) for each in self.items[position].operands])
        return self.shapes[position]

    def make(self, operation: Operation, *operands: int) -> int:
        """The result of an operation."""
        position = self.opaque(operation, operands, BATCH in operation.shape)
        self.shapes[position] = operation.shape
        return position

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
        """See Values; x > 0 is read off max(x, 0) where that is there, so that x need not be kept."""
        if self.derivative and symbol in (">", "<=") and self._is(right, 0.0):
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


def picked_shape(shape: Shape, items: Sequence[Item]) -> Shape:
    """The shape of a part: one integer or range an axis."""
    return tuple(_length(item, size) for item, size in zip(items, shape, strict=True) if not isinstance(item, int))


def _length(item: Range, size: Dimension) -> Dimension:
    if item == ALL:
        return size
    start, stop, step = item
    if not isinstance(size, int):
        raise TypeError("a range of an axis of symbolic size is whole")
    end = (-1 if step < 0 else size) if stop is None else stop
    return max(0, -(-(end - start) // step))
