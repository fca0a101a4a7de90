"""Losses over axes: of one object with several entries or classes."""

from __future__ import annotations

from fractions import Fraction

from backpropsym.formula.algebra import add, mul, neg
from backpropsym.formula.tree import Call, Name, Number
from backpropsym.ops.compose import compose, difference, vector
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.kinds import View
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.options import constant
from backpropsym.ops.shapes import refuse, shape_text

_CLASSES = "(n,), () → (), y a class; (n,), (n,) → (), y probabilities"


@compose(
    "cross_entropy",
    "o",
    "y",
    options=("smoothing",),
    shapes=_CLASSES,
    source="Good 1952; smoothing Szegedy et al. 2016",
    target="class",
)
def cross_entropy(lowering: Lowering, call: Call) -> Value:
    """-log softmax(o) at the class y, or against the probabilities y; `smoothing` mixes these with equal ones."""
    logits, target = _classes(lowering, call)
    smoothing = constant(call, "smoothing", Fraction(0))
    if not 0 <= smoothing <= 1:
        raise refuse("smoothing is a share, from 0 to 1", fix="write smoothing=0.1", span=call.span)
    if not smoothing:
        return _surprise(lowering, logits, target)
    kept, equal = Number(1 - smoothing), Number(smoothing)
    whole = lowering.reduce("logsumexp", logits, (0,))
    even = lowering.combine(difference, whole, lowering.reduce("mean", logits, (0,)))
    return lowering.combine(
        lambda own, other: add([mul([kept, own]), mul([equal, other])]), _surprise(lowering, logits, target), even
    )


def _surprise(lowering: Lowering, logits: Value, target: Value) -> Value:
    """The cross-entropy without smoothing."""
    if target.shape == ():
        whole = lowering.reduce("logsumexp", logits, (0,))
        return lowering.combine(difference, whole, _picked(lowering, logits, target))
    kept = lowering.reduce("logsumexp", logits, (0,), keep=True)
    parts = lowering.combine(lambda o, y, w: lowering.function("weighted", y, difference(w, o)), logits, target, kept)
    return lowering.reduce("sum", parts, (0,))


@compose("nll", "p", "y", shapes=_CLASSES, source="negative log-likelihood, Fisher 1922", target="class")
def nll(lowering: Lowering, call: Call) -> Value:
    """-p at the class y, or -sum(y*p) against the probabilities y; p are logarithms of probabilities."""
    logarithms, target = _classes(lowering, call)
    if target.shape == ():
        return lowering.combine(neg, _picked(lowering, logarithms, target))
    return lowering.reduce(
        "sum", lowering.combine(lambda p, y: neg(lowering.function("weighted", y, p)), logarithms, target), (0,)
    )


def _classes(lowering: Lowering, call: Call) -> tuple[Value, Value]:
    """What a loss of classes is given: one axis of classes, and a class or one probability a class."""
    values = vector(lowering, call.arguments[0], call)
    if len(values.shape) > 1:
        message = f"{call.function} takes one axis of classes, found {shape_text(values.shape)}"
        raise refuse(message, fix="give it a vector, for example by flatten or by an index", span=call.span)
    target = lowering.value(call.arguments[1])
    if target.shape not in ((), values.shape):
        message = f"{call.function} cannot join {shape_text(values.shape)} and the target {shape_text(target.shape)}"
        raise refuse(message, fix="give a scalar class index, or one probability a class", span=call.span)
    return values, target


def _picked(lowering: Lowering, values: Value, target: Value) -> Value:
    """The entry of the class that `target` names."""
    operand, chosen = lowering.name(values), lowering.name(target)
    return lowering.node(View(operand, (), (Name(chosen),), "gather"), (), [operand, chosen])


@compose("kl_div", "p", "target", shapes="(n,), (n,) → ()", source="Kullback and Leibler 1951", target="entries")
def kl_divergence(lowering: Lowering, call: Call) -> Value:
    """sum(target*(log(target) - p)): the divergence of exp(p) from target, p being logarithms; 0*log(0) = 0."""
    whole = _joined(lowering, call)
    return lowering.reduce("sum", whole, tuple(range(len(whole.shape))))


def _joined(lowering: Lowering, call: Call) -> Value:
    """The loss of scalars of this name, entry by entry; prediction and target have one shape."""
    values = [lowering.value(part) for part in call.arguments]
    shapes = list(dict.fromkeys(value.shape for value in values[:2] if value.shape))
    if len(shapes) > 1:
        message = f"{call.function} cannot join {' and '.join(map(shape_text, shapes))}"
        raise refuse(message, fix="give prediction and target the same shape", span=call.span)
    return lowering.combine(lambda *parts: lowering.function(call.function, *parts), *values)


def _mean_loss(name: str) -> None:
    """A loss of scalars, taken as the mean over the entries of vectors."""

    def mean(lowering: Lowering, call: Call) -> Value:
        whole = _joined(lowering, call)
        return lowering.reduce("mean", whole, tuple(range(len(whole.shape))))

    formula = FUNCTIONS[name].formula
    mean.__doc__ = f"The mean over all entries of `{formula}`."
    source = FUNCTIONS[name].source
    compose(name, "prediction", "target", shapes="any, the same → ()", source=source, target="entries")(mean)


for _name in ("mse", "mae", "huber", "smooth_l1", "log_cosh", "bce", "bce_with_logits", "hinge", "poisson"):
    _mean_loss(_name)
