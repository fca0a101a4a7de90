"""Convolution and transposed convolution, put together from windows and contractions."""

from __future__ import annotations

from backpropsym.formula.algebra import add
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Name, number
from backpropsym.ops.compose import compose, moved, whole_sizes
from backpropsym.ops.kinds import View
from backpropsym.ops.layers.windows import Steps, spread_windows, windows
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.options import option, per_axis
from backpropsym.ops.shapes import refuse, shape_text

_OUT, _IN = "rstuv", "ijklm"
_OPTIONS = ("stride", "padding", "dilation", "groups", "bias")
_SPACE = {1: "w", 2: "h, w", 3: "d, h, w"}


def _convolution(space: int) -> None:
    def convolve(lowering: Lowering, call: Call) -> Value:
        """Every window of the image times every filter, summed over channels and window; the filter is not mirrored."""
        image, kernel = (lowering.value(part) for part in call.arguments)
        plain = len(kernel.shape) == space
        image, kernel = _channels(lowering, image, space, call), _filters(lowering, kernel, space, call)
        groups = _groups(call)
        whole_sizes(image.shape + kernel.shape, call)
        _check_channels(image, kernel, groups, call)
        seen = windows(lowering, image, Steps.of(call, whole_sizes(kernel.shape, call)[2:]), call)
        found = _contract(lowering, seen, kernel, groups, "oc")
        return _finished(lowering, found, space, plain, call)

    size = _SPACE[space]
    window = size.replace("d", "k").replace("h", "l").replace("w", "m")
    rule = f"(c, {size}), (f, c/groups, {window}) → (f, {_counts(size)})"
    source = "LeCun et al. 1989; Dumoulin and Visin 2016"
    compose(f"conv{space}d", "image", "kernel", options=_OPTIONS, shapes=rule, source=source)(convolve)


def _transposed(space: int) -> None:
    def spread(lowering: Lowering, call: Call) -> Value:
        """The derivative of a convolution by its image, times this image: a convolution that enlarges."""
        image, kernel = (lowering.value(part) for part in call.arguments)
        plain = len(kernel.shape) == space
        image, kernel = _channels(lowering, image, space, call), _filters(lowering, kernel, space, call)
        groups = _groups(call)
        whole_sizes(image.shape + kernel.shape, call)
        if image.shape[0] != kernel.shape[0] or int(kernel.shape[0]) % groups:
            message = f"{call.function} cannot join {shape_text(image.shape)} and filters {shape_text(kernel.shape)}"
            detail = f"the image has {image.shape[0]} channels, the filters read {kernel.shape[0]} in {groups} groups"
            raise refuse(message, [detail], "give filters the axes (channels, outputs / groups, window)", call.span)
        steps = Steps.of(call, whole_sizes(kernel.shape, call)[2:])
        extra = per_axis(call, "output_padding", space, 0, 0)
        if any(add >= max(by, step) for add, by, step in zip(extra, steps.stride, steps.dilation, strict=True)):
            message = f"output_padding={shape_text(extra)} of {call.function} is not below its stride or dilation"
            raise refuse(message, fix="use a smaller output_padding", span=call.span)
        seen = spread_windows(lowering, image, steps, extra, call)
        found = _contract(lowering, seen, kernel, groups, "co")
        return _finished(lowering, found, space, plain, call)

    size = _SPACE[space]
    window = size.replace("d", "k").replace("h", "l").replace("w", "m")
    rule = f"(c, {size}), (c, f/groups, {window}) → (f, {_counts(size)})"
    options = (*_OPTIONS[:2], "output_padding", *_OPTIONS[2:])
    source = "Zeiler et al. 2010; Dumoulin and Visin 2016"
    compose(f"conv_transpose{space}d", "image", "kernel", options=options, shapes=rule, source=source)(spread)


def _counts(size: str) -> str:
    return ", ".join(f"{each}′" for each in size.split(", "))


def _groups(call: Call) -> int:
    return per_axis(call, "groups", 1, 1, 1)[0]


def _channels(lowering: Lowering, image: Value, space: int, call: Call) -> Value:
    """An image with its channel axis; one without it has one channel."""
    if len(image.shape) not in (space, space + 1):
        message = f"the image {to_text(call.arguments[0])} of {call.function} has the shape {shape_text(image.shape)}"
        fix = f"an image has the axes (channels, {_SPACE[space]}), or without channels ({_SPACE[space]})"
        raise refuse(message, fix=fix, span=call.arguments[0].span or call.span)
    return _with_axes(lowering, image, (1,)) if len(image.shape) == space else image


def _filters(lowering: Lowering, kernel: Value, space: int, call: Call) -> Value:
    """Filters as (filters, channels, window); axes that are left out have size 1."""
    missing = space + 2 - len(kernel.shape)
    if missing < 0 or len(kernel.shape) < space:
        message = f"{to_text(call.arguments[1])} has the shape {shape_text(kernel.shape)}"
        fix = f"filters have the axes (filters, channels, {space} of the window)"
        raise refuse(message, fix=fix, span=call.arguments[1].span or call.span)
    if missing == 1:
        shape = (kernel.shape[0], 1, *kernel.shape[1:])
        return moved(lowering, kernel, shape, (0, *range(2, space + 2)))
    return _with_axes(lowering, kernel, (1,) * missing)


def _check_channels(image: Value, kernel: Value, groups: int, call: Call) -> None:
    channels, filters, each = image.shape[0], kernel.shape[0], kernel.shape[1]
    if channels != each * groups or int(filters) % groups:
        message = f"{call.function} cannot join {shape_text(image.shape)} and filters {shape_text(kernel.shape)}"
        detail = f"the image has {channels} channels, the filters read {groups} groups of {each}"
        raise refuse(message, [detail], "make the filters' second size equal to channels / groups", call.span)


def _contract(lowering: Lowering, seen: Value, kernel: Value, groups: int, axes: str) -> Value:
    """Windows times filters, summed over channels c and window; `axes` says which of c and o filters have first."""
    first, second, *window = (int(size) for size in kernel.shape)
    channels, *rest = (int(size) for size in seen.shape)
    places, out, within = rest[: len(window)], _OUT[: len(window)], _IN[: len(window)]
    outputs = (first // groups, second)[axes.index("o")]
    if groups == 1:
        names = [lowering.name(seen), lowering.name(kernel)]
        return lowering.contract(f"c{out}{within},{axes}{within}->o{out}", names, (outputs, *places))
    grouped = lowering.reshape(seen, (groups, channels // groups, *rest))
    split = lowering.reshape(kernel, (groups, first // groups, second, *window))
    names = [lowering.name(grouped), lowering.name(split)]
    found = lowering.contract(f"gc{out}{within},g{axes}{within}->go{out}", names, (groups, outputs, *places))
    return lowering.reshape(found, (groups * outputs, *places))


def _finished(lowering: Lowering, found: Value, space: int, plain: bool, call: Call) -> Value:
    """The bias added; without an axis for filters where the kernel was one filter alone."""
    bias = option(call, "bias")
    if bias is not None:
        shift = _lifted(lowering, lowering.value(bias), found.shape[0], space, call)
        found = lowering.combine(lambda x, b: add([x, b]), found, shift)
    return _dropped(lowering, found) if plain else found


def _lifted(lowering: Lowering, bias: Value, filters: int | str, space: int, call: Call) -> Value:
    """One number a filter, with axes of size 1 for space."""
    if not bias.shape:
        return bias
    if bias.shape != (filters,):
        message = f"the bias has the shape {shape_text(bias.shape)}, and there are {filters} filters"
        raise refuse(message, fix="give one number a filter", span=call.span)
    return moved(lowering, bias, (*bias.shape, *((1,) * space)), (0,))


def _with_axes(lowering: Lowering, value: Value, ones: tuple[int, ...]) -> Value:
    """New leading axes of size 1."""
    return moved(lowering, value, (*ones, *value.shape), tuple(range(len(ones), len(ones) + len(value.shape))))


def _dropped(lowering: Lowering, value: Value) -> Value:
    """Without the leading axis of size 1."""
    indices = tuple(f"_i{axis}" for axis in range(len(value.shape) - 1))
    operand = lowering.name(value)
    source = (number(0), *map(Name, indices))
    return lowering.node(View(operand, indices, source, "index"), value.shape[1:], [operand])


for _space in (1, 2, 3):
    _convolution(_space)
for _space in (1, 2, 3):
    _transposed(_space)
