"""Ops over axes, put together from the four kinds: reductions, softmax, norms, moves, losses of vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from backpropsym.formula.algebra import add, div, mul, neg
from backpropsym.formula.parse import Signature
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Expr, Name, Number, Text, number
from backpropsym.ops.kinds import Join, Shape, View
from backpropsym.ops.lowering import COMPOSITIONS, Composition, Lowering, Value, constant_integer
from backpropsym.ops.shapes import axes_of, refuse, shape_text

Compose = Callable[[Lowering, Call], Value]


def compose(
    name: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    variadic: bool = False,
    reduces: bool = False,
    limits: bool = False,
) -> Callable[[Compose], Compose]:
    """Register the decorated function as the composition `name`."""

    def register(function: Compose) -> Compose:
        signature = Signature(name, arguments, {}, options, variadic, reduces, limits)
        COMPOSITIONS[name] = Composition(name=name, signature=signature, compose=function)
        return function

    return register


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
    value = Value(Name(lowering.name(value)), value.shape)
    centred = lowering.combine(_difference, value, lowering.reduce("mean", value, axes, keep=True))
    return lowering.reduce("mean", lowering.combine(_square, centred), axes)


@compose("norm", "x", options=("axis",))
def norm(lowering: Lowering, call: Call) -> Value:
    """The Euclidean norm."""
    value = lowering.value(call.arguments[0])
    squares = lowering.reduce("sum", lowering.combine(_square, value), lowering.axes(call, value))
    return lowering.combine(lambda total: Call("sqrt", (total,)), squares)


@compose("log_softmax", "x")
def log_softmax(lowering: Lowering, call: Call) -> Value:
    """x - logsumexp(x) over the last axis."""
    value = _vector(lowering, call.arguments[0], call)
    return lowering.combine(_difference, value, _logsumexp(lowering, value))


@compose("softmax", "x")
def softmax(lowering: Lowering, call: Call) -> Value:
    """exp(x - logsumexp(x)) over the last axis, stable by construction."""
    value = _vector(lowering, call.arguments[0], call)
    return _softmax(lowering, value)


@compose("layer_norm", "x", "gamma", "beta")
def layer_norm(lowering: Lowering, call: Call) -> Value:
    """(x - mean) / sqrt(var + 1e-5) * gamma + beta over the last axis (Ba, Kiros and Hinton 2016)."""
    value = _vector(lowering, call.arguments[0], call)
    last = (len(value.shape) - 1,)
    centred = lowering.combine(_difference, value, lowering.reduce("mean", value, last, keep=True))
    centred = Value(Name(lowering.name(centred)), centred.shape)
    spread = lowering.reduce("mean", lowering.combine(_square, centred), last, keep=True)
    gamma, beta = (lowering.value(part) for part in call.arguments[1:])

    def normalise(c: Expr, v: Expr, g: Expr, b: Expr) -> Expr:
        return add([mul([g, div(c, _root(v))]), b])

    return lowering.combine(normalise, centred, spread, gamma, beta)


@compose("transpose", "x")
def transpose(lowering: Lowering, call: Call) -> Value:
    """The axes in reverse order."""
    value = lowering.value(call.arguments[0])
    indices = tuple(f"_i{axis}" for axis in range(len(value.shape)))
    source = tuple(map(Name, reversed(indices)))
    operand = lowering.name(value)
    return lowering.node(View(operand, indices, source, "transpose"), tuple(reversed(value.shape)), [operand])


@compose("einsum", "subscripts", variadic=True)
def einsum(lowering: Lowering, call: Call) -> Value:
    """A sum of products with its subscripts written out, as in NumPy."""
    text = call.arguments[0]
    if not isinstance(text, Text) or "->" not in text.value:
        raise refuse("einsum takes its subscripts quoted", fix='write einsum("ij,j->i", W, x)', span=call.span)
    subscripts = text.value.replace(" ", "")
    operands = [lowering.value(part) for part in call.arguments[1:]]
    groups = subscripts.split("->")[0].split(",")
    if len(groups) != len(operands):
        message = f"einsum has {len(groups)} groups of letters and {len(operands)} operands"
        raise refuse(message, fix="write one group an operand", span=call.span)
    sizes: dict[str, int | str] = {}
    for letters, operand in zip(groups, operands, strict=True):
        if len(letters) != len(operand.shape):
            message = f"{letters!r} names {len(letters)} axes of an operand of shape {shape_text(operand.shape)}"
            raise refuse(message, span=call.span)
        for letter, size in zip(letters, operand.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise refuse(f"the index {letter} has the sizes {sizes[letter]} and {size}", span=call.span)
    output = subscripts.split("->")[1]
    if len(set(output)) < len(output) or not set(output) <= set(sizes):
        message = f"the result {output!r} of einsum repeats a letter, or has one that no operand has"
        raise refuse(message, fix="name each axis of the result once, by letters of the operands", span=call.span)
    diagonals = [_diagonal(lowering, each, letters) for each, letters in zip(operands, groups, strict=True)]
    groups = ["".join(dict.fromkeys(letters)) for letters in groups]
    names = [lowering.name(each) for each in diagonals]
    return lowering.contract(f"{','.join(groups)}->{output}", names, tuple(sizes[letter] for letter in output))


def _diagonal(lowering: Lowering, value: Value, letters: str) -> Value:
    """The entries at which axes with the same letter have the same index."""
    unique = dict.fromkeys(letters)
    if len(unique) == len(letters):
        return value
    operand = lowering.name(value)
    indices = tuple(f"_{letter}" for letter in unique)
    source = tuple(Name(f"_{letter}") for letter in letters)
    shape = tuple(value.shape[letters.index(letter)] for letter in unique)
    return lowering.node(View(operand, indices, source, "entries"), shape, [operand])


@compose("cross_entropy", "o", "y")
def cross_entropy(lowering: Lowering, call: Call) -> Value:
    """-log softmax(o) at the class y, or against the probabilities y."""
    logits = _vector(lowering, call.arguments[0], call)
    if len(logits.shape) > 1:
        message = f"cross_entropy takes one axis of classes, found {shape_text(logits.shape)}"
        raise refuse(message, fix="give it a vector, for example by flatten or by an index", span=call.span)
    target = lowering.value(call.arguments[1])
    if target.shape == ():
        whole = lowering.reduce("logsumexp", logits, (0,))
        operand, chosen = lowering.name(logits), lowering.name(target)
        picked = lowering.node(View(operand, (), (Name(chosen),), "gather"), (), [operand, chosen])
        return lowering.combine(_difference, whole, picked)
    if target.shape != logits.shape:
        message = f"cross_entropy cannot join {shape_text(logits.shape)} and the target {shape_text(target.shape)}"
        raise refuse(message, fix="give a scalar class index, or one probability a class", span=call.span)
    kept = lowering.reduce("logsumexp", logits, (0,), keep=True)
    surprise = lowering.combine(lambda o, y, w: mul([y, _difference(w, o)]), logits, target, kept)
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


def _vector(lowering: Lowering, expr: Expr, call: Call) -> Value:
    """An argument with at least one axis, as a node."""
    value = lowering.value(expr)
    if not value.shape:
        raise refuse(f"{call.function} needs axes, and {to_text(expr)} is a scalar", span=call.span)
    return Value(Name(lowering.name(value)), value.shape)


def _softmax(lowering: Lowering, value: Value) -> Value:
    return lowering.combine(lambda x, whole: Call("exp", (_difference(x, whole),)), value, _logsumexp(lowering, value))


def _root(variance: Expr) -> Expr:
    """sqrt(variance + 1e-5), the usual guard against division by zero."""
    return Call("sqrt", (add([variance, Number(Fraction(1, 100_000))]),))


def _logsumexp(lowering: Lowering, value: Value) -> Value:
    return lowering.reduce("logsumexp", value, (len(value.shape) - 1,), keep=True)


def _difference(left: Expr, right: Expr) -> Expr:
    return add([left, neg(right)])


def _square(x: Expr) -> Expr:
    return Call("square", (x,))


@compose("flatten", "x")
def flatten(lowering: Lowering, call: Call) -> Value:
    """All entries in one axis, the last axis running fastest."""
    value = lowering.value(call.arguments[0])
    return _reshape(lowering, value, (_entries(value.shape, call),), call)


@compose("reshape", "x", "size", variadic=True)
def reshape(lowering: Lowering, call: Call) -> Value:
    """The entries in the same order under new axes: reshape(x, 2, 3)."""
    value = lowering.value(call.arguments[0])
    sizes = tuple(constant_integer(part) or 0 for part in call.arguments[1:])
    if min(sizes) < 1:
        raise refuse("reshape takes its sizes as whole numbers", fix="write reshape(x, 2, 3)", span=call.span)
    return _reshape(lowering, value, sizes, call)


def _entries(shape: Shape, call: Call) -> int:
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) < len(shape):
        raise refuse(f"{call.function} needs sizes in numbers, found {shape_text(shape)}", span=call.span)
    return math.prod(sizes)


def _reshape(lowering: Lowering, value: Value, shape: tuple[int, ...], call: Call) -> Value:
    count = _entries(value.shape, call)
    if math.prod(shape) != count:
        message = f"{shape_text(value.shape)} has {count} entries, {shape_text(shape)} has {math.prod(shape)}"
        raise refuse(message, fix="make the products of the sizes equal", span=call.span)
    return lowering.reshape(value, shape)


@compose("concat", "a", variadic=True, options=("axis",))
def concat(lowering: Lowering, call: Call) -> Value:
    """Values laid one after another along an axis."""
    values = [lowering.value(part) for part in call.arguments]
    rank = len(values[0].shape)
    axis = axes_of(lowering.option(call, "axis", 0), rank, call.function, call.span)[0]
    rests = {each.shape[:axis] + each.shape[axis + 1 :] for each in values if len(each.shape) == rank}
    if len(rests) > 1 or any(len(each.shape) != rank for each in values):
        shown = " and ".join(shape_text(each.shape) for each in values)
        raise refuse(f"concat cannot join {shown}", [f"sizes may differ along axis {axis} only"], span=call.span)
    sizes = [each.shape[axis] for each in values]
    whole = sum(size for size in sizes if isinstance(size, int))
    if not all(isinstance(size, int) for size in sizes):
        raise refuse("concat needs sizes in numbers along its axis", span=call.span)
    operands = tuple(lowering.name(each) for each in values)
    shape = (*values[0].shape[:axis], whole, *values[0].shape[axis + 1 :])
    return lowering.node(Join(operands, axis), shape, operands)


@compose("attention", "q", "k", "v")
def attention(lowering: Lowering, call: Call) -> Value:
    """softmax(q k^T / sqrt(d)) v over rows, scaled dot products (Vaswani et al. 2017)."""
    q, k, v = (lowering.value(part) for part in call.arguments)
    if not len(q.shape) == len(k.shape) == len(v.shape) == 2 or q.shape[1] != k.shape[1] or k.shape[0] != v.shape[0]:
        shown = ", ".join(shape_text(each.shape) for each in (q, k, v))
        raise refuse(f"attention cannot join {shown}", fix="give q (t, d), k (s, d), v (s, e)", span=call.span)
    if not isinstance(q.shape[1], int):
        raise refuse("attention needs its width in numbers", fix="declare the last size as a number", span=call.span)
    width = number(q.shape[1])
    names = [lowering.name(q), lowering.name(k)]
    scores = lowering.contract("td,sd->ts", names, (q.shape[0], k.shape[0]))
    scaled = lowering.combine(lambda x: div(x, Call("sqrt", (width,))), scores)
    weights = _softmax(lowering, Value(Name(lowering.name(scaled)), scaled.shape))
    names = [lowering.name(weights), lowering.name(v)]
    return lowering.contract("ts,se->te", names, (q.shape[0], v.shape[1]))


@compose("rms_norm", "x", "gamma")
def rms_norm(lowering: Lowering, call: Call) -> Value:
    """gamma * x / sqrt(mean(x**2) + 1e-5) over the last axis (Zhang and Sennrich 2019)."""
    value = _vector(lowering, call.arguments[0], call)
    power = lowering.reduce("mean", lowering.combine(_square, value), (len(value.shape) - 1,), keep=True)
    gamma = lowering.value(call.arguments[1])
    return lowering.combine(lambda x, p, g: mul([g, div(x, _root(p))]), value, power, gamma)


@compose("embedding", "index", "table")
def embedding(lowering: Lowering, call: Call) -> Value:
    """The row of `table` that the scalar `index` names."""
    index, table = (lowering.value(part) for part in call.arguments)
    if index.shape or len(table.shape) != 2:
        raise refuse("embedding takes a scalar index and a table of rows", span=call.span)
    operand, chosen = lowering.name(table), lowering.name(index)
    op = View(operand, ("_i0",), (Name(chosen), Name("_i0")), "gather")
    return lowering.node(op, table.shape[1:], [operand, chosen])
