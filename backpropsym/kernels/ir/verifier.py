"""A program of arrays verified between passes: shapes, the axis of objects, and that every entry is set.

Off in ordinary calls; `verification()` switches it on, as does the environment variable BACKPROPSYM_VERIFY.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from backpropsym.arrays import Array
from backpropsym.errors import CompilerError
from backpropsym.kernels.ir.array_operations import (
    ALL,
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
    Range,
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
from backpropsym.kernels.ir.place_checks import problem_of
from backpropsym.kernels.ir.program import Kind, Program
from backpropsym.ops.kinds import Shape
from backpropsym.ops.shapes import shape_text
from backpropsym.ops.sizes import Dimension, size_product, size_sum

_ON: ContextVar[bool] = ContextVar("verification", default=bool(os.environ.get("BACKPROPSYM_VERIFY")))
_SYMBOL = 5
"""A number for a symbolic size of which only ranges that are whole are read."""


class _BrokenError(Exception):
    """One value is wrong."""


@contextmanager
def verification(on: bool = True) -> Iterator[None]:
    """Verify every program that is compiled meanwhile."""
    token = _ON.set(on)
    try:
        yield
    finally:
        _ON.reset(token)


def verify(step: str, program: Program, values: ArrayValues, results: Mapping[str, Shape] | None = None) -> None:
    """Verify every value that the results depend on, where verification is on.

    Parameters
    ----------
    step : what made the program, for the message.
    results : the shapes that the results broadcast to.

    Raises
    ------
    CompilerError : an operation does not fit its operands or its result, an axis of objects is not where the value
        says, or an operation that claims to set every entry of its result does not.
    """
    if not _ON.get():
        return
    for position, alive in enumerate(program.live()):
        if alive:
            try:
                _verify_value(program, values, position)
            except _BrokenError as broken:
                raise _error(step, program, position, str(broken)) from None
    for name, position in program.gradients.items():
        shape = values.shape(position)
        if results is not None and not _broadcasts(shape, results[name]):
            raise _error(step, program, position, f"{shape_text(shape)} is no {name} of {shape_text(results[name])}")


def verify_moved(
    step: str, before: tuple[Program, ArrayValues], after: tuple[Program, ArrayValues], moved: Mapping[int, int]
) -> None:
    """Verify that a pass keeps the shape of every value that it moves, and whether it differs from object to object.

    Raises
    ------
    CompilerError : it does not.
    """
    (old, old_values), (new, new_values) = before, after
    for position, place in moved.items():
        shape, made = old_values.shape(position), new_values.shape(place)
        if made != shape:
            raise _error(step, old, position, f"its shape {shape_text(shape)} became {shape_text(made)}")
        if new.items[place].batched != old.items[position].batched:
            differs = "differs" if old.items[position].batched else "does not differ"
            raise _error(step, old, position, f"it {differs} from object to object, and that was lost")


def _error(step: str, program: Program, position: int, message: str) -> CompilerError:
    item = program.items[position]
    what = type(item.data).__name__ if item.kind is Kind.OPERATION else item.kind.value
    name = program.nodes.get(position) or program.owners[position]
    return CompilerError(
        f"{step} broke value {position}, {what} for {name or 'the kernel'}: {message}",
        fix="this is a fault of backpropsym: please report the network",
    )


def _verify_value(program: Program, values: ArrayValues, position: int) -> None:
    item, shape = program.items[position], values.shape(position)
    operands = [values.shape(operand) for operand in item.operands]
    match item.kind:
        case Kind.OPERATION:
            _require(item.data.shape == shape, f"the operation gives {item.data.shape}, and the value is {shape}")
            _RULES[type(item.data)](item.data, operands)
        case Kind.NUMBER:
            _require(not shape, "a number has no axes")
        case Kind.LEAF:
            _require(BATCH not in shape[1:], "the axis of objects of what is given comes first")
        case _:
            _require(_broadcast(operands) == shape, f"operands {_shown(operands)} do not give {shape_text(shape)}")
    _require(shape.count(BATCH) <= 1, f"{shape_text(shape)} has the axis of objects twice")
    _require(item.batched == (BATCH in shape), f"{shape_text(shape)} and batched={item.batched} contradict each other")
    _require(all(operand < position for operand in item.operands), "an operand is computed after it")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _BrokenError(otherwise)


def _shown(shapes: Sequence[Shape]) -> str:
    return ", ".join(map(shape_text, shapes))


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    width = max(map(len, shapes), default=0)
    result: list[Dimension] = [1] * width
    for shape in shapes:
        for axis, size in enumerate(shape, width - len(shape)):
            _require(1 in (size, result[axis]) or size == result[axis], f"{_shown(shapes)} do not broadcast")
            result[axis] = size if result[axis] == 1 else result[axis]
    return tuple(result)


def _broadcasts(shape: Shape, whole: Shape) -> bool:
    own = whole[len(whole) - len(shape) :]
    return len(shape) <= len(whole) and all(size in (1, wide) for size, wide in zip(shape, own, strict=True))


def _same(operation: Finite | First | Ordered, operands: Sequence[Shape]) -> None:
    _require(operands == [operation.shape], f"{_shown(operands)} is not {shape_text(operation.shape)}")


def _given(operation: Constant | Size | ObjectShare, operands: Sequence[Shape]) -> None:
    _require(not operands, f"{type(operation).__name__} has no operands")
    if isinstance(operation, Constant):
        count = len(operation.data) // np.dtype(float).itemsize
        _require(count == size_product(operation.shape), f"{count} numbers are not {shape_text(operation.shape)}")
    else:
        _require(not operation.shape, "a number has no axes")


def _product(operation: Product, operands: Sequence[Shape]) -> None:
    sizes: dict[str, Dimension] = {}
    for letters, shape in zip(operation.groups, operands, strict=True):
        _require(len(letters) == len(shape), f"{letters!r} does not name the axes of {shape_text(shape)}")
        for letter, size in zip(letters, shape, strict=True):
            _require(sizes.setdefault(letter, size) == size, f"{letter} has the sizes {sizes[letter]} and {size}")
    _require(len(set(operation.output)) == len(operation.output), f"{operation.output!r} repeats a letter")
    made = tuple(sizes[letter] for letter in operation.output)
    _require(made == operation.shape, f"{operation.output!r} gives {made}, not {operation.shape}")


def _reduce(operation: Reduce, operands: Sequence[Shape]) -> None:
    (shape,) = operands
    axes = operation.axes
    _require(len(set(axes)) == len(axes) and set(axes) <= set(range(len(shape))), f"{axes} are no axes of {shape}")
    if operation.keep:
        made: Shape = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    else:
        made = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    _require(made == operation.shape, f"{operation.function} over {axes} of {shape_text(shape)} is {made}")


def _pick(operation: Pick, operands: Sequence[Shape]) -> None:
    made = _part(operands[0], operation.items)
    _require(made == operation.shape, f"{operation.items} of {shape_text(operands[0])} is {shape_text(made)}")


def _part(shape: Shape, items: Sequence[Item]) -> Shape:
    """The shape of a part, of which every place is inside."""
    _require(len(items) == len(shape), f"{items} are not one index for each axis of {shape_text(shape)}")
    made: list[Dimension] = []
    for item, size in zip(items, shape, strict=True):
        if item == ALL:
            made.append(size)
        elif isinstance(item, int):
            _require(size != BATCH and (not isinstance(size, int) or 0 <= item < size), f"{item} is outside of {size}")
        else:
            made.append(len(_places(item, size)))
    return tuple(made)


def _places(item: Range, size: Dimension) -> range:
    _require(isinstance(size, int), f"a range {item} of an axis of size {size}")
    start, stop, step = item
    end = (-1 if step < 0 else size) if stop is None else stop
    found = range(start, int(end), step)
    _require(len(found) > 0 and min(found) >= 0 and max(found) < int(size), f"{item} is outside of {size}")
    return found


def _arrange(operation: Arrange, operands: Sequence[Shape]) -> None:
    (shape,) = operands
    own = [axis for axis in operation.axes if axis is not None]
    _require(sorted(own) == list(range(len(shape))), f"{operation.axes} is no order of {shape_text(shape)}")
    made = tuple(1 if axis is None else shape[axis] for axis in operation.axes)
    _require(made == operation.shape, f"{operation.axes} of {shape_text(shape)} is {shape_text(made)}")


def _spread(operation: Spread, operands: Sequence[Shape]) -> None:
    _require(_broadcasts(operands[0], operation.shape), f"{operands[0]} does not broadcast to {operation.shape}")


def _reshape(operation: Reshape, operands: Sequence[Shape]) -> None:
    (shape,) = operands
    _require(size_product(shape) == size_product(operation.shape), f"{shape} and {operation.shape} differ in entries")
    if BATCH in shape:
        before = [size_product(each[: each.index(BATCH)]) for each in (shape, operation.shape)]
        _require(before[0] == before[1], f"the axis of objects of {shape} is not that of {operation.shape}")


def _windows(operation: Windows, operands: Sequence[Shape]) -> None:
    _moves(operation.axes, operands[0], operation.shape)


def _fold(operation: Fold, operands: Sequence[Shape]) -> None:
    _moves(operation.axes, operation.shape, operands[0])
    _based(operation, operands[1:])


def _moves(axes: Sequence[Window | Kept], shape: Shape, seen: Shape) -> None:
    """Whether windows of an array of `shape` are `seen`."""
    made: dict[int, Dimension] = {}
    for each, size in zip(axes, shape, strict=True):
        if isinstance(each, Kept):
            made[each.out] = size if each.item == ALL else len(_places(each.item, size))
        else:
            last = each.start + each.stride * (each.count - 1) + each.dilation * (each.width - 1)
            inside = isinstance(size, int) and each.start >= 0 and last < size
            _require(inside, f"windows leave the axis of size {size}")
            made |= {each.out: each.count, each.within: each.width}
    found = tuple(made.get(axis, 0) for axis in range(len(seen)))
    _require(len(made) == len(seen) and found == seen, f"windows of {shape_text(shape)} are {found}, not {seen}")


def _based(operation: Fold | Place | Scatter, rest: Sequence[Shape]) -> None:
    """Whether what an operation adds to, where it does, has its shape."""
    expected = [operation.shape] if operation.based else []
    _require(list(rest) == expected, f"it is added to {_shown(rest)}, not to {_shown(expected)}")


def _place(operation: Place, operands: Sequence[Shape]) -> None:
    shape, count = operation.shape, len(operation.regions)
    _based(operation, operands[count:])
    for region, part in zip(operation.regions, operands[:count], strict=True):
        made = _part(shape, region)
        _require(_broadcasts(part, made), f"{shape_text(part)} does not fit the place {region} of {shape_text(made)}")
    if operation.disjoint or operation.complete:
        set_by = _counts(operation.regions, shape)
        _require(not operation.disjoint or int(set_by.max()) < 2, "places overlap that should not")
        _require(not operation.complete or int(set_by.min()) > 0, "the places leave entries unset")


def _counts(regions: Sequence[tuple[Item, ...]], shape: Shape) -> Array:
    """By how many regions each entry is set; axes of which all regions have the whole count as one place."""
    sizes: list[int] = []
    for axis, size in enumerate(shape):
        ints = [item for item in (region[axis] for region in regions) if isinstance(item, int)]
        number = size if isinstance(size, int) else max([_SYMBOL, *(each + 2 for each in ints)])
        sizes.append(1 if all(region[axis] == ALL for region in regions) else number)
    counts = np.zeros(sizes, int)
    for region in regions:
        counts[tuple(item if isinstance(item, int) else slice(*item) for item in region)] += 1
    return counts


def _read(operation: Read, operands: Sequence[Shape]) -> None:
    _require(operation.lead == (operands[0][:1] == (BATCH,)), f"lead={operation.lead} of {shape_text(operands[0])}")
    _read_places(operation, operands[0], len(operands) - 1)


def _scatter(operation: Scatter, operands: Sequence[Shape]) -> None:
    _require(operation.lead == (operation.shape[:1] == (BATCH,)), f"lead={operation.lead} of {operation.shape}")
    if operation.based:
        _based(operation, operands[-1:])
    _read_places(operation, operation.shape, len(operands) - 1 - operation.based)


def _read_places(operation: Read | Scatter, shape: Shape, choosing: int) -> None:
    problem = problem_of(operation.places, operation.rank, shape[operation.lead :], choosing)
    _require(not problem, problem)


def _concatenate(operation: Concatenate, operands: Sequence[Shape]) -> None:
    axis = operation.axis
    rests = {shape[:axis] + shape[axis + 1 :] for shape in operands}
    _require(len(rests) == 1, f"{_shown(operands)} differ besides axis {axis}")
    made = (*operands[0][:axis], size_sum(shape[axis] for shape in operands), *operands[0][axis + 1 :])
    _require(made == operation.shape, f"{_shown(operands)} along axis {axis} are {shape_text(made)}")


def _stack(operation: Stack, operands: Sequence[Shape]) -> None:
    _require(len(set(operands)) == 1, f"{_shown(operands)} differ")
    made = (len(operands), *operands[0])
    _require(made == operation.shape, f"a stack of {_shown(operands)} is {shape_text(made)}")


_RULES: dict[type[Any], Callable[[Any, Sequence[Shape]], None]] = {
    Constant: _given,
    Size: _given,
    ObjectShare: _given,
    Product: _product,
    Reduce: _reduce,
    Finite: _same,
    First: _same,
    Ordered: _same,
    Pick: _pick,
    Arrange: _arrange,
    Spread: _spread,
    Reshape: _reshape,
    Windows: _windows,
    Fold: _fold,
    Place: _place,
    Read: _read,
    Scatter: _scatter,
    Concatenate: _concatenate,
    Stack: _stack,
}
