"""Ops that reduce axes: sums, means, extremes, logsumexp, variance, norm."""

from __future__ import annotations

from backpropsym.formula.tree import ZERO, Call
from backpropsym.ops.compose import compose, square
from backpropsym.ops.lowering import Lowering, Value


def _reduction(name: str, described: str, *arguments: str) -> None:
    def reduce(lowering: Lowering, call: Call) -> Value:
        value = lowering.value(call.arguments[0])
        return lowering.reduce(name, value, lowering.axes(call, value))

    reduce.__doc__ = f"{described} over all axes, or over one."
    compose(name, *arguments, options=("axis",), reduces=len(arguments) > 1, limits=name != "logsumexp")(reduce)


_reduction("sum", "The sum", "x")
_reduction("mean", "The mean", "x")
_reduction("logsumexp", "The logarithm of the sum of exp(x), stable by construction,", "x")
_reduction("max", "The largest entry", "a", "b")
_reduction("min", "The smallest entry", "a", "b")


@compose("var", "x", options=("axis",))
def variance(lowering: Lowering, call: Call) -> Value:
    """The mean square distance from the mean, without Bessel's correction."""
    value = lowering.value(call.arguments[0])
    axes = lowering.axes(call, value)
    return lowering.reduce("var", value, axes) if axes else Value(ZERO, ())


@compose("norm", "x", options=("axis",))
def norm(lowering: Lowering, call: Call) -> Value:
    """The Euclidean norm."""
    value = lowering.value(call.arguments[0])
    squares = lowering.reduce("sum", lowering.combine(square, value), lowering.axes(call, value))
    return lowering.combine(lambda total: Call("sqrt", (total,)), squares)
