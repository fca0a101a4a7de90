"""Pooling and its opposite: windows reduced, entries repeated.

How many axes are space: those of a window given as a tuple, the number in a name such as `max_pool1d`, else all axes
but the first, which are channels; an array of one or two axes has no channels then, so that a matrix is an image.
"""

from __future__ import annotations

from backpropsym.formula.tree import Call, Expr, Name, Tuple, number
from backpropsym.ops.compose import axes_needed, compose, whole_sizes
from backpropsym.ops.kinds import View
from backpropsym.ops.layers.windows import Steps, windows
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.options import spread
from backpropsym.ops.shapes import refuse, shape_text


def space_of(value: Value, given: Expr, space: int | None, call: Call) -> int:
    """The number of last axes that are space; `space` where the name of the op says it.

    Raises
    ------
    ShapeError : the value has fewer axes, or several more.
    """
    rank = len(value.shape)
    wanted = space or (len(given.parts) if isinstance(given, Tuple) else rank - 1 if rank > 2 else rank)
    if wanted <= rank <= wanted + 1:
        return wanted
    message = f"{call.function} over {wanted} axes cannot use the shape {shape_text(value.shape)}"
    fix = "give (channels, space) or space alone, and one number of the window for each axis of space"
    raise refuse(message, fix=fix, span=call.span)


def _pool(name: str, function: str, space: int | None, source: str) -> None:
    def pool(lowering: Lowering, call: Call) -> Value:
        value = axes_needed(lowering.value(call.arguments[0]), call.arguments[0], call)
        axes = space_of(value, call.arguments[1], space, call)
        kernel = spread(call.arguments[1], "the window", axes, 1, call)
        steps = Steps.of(call, kernel, kernel)
        if any(2 * pad > width for pad, width in zip(steps.padding, kernel, strict=True)):
            message = f"{call.function} has the padding {shape_text(steps.padding)} and the window {shape_text(kernel)}"
            raise refuse(message, fix="pad by at most half of the window", span=call.span)
        seen = windows(lowering, value, steps, call, absent=function == "max")
        last = tuple(range(len(seen.shape) - axes, len(seen.shape)))
        return lowering.reduce(function, seen, last)

    counted = "largest entry, of equal ones the first" if function == "max" else "mean, padding counted as zeros"
    pool.__doc__ = f"The {counted}, of each window of `size`; the stride is `size` by default."
    options = ("stride", "padding") + (("dilation",) if function == "max" else ())
    compose(name, "x", "size", options=options, shapes=_rule(space, "{}′"), source=source)(pool)


def _rule(space: int | None, after: str) -> str:
    """The rule of shapes for pools, with `after` for the size of an axis afterwards."""
    sizes = ["d", "h", "w"][-(space or 2) :]
    return f"(c, {', '.join(sizes)}) → (c, {', '.join(map(after.format, sizes))})"


def _global(name: str, function: str, described: str, source: str) -> None:
    def pool(lowering: Lowering, call: Call) -> Value:
        value = axes_needed(lowering.value(call.arguments[0]), call.arguments[0], call)
        return lowering.reduce(function, value, tuple(range(1, len(value.shape))))

    pool.__doc__ = f"The {described} of each channel, which the first axis counts."
    compose(name, "x", shapes="(c, h, w) → (c,)", source=source, layer=True)(pool)


@compose(
    "upsample", "x", "factor", shapes="(c, h, w) → (c, factor·h, factor·w)", source="nearest neighbour", layer=True
)
def upsample(lowering: Lowering, call: Call) -> Value:
    """Every entry repeated `factor` times along each axis of space."""
    value = axes_needed(lowering.value(call.arguments[0]), call.arguments[0], call)
    space = space_of(value, call.arguments[1], None, call)
    factors = (1,) * (len(value.shape) - space) + spread(call.arguments[1], "the factor", space, 1, call)
    sizes = whole_sizes(value.shape[len(value.shape) - space :], call)
    shape = (
        *value.shape[: len(value.shape) - space],
        *(size * by for size, by in zip(sizes, factors[-space:], strict=True)),
    )
    indices = tuple(f"_i{axis}" for axis in range(len(shape)))
    source = tuple(
        Name(index) if factor == 1 else Call("quotient", (Name(index), number(factor)))
        for index, factor in zip(indices, factors, strict=True)
    )
    operand = lowering.name(value)
    return lowering.node(View(operand, indices, source, "upsample"), shape, [operand])


for _space in (None, 1, 2, 3):
    _pool(f"max_pool{f'{_space}d' if _space else ''}", "max", _space, "Yamaguchi et al. 1990; Dumoulin and Visin 2016")
for _space in (None, 1, 2, 3):
    _pool(f"avg_pool{f'{_space}d' if _space else ''}", "mean", _space, "LeCun et al. 1989; Dumoulin and Visin 2016")
_global("global_avg_pool", "mean", "mean", "Lin, Chen and Yan 2013")
_global("global_max_pool", "max", "largest entry, of equal ones the first,", "Oquab et al. 2015")
