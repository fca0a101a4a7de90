"""Operations of random networks: how each is written, and what NumPy makes of the same arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.stream.choices import Choices

Array = Any
MOST_ENTRIES = 64


@dataclass(frozen=True)
class Term:
    """A formula, or the name of a node, with its value for one object."""

    text: str
    value: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def closed(self) -> str:
        """The text as an operand of any operator."""
        return self.text if self.text.isidentifier() else f"({self.text})"


Pick = Callable[..., Term | None]
"""Takes a term of the network that satisfies a condition on its value; None where there is none."""

Operation = Callable[[Choices, Pick], Term | None]
"""A new term from terms that are there already; None where nothing fits."""

OPERATIONS: dict[str, Operation] = {}


def operation(function: Operation) -> Operation:
    """Register an operation by the name of its function."""
    OPERATIONS[function.__name__] = function
    return function


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def logsumexp(x: Array, axis: Any = None) -> Array:
    return np.log(np.sum(np.exp(x), axis=axis))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "sin": np.sin,
    "abs": np.abs,
    "atan": np.arctan,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
}

OWN_FUNCTIONS = {"own(x, slope)": "x*sigmoid(slope*x) + 0.25*x**2"}
"""Functions that a network declares; `x` is their argument also where a leaf has that name."""

REDUCTIONS: dict[str, Callable[..., Array]] = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "logsumexp": logsumexp,
    "var": np.var,
    "norm": lambda x, axis=None: np.sqrt(np.sum(x * x, axis=axis)),
}


@operation
def function(choices: Choices, pick: Pick) -> Term | None:
    """A function of every entry."""
    x, name = pick(), choices.pick([*FUNCTIONS, "own"])
    if x is not None and name == "own":
        return Term(f"own({x.text}, 1.5)", x.value * _sigmoid(1.5 * x.value) + 0.25 * x.value**2)
    return x and Term(f"{name}({x.text})", FUNCTIONS[name](x.value))


@operation
def arithmetic(choices: Choices, pick: Pick) -> Term | None:
    """Two terms that broadcast, in either order, of equal or other shapes; possibly one and the same."""
    left = pick()
    right = left and pick(lambda value: _broadcasts(left.value, value))
    if left is None or right is None:
        return None
    form, compute = choices.pick(
        [
            ("{0} + {1}", lambda a, b: a + b),
            ("{0}*{1}", lambda a, b: a * b),
            ("{0} - {1}", lambda a, b: a - b),
            ("{0}/(1.5 + {1}**2)", lambda a, b: a / (1.5 + b**2)),
            ("max({0}, {1})", np.maximum),
            ("min({0}, {1})", np.minimum),
            ("where({0} > {1}, {0}*{1}, sin({1}))", lambda a, b: np.where(a > b, a * b, np.sin(b))),
        ]
    )
    return Term(form.format(left.closed, right.closed), compute(left.value, right.value))


@operation
def polynomial(choices: Choices, pick: Pick) -> Term | None:
    """One term several times in a formula."""
    x = pick()
    form, compute = choices.pick(
        [
            ("{0}*{0} - {0}", lambda a: a * a - a),
            ("{0}**3/4 + {0}", lambda a: a**3 / 4 + a),
            ("-{0}/(2 + {0}**2)", lambda a: -a / (2 + a**2)),
            ("0.5*{0} - 1", lambda a: 0.5 * a - 1),
        ]
    )
    return x and Term(form.format(x.closed), compute(x.value))


@operation
def reduction(choices: Choices, pick: Pick) -> Term | None:
    """One reduction over all axes, one of them, or two."""
    x = pick(lambda value: value.ndim > 0)
    return x and _reduced(choices, x)


@operation
def two_reductions(choices: Choices, pick: Pick) -> Term | None:
    """Reductions of two terms over different axes, whose results are joined by broadcasting."""
    x = pick(lambda value: value.ndim > 1)
    y = x and pick(lambda value: value.ndim > 1)
    if x is None or y is None:
        return None
    left, right = _reduced(choices, x), _reduced(choices, y)
    if not _broadcasts(left.value, right.value):
        return None
    if choices.chance(0.5):
        return Term(f"{left.closed}*{right.closed}", left.value * right.value)
    return Term(f"{left.closed} + {right.closed}", left.value + right.value)


def _reduced(choices: Choices, x: Term) -> Term:
    name = choices.pick(list(REDUCTIONS))
    rank = len(x.shape)
    options: list[tuple[str, Any]] = [(f", axis={axis}", axis % rank) for axis in range(-rank, rank)]
    options.append(("", None))
    if rank > 1:
        pairs = [(first, second) for first in range(rank) for second in range(rank) if first != second]
        options += [(f", axis=({first}, {second})", (first, second)) for first, second in pairs]
    text, axis = choices.pick(options)
    return Term(f"{name}({x.text}{text})", REDUCTIONS[name](x.value, axis=axis))


@operation
def softmax_of(choices: Choices, pick: Pick) -> Term | None:
    """Softmax and its logarithm over the last axis."""
    x = pick(lambda value: value.ndim > 0)
    if x is None:
        return None
    if choices.chance(0.5):
        return Term(f"softmax({x.text})", softmax(x.value))
    return Term(f"log_softmax({x.text})", np.log(softmax(x.value)))


@operation
def layer_norm(choices: Choices, pick: Pick) -> Term | None:
    """Layer normalisation over the last axis, with an own eps, so that rows of one entry stay smooth."""
    x = pick(lambda value: value.ndim > 0 and value.shape[-1] > 1)
    if x is None:
        return None
    mean, var = x.value.mean(axis=-1, keepdims=True), x.value.var(axis=-1, keepdims=True)
    return Term(f"layer_norm({x.text}, eps=0.1)", (x.value - mean) / np.sqrt(var + 0.1))


@operation
def matrix_product(choices: Choices, pick: Pick) -> Term | None:
    """The product @ of matrices, vectors and stacks of matrices."""
    left = pick(lambda value: value.ndim > 0)
    right = left and pick(lambda value: value.ndim > 0 and _multiplies(left.value, value))
    return left and right and Term(f"{left.closed} @ {right.closed}", left.value @ right.value)


@operation
def contraction(choices: Choices, pick: Pick) -> Term | None:
    """An einsum of one to three terms with letters by size, some repeated, some summed, in any order."""
    operands = [
        term for term in (pick(lambda value: value.ndim > 0) for _ in range(choices.pick([1, 2, 2, 3]))) if term
    ]
    if not operands:
        return None
    letters: dict[int, list[str]] = {}
    fresh = iter("ijklmnpq")
    groups = []
    for term in operands:
        group = ""
        for size in term.shape:
            known = letters.setdefault(size, [])
            if not known or choices.chance(0.4):
                letter = next(fresh, None)
                if letter is None:
                    return None
                known.append(letter)
                group += letter
            else:
                group += choices.pick(known)
        groups.append(group)
    everything = list(dict.fromkeys("".join(groups)))
    kept = [letter for letter in everything if choices.chance(0.5)][:3]
    if choices.chance(0.5):
        kept.reverse()
    subscripts = f"{','.join(groups)}->{''.join(kept)}"
    value = np.einsum(subscripts, *(term.value for term in operands))
    return Term(f"einsum('{subscripts}', {', '.join(term.text for term in operands)})", value)


@operation
def transposed(choices: Choices, pick: Pick) -> Term | None:
    """Axes in another order."""
    x = pick(lambda value: value.ndim > 1)
    if x is None:
        return None
    if choices.chance(0.5):
        return Term(f"transpose({x.text})", x.value.T)
    rest, order = list(range(len(x.shape))), []
    while rest:
        order.append(choices.pick(rest))
        rest.remove(order[-1])
    return Term(f"transpose({x.text}, axes=({', '.join(map(str, order))}))", np.transpose(x.value, order))


@operation
def reshaped(choices: Choices, pick: Pick) -> Term | None:
    """The same entries under other axes."""
    x = pick(lambda value: value.ndim > 0)
    if x is None:
        return None
    size = math.prod(x.shape)
    shapes = [shape for shape in _factorings(size) if shape != x.shape]
    if not shapes or choices.chance(0.2):
        return Term(f"flatten({x.text})", x.value.reshape(-1))
    shape = choices.pick(shapes)
    return Term(f"reshape({x.text}, {', '.join(map(str, shape))})", x.value.reshape(shape))


@operation
def sliced(choices: Choices, pick: Pick) -> Term | None:
    """Numbers, negative numbers, slices, strides and reversals, one an axis or fewer."""
    x = pick(lambda value: value.ndim > 0)
    if x is None:
        return None
    subscripts = [_subscript(choices, size) for size in x.shape[: choices.pick([1, len(x.shape)])]]
    place = tuple(eval(f"np.s_[{text}]", {"np": np}) for text in subscripts)  # texts of our own making
    value = x.value[place]
    return Term(f"{x.closed}[{', '.join(subscripts)}]", value) if np.size(value) else None


def _subscript(choices: Choices, size: int) -> str:
    options = ["0", "-1", ":", "::-1", "::2", f"{size - 1}", "1:", ":-1", "1::2", "::-2", "-2:", "0:1"]
    usable = [text for text in options if np.size(np.arange(size)[eval(f"np.s_[{text}]", {"np": np})])]
    return choices.pick(usable)


@operation
def chosen(choices: Choices, pick: Pick) -> Term | None:
    """Entries at positions given by data."""
    k = pick(lambda value: value.dtype.kind == "i", whole=True)
    x = k and pick(lambda value: value.ndim > 0 and value.shape[0] > 2)
    if x is None or k is None:
        return None
    if choices.chance(0.5):
        return Term(f"gather({x.text}, {k.text})", np.take(x.value, k.value, axis=0)) if len(k.shape) == 1 else None
    return Term(f"{x.closed}[{k.text}]", x.value[k.value])


@operation
def joined(choices: Choices, pick: Pick) -> Term | None:
    """Terms laid one after another, along an axis that is there or a new one; one term may come twice."""
    x = pick()
    if x is None:
        return None
    others = [pick(lambda value: value.shape == x.shape) for _ in range(choices.pick([1, 1, 2]))]
    terms = [x, *(term for term in others if term)]
    texts = ", ".join(term.text for term in terms)
    if x.shape and choices.chance(0.5):
        axis = choices.pick(range(len(x.shape)))
        return Term(f"concat({texts}, axis={axis})", np.concatenate([term.value for term in terms], axis=axis))
    axis = choices.pick(range(len(x.shape) + 1))
    return Term(f"stack({texts}, axis={axis})", np.stack([term.value for term in terms], axis=axis))


@operation
def padded(choices: Choices, pick: Pick) -> Term | None:
    """Zeros around the entries of some axes."""
    x = pick(lambda value: value.ndim > 0)
    if x is None:
        return None
    low, high = choices.pick([(1, 0), (0, 1), (1, 1), (2, 1)])
    axis = choices.pick(range(len(x.shape)))
    widths = [(low, high) if index == axis else (0, 0) for index in range(len(x.shape))]
    return Term(f"pad({x.text}, ({low}, {high}), axis={axis})", np.pad(x.value, widths))


@operation
def convolution(choices: Choices, pick: Pick) -> Term | None:
    """A convolution of an image with one channel, by a filter that is another term."""
    image = pick(lambda value: value.ndim == 2 and min(value.shape) > 1)
    kernel = image and pick(
        lambda value: value.ndim == 2 and value.shape[0] <= image.shape[0] and value.shape[1] <= image.shape[1]
    )
    if image is None or kernel is None:
        return None
    padding = choices.pick([0, 0, 1])
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image.value, padding), kernel.shape)
    options = f", padding={padding}" if padding else ""
    value = np.einsum("rcij,ij->rc", windows, kernel.value)
    return Term(f"conv2d({image.text}, {kernel.text}{options})", value)


@operation
def pooled(choices: Choices, pick: Pick) -> Term | None:
    """The largest entries or the means of windows along the last axis, which may overlap."""
    x = pick(lambda value: value.ndim == 2 and value.shape[1] > 1)
    if x is None:
        return None
    stride = choices.pick([1, 2])
    windows = np.lib.stride_tricks.sliding_window_view(x.value, 2, axis=1)[:, ::stride]
    if choices.chance(0.5):
        return Term(f"max_pool1d({x.text}, 2, stride={stride})", windows.max(axis=-1))
    return Term(f"avg_pool1d({x.text}, 2, stride={stride})", windows.mean(axis=-1))


@operation
def recurrent(choices: Choices, pick: Pick) -> Term | None:
    """A recurrent layer, whose two weights may be one and the same."""
    x = pick(lambda value: value.ndim == 2)
    weight = x and pick(lambda value: value.ndim == 2 and value.shape[1] == x.shape[1], make=(2, x.shape[1]))
    if x is None or weight is None:
        return None
    width = weight.shape[0]
    hidden = pick(lambda value: value.shape == (width, width), make=(width, width))
    bias = pick(lambda value: value.shape == (width,), make=(width,))
    if hidden is None or bias is None:
        return None
    state, states = np.zeros(width), []
    for row in x.value:
        state = np.tanh(weight.value @ row + hidden.value @ state + bias.value)
        states.append(state)
    texts = ", ".join(term.text for term in (x, weight, hidden, bias))
    if choices.chance(0.3):
        return Term(f"rnn({texts}, last=True)", states[-1])
    return Term(f"rnn({texts})", np.stack(states))


@operation
def attended(choices: Choices, pick: Pick) -> Term | None:
    """Attention, with or without a causal mask; queries, keys and values may be the same."""
    q = pick(lambda value: value.ndim == 2)
    k = q and pick(lambda value: value.ndim == 2 and value.shape[1] == q.shape[1])
    v = k and pick(lambda value: value.ndim == 2 and value.shape[0] == k.shape[0])
    if q is None or k is None or v is None:
        return None
    scores = q.value @ k.value.T / math.sqrt(q.shape[1])
    causal = q.shape[0] == k.shape[0] and choices.chance(0.4)
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape)) > 0, scores, -np.inf)
    option = ", causal=True" if causal else ""
    return Term(f"attention({q.text}, {k.text}, {v.text}{option})", softmax(scores) @ v.value)


@operation
def gated(choices: Choices, pick: Pick) -> Term | None:
    """A recurrent layer with gates, of one entry or two, which may read every step or give the last."""
    x = pick(lambda value: value.ndim == 2)
    if x is None:
        return None
    kind, gates, compute = choices.pick([("gru", 3, _gru), ("lstm", 4, _lstm)])
    weight = pick(
        lambda value: value.ndim == 2 and value.shape[1] == x.shape[1] and value.shape[0] % gates == 0,
        make=(gates, x.shape[1]),
    )
    if weight is None:
        return None
    rows, width = weight.shape[0], weight.shape[0] // gates
    hidden = pick(lambda value: value.shape == (rows, width), make=(rows, width))
    bias = pick(lambda value: value.shape == (rows,), make=(rows,))
    second = pick(lambda value: value.shape == (rows,), make=(rows,)) if kind == "gru" else bias
    if hidden is None or bias is None or second is None:
        return None
    operands = [x, weight, hidden, bias, *([second] if kind == "gru" else [])]
    states = compute(*(term.value for term in operands))
    texts = ", ".join(term.text for term in operands)
    return Term(f"{kind}({texts})", states)


def _gru(x: Array, weight: Array, hidden: Array, bias: Array, second: Array) -> Array:
    state, states = np.zeros(len(bias) // 3), []
    for row in x:
        from_input, from_state = np.split(weight @ row + bias, 3), np.split(hidden @ state + second, 3)
        r, z = (_sigmoid(from_input[gate] + from_state[gate]) for gate in (0, 1))
        state = (1 - z) * np.tanh(from_input[2] + r * from_state[2]) + z * state
        states.append(state)
    return np.stack(states)


def _lstm(x: Array, weight: Array, hidden: Array, bias: Array) -> Array:
    state = memory = np.zeros(len(bias) // 4)
    states = []
    for row in x:
        i, f, g, o = np.split(weight @ row + hidden @ state + bias, 4)
        memory = _sigmoid(f) * memory + _sigmoid(i) * np.tanh(g)
        state = _sigmoid(o) * np.tanh(memory)
        states.append(state)
    return np.stack(states)


@operation
def objective(choices: Choices, pick: Pick) -> Term | None:
    """A loss of two terms of one shape, or of logits and a class."""
    o = pick(lambda value: value.ndim == 1 and len(value) > 2)
    k = pick(whole=True)
    if o is not None and k is not None and not k.shape and choices.chance(0.7):
        return Term(f"cross_entropy({o.text}, {k.text})", -np.log(softmax(o.value))[k.value])
    left = pick()
    right = left and pick(lambda value: value.shape == left.shape)
    if left is None or right is None:
        return None
    name, compute = choices.pick(
        [
            ("mse", lambda a, b: np.mean((a - b) ** 2)),
            ("mae", lambda a, b: np.mean(np.abs(a - b))),
            ("bce_with_logits", lambda a, b: np.mean(np.log1p(np.exp(a)) - a * b)),
            ("log_cosh", lambda a, b: np.mean(np.log(np.cosh(a - b)))),
        ]
    )
    return Term(f"{name}({left.text}, {right.text})", compute(left.value, right.value))


@operation
def spread(choices: Choices, pick: Pick) -> Term | None:
    """Entries repeated, or images enlarged by a transposed convolution."""
    x = pick(lambda value: value.ndim == 2)
    if x is None:
        return None
    if choices.chance(0.5):
        return Term(f"upsample({x.text}, (2, 1))", np.repeat(x.value, 2, axis=0))
    kernel = pick(lambda value: value.ndim == 2, make=(2, 2))
    if kernel is None:
        return None
    stride = choices.pick([1, 2])
    (rows, columns), (high, wide) = x.shape, kernel.shape
    value = np.zeros((1, (rows - 1) * stride + high, (columns - 1) * stride + wide))
    for r, c in np.ndindex(rows, columns):
        value[0, r * stride : r * stride + high, c * stride : c * stride + wide] += x.value[r, c] * kernel.value
    shapes = f"reshape({x.text}, 1, {rows}, {columns}), reshape({kernel.text}, 1, 1, {high}, {wide})"
    return Term(f"conv_transpose2d({shapes}, stride={stride})", value)


@operation
def diagonal_block(choices: Choices, pick: Pick) -> Term | None:
    """A stack of matrices times another: products over an axis in the middle."""
    left = pick(lambda value: value.ndim == 3)
    right = left and pick(lambda value: value.ndim == 2 and _multiplies(left.value, value))
    if left is None or right is None:
        return None
    product = Term(f"({left.closed} @ {right.closed})", left.value @ right.value)
    return _reduced(choices, product) if choices.chance(0.5) else product


def _broadcasts(first: Array, second: Array) -> bool:
    try:
        shape = np.broadcast_shapes(np.shape(first), np.shape(second))
    except ValueError:
        return False
    return math.prod(shape) <= MOST_ENTRIES


def _multiplies(left: Array, right: Array) -> bool:
    try:
        return np.size(np.matmul(left, right)) <= MOST_ENTRIES
    except ValueError:
        return False


def _factorings(size: int) -> Sequence[tuple[int, ...]]:
    """Shapes of up to three axes with so many entries."""
    pairs = [(a, size // a) for a in range(1, size + 1) if size % a == 0]
    triples = [(a, b, rest // b) for a, rest in pairs for b in range(1, rest + 1) if rest % b == 0]
    return [(size,), *pairs, *triples]
