"""All ops over axes: importing this module registers them."""

from __future__ import annotations

from backpropsym.formula.algebra import div
from backpropsym.formula.tree import Call, Name, number
from backpropsym.ops import (  # noqa: F401  (each import registers a family)
    convolution,
    normalisation,
    objectives,
    pooling,
    products,
    rearrange,
    reductions,
)
from backpropsym.ops.compose import compose
from backpropsym.ops.kinds import View
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.normalisation import softmax_of
from backpropsym.ops.shapes import refuse, shape_text


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
    weights = softmax_of(lowering, Value(Name(lowering.name(scaled)), scaled.shape))
    names = [lowering.name(weights), lowering.name(v)]
    return lowering.contract("ts,se->te", names, (q.shape[0], v.shape[1]))


@compose("embedding", "index", "table")
def embedding(lowering: Lowering, call: Call) -> Value:
    """The row of `table` that the scalar `index` names."""
    index, table = (lowering.value(part) for part in call.arguments)
    if index.shape or len(table.shape) != 2:
        raise refuse("embedding takes a scalar index and a table of rows", span=call.span)
    operand, chosen = lowering.name(table), lowering.name(index)
    op = View(operand, ("_i0",), (Name(chosen), Name("_i0")), "gather")
    return lowering.node(op, table.shape[1:], [operand, chosen])
