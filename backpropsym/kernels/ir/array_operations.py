"""What a value of a kernel of tensors may be besides arithmetic: products, reductions, and moves of entries.

Every operation knows the shape of its result; the batch, where there is one, is the first axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backpropsym.arrays import Given
from backpropsym.kernels.ir.positions import Places
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
class Constant(Operation):
    """Fixed numbers; doubles in C order as bytes, by which -0.0 and 0.0 differ."""

    data: bytes

    @classmethod
    def of(cls, numbers: Given) -> Constant:
        """The constant that holds an array of numbers."""
        array = np.asarray(numbers, float)
        return cls(array.shape, array.tobytes())

    @property
    def numbers(self) -> Any:
        """The array."""
        return np.frombuffer(self.data).reshape(self.shape)


@dataclass(frozen=True)
class Size(Operation):
    """A size that is known when a kernel is called, as a number."""

    size: Dimension


@dataclass(frozen=True)
class ObjectShare(Operation):
    """What one object weighs in a mean: 1 over their number."""


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
    """Entries of the first operand at places, which further operands may choose by data; `fill` where one is outside.

    `lead` is the number of axes of objects of the first operand, `rank` that of other axes of the result.
    """

    places: Places
    lead: int
    rank: int
    fill: float = 0.0


@dataclass(frozen=True)
class Scatter(Operation):
    """The adjoint of `Read`, added to the last operand if it is `based` on one; `unique` if no entry is read twice."""

    places: Places
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
