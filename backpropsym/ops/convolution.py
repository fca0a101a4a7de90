"""Convolution, pooling and other moves over space, put together from windows and contractions."""

from __future__ import annotations

from collections.abc import Sequence

from backpropsym.formula.algebra import add, mul
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Expr, Name, number
from backpropsym.ops.compose import compose
from backpropsym.ops.kinds import Shape, View
from backpropsym.ops.lowering import Lowering, Value, constant_integer
from backpropsym.ops.shapes import refuse, shape_text

_OUT, _IN = "rstuv", "ijklm"
_CONVOLUTION = ("stride", "padding", "dilation", "groups", "bias")


def _sizes(shape: Shape, call: Call) -> tuple[int, ...]:
    if not all(isinstance(size, int) for size in shape):
        raise refuse(f"{call.function} needs sizes in numbers, found {shape_text(shape)}", span=call.span)
    return tuple(int(size) for size in shape)


def _window_counts(
    sizes: Sequence[int], kernel: Sequence[int], stride: int, padding: int, dilation: int, call: Call
) -> list[int]:
    """The number of windows along each axis.

    References
    ----------
    Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
    """
    counts = [
        (size + 2 * padding - dilation * (width - 1) - 1) // stride + 1
        for size, width in zip(sizes, kernel, strict=True)
    ]
    if min(counts) < 1:
        message = f"a window of {shape_text(tuple(kernel))} does not fit into {shape_text(tuple(sizes))}"
        raise refuse(message, fix="use a smaller window, or padding", span=call.span)
    return counts


def windows(
    lowering: Lowering,
    value: Value,
    kernel: Sequence[int],
    call: Call,
    stride: int,
    padding: int = 0,
    dilation: int = 1,
) -> Value:
    """Every window over the last axes: shape (leading axes, window counts, kernel)."""
    sizes = _sizes(value.shape, call)
    space = len(kernel)
    lead, inner = sizes[: len(sizes) - space], sizes[len(sizes) - space :]
    counts = _window_counts(inner, kernel, stride, padding, dilation, call)
    leading = tuple(f"_l{axis}" for axis in range(len(lead)))
    out = tuple(f"_o{axis}" for axis in range(space))
    within = tuple(f"_w{axis}" for axis in range(space))
    reach = [
        add([mul([number(stride), Name(o)]), mul([number(dilation), Name(w)]), number(-padding)])
        for o, w in zip(out, within, strict=True)
    ]
    guards = tuple(zip(reach, inner, strict=True)) if padding else ()
    operand = lowering.name(value)
    source: tuple[Expr, ...] = (*map(Name, leading), *reach)
    op = View(operand, (*leading, *out, *within), source, "windows", (space, stride, padding, dilation), guards)
    return lowering.node(op, (*lead, *counts, *kernel), [operand])


def _convolution(space: int) -> None:
    def convolve(lowering: Lowering, call: Call) -> Value:
        """Every window of the image times every filter, summed over channels and window; the filter is not mirrored."""
        image, kernel = (lowering.value(part) for part in call.arguments)
        plain = len(kernel.shape) == space
        image, kernel = _channels(lowering, image, space), _filters(lowering, kernel, space, call)
        stride, dilation, groups = (lowering.option(call, key, 1) or 0 for key in ("stride", "dilation", "groups"))
        padding = lowering.option(call, "padding", 0) or 0
        if min(stride, dilation, groups) < 1 or padding < 0:
            raise refuse(f"{call.function} takes a positive stride, dilation and groups", span=call.span)
        _check_channels(image, kernel, groups, call)
        sizes = _sizes(kernel.shape, call)
        seen = windows(lowering, image, sizes[2:], call, stride, padding, dilation)
        found = _contract(lowering, seen, kernel, space, groups)
        bias = next((value for key, value in call.options if key == "bias"), None)
        if bias is not None:
            shift = _lifted(lowering, lowering.value(bias), space, call)
            found = lowering.combine(lambda x, b: add([x, b]), found, shift)
        return _dropped(lowering, found) if plain else found

    compose(f"conv{space}d", "image", "kernel", options=_CONVOLUTION)(convolve)


def _channels(lowering: Lowering, image: Value, space: int) -> Value:
    """An image with its channel axis; one without it has one channel."""
    return _with_axes(lowering, image, (1,)) if len(image.shape) == space else image


def _filters(lowering: Lowering, kernel: Value, space: int, call: Call) -> Value:
    """Filters as (filters, channels, window); axes that are left out have size 1."""
    missing = space + 2 - len(kernel.shape)
    if missing < 0 or len(kernel.shape) < space:
        message = f"{to_text(call.arguments[1])} has the shape {shape_text(kernel.shape)}"
        raise refuse(message, fix=f"filters have the axes (filters, channels, {space} of the window)", span=call.span)
    if missing == 1:
        return _moved(lowering, kernel, (kernel.shape[0], 1, *kernel.shape[1:]), (0, *range(2, space + 2)))
    return _with_axes(lowering, kernel, (1,) * missing)


def _check_channels(image: Value, kernel: Value, groups: int, call: Call) -> None:
    channels, filters, each = image.shape[0], kernel.shape[0], kernel.shape[1]
    if channels != each * groups or int(filters) % groups:
        message = f"{call.function} cannot join {shape_text(image.shape)} and filters {shape_text(kernel.shape)}"
        detail = f"the image has {channels} channels, the filters read {groups} groups of {each}"
        raise refuse(message, [detail], "make the filters' second size equal to channels / groups", call.span)


def _contract(lowering: Lowering, seen: Value, kernel: Value, space: int, groups: int) -> Value:
    """Windows times filters, summed over channels and window."""
    out, within = _OUT[:space], _IN[:space]
    shape = (kernel.shape[0], *seen.shape[1 : 1 + space])
    if groups == 1:
        subscripts = f"c{out}{within},oc{within}->o{out}"
        return lowering.contract(subscripts, [lowering.name(seen), lowering.name(kernel)], shape)
    count, each = int(kernel.shape[0]) // groups, int(kernel.shape[1])
    rest = tuple(int(size) for size in seen.shape[1:])
    grouped = lowering.reshape(seen, (groups, each, *rest))
    filters = lowering.reshape(kernel, (groups, count, each, *(int(size) for size in kernel.shape[2:])))
    subscripts = f"gc{out}{within},goc{within}->go{out}"
    names = [lowering.name(grouped), lowering.name(filters)]
    found = lowering.contract(subscripts, names, (groups, count, *rest[:space]))
    return lowering.reshape(found, tuple(int(size) for size in shape))


def _lifted(lowering: Lowering, bias: Value, space: int, call: Call) -> Value:
    """One number a filter, with axes of size 1 for space."""
    if not bias.shape:
        return bias
    if len(bias.shape) != 1:
        raise refuse(f"the bias has the shape {shape_text(bias.shape)}", fix="give one number a filter", span=call.span)
    return _moved(lowering, bias, (bias.shape[0], *((1,) * space)), (0,))


def _with_axes(lowering: Lowering, value: Value, ones: tuple[int, ...]) -> Value:
    """New leading axes of size 1."""
    return _moved(lowering, value, (*ones, *value.shape), tuple(range(len(ones), len(ones) + len(value.shape))))


def _moved(lowering: Lowering, value: Value, shape: Shape, axes: Sequence[int]) -> Value:
    """Axis k of `value` becomes axis `axes[k]` of `shape`; the others have size 1."""
    indices = tuple(f"_i{axis}" for axis in range(len(shape)))
    operand = lowering.name(value)
    source = tuple(Name(indices[axis]) for axis in axes)
    return lowering.node(View(operand, indices, source, "expand", tuple(axes)), shape, [operand])


def _dropped(lowering: Lowering, value: Value) -> Value:
    """Without the leading axis of size 1."""
    indices = tuple(f"_i{axis}" for axis in range(len(value.shape) - 1))
    operand = lowering.name(value)
    source = (number(0), *map(Name, indices))
    return lowering.node(View(operand, indices, source, "index"), value.shape[1:], [operand])


def _pool(name: str, function: str) -> None:
    def pool(lowering: Lowering, call: Call) -> Value:
        value = lowering.value(call.arguments[0])
        width = constant_integer(call.arguments[1])
        space = min(len(value.shape), 2)
        if width is None or width < 1 or not space:
            raise refuse(f"{name} takes an image and a whole number", fix=f"write {name}(x, 2)", span=call.span)
        stride = lowering.option(call, "stride", width) or width
        seen = windows(lowering, value, (width,) * space, call, stride)
        last = tuple(range(len(seen.shape) - space, len(seen.shape)))
        return lowering.reduce(function, seen, last)

    pool.__doc__ = f"The {function} of each window of `size` over the last two axes; the stride is `size` by default."
    compose(name, "x", "size", options=("stride",))(pool)


@compose("global_avg_pool", "x")
def global_average_pool(lowering: Lowering, call: Call) -> Value:
    """The mean over space of each channel."""
    value = lowering.value(call.arguments[0])
    return lowering.reduce("mean", value, tuple(range(1, len(value.shape))))


for _space in (1, 2, 3):
    _convolution(_space)
_pool("max_pool", "max")
_pool("avg_pool", "mean")
