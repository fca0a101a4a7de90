"""Arithmetic on arrays whose rows are read one by one: under the axes that have the rows, each row in one piece."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backpropsym.kernels.array_ops import ALL, BATCH, ArrayValues, Pick, Reshape
from backpropsym.kernels.array_rebuilding import Rebuilding, Replacement, uses_of
from backpropsym.kernels.program import Program
from backpropsym.kernels.values import Kind, Value
from backpropsym.ops.kinds import Shape

_ARITHMETIC = (Kind.ADD, Kind.SUBTRACT, Kind.MULTIPLY, Kind.DIVIDE, Kind.NEGATE)


def rows_read(program: Program) -> dict[int, int]:
    """Values of which nothing but single rows is read, and the axis along which these lie."""
    alive = program.live()
    results = {program.value, *program.gradients.values()}
    axes: dict[int, set[int | None]] = {}
    for position, item in enumerate(program.items):
        if alive[position]:
            for operand in item.operands:
                axes.setdefault(operand, set()).add(_row_axis(item))
    found = {}
    for position, (axis, *others) in axes.items():
        if axis and not others and position not in results:
            found[position] = axis
    return found


def _row_axis(item: Value) -> int | None:
    """The axis of which a value reads one place; None where it reads otherwise."""
    if not isinstance(item.data, Pick):
        return None
    axes = [axis for axis, each in enumerate(item.data.items) if each != ALL]
    return axes[0] if len(axes) == 1 and isinstance(item.data.items[axes[0]], int) else None


def arithmetic_on_rows(program: Program, values: ArrayValues) -> dict[int, Replacement]:
    """Arithmetic under more axes where these are made afterwards to read rows: `reshape(a + b)` as sum of reshapes."""
    uses = uses_of(program)
    found: dict[int, Replacement] = {}
    for position in rows_read(program):
        item = program.items[position]
        if isinstance(item.data, Reshape):
            inner, shape = item.operands[0], values.shape(position)
            split = _split(values.shape(inner), shape)
            if split is not None and uses[inner] == 1 and program.items[inner].kind in _ARITHMETIC:
                found[position] = _under(program, values, uses, inner, split)
    return found


def _under(
    program: Program, values: ArrayValues, uses: Sequence[int], position: int, split: list[Shape]
) -> Replacement:
    """A value whose axes are split; arithmetic that nothing else uses is done after the split."""
    item, shape = program.items[position], values.shape(position)

    def build(new: Rebuilding) -> int:
        if not shape:
            return new.moved[position]
        if item.kind in _ARITHMETIC and uses[position] == 1:
            operands = tuple(_under(program, values, uses, each, split)(new) for each in item.operands)
            return new.values.again(item, operands, None)
        own = split[len(split) - len(shape) :]
        ones = [(1,) * len(sizes) if size == 1 else sizes for size, sizes in zip(shape, own, strict=True)]
        return new.values.reshape(new.moved[position], sum(ones, ()))

    return build


def _split(before: Shape, after: Shape) -> list[Shape] | None:
    """For each axis before, the axes after that it is split into; None where axes are merged."""
    found: list[Shape] = []
    left = list(after)
    for size in before:
        taken = [left.pop(0)] if left else []
        if size == BATCH and taken != [BATCH]:
            return None
        while size != BATCH and left and _product(taken) != size:
            taken.append(left.pop(0))
        if _product(taken) != size:
            return None
        found.append(tuple(taken))
    return None if left else found


def _product(sizes: Sequence[int | str]) -> int | str | None:
    numbers = [size for size in sizes if isinstance(size, int)]
    if len(numbers) == len(sizes):
        return math.prod(numbers)
    return sizes[0] if len(sizes) == 1 else None
