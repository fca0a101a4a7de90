"""Recurrent layers, unrolled over the first axis with shared weights: RNN, GRU, LSTM.

Weights are PyTorch's: W is [gates*H, D], U is [gates*H, H], with the gates one below the other in PyTorch's order.
Each step is a few shown nodes, so that a derivation reads as backpropagation through time: in a node h, the state
after t steps is h_h1, h_h2, ..., and entry t of the result is the state after t + 1 steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backpropsym.formula.algebra import add, mul, neg
from backpropsym.formula.tree import ONE, Call, Expr, Name, Text, number
from backpropsym.ops.compose import compose
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.kinds import Join, Shape, View
from backpropsym.ops.layers.attention import given
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.shapes import refuse, shape_text
from backpropsym.ops.sizes import Dimension, size_product, size_tree

MAX_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Layer:
    """The arguments of a recurrent call, checked: `steps` rows x, weights, biases (None: zero), and the width."""

    lowering: Lowering
    x: Value
    weight: Value
    recurrent: Value
    biases: tuple[Value | None, ...]
    steps: int
    width: Dimension

    def input(self, t: int) -> Value:
        """W x at one time, plus the first bias."""
        row = _part(self.lowering, self.x, (number(t), Name("_i0")), self.x.shape[1])
        return self._product(self.weight, row, self.biases[0])

    def memory(self, state: Value | None, bias: Value | None = None) -> Value | None:
        """U h plus `bias`; None where both are zero."""
        if state is None:
            return bias
        return self._product(self.recurrent, state, bias)

    def gate(self, value: Value, position: int) -> Value:
        """The part of a value that belongs to one gate."""
        start = size_tree(size_product([position, self.width]))
        return _part(self.lowering, value, (add([Name("_i0"), start]),), self.width)

    def _product(self, weight: Value, vector: Value, bias: Value | None) -> Value:
        names = [self.lowering.name(weight), self.lowering.name(vector)]
        return total(self.lowering, self.lowering.contract("oi,i->o", names, weight.shape[:1]), bias)


Step = Callable[[Layer, int, Value | None], Value]


@compose("rnn", "x", "W", "U", "b", options=("h0", "last", "activation"))
def rnn(lowering: Lowering, call: Call) -> Value:
    """h = tanh(W x[t] + U h + b) for each row of x, from `h0` or zeros (Elman 1990); every h, or the `last` one.

    `activation="relu"` takes another function of one number.
    """
    layer = _layer(lowering, call, gates=1, biases=1)
    activation = _activation(call)

    def step(t: int, state: Value | None) -> Value:
        drive = lowering.named(f"s{t}", total(lowering, layer.input(t - 1), layer.memory(state)))
        return lowering.named(f"h{t}", lowering.combine(lambda s: lowering.function(activation, s), drive))

    return _unrolled(layer, call, step)


@compose("gru", "x", "W", "U", "b", "c", options=("h0", "last"))
def gru(lowering: Lowering, call: Call) -> Value:
    """h = (1 - z)*n + z*h with gates r, z and n = tanh(W x[t] + b + r*(U h + c)) for each row of x (Cho et al. 2014).

    The gates stand in the order r, z, n, with both of PyTorch's biases, b beside W and c beside U. `h0` is the first
    state, zeros by default; the result is every h, or the `last` one.
    """
    layer = _layer(lowering, call, gates=3, biases=2)

    def gated(drive: Expr, recall: Expr) -> Expr:
        return lowering.function("sigmoid", add([drive, recall]))

    def candidate(drive: Expr, reset: Expr, recall: Expr) -> Expr:
        return lowering.function("tanh", add([drive, mul([reset, recall])]))

    def step(t: int, state: Value | None) -> Value:
        drive = lowering.named(f"s{t}", layer.input(t - 1))
        memory = layer.memory(state, layer.biases[1])
        assert memory is not None, "a gru has both biases"
        recall = lowering.named(f"m{t}", memory)
        reset, update = (
            lowering.named(f"{name}{t}", lowering.combine(gated, layer.gate(drive, k), layer.gate(recall, k)))
            for k, name in enumerate("rz")
        )
        new = lowering.combine(candidate, layer.gate(drive, 2), reset, layer.gate(recall, 2))
        new = lowering.named(f"n{t}", new)
        if state is None:
            return lowering.named(f"h{t}", lowering.combine(lambda z, n: mul([add([ONE, neg(z)]), n]), update, new))
        return lowering.named(f"h{t}", lowering.combine(_mixed, update, new, state))

    return _unrolled(layer, call, step)


@compose("lstm", "x", "W", "U", "b", options=("h0", "c0", "last"))
def lstm(lowering: Lowering, call: Call) -> Value:
    """c = f*c + i*g, h = o*tanh(c) with gates i, f, g, o of W x[t] + U h + b for each row of x.

    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000. The gates stand in PyTorch's
    order i, f, g, o; b is the sum of PyTorch's two biases. `h0` and `c0` are the first state and cell, zeros by
    default; the result is every h, or the `last` one.
    """
    layer = _layer(lowering, call, gates=4, biases=1)
    cell = _state(layer, call, "c0")

    def step(t: int, state: Value | None) -> Value:
        nonlocal cell
        drive = lowering.named(f"s{t}", total(lowering, layer.input(t - 1), layer.memory(state)))
        kept = {name: position for position, name in enumerate("ifgo") if name != "f" or cell is not None}
        gates = {
            name: lowering.named(f"{name}{t}", lowering.combine(_squashed(lowering, name), layer.gate(drive, position)))
            for name, position in kept.items()
        }
        written = lowering.combine(lambda i, g: mul([i, g]), gates["i"], gates["g"])
        if cell is not None:
            held = lowering.combine(lambda f, c: mul([f, c]), gates["f"], cell)
            written = lowering.combine(lambda a, b: add([a, b]), held, written)
        cell = lowering.named(f"c{t}", written)
        return lowering.named(
            f"h{t}", lowering.combine(lambda o, c: mul([o, lowering.function("tanh", c)]), gates["o"], cell)
        )

    return _unrolled(layer, call, step)


def _squashed(lowering: Lowering, gate: str) -> Callable[[Expr], Expr]:
    return lambda drive: lowering.function("tanh" if gate == "g" else "sigmoid", drive)


def _mixed(update: Expr, new: Expr, state: Expr) -> Expr:
    return add([mul([add([ONE, neg(update)]), new]), mul([update, state])])


def total(lowering: Lowering, value: Value, other: Value | None) -> Value:
    """The sum of a value and another, where there is one."""
    return value if other is None else lowering.combine(lambda a, b: add([a, b]), value, other)


def _activation(call: Call) -> str:
    """The function that `activation=` names, tanh by default."""
    chosen = dict(call.options).get("activation", Text("tanh"))
    name = chosen.value if isinstance(chosen, Text) else ""
    if name not in FUNCTIONS or len(FUNCTIONS[name].required) != 1:
        message = f"activation={name!r} is not a function of one number"
        raise refuse(message, fix='write its name quoted: activation="relu"', span=call.span)
    return name


def _layer(lowering: Lowering, call: Call, gates: int, biases: int) -> Layer:
    """The arguments of a call, their shapes checked."""
    x, weight, recurrent, *shifts = (lowering.value(part) for part in call.arguments)
    if len(x.shape) != 2 or not isinstance(x.shape[0], int) or x.shape[0] > MAX_STEPS:
        message = f"{call.function} unrolls the rows of x, and x has the shape {shape_text(x.shape)}"
        fix = f"give x the shape [steps, width], with at most {MAX_STEPS:,} steps as a number"
        raise refuse(message, fix=fix, span=call.span)
    width = recurrent.shape[-1] if recurrent.shape else 0
    tall = size_product([gates, width])
    expected: list[tuple[str, Value, Shape]] = [("W", weight, (tall, x.shape[1])), ("U", recurrent, (tall, width))]
    expected += [(name, shift, (tall,)) for name, shift in zip("bc", shifts, strict=False)]
    for name, value, shape in expected:
        if value.shape != shape:
            details = [f"the rows of x have {x.shape[1]} entries, the state has {width}, and there are {gates} gates"]
            message = f"{call.function} found {name} with the shape {shape_text(value.shape)}"
            raise refuse(message, details, f"give {name} the shape {shape_text(shape)}", call.span)
    named = [Value(Name(lowering.name(each)), each.shape) for each in (x, weight, recurrent)]
    return Layer(lowering, named[0], named[1], named[2], tuple(shifts[:biases]), x.shape[0], width)


def _state(layer: Layer, call: Call, key: str) -> Value | None:
    """A first state, None for zeros."""
    state = given(layer.lowering, call, key)
    if state is not None and state.shape != (layer.width,):
        message = f"{key} has the shape {shape_text(state.shape)}"
        raise refuse(message, fix=f"give it the shape {shape_text((layer.width,))}", span=call.span)
    return state


def _part(lowering: Lowering, value: Value, source: tuple[Expr, ...], size: Dimension) -> Value:
    """Some entries of a value, as a vector."""
    operand = lowering.name(value)
    return lowering.node(View(operand, ("_i0",), source, "entries"), (size,), [operand])


def _unrolled(layer: Layer, call: Call, step: Callable[[int, Value | None], Value]) -> Value:
    """The states of all times as rows, or the last one."""
    lowering, state = layer.lowering, _state(layer, call, "h0")
    rows: list[str] = []
    for t in range(1, layer.steps + 1):
        state = step(t, state)
        rows.append(lowering.name(state))
    assert state is not None, "there is at least one row"
    if lowering.option(call, "last", 0):
        return state
    lifted = [_as_row(lowering, row, layer.width) for row in rows]
    return lowering.node(Join(tuple(lifted), 0), (layer.steps, layer.width), lifted)


def _as_row(lowering: Lowering, name: str, width: Dimension) -> str:
    view = View(name, ("_i0", "_i1"), (Name("_i1"),), "expand", (1,))
    return lowering.add(view, (1, width), [name])
