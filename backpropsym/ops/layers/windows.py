"""Windows that move over the last axes of an array: the views of convolution and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backpropsym.formula.algebra import add, mul
from backpropsym.formula.tree import Call, Expr, Name, number
from backpropsym.ops.compose import whole_sizes
from backpropsym.ops.kinds import View
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.options import per_axis
from backpropsym.ops.shapes import refuse, shape_text


@dataclass(frozen=True, slots=True)
class Steps:
    """How windows of the sizes `kernel` move, one number an axis.

    Attributes
    ----------
    stride : from one window to the next.
    padding : entries added on both sides.
    dilation : from one entry of a window to the next.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    @staticmethod
    def of(call: Call, kernel: Sequence[int], stride: Sequence[int] | None = None) -> Steps:
        """The steps that the options of a call give; `stride` is the default one, 1 without it."""
        space = len(kernel)
        given = per_axis(call, "stride", space, 0, 1)
        return Steps(
            tuple(kernel),
            given if max(given) else tuple(stride or (1,) * space),
            per_axis(call, "padding", space, 0, 0),
            per_axis(call, "dilation", space, 1, 1),
        )

    @property
    def flat(self) -> tuple[int, ...]:
        """Strides, paddings and dilations one after another, as the options of a view."""
        return (*self.stride, *self.padding, *self.dilation)

    def counts(self, sizes: Sequence[int], call: Call) -> tuple[int, ...]:
        """The number of windows along axes of `sizes`.

        References
        ----------
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
        """
        each = zip(sizes, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        counts = tuple((size + 2 * pad - step * (width - 1) - 1) // by + 1 for size, width, by, pad, step in each)
        if min(counts) < 1:
            message = f"a window of {shape_text(self.kernel)} does not fit into {shape_text(tuple(sizes))}"
            raise refuse(message, fix="use a smaller window, or padding", span=call.span)
        return counts


def windows(lowering: Lowering, value: Value, steps: Steps, call: Call, absent: bool = False) -> Value:
    """Every window over the last axes: shape (leading axes, window counts, kernel).

    Entries in the padding are zero; with `absent` they are not there.
    """
    lead, inner = _split(value, steps, call)
    out, within = _indices(steps)
    reach = tuple(
        add([mul([number(stride), Name(o)]), mul([number(dilation), Name(w)]), number(-padding)])
        for o, w, stride, padding, dilation in zip(
            out, within, steps.stride, steps.padding, steps.dilation, strict=True
        )
    )
    guards = tuple(zip(reach, inner, strict=True)) if any(steps.padding) else ()
    return _view(lowering, value, reach, guards, "windows", (*lead, *steps.counts(inner, call)), steps, absent)


def spread_windows(lowering: Lowering, value: Value, steps: Steps, extra: Sequence[int], call: Call) -> Value:
    """The windows of a transposed convolution: shape (leading axes, sizes of the result, kernel).

    The convolution with these `steps` sends entry r of its result to s*r + d*w - p of its image; here entry o of
    the result reads entry r = (o + p - d*w)/s, where that is a whole number and exists. `extra` entries are added
    at the end of each axis.
    """
    lead, inner = _split(value, steps, call)
    out, within = _indices(steps)
    sizes: list[int] = []
    reach: list[Expr] = []
    guards: list[tuple[Expr, int]] = []
    for axis, size in enumerate(inner):
        stride, padding, dilation = steps.stride[axis], steps.padding[axis], steps.dilation[axis]
        sizes.append((size - 1) * stride - 2 * padding + dilation * (steps.kernel[axis] - 1) + extra[axis] + 1)
        whole = add([Name(out[axis]), number(padding), mul([number(-dilation), Name(within[axis])])])
        if stride > 1:
            guards.append((Call("remainder", (whole, number(stride))), 1))
            whole = Call("quotient", (whole, number(stride)))
        guards.append((whole, size))
        reach.append(whole)
    if min(sizes) < 1:
        message = f"{call.function} of {shape_text(inner)} has the size {shape_text(tuple(sizes))}"
        raise refuse(message, fix="use a larger window, or less padding", span=call.span)
    return _view(lowering, value, tuple(reach), tuple(guards), "spread", (*lead, *sizes), steps)


def _split(value: Value, steps: Steps, call: Call) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes of the leading axes and of those that windows move over."""
    sizes = whole_sizes(value.shape, call)
    space = len(steps.kernel)
    return sizes[: len(sizes) - space], sizes[len(sizes) - space :]


def _indices(steps: Steps) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names for the indices of a window's place and of an entry within it."""
    space = range(len(steps.kernel))
    return tuple(f"_o{axis}" for axis in space), tuple(f"_w{axis}" for axis in space)


def _view(
    lowering: Lowering,
    value: Value,
    reach: Sequence[Expr],
    guards: tuple[tuple[Expr, int], ...],
    method: str,
    shape: tuple[int, ...],
    steps: Steps,
    absent: bool = False,
) -> Value:
    """The view that reads entry `reach` of the last axes."""
    leading = tuple(f"_l{axis}" for axis in range(len(value.shape) - len(reach)))
    out, within = _indices(steps)
    operand = lowering.name(value)
    view = View(operand, (*leading, *out, *within), (*map(Name, leading), *reach), method, steps.flat, guards)
    return lowering.node(replace(view, absent=absent), (*shape, *steps.kernel), [operand])
