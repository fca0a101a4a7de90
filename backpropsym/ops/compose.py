"""How an op over axes is registered, and what several families of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Unpack

from backpropsym.formula.algebra import add, neg
from backpropsym.formula.parse import Signature
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Expr, Name
from backpropsym.ops.kinds import Shape, View
from backpropsym.ops.lowering import COMPOSITIONS, Composition, CompositionFacts, Lowering, Value
from backpropsym.ops.shapes import refuse, shape_text

Compose = Callable[[Lowering, Call], Value]


def compose(
    name: str,
    *arguments: str,
    defaults: Mapping[str, Fraction] | None = None,
    options: tuple[str, ...] = (),
    variadic: bool = False,
    reduces: bool = False,
    limits: bool = False,
    **facts: Unpack[CompositionFacts],
) -> Callable[[Compose], Compose]:
    """Register the decorated function as the composition `name`; the first line of its docstring says what it is.

    `defaults` name the arguments that may be left out, with the numbers that then count. `facts` are those of
    `Composition`.
    """

    def register(function: Compose) -> Compose:
        signature = Signature(name, arguments, defaults or {}, options, variadic, reduces, limits, axes=True)
        COMPOSITIONS[name] = Composition(name=name, signature=signature, compose=function, **facts)
        return function

    return register


def vector(lowering: Lowering, expr: Expr, call: Call) -> Value:
    """An argument with at least one axis, as a node."""
    return held(lowering, axes_needed(lowering.value(expr), expr, call))


def axes_needed(value: Value, expr: Expr, call: Call) -> Value:
    """`value`, which must have an axis; `expr` is how the person wrote it."""
    if not value.shape:
        raise refuse(f"{call.function} needs axes, and {to_text(expr)} is a scalar", span=expr.span or call.span)
    return value


def held(lowering: Lowering, value: Value) -> Value:
    """`value` as a node, for a formula that uses it more than once."""
    return Value(Name(lowering.name(value)), value.shape)


def whole_sizes(shape: Shape, call: Call) -> tuple[int, ...]:
    """The sizes of a shape, which an op needs in numbers."""
    if not all(isinstance(size, int) for size in shape):
        message = f"{call.function} needs sizes in numbers, found {shape_text(shape)}"
        raise refuse(message, fix="declare the sizes as numbers", span=call.span)
    return tuple(int(size) for size in shape)


def moved(lowering: Lowering, value: Value, shape: Shape, axes: Sequence[int]) -> Value:
    """Axis k of `value` becomes axis `axes[k]` of `shape`; the others have size 1."""
    if shape == value.shape:
        return value
    if not value.shape:
        return lowering.reshape(value, (1,) * len(shape))
    indices = tuple(f"_i{axis}" for axis in range(len(shape)))
    operand = lowering.name(value)
    source = tuple(Name(indices[axis]) for axis in axes)
    return lowering.node(View(operand, indices, source, "expand", tuple(axes)), shape, [operand])


def difference(left: Expr, right: Expr) -> Expr:
    """left - right."""
    return add([left, neg(right)])


def squares(lowering: Lowering, value: Value) -> Value:
    """The square of every entry."""
    return lowering.combine(lambda x: lowering.function("square", x), value)
