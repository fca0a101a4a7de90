"""Ops that bring the entries of an axis to a common scale: softmax, layer and root-mean-square norms."""

from __future__ import annotations

from fractions import Fraction

from backpropsym.formula.algebra import add, div, mul
from backpropsym.formula.tree import Call, Expr, Number
from backpropsym.ops.compose import compose, difference, square, vector
from backpropsym.ops.lowering import Lowering, Value


@compose("log_softmax", "x")
def log_softmax(lowering: Lowering, call: Call) -> Value:
    """x - logsumexp(x) over the last axis."""
    value = vector(lowering, call.arguments[0], call)
    return lowering.combine(difference, value, _logsumexp(lowering, value))


@compose("softmax", "x")
def softmax(lowering: Lowering, call: Call) -> Value:
    """exp(x - logsumexp(x)) over the last axis, stable by construction."""
    value = vector(lowering, call.arguments[0], call)
    return softmax_of(lowering, value)


@compose("layer_norm", "x", "gamma", "beta")
def layer_norm(lowering: Lowering, call: Call) -> Value:
    """(x - mean) / sqrt(var + 1e-5) * gamma + beta over the last axis (Ba, Kiros and Hinton 2016)."""
    value = vector(lowering, call.arguments[0], call)
    last = (len(value.shape) - 1,)
    centre = lowering.reduce("mean", value, last, keep=True)
    spread = lowering.reduce("var", value, last, keep=True)
    gamma, beta = (lowering.value(part) for part in call.arguments[1:])

    def normalise(x: Expr, m: Expr, v: Expr, g: Expr, b: Expr) -> Expr:
        return add([mul([g, div(difference(x, m), _root(v))]), b])

    return lowering.combine(normalise, value, centre, spread, gamma, beta)


@compose("rms_norm", "x", "gamma")
def rms_norm(lowering: Lowering, call: Call) -> Value:
    """gamma * x / sqrt(mean(x**2) + 1e-5) over the last axis (Zhang and Sennrich 2019)."""
    value = vector(lowering, call.arguments[0], call)
    power = lowering.reduce("mean", lowering.combine(square, value), (len(value.shape) - 1,), keep=True)
    gamma = lowering.value(call.arguments[1])
    return lowering.combine(lambda x, p, g: mul([g, div(x, _root(p))]), value, power, gamma)


def softmax_of(lowering: Lowering, value: Value) -> Value:
    """exp(x - logsumexp(x)) of a node over its last axis."""
    return lowering.combine(lambda x, whole: Call("exp", (difference(x, whole),)), value, _logsumexp(lowering, value))


def _root(variance: Expr) -> Expr:
    """sqrt(variance + 1e-5), the usual guard against division by zero."""
    return Call("sqrt", (add([variance, Number(Fraction(1, 100_000))]),))


def _logsumexp(lowering: Lowering, value: Value) -> Value:
    return lowering.reduce("logsumexp", value, (len(value.shape) - 1,), keep=True)
