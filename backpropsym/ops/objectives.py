"""Losses over axes: of one object with several entries or classes."""

from __future__ import annotations

from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import Call, Name
from backpropsym.ops.compose import compose, difference, vector
from backpropsym.ops.kinds import View
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.shapes import refuse, shape_text


@compose("cross_entropy", "o", "y")
def cross_entropy(lowering: Lowering, call: Call) -> Value:
    """-log softmax(o) at the class y, or against the probabilities y."""
    logits = vector(lowering, call.arguments[0], call)
    if len(logits.shape) > 1:
        message = f"cross_entropy takes one axis of classes, found {shape_text(logits.shape)}"
        raise refuse(message, fix="give it a vector, for example by flatten or by an index", span=call.span)
    target = lowering.value(call.arguments[1])
    if target.shape == ():
        whole = lowering.reduce("logsumexp", logits, (0,))
        operand, chosen = lowering.name(logits), lowering.name(target)
        picked = lowering.node(View(operand, (), (Name(chosen),), "gather"), (), [operand, chosen])
        return lowering.combine(difference, whole, picked)
    if target.shape != logits.shape:
        message = f"cross_entropy cannot join {shape_text(logits.shape)} and the target {shape_text(target.shape)}"
        raise refuse(message, fix="give a scalar class index, or one probability a class", span=call.span)
    kept = lowering.reduce("logsumexp", logits, (0,), keep=True)
    surprise = lowering.combine(lambda o, y, w: mul([y, difference(w, o)]), logits, target, kept)
    return lowering.reduce("sum", surprise, (0,))


def _mean_loss(name: str) -> None:
    """A loss of scalars, taken as the mean over the entries of vectors."""

    def mean(lowering: Lowering, call: Call) -> Value:
        """The loss of scalars of this name, its mean over all entries."""
        values = [lowering.value(part) for part in call.arguments]
        shapes = list(dict.fromkeys(value.shape for value in values[:2] if value.shape))
        if len(shapes) > 1:
            message = f"{name} cannot join {' and '.join(map(shape_text, shapes))}"
            raise refuse(message, fix="give prediction and target the same shape", span=call.span)
        whole = lowering.combine(lambda *parts: Call(name, parts), *values)
        return lowering.reduce("mean", whole, tuple(range(len(whole.shape))))

    compose(name, "prediction", "target")(mean)


for _name in ("mse", "mae", "huber", "log_cosh", "bce", "bce_with_logits", "hinge", "poisson"):
    _mean_loss(_name)
