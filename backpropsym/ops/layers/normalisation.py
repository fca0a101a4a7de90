"""Ops that bring entries to a common scale: softmax, and the norms of layers, batches and groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from backpropsym.formula.algebra import add, div, mul
from backpropsym.formula.tree import Call, Expr, Number
from backpropsym.ops.compose import compose, difference, held, moved, squares, vector, whole_sizes
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.options import constant, option, per_axis
from backpropsym.ops.shapes import refuse, shape_text

EPS = Fraction(1, 100_000)
_PLAIN = {"gamma": Fraction(1), "beta": Fraction(0)}
_SAME = "(..., n) → (..., n)"


@compose("log_softmax", "x", shapes=_SAME, source="Bridle 1990", layer=True, follows=True)
def log_softmax(lowering: Lowering, call: Call) -> Value:
    """x - logsumexp(x) over the last axis."""
    value = vector(lowering, call.arguments[0], call)
    return lowering.combine(difference, value, _logsumexp(lowering, value))


@compose("softmax", "x", shapes=_SAME, source="Bridle 1990", layer=True, follows=True)
def softmax(lowering: Lowering, call: Call) -> Value:
    """exp(x - logsumexp(x)) over the last axis, stable by construction."""
    return softmax_of(lowering, vector(lowering, call.arguments[0], call))


def softmax_of(lowering: Lowering, value: Value) -> Value:
    """exp(x - logsumexp(x)) of a node over its last axis."""
    whole = _logsumexp(lowering, value)
    return lowering.combine(lambda x, total: lowering.function("exp", difference(x, total)), value, whole)


def _logsumexp(lowering: Lowering, value: Value) -> Value:
    return lowering.reduce("logsumexp", value, (len(value.shape) - 1,), keep=True)


@compose(
    "layer_norm",
    "x",
    "gamma",
    "beta",
    defaults=_PLAIN,
    options=("eps",),
    shapes="(..., n), (n,), (n,) → (..., n); without gamma it is 1, without beta 0",
    source="Ba, Kiros and Hinton 2016",
    follows=True,
)
def layer_norm(lowering: Lowering, call: Call) -> Value:
    """(x - mean)/sqrt(var + eps)*gamma + beta over the last axis."""
    value = vector(lowering, call.arguments[0], call)
    scale = [lowering.value(part) for part in call.arguments[1:]]
    parts = (value, *_statistics(lowering, value, (len(value.shape) - 1,)), *scale)
    return _scaled(lowering, parts, call)


@compose(
    "rms_norm",
    "x",
    "gamma",
    defaults={"gamma": Fraction(1)},
    options=("eps",),
    shapes="(..., n), (n,) → (..., n); without gamma it is 1",
    source="Zhang and Sennrich 2019",
    follows=True,
)
def rms_norm(lowering: Lowering, call: Call) -> Value:
    """gamma*x/sqrt(mean(x**2) + eps) over the last axis."""
    value = vector(lowering, call.arguments[0], call)
    power = lowering.reduce("mean", squares(lowering, value), (len(value.shape) - 1,), keep=True)
    scale = [lowering.value(part) for part in call.arguments[1:]]
    root = _root(lowering, call)
    return lowering.combine(lambda x, p, *g: mul([*g, div(x, root(p))]), value, power, *scale)


@compose(
    "batch_norm",
    "x",
    variadic=True,
    options=("axis", "eps"),
    shapes="(c, h, w), 4 times (c,) → (c, h, w); with `axis=(0, 2, 3)` (n, c, h, w), (c,), (c,) → (n, c, h, w)",
    source="Ioffe and Szegedy 2015",
)
def batch_norm(lowering: Lowering, call: Call) -> Value:
    """(x - mean)/sqrt(var + eps)*gamma + beta for each channel: batch_norm(x, mean, var, gamma, beta).

    Without `axis` the statistics are given and the first axis counts channels. With it they are those of x over
    `axis`, as in batch_norm(x, gamma, beta, axis=0), and the one other axis counts channels.
    """
    value = vector(lowering, call.arguments[0], call)
    training = option(call, "axis") is not None
    if len(call.arguments) != (3 if training else 5):
        fix = "write batch_norm(x, mean, var, gamma, beta), or batch_norm(x, gamma, beta, axis=0) over a batch axis"
        raise refuse(f"batch_norm has {len(call.arguments)} arguments", fix=fix, span=call.span)
    axes = lowering.axes(call, value) if training else tuple(range(1, len(value.shape)))
    channels = [axis for axis in range(len(value.shape)) if axis not in axes]
    if len(channels) != 1:
        message = f"batch_norm over axis={', '.join(map(str, axes))} of {shape_text(value.shape)}"
        others = tuple(axis for axis in range(len(value.shape)) if axis != 1)
        fix = f"leave one axis out, the channels, as in axis={shape_text(others)}"
        raise refuse(message, [f"{len(channels)} axes are left for the channels"], fix, call.span)
    given = [_per_channel(lowering, part, value, channels[0], call) for part in call.arguments[1:]]
    statistics = _statistics(lowering, value, axes) if training else ()
    return _scaled(lowering, (value, *statistics, *given), call)


@compose(
    "instance_norm",
    "x",
    "gamma",
    "beta",
    defaults=_PLAIN,
    options=("eps",),
    shapes="(c, h, w), (c,), (c,) → (c, h, w); without gamma it is 1, without beta 0",
    source="Ulyanov, Vedaldi and Lempitsky 2016",
)
def instance_norm(lowering: Lowering, call: Call) -> Value:
    """(x - mean)/sqrt(var + eps)*gamma + beta over the space of each channel, the first axis."""
    value = vector(lowering, call.arguments[0], call)
    if len(value.shape) == 1:
        fix = "give an axis of channels and axes of space, or use layer_norm"
        raise refuse(f"instance_norm of {shape_text(value.shape)} has no space", fix=fix, span=call.span)
    scale = [_per_channel(lowering, part, value, 0, call) for part in call.arguments[1:]]
    parts = (value, *_statistics(lowering, value, tuple(range(1, len(value.shape)))), *scale)
    return _scaled(lowering, parts, call)


@compose(
    "group_norm",
    "x",
    "gamma",
    "beta",
    defaults=_PLAIN,
    options=("groups", "eps"),
    shapes="(c, h, w), (c,), (c,) → (c, h, w); without gamma it is 1, without beta 0",
    source="Wu and He 2018",
)
def group_norm(lowering: Lowering, call: Call) -> Value:
    """(x - mean)/sqrt(var + eps)*gamma + beta over each of `groups` groups of channels, the first axis."""
    value = vector(lowering, call.arguments[0], call)
    channels, *space = whole_sizes(value.shape, call)
    groups = per_axis(call, "groups", 1, 1, 1)[0]
    if channels % groups:
        fix = "choose a number of groups that divides the channels"
        raise refuse(f"group_norm cannot split {channels} channels into {groups} groups", fix=fix, span=call.span)
    split = held(lowering, lowering.reshape(value, (groups, channels // groups, *space)))
    root = _root(lowering, call)
    parts = (split, *_statistics(lowering, split, tuple(range(1, len(split.shape)))))
    even = lowering.combine(lambda x, m, v: div(difference(x, m), root(v)), *parts)
    even = lowering.reshape(even, (channels, *space))
    scale = [_per_channel(lowering, part, value, 0, call) for part in call.arguments[1:]]
    return lowering.combine(_affine, even, *scale) if scale else even


def _statistics(lowering: Lowering, value: Value, axes: Sequence[int]) -> tuple[Value, Value]:
    """Mean and variance over `axes`."""
    return lowering.reduce("mean", value, axes, keep=True), lowering.reduce("var", value, axes, keep=True)


def _scaled(lowering: Lowering, parts: Sequence[Value], call: Call) -> Value:
    """(x - mean)/sqrt(var + eps)*gamma + beta of x, mean, var and, where they are given, gamma and beta."""
    root = _root(lowering, call)
    return lowering.combine(lambda x, m, v, *scale: _affine(div(difference(x, m), root(v)), *scale), *parts)


def _affine(x: Expr, gamma: Expr | None = None, beta: Expr | None = None) -> Expr:
    """gamma*x + beta, of what is given."""
    scaled = x if gamma is None else mul([gamma, x])
    return scaled if beta is None else add([scaled, beta])


def _root(lowering: Lowering, call: Call) -> Callable[[Expr], Expr]:
    """sqrt(variance + eps), the usual guard against division by zero."""
    eps = constant(call, "eps", EPS)
    if eps < 0:
        raise refuse(f"eps of {call.function} is negative", fix="leave it out: it is 1e-5", span=call.span)
    return lambda variance: lowering.function("sqrt", add([variance, Number(eps)]))


def _per_channel(lowering: Lowering, part: Expr, value: Value, axis: int, call: Call) -> Value:
    """One number a channel, with axes of size 1 after it; a scalar counts for all channels."""
    found = lowering.value(part)
    if found.shape not in ((), (value.shape[axis],)):
        message = f"{call.function} cannot join {shape_text(value.shape)} and {shape_text(found.shape)}"
        fix = f"give one number a channel: the shape {shape_text((value.shape[axis],))}"
        raise refuse(message, fix=fix, span=part.span or call.span)
    after = len(value.shape) - axis - 1
    return moved(lowering, found, (*found.shape, *(1,) * after), (0,)) if found.shape else found
