"""Ops that reduce axes: sums, means, extremes, logsumexp, variance, norms and penalties."""

from __future__ import annotations

from backpropsym.formula.tree import ZERO, Call
from backpropsym.ops.compose import compose, squares
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.shapes import refuse

_SHAPES = "any → without the axes of `axis`; () without it"


def _reduction(name: str, described: str, *arguments: str) -> None:
    def reduce(lowering: Lowering, call: Call) -> Value:
        value = lowering.value(call.arguments[0])
        return lowering.reduce(name, value, lowering.axes(call, value))

    reduce.__doc__ = f"{described} over all axes, or over those of `axis`."
    two, limits = len(arguments) > 1, name != "logsumexp"
    source = f"numpy.{name}" if limits else "scipy.special.logsumexp"
    compose(name, *arguments, options=("axis",), reduces=two, limits=limits, shapes=_SHAPES, source=source, layer=True)(
        reduce
    )


_reduction("sum", "The sum", "x")
_reduction("mean", "The mean", "x")
_reduction("logsumexp", "The logarithm of the sum of exp(x), stable by construction,", "x")
_reduction("max", "The largest entry, of equal ones the first,", "a", "b")
_reduction("min", "The smallest entry, of equal ones the first,", "a", "b")


@compose("var", "x", options=("axis",), shapes=_SHAPES, source="Fisher 1918", layer=True)
def variance(lowering: Lowering, call: Call) -> Value:
    """The mean square distance from the mean, without Bessel's correction."""
    value = lowering.value(call.arguments[0])
    axes = lowering.axes(call, value)
    return lowering.reduce("var", value, axes) if axes else Value(ZERO, ())


@compose(
    "norm", "x", options=("axis", "ord"), shapes=_SHAPES, source="Euclidean norm; at 0 the subgradient 0", layer=True
)
def norm(lowering: Lowering, call: Call) -> Value:
    """The Euclidean norm; with `ord=1` the sum of absolute values."""
    value = lowering.value(call.arguments[0])
    axes = lowering.axes(call, value)
    order = lowering.option(call, "ord", 2)
    if order not in (1, 2):
        raise refuse(f"norm has no ord={order}", fix="use ord=1, or ord=2 for the Euclidean norm", span=call.span)
    if order == 1:
        return lowering.reduce("sum", _sizes(lowering, value), axes)
    total = lowering.reduce("sum", squares(lowering, value), axes)
    return lowering.combine(lambda whole: lowering.function("safe_sqrt", whole), total)


@compose("l1", "w", shapes="any → ()", source="Tibshirani 1996")
def l1_penalty(lowering: Lowering, call: Call) -> Value:
    """The L1 penalty: the sum of absolute values."""
    value = lowering.value(call.arguments[0])
    return lowering.reduce("sum", _sizes(lowering, value), tuple(range(len(value.shape))))


@compose("l2", "w", shapes="any → ()", source="Hoerl and Kennard 1970")
def l2_penalty(lowering: Lowering, call: Call) -> Value:
    """The L2 penalty: the sum of squares."""
    value = lowering.value(call.arguments[0])
    return lowering.reduce("sum", squares(lowering, value), tuple(range(len(value.shape))))


def _sizes(lowering: Lowering, value: Value) -> Value:
    """The absolute value of every entry."""
    return lowering.combine(lambda x: lowering.function("abs", x), value)
