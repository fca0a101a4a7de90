"""Programs of arrays executed plainly: every value in an array of its own, by one line of NumPy an operation."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from backpropsym.kernels.ir.array_operations import (
    BATCH,
    Arrange,
    Concatenate,
    Constant,
    Finite,
    First,
    Fold,
    Item,
    Kept,
    ObjectShare,
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
    Window,
    Windows,
)
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Kind, Program, Value
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.kinds import Shape
from backpropsym.ops.size_values import size_value
from tests.kernels.plain_places import PlacesRead

Array = Any
_BINARY = {Kind.ADD: np.add, Kind.SUBTRACT: np.subtract, Kind.MULTIPLY: np.multiply, Kind.DIVIDE: np.divide}
_COMPARE = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
_REDUCE = {"sum": np.sum, "max": np.max, "min": np.min}


def executed(
    program: Program,
    values: ArrayValues,
    leaves: Mapping[str, Array],
    sizes: Mapping[str, int],
) -> dict[int, Array]:
    """Every value that the results depend on, by position; leaves that vary have a leading axis of objects."""
    return Plain(program, values, leaves, sizes).run()


class Plain:
    """One execution."""

    def __init__(
        self, program: Program, values: ArrayValues, leaves: Mapping[str, Array], sizes: Mapping[str, int]
    ) -> None:
        self.program = program
        self.values = values
        self.leaves = leaves
        self.sizes = dict(sizes)
        self.known: dict[int, Array] = {}

    def run(self) -> dict[int, Array]:
        """The values."""
        with np.errstate(all="ignore"):
            for position, alive in enumerate(self.program.live()):
                if alive:
                    found = np.asarray(self._value(self.program.items[position]))
                    shape = self._shape(self.values.shape(position))
                    assert found.shape == shape, f"value {position} has the shape {found.shape}, not {shape}"
                    self.known[position] = found
        return self.known

    def _shape(self, shape: Shape) -> tuple[int, ...]:
        return tuple(size_value(size, self.sizes) or 0 for size in shape)

    def _value(self, item: Value) -> Array:
        operands = [self.known[operand] for operand in item.operands]
        match item.kind:
            case Kind.LEAF:
                return self.leaves[item.data]
            case Kind.NUMBER:
                return np.float64(item.data)
            case Kind.OPERATION:
                return self._operation(item.data, operands)
            case Kind.NEGATE:
                return -operands[0]
            case Kind.POWER:
                return operands[0] ** item.data
            case Kind.COMPARE:
                return _COMPARE[item.data](*operands)
            case Kind.CALL if item.data == "where":
                return np.where(*operands)
            case Kind.CALL:
                primitive = FUNCTIONS[item.data].primitive
                assert primitive is not None
                return np.vectorize(primitive.real, otypes=[float])(*operands)
            case kind:
                return _BINARY[kind](*operands)

    def _operation(self, operation: Any, operands: list[Array]) -> Array:
        shape = self._shape(operation.shape)
        match operation:
            case Constant():
                return operation.numbers
            case Size(size=size):
                return size_value(size, self.sizes)
            case ObjectShare():
                return 1 / self.sizes[BATCH]
            case Product(groups=groups, output=output):
                return np.einsum(f"{','.join(groups)}->{output}", *operands)
            case Reduce(function=function, axes=axes, keep=keep):
                return _REDUCE[function](operands[0], axis=axes, keepdims=keep)
            case Finite():
                return np.clip(operands[0], -np.finfo(float).max, np.finfo(float).max)
            case First(function=function, axes=axes):
                return _first(operands[0], function, axes)
            case Pick(items=items):
                return operands[0][_index(items)]
            case Arrange(axes=axes):
                moved = np.transpose(operands[0], [axis for axis in axes if axis is not None])
                return np.expand_dims(moved, tuple(axis for axis, each in enumerate(axes) if each is None))
            case Spread():
                return np.broadcast_to(operands[0], shape)
            case Reshape():
                return np.reshape(operands[0], shape)
            case Windows(axes=axes):
                return _windows(operands[0], axes, shape)
            case Fold(axes=axes, based=based):
                return _fold(operands[0], axes, operands[-1] if based else np.zeros(shape))
            case Place(regions=regions, based=based):
                total = np.array(operands[-1]) if based else np.zeros(shape)
                for region, part in zip(regions, operands, strict=False):
                    total[_index(region)] += part
                return total
            case Read():
                read = PlacesRead(operation, operands, self.sizes)
                found = np.full(shape, operation.fill)
                for place, source in read.pairs(shape):
                    found[place] = operands[0][source]
                return found
            case Scatter(based=based):
                read = PlacesRead(operation, operands, self.sizes)
                total = np.array(operands[-1]) if based else np.zeros(shape)
                part = np.broadcast_to(operands[0], read.whole())
                for place, source in read.pairs(part.shape):
                    total[source] += part[place]
                return total
            case Concatenate(axis=axis):
                return np.concatenate(operands, axis)
            case Stack():
                return np.stack(operands)
            case Ordered():
                return operands[0]
        raise TypeError(f"{operation} has no rule")


def _index(items: tuple[Item, ...]) -> tuple[Any, ...]:
    return tuple(item if isinstance(item, int) else slice(*item) for item in items)


def _first(x: Array, function: str, axes: tuple[int, ...]) -> Array:
    """1 at the first extreme over `axes`, entry by entry."""
    marks, seen = np.zeros(x.shape), set()
    extreme = _REDUCE[function](x, axis=axes, keepdims=True)
    for place in itertools.product(*map(range, x.shape)):
        rest = tuple(0 if axis in axes else each for axis, each in enumerate(place))
        if rest not in seen and x[place] == extreme[rest]:
            seen.add(rest)
            marks[place] = 1.0
    return marks


def _places(axes: tuple[Window | Kept, ...], whole: tuple[int, ...], seen: tuple[int, ...]) -> Any:
    """Every place in the windows and the place of the array that it sees."""
    for place in itertools.product(*map(range, seen)):
        source = []
        for each, size in zip(axes, whole, strict=True):
            if isinstance(each, Kept):
                source.append(range(size)[slice(*each.item)][place[each.out]])
            else:
                source.append(each.start + each.stride * place[each.out] + each.dilation * place[each.within])
        yield place, tuple(source)


def _windows(x: Array, axes: tuple[Window | Kept, ...], shape: tuple[int, ...]) -> Array:
    found = np.empty(shape)
    for place, source in _places(axes, x.shape, shape):
        found[place] = x[source]
    return found


def _fold(part: Array, axes: tuple[Window | Kept, ...], base: Array) -> Array:
    total = np.array(base)
    for place, source in _places(axes, total.shape, part.shape):
        total[source] += part[place]
    return total
