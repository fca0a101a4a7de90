"""Ops that move entries and compute nothing: transpose, reshape, concat, stack, pad, gather, upsample."""

from __future__ import annotations

from collections.abc import Sequence

from backpropsym.formula.algebra import add
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Expr, Index, Name, Tuple, number
from backpropsym.ops.compose import axes_needed, compose, moved, whole_sizes
from backpropsym.ops.kinds import Join, Shape, View
from backpropsym.ops.lowering import Lowering, Value, constant_integer, whole_numbers
from backpropsym.ops.options import LARGEST, option
from backpropsym.ops.shapes import axes_of, refuse, shape_text
from backpropsym.ops.sizes import Dimension, as_size, size_product, size_sum


@compose(
    "transpose",
    "x",
    options=("axes",),
    shapes="(a, b, c) → (c, b, a); with `axes=(1, 0, 2)` (b, a, c)",
    source="numpy.transpose",
    layer=True,
)
def transpose(lowering: Lowering, call: Call) -> Value:
    """The axes in reverse order, or in the order of `axes`."""
    value = lowering.value(call.arguments[0])
    rank = len(value.shape)
    given = option(call, "axes")
    order = tuple(reversed(range(rank))) if given is None else _order(given, rank, call)
    indices = tuple(f"_i{axis}" for axis in range(rank))
    source = tuple(Name(indices[order.index(axis)]) for axis in range(rank))
    shape = tuple(value.shape[axis] for axis in order)
    operand = lowering.name(value)
    return lowering.node(View(operand, indices, source, "transpose", order), shape, [operand])


def _order(given: Expr, rank: int, call: Call) -> tuple[int, ...]:
    """An order of axes in which each stands once."""
    found = whole_numbers(given) or ()
    order = tuple(axis % rank for axis in found if -rank <= axis < rank)
    if sorted(order) != list(range(rank)) or len(order) < len(found):
        fix = f"name each of the {rank} axes once, as in axes={to_text(_numbers(range(rank)))}"
        raise refuse(f"axes={to_text(given)} is no order of {rank} axes", fix=fix, span=given.span or call.span)
    return order


def _numbers(values: Sequence[int]) -> Tuple:
    return Tuple(tuple(map(number, values)))


@compose("flatten", "x", shapes="(a, b, c) → (a·b·c,)", source="numpy.ravel", layer=True)
def flatten(lowering: Lowering, call: Call) -> Value:
    """All entries in one axis, the last axis running fastest."""
    value = lowering.value(call.arguments[0])
    return lowering.reshape(value, (size_product(value.shape),))


@compose(
    "reshape",
    "x",
    "size",
    variadic=True,
    shapes="(a, b) → the sizes given, of the product a·b",
    source="numpy.reshape",
    layer=True,
)
def reshape(lowering: Lowering, call: Call) -> Value:
    """The entries in the same order under new axes: reshape(x, 2, 3), reshape(x, (2, 3)), reshape(x, n, 2*d)."""
    value = lowering.value(call.arguments[0])
    given = call.arguments[1] if len(call.arguments) == 2 else Tuple(call.arguments[1:])
    parts = given.parts if isinstance(given, Tuple) else (given,)
    sizes = tuple(size for size in map(as_size, parts) if isinstance(size, str) or (size is not None and size > 0))
    if len(sizes) < len(parts) or lowering.parents(given):
        message = "reshape takes its sizes as whole numbers or symbolic sizes"
        raise refuse(message, fix="write reshape(x, 2, 3)", span=call.span)
    count, wanted = size_product(value.shape), size_product(sizes)
    if wanted != count:
        message = f"{shape_text(value.shape)} has {count} entries, {shape_text(sizes)} has {wanted}"
        raise refuse(message, fix="make the products of the sizes equal", span=call.span)
    return lowering.reshape(value, sizes)


@compose(
    "concat", "a", variadic=True, options=("axis",), shapes="(a, n), (b, n) → (a + b, n)", source="numpy.concatenate"
)
def concat(lowering: Lowering, call: Call) -> Value:
    """Values laid one after another along an axis, the first by default."""
    values = [lowering.value(part) for part in call.arguments]
    rank = len(axes_needed(values[0], call.arguments[0], call).shape)
    axis = axes_of(lowering.option(call, "axis", 0), rank, call.function, call.span)[0]
    rests = {value.shape[:axis] + value.shape[axis + 1 :] for value in values if len(value.shape) == rank}
    if len(rests) > 1 or any(len(each.shape) != rank for each in values):
        shown = " and ".join(shape_text(each.shape) for each in values)
        raise refuse(f"concat cannot join {shown}", [f"sizes may differ along axis {axis} only"], span=call.span)
    return joined(lowering, values, axis)


@compose(
    "stack",
    "a",
    variadic=True,
    options=("axis",),
    shapes="(n,), (n,) → (2, n); with `axis=1` (n, 2)",
    source="numpy.stack",
)
def stack(lowering: Lowering, call: Call) -> Value:
    """Values of one shape laid along a new axis, the first by default; scalars give a vector."""
    values = [lowering.value(part) for part in call.arguments]
    shapes = list(dict.fromkeys(each.shape for each in values))
    if len(shapes) > 1:
        raise refuse(
            f"stack cannot join {' and '.join(map(shape_text, shapes))}", ["the shapes are equal"], None, call.span
        )
    rank = len(shapes[0]) + 1
    axis = axes_of(lowering.option(call, "axis", 0), rank, call.function, call.span)[0]
    shape = (*shapes[0][:axis], 1, *shapes[0][axis:])
    others = [each for each in range(rank) if each != axis]
    return joined(lowering, [moved(lowering, value, shape, others) for value in values], axis)


def joined(lowering: Lowering, values: Sequence[Value], axis: int) -> Value:
    """Values one after another along `axis`."""
    if len(values) == 1:
        return values[0]
    operands = tuple(lowering.name(value) for value in values)
    before, after = values[0].shape[:axis], values[0].shape[axis + 1 :]
    whole = size_sum(each.shape[axis] for each in values)
    return lowering.node(Join(operands, axis), (*before, whole, *after), operands)


@compose(
    "pad",
    "x",
    "widths",
    options=("axis",),
    shapes="(a, b) → (a + low + high, b + low + high)",
    source="numpy.pad",
    layer=True,
)
def pad(lowering: Lowering, call: Call) -> Value:
    """Zeros around the entries: one number for all sides, (low, high), or a pair for each axis of `axis`."""
    value = axes_needed(lowering.value(call.arguments[0]), call.arguments[0], call)
    axes = lowering.axes(call, value)
    widths = dict(zip(axes, _widths(call.arguments[1], len(axes), call), strict=True))
    sizes = whole_sizes(tuple(value.shape[axis] for axis in axes), call)
    indices = tuple(f"_i{axis}" for axis in range(len(value.shape)))
    source: list[Expr] = [Name(index) for index in indices]
    shape: list[Dimension] = list(value.shape)
    for axis, size in zip(axes, sizes, strict=True):
        low, high = widths[axis]
        source[axis] = add([source[axis], number(-low)])
        shape[axis] = size + low + high
    guards = tuple((source[axis], size) for axis, size in zip(axes, sizes, strict=True) if any(widths[axis]))
    operand = lowering.name(value)
    return lowering.node(View(operand, indices, tuple(source), "pad", (), guards), tuple(shape), [operand])


def _widths(given: Expr, count: int, call: Call) -> list[tuple[int, int]]:
    """(low, high) for each of `count` axes."""
    nested = isinstance(given, Tuple) and any(isinstance(part, Tuple) for part in given.parts)
    rows = [whole_numbers(part) for part in given.parts] if nested and isinstance(given, Tuple) else []
    rows = rows or [whole_numbers(given)] * count
    pairs = [(row[0], row[-1]) for row in rows if row and len(row) <= 2 and 0 <= min(row) <= max(row) <= LARGEST]
    if len(pairs) != count or len(pairs) < len(rows):
        example = to_text(Tuple((_numbers((1, 2)),) * count))
        fix = f"give a whole number, (low, high), or one pair an axis: {example}"
        raise refuse(f"pad cannot use {to_text(given)} for {count} axes", fix=fix, span=given.span or call.span)
    return pairs


@compose(
    "gather",
    "x",
    "index",
    options=("axis",),
    shapes="(n, d), (k,) → (k, d); with `axis=1` (d, n), (k,) → (d, k)",
    source="numpy.take",
)
def gather(lowering: Lowering, call: Call) -> Value:
    """The entries that `index` names along an axis, the first by default; `index` is a node, or numbers."""
    value = axes_needed(lowering.value(call.arguments[0]), call.arguments[0], call)
    axis = axes_of(lowering.option(call, "axis", 0), len(value.shape), call.function, call.span)[0]
    given = call.arguments[1]
    if isinstance(given, Tuple):
        listed = [_position(part, value.shape[axis], axis) for part in given.parts]
        return joined(lowering, [_taken(lowering, value, axis, each) for each in listed], axis)
    return taken(lowering, value, axis, given)


def taken(lowering: Lowering, value: Value, axis: int, given: Expr) -> Value:
    """The entries along `axis` that a node of whole numbers names; its axes take the place of `axis`."""
    index = lowering.value(given)
    if not isinstance(index.expr, Name):
        fix = "name it as a node or an input of its own"
        raise refuse(f"the index {to_text(given)} is not a node", fix=fix, span=given.span)
    outer = tuple(f"_i{each}" for each in range(len(value.shape) - 1 + len(index.shape)))
    own = tuple(map(Name, outer[axis : axis + len(index.shape)]))
    chosen: Expr = Index(index.expr, own) if own else index.expr
    rest = tuple(map(Name, (*outer[:axis], *outer[axis + len(index.shape) :])))
    operand = lowering.name(value)
    view = View(operand, outer, (*rest[:axis], chosen, *rest[axis:]), "gather", (axis,))
    shape = (*value.shape[:axis], *index.shape, *value.shape[axis + 1 :])
    return lowering.node(view, shape, [operand, index.expr.name])


def _position(part: Expr, size: Dimension, axis: int) -> int:
    """A whole number that is an index of an axis; negative ones count from its end."""
    found = constant_integer(part)
    if found is None:
        fix = "give whole numbers, or one node of them"
        raise refuse(f"the index {to_text(part)} is not a whole number", fix=fix, span=part.span)
    if isinstance(size, int) and not -size <= found < size:
        fix = f"axis {axis} counts from 0 to {size - 1}"
        raise refuse(f"the index {found} is outside", fix=fix, span=part.span)
    if found < 0 and not isinstance(size, int):
        raise refuse(f"the index {found} counts from an end that has no number", fix=f"declare {size} as a number")
    return found % size if isinstance(size, int) else found


def _taken(lowering: Lowering, value: Value, axis: int, position: int) -> Value:
    """One slice of an axis, which stays with size 1."""
    indices = tuple(f"_i{each}" for each in range(len(value.shape)))
    source: list[Expr] = [Name(index) for index in indices]
    source[axis] = number(position)
    operand = lowering.name(value)
    shape: Shape = (*value.shape[:axis], 1, *value.shape[axis + 1 :])
    return lowering.node(View(operand, indices, tuple(source), "index"), shape, [operand])
