"""Ops that move entries and compute nothing: transpose, reshape, flatten, concat."""

from __future__ import annotations

import math

from backpropsym.formula.tree import Call, Name
from backpropsym.ops.compose import compose
from backpropsym.ops.kinds import Join, Shape, View
from backpropsym.ops.lowering import Lowering, Value, constant_integer
from backpropsym.ops.shapes import axes_of, refuse, shape_text


@compose("transpose", "x")
def transpose(lowering: Lowering, call: Call) -> Value:
    """The axes in reverse order."""
    value = lowering.value(call.arguments[0])
    indices = tuple(f"_i{axis}" for axis in range(len(value.shape)))
    source = tuple(map(Name, reversed(indices)))
    operand = lowering.name(value)
    return lowering.node(View(operand, indices, source, "transpose"), tuple(reversed(value.shape)), [operand])


@compose("flatten", "x")
def flatten(lowering: Lowering, call: Call) -> Value:
    """All entries in one axis, the last axis running fastest."""
    value = lowering.value(call.arguments[0])
    return _reshape(lowering, value, (_entries(value.shape, call),), call)


@compose("reshape", "x", "size", variadic=True)
def reshape(lowering: Lowering, call: Call) -> Value:
    """The entries in the same order under new axes: reshape(x, 2, 3)."""
    value = lowering.value(call.arguments[0])
    sizes = tuple(constant_integer(part) or 0 for part in call.arguments[1:])
    if min(sizes) < 1:
        raise refuse("reshape takes its sizes as whole numbers", fix="write reshape(x, 2, 3)", span=call.span)
    return _reshape(lowering, value, sizes, call)


def _entries(shape: Shape, call: Call) -> int:
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) < len(shape):
        raise refuse(f"{call.function} needs sizes in numbers, found {shape_text(shape)}", span=call.span)
    return math.prod(sizes)


def _reshape(lowering: Lowering, value: Value, shape: tuple[int, ...], call: Call) -> Value:
    count = _entries(value.shape, call)
    if math.prod(shape) != count:
        message = f"{shape_text(value.shape)} has {count} entries, {shape_text(shape)} has {math.prod(shape)}"
        raise refuse(message, fix="make the products of the sizes equal", span=call.span)
    return lowering.reshape(value, shape)


@compose("concat", "a", variadic=True, options=("axis",))
def concat(lowering: Lowering, call: Call) -> Value:
    """Values laid one after another along an axis."""
    values = [lowering.value(part) for part in call.arguments]
    rank = len(values[0].shape)
    axis = axes_of(lowering.option(call, "axis", 0), rank, call.function, call.span)[0]
    rests = {each.shape[:axis] + each.shape[axis + 1 :] for each in values if len(each.shape) == rank}
    if len(rests) > 1 or any(len(each.shape) != rank for each in values):
        shown = " and ".join(shape_text(each.shape) for each in values)
        raise refuse(f"concat cannot join {shown}", [f"sizes may differ along axis {axis} only"], span=call.span)
    sizes = [each.shape[axis] for each in values]
    whole = sum(size for size in sizes if isinstance(size, int))
    if not all(isinstance(size, int) for size in sizes):
        raise refuse("concat needs sizes in numbers along its axis", span=call.span)
    operands = tuple(lowering.name(each) for each in values)
    shape = (*values[0].shape[:axis], whole, *values[0].shape[axis + 1 :])
    return lowering.node(Join(operands, axis), shape, operands)
