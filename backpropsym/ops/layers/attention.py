"""Ops that choose and mix rows: embedding, bilinear forms, attention of one head and of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from backpropsym.formula.algebra import add, div, neg
from backpropsym.formula.tree import ZERO, Call, Compare, Expr, Name, Number
from backpropsym.ops.compose import compose
from backpropsym.ops.kinds import View
from backpropsym.ops.layers.normalisation import softmax_of
from backpropsym.ops.layers.rearrange import taken
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.shapes import broadcast, refuse, shape_text
from backpropsym.ops.sizes import size_ratio, size_tree

HIDDEN = Fraction(-(10**30))
_OPTIONS = ("mask", "bias", "causal", "heads")
_BIASES = ("bq", "bk", "bv", "bo")
_LEADING = "abcfgjlmn"


@compose("embedding", "index", "table")
def embedding(lowering: Lowering, call: Call) -> Value:
    """The rows of `table` that the whole numbers in `index` name: one row for each of them."""
    table = lowering.value(call.arguments[1])
    if len(table.shape) != 2:
        message = f"embedding takes a table of rows, found {shape_text(table.shape)}"
        raise refuse(message, fix="declare the table as [rows, width]", span=call.span)
    return taken(lowering, table, 0, call.arguments[0])


@compose("bilinear", "x", "weight", "y", options=("bias",))
def bilinear(lowering: Lowering, call: Call) -> Value:
    """The sum of x[i]*weight[o,i,j]*y[j] for each output o, plus `bias`, as in torch.nn.Bilinear."""
    x, weight, y = (lowering.value(part) for part in call.arguments)
    sizes = [each.shape[-1:] for each in (x, y)]
    if len(weight.shape) != 3 or sizes != [weight.shape[1:2], weight.shape[2:]] or x.shape[:-1] != y.shape[:-1]:
        shown = ", ".join(shape_text(each.shape) for each in (x, weight, y))
        raise refuse(
            f"bilinear cannot join {shown}", fix="give x (..., i), weight (o, i, k), y (..., k)", span=call.span
        )
    lead = _LEADING[: len(x.shape) - 1]
    names = [lowering.name(each) for each in (x, weight, y)]
    shape = (*x.shape[:-1], weight.shape[0])
    return shifted(lowering, lowering.contract(f"{lead}i,oik,{lead}k->{lead}o", names, shape), call, "bias")


@compose("attention", "q", "k", "v", options=_OPTIONS)
def attention(lowering: Lowering, call: Call) -> Value:
    """softmax(q k^T / sqrt(d)) v: rows q (..., t, d) look at rows k (..., s, d), v (..., s, e) (Vaswani et al. 2017).

    `mask` keeps the scores where it is above 0, as a mask of booleans in PyTorch (a row that keeps none gives zeros);
    `bias` is added to the scores, as a mask of numbers there; `causal=True` keeps those with s <= t; `heads=h` takes
    the last axes as h heads, one after another.
    """
    q, k, v = (lowering.value(part) for part in call.arguments)
    return _attention(lowering, (q, k, v), call)


@compose("multi_head_attention", "x", "Wq", "Wk", "Wv", "Wo", options=(*_OPTIONS, *_BIASES, "memory"))
def multi_head_attention(lowering: Lowering, call: Call) -> Value:
    """attention(x Wq^T, m Wk^T, m Wv^T) Wo^T, weights [out, in], biases `bq`, `bk`, `bv`, `bo` (Vaswani et al. 2017).

    The rows m are those of x, or those of `memory`. The other options are those of attention.
    """
    x, *weights = (lowering.value(part) for part in call.arguments)
    memory = given(lowering, call, "memory") or x
    q, k, v = (
        lowering.named(suffix, projected(lowering, source, weight, call, f"b{suffix}"))
        for suffix, source, weight in zip("qkv", (x, memory, memory), weights[:3], strict=True)
    )
    mixed = lowering.named("z", _attention(lowering, (q, k, v), call))
    return projected(lowering, mixed, weights[3], call, "bo")


def projected(lowering: Lowering, rows: Value, weight: Value, call: Call, bias: str) -> Value:
    """rows W^T, plus the option `bias` of the call."""
    if len(weight.shape) != 2 or len(rows.shape) < 2 or rows.shape[-1] != weight.shape[1]:
        message = f"{call.function} cannot join rows {shape_text(rows.shape)} and the weight {shape_text(weight.shape)}"
        raise refuse(message, fix="give rows (t, in) and weights [out, in]", span=call.span)
    lead = _LEADING[: len(rows.shape) - 2]
    names = [lowering.name(rows), lowering.name(weight)]
    found = lowering.contract(f"{lead}td,ed->{lead}te", names, (*rows.shape[:-1], weight.shape[0]))
    return shifted(lowering, found, call, bias)


def shifted(lowering: Lowering, value: Value, call: Call, key: str) -> Value:
    """A value plus an option of the call, where it is given; it has one number for the last axis."""
    bias = given(lowering, call, key)
    if bias is None:
        return value
    if bias.shape != value.shape[-1:]:
        message = f"{key} has the shape {shape_text(bias.shape)}"
        raise refuse(message, fix=f"give it the shape {shape_text(value.shape[-1:])}", span=call.span)
    return lowering.combine(lambda x, b: add([x, b]), value, bias)


def given(lowering: Lowering, call: Call, key: str) -> Value | None:
    """The value of an option that is a formula, None where it is left out."""
    return next((lowering.value(value) for name, value in call.options if name == key), None)


def _attention(lowering: Lowering, rows: tuple[Value, Value, Value], call: Call) -> Value:
    heads = lowering.option(call, "heads")
    _check_rows(rows, call)
    q, k, v = (row if heads is None else _split(lowering, row, heads, call) for row in rows)
    rank = len(rows[0].shape) - 2
    lead, head = _LEADING[:rank], "h" if heads is not None else ""
    outer = (*q.shape[:rank], *([heads] if heads is not None else []))
    names = [lowering.name(q), lowering.name(k)]
    between = (*outer, q.shape[rank], k.shape[rank])
    scores = lowering.contract(f"{lead}t{head}d,{lead}s{head}d->{lead}{head}ts", names, between)
    scaled = lowering.combine(lambda x: div(x, lowering.function("sqrt", size_tree(q.shape[-1]))), scores)
    weights = _weights(lowering, scaled, call)
    names = [lowering.name(weights), lowering.name(v)]
    mixed = lowering.contract(f"{lead}{head}ts,{lead}s{head}e->{lead}t{head}e", names, (*q.shape[:-1], v.shape[-1]))
    return mixed if heads is None else lowering.reshape(mixed, (*rows[0].shape[:-1], rows[2].shape[-1]))


def _check_rows(rows: Sequence[Value], call: Call) -> None:
    """q (..., t, d), k (..., s, d), v (..., s, e), with the same leading axes."""
    q, k, v = (row.shape for row in rows)
    if not len(q) == len(k) == len(v) >= 2 or q[-1] != k[-1] or k[-2] != v[-2] or not q[:-2] == k[:-2] == v[:-2]:
        shown = ", ".join(map(shape_text, (q, k, v)))
        raise refuse(f"{call.function} cannot join {shown}", fix="give q (t, d), k (s, d), v (s, e)", span=call.span)


def _split(lowering: Lowering, value: Value, heads: int, call: Call) -> Value:
    """The last axis as heads and what is left of it."""
    width = size_ratio(value.shape[-1], heads) if heads > 0 else None
    if width is None:
        message = f"{call.function} cannot split {shape_text(value.shape)} into {heads} heads"
        raise refuse(
            message, fix=f"make the last size a multiple of the heads, as in {max(heads, 1)}*d", span=call.span
        )
    return lowering.reshape(value, (*value.shape[:-1], heads, width))


def _weights(lowering: Lowering, scores: Value, call: Call) -> Value:
    """softmax over the last axis of the scores, without those that a mask hides."""
    shape = scores.shape
    bias, mask = given(lowering, call, "bias"), given(lowering, call, "mask")
    for key, value in (("bias", bias), ("mask", mask)):
        if value is not None and broadcast([shape, value.shape], call.function, call.span) != shape:
            message = f"{key} {shape_text(value.shape)} does not fit the scores {shape_text(shape)}"
            raise refuse(message, fix=f"give it the shape {shape_text(shape[-2:])}", span=call.span)
    if bias is not None:
        scores = lowering.combine(lambda x, b: add([x, b]), scores, bias)
    if lowering.option(call, "causal", 0):
        scores = _causal(lowering, scores)
    if mask is not None:
        scores = lowering.combine(_kept(Number(HIDDEN)), mask, scores)
    scores = lowering.named("s", scores)
    weights = softmax_of(lowering, scores)
    return lowering.named("a", weights if mask is None else lowering.combine(_kept(ZERO), mask, weights))


def _causal(lowering: Lowering, scores: Value) -> Value:
    """The scores with s <= t; the others so low that their weights are zero."""
    indices = tuple(f"_i{axis}" for axis in range(len(scores.shape)))
    entry = tuple(map(Name, indices))
    later = add([entry[-2], neg(entry[-1])])
    operand = lowering.name(scores)
    view = View(operand, indices, entry, "entries", (), ((later, scores.shape[-2]),), fill=HIDDEN)
    return lowering.node(view, scores.shape, [operand])


def _kept(otherwise: Expr) -> Callable[[Expr, Expr], Expr]:
    """A value where the mask is above 0, else `otherwise`."""
    return lambda mask, value: Call("where", (Compare(">", mask, ZERO), value, otherwise))
