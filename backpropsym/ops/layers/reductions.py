"""Ops that reduce axes: sums, means, extremes, logsumexp, variance, norms and penalties."""

from __future__ import annotations

import numpy as np

from backpropsym.arrays import Array
from backpropsym.formula.tree import Call
from backpropsym.ops.compose import compose, squares
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.lowering import COMPOSITIONS, CompositionFacts, Lowering, Value
from backpropsym.ops.reducer import REDUCERS, Reducer
from backpropsym.ops.shapes import refuse

_SHAPES = "any → without the axes of `axis`; () without it"


def define(reducer: Reducer) -> None:
    """Register `reducer` and its call; derivatives, printed formulas, kernels and checks read the entry.

    Raises
    ------
    ValueError : the name is taken, or the entry lacks its derivative.
    """
    name = reducer.name
    if name in REDUCERS or name in COMPOSITIONS or (name in FUNCTIONS and not reducer.extreme):
        raise ValueError(f"{name} is already registered")
    if not reducer.derivative and not reducer.extreme:
        raise ValueError(f"{name} needs a derivative")
    REDUCERS[name] = reducer

    def reduce(lowering: Lowering, call: Call) -> Value:
        value = lowering.value(call.arguments[0])
        axes = lowering.axes(call, value)
        if axes:
            return lowering.reduce(name, value, axes)
        return lowering.combine(lambda x: reducer.of_one(x, lowering.table), value)

    reduce.__doc__ = f"{reducer.meaning} over all axes, or over those of `axis`."
    arguments, limits = ("a", "b") if reducer.extreme else ("x",), bool(reducer.repeats)
    facts = CompositionFacts(shapes=_SHAPES, source=reducer.source or f"numpy.{name}", layer=True)
    compose(name, *arguments, options=("axis",), reduces=bool(reducer.extreme), limits=limits, **facts)(reduce)


def _logsumexp(array: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    top = np.max(array, axis=axis, keepdims=True)
    found: Array = top + np.log(np.sum(np.exp(array - top), axis=axis, keepdims=True))
    return found if keepdims else np.squeeze(found, axis=axis)


define(Reducer("sum", "The sum", np.sum, "sum(x)", "1", repeats="n*y"))
define(Reducer("mean", "The mean", np.mean, "sum(x)/n", "1", averaged=True, repeats="y"))
define(
    Reducer(
        "logsumexp",
        "The logarithm of the sum of exp(x), stable by construction,",
        _logsumexp,
        "log(sum(exp(x)))",
        "exp(x - y)",
        stable="log(sum(exp(x - shift(x)))) + shift(x)",
        accurate="exp(x - shift(x))/sum(exp(x - shift(x)))",
        weights="softmax",
        alone="x",
        source="scipy.special.logsumexp",
    )
)
_LARGEST, _SMALLEST = (f"The {which} entry, of equal ones the first," for which in ("largest", "smallest"))
define(Reducer("max", _LARGEST, np.max, "max(x)", extreme=">", weights="is_argmax", repeats="y"))
define(Reducer("min", _SMALLEST, np.min, "min(x)", extreme="<", weights="is_argmin", repeats="y"))
_VAR = "The mean square distance from the mean, without Bessel's correction,"
define(
    Reducer("var", _VAR, np.var, "mean((x - mean(x))**2)", "2*(x - mean(x))", averaged=True, source="Fisher 1918"),
)


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
