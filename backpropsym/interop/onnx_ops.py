"""What each operator of ONNX is in the formula language, for one object: without the axis of the batch.

Operators as in https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backpropsym.arrays import Array
from backpropsym.errors import NetworkError

Sizes = tuple[int, ...]


class Operands(Protocol):
    """What a rule may ask about the operands of an operator."""

    def shape(self, name: str) -> Sizes:
        """The shape of a value for one object."""

    def constant(self, name: str) -> Array:
        """The array that a constant value is.

        Raises
        ------
        NetworkError : it is computed.
        """


@dataclass(frozen=True)
class Operator:
    """One operator with its operands.

    Attributes
    ----------
    kind : the name of the operator.
    inputs : the names of its operands in the model; "" for one left out.
    texts : the same as they stand in formulas.
    options : its attributes.
    output : the shape of its result for one object.
    """

    kind: str
    inputs: tuple[str, ...]
    texts: tuple[str, ...]
    options: Mapping[str, Any]
    output: Sizes
    operands: Operands

    def refuse(self, what: str) -> NetworkError:
        """An error: this operator has `what`."""
        return NetworkError(f"{self.kind} with {what} cannot be imported", fix="export the model without it")

    def axis(self, axis: int) -> int:
        """An axis of the model, counted as one of an object."""
        if axis == 0:
            raise self.refuse("an axis that mixes objects")
        return axis - 1 if axis > 0 else axis


def _call(function: str) -> Callable[[Operator], str]:
    return lambda operator: f"{function}({operator.texts[0]})"


def _infix(symbol: str) -> Callable[[Operator], str]:
    return lambda operator: f"{operator.texts[0]} {symbol} {operator.texts[1]}"


def _gemm(operator: Operator) -> str:
    if operator.options.get("transA"):
        raise operator.refuse("transA")
    x, weight = operator.texts[:2]
    product = f"{weight} @ {x}" if operator.options.get("transB") else f"{x} @ {weight}"
    text = _times(operator.options.get("alpha", 1.0), product)
    if len(operator.texts) > 2 and operator.texts[2]:
        text += f" + {_times(operator.options.get('beta', 1.0), operator.texts[2])}"
    return text


def _times(factor: float, text: str) -> str:
    return text if factor == 1.0 else f"{factor:g}*({text})"


def _sloped(function: str, slope: float) -> Callable[[Operator], str]:
    """A function with a number alpha; `slope` where the model has none."""
    return lambda operator: f"{function}({operator.texts[0]}, {operator.options.get('alpha', slope):.9g})"


def _prelu(operator: Operator) -> str:
    return f"prelu({operator.texts[0]}, {operator.texts[1]})"


def _gelu(operator: Operator) -> str:
    if operator.options.get("approximate", b"none") not in (b"none", "none"):
        raise operator.refuse("the approximation by tanh")
    return f"gelu({operator.texts[0]})"


def _clip(operator: Operator) -> str:
    low, high = (*operator.texts[1:], "", "")[:2]
    if low and high:
        return f"clip({operator.texts[0]}, {low}, {high})"
    if low or high:
        return f"max({operator.texts[0]}, {low})" if low else f"min({operator.texts[0]}, {high})"
    return operator.texts[0]


def _last_axis(function: str) -> Callable[[Operator], str]:
    def rule(operator: Operator) -> str:
        rank = len(operator.output)
        if operator.axis(operator.options.get("axis", -1)) not in (-1, rank - 1):
            raise operator.refuse("another axis than the last")
        return f"{function}({operator.texts[0]})"

    return rule


def _flatten(operator: Operator) -> str:
    if operator.options.get("axis", 1) != 1:
        raise operator.refuse("another axis than 1")
    return f"flatten({operator.texts[0]})"


def _reshaped(operator: Operator) -> str:
    """Anything that gives the same entries other axes: its own shape says which."""
    if math.prod(operator.output) != math.prod(operator.operands.shape(operator.inputs[0])):
        raise operator.refuse("a shape that mixes objects")
    if len(operator.output) == 1:
        return f"flatten({operator.texts[0]})"
    return f"reshape({operator.texts[0]}, {', '.join(map(str, operator.output))})"


def _transpose(operator: Operator) -> str:
    order = operator.options.get("perm")
    if order is None or order[0] != 0:
        raise operator.refuse("an order that moves the axis of the batch")
    return f"transpose({operator.texts[0]}, axes={_tuple([axis - 1 for axis in order[1:]])})"


def _conv(operator: Operator) -> str:
    kernel = operator.operands.shape(operator.inputs[1])
    rank = len(kernel) - 2
    if rank not in (1, 2, 3):
        raise operator.refuse(f"{rank} axes of space")
    image, options = _padded(operator, rank)
    named = {"stride": operator.options.get("strides"), "dilation": operator.options.get("dilations")}
    options += [f"{name}={_one(sizes)}" for name, sizes in named.items() if sizes and set(sizes) != {1}]
    if operator.options.get("group", 1) != 1:
        options.append(f"groups={operator.options['group']}")
    if len(operator.texts) > 2 and operator.texts[2]:
        options.append(f"bias={operator.texts[2]}")
    return f"conv{rank}d({', '.join([image, operator.texts[1], *options])})"


def _padded(operator: Operator, rank: int) -> tuple[str, list[str]]:
    """The image, with zeros around where the sides differ, and the option for padding where they do not."""
    if operator.options.get("auto_pad", b"NOTSET") not in (b"NOTSET", "NOTSET", b"VALID", "VALID"):
        raise operator.refuse("auto_pad")
    pads = list(operator.options.get("pads") or [0] * 2 * rank)
    low, high = pads[:rank], pads[rank:]
    if low == high:
        return operator.texts[0], [f"padding={_one(low)}"] if any(low) else []
    if operator.kind != "Conv":
        raise operator.refuse("paddings that differ from side to side")
    widths = ", ".join(f"({before}, {after})" for before, after in zip(low, high, strict=True))
    axes = _tuple(range(1, rank + 1))
    return f"pad({operator.texts[0]}, ({widths},), axis={axes})", []


def _pool(function: str) -> Callable[[Operator], str]:
    def rule(operator: Operator) -> str:
        sizes = operator.options["kernel_shape"]
        if operator.options.get("ceil_mode"):
            raise operator.refuse("ceil_mode")
        image, options = _padded(operator, len(sizes))
        if options and function == "avg_pool" and not operator.options.get("count_include_pad"):
            raise operator.refuse("padding that is not counted")
        strides = operator.options.get("strides") or [1] * len(sizes)
        if list(strides) != list(sizes):
            options.append(f"stride={_one(strides)}")
        dilations = operator.options.get("dilations")
        if dilations and set(dilations) != {1}:
            options.append(f"dilation={_one(dilations)}")
        return f"{function}({', '.join([image, _one(sizes), *options])})"

    return rule


def _global_pool(function: str) -> Callable[[Operator], str]:
    return lambda operator: f"reshape({function}({operator.texts[0]}), {', '.join(map(str, operator.output))})"


def _batch_norm(operator: Operator) -> str:
    if operator.options.get("training_mode"):
        raise operator.refuse("training_mode")
    x, scale, shift, mean, variance = operator.texts
    return f"batch_norm({x}, {mean}, {variance}, {scale}, {shift}, eps={operator.options.get('epsilon', 1e-5):.6g})"


def _layer_norm(operator: Operator) -> str:
    rank = len(operator.output)
    if operator.axis(operator.options.get("axis", -1)) not in (-1, rank - 1):
        raise operator.refuse("more axes than the last")
    return f"layer_norm({', '.join(operator.texts)}, eps={operator.options.get('epsilon', 1e-5):.6g})"


def _concat(operator: Operator) -> str:
    return f"concat({', '.join(operator.texts)}, axis={operator.axis(operator.options['axis'])})"


def _reduce(function: str) -> Callable[[Operator], str]:
    def rule(operator: Operator) -> str:
        axes = operator.options.get("axes")
        if axes is None and len(operator.inputs) > 1 and operator.inputs[1]:
            axes = operator.operands.constant(operator.inputs[1]).tolist()
        if axes is None:
            raise operator.refuse("no axes, which mixes objects")
        text = f"{function}({operator.texts[0]}, axis={_tuple([operator.axis(axis) for axis in axes])})"
        if not operator.options.get("keepdims", 1) or not operator.output:
            return text
        return f"reshape({text}, {', '.join(map(str, operator.output))})"

    return rule


def _power(operator: Operator) -> str:
    return f"{operator.texts[0]}**{operator.texts[1]}"


def _same(operator: Operator) -> str:
    return operator.texts[0]


def _one(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else _tuple(sizes)


def _tuple(numbers: Sequence[int]) -> str:
    return f"({', '.join(map(str, numbers))}{',' if len(numbers) == 1 else ''})"


_UNARY = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Abs": "abs",
    "Softplus": "softplus",
    "Selu": "selu",
    "Erf": "erf",
    "Sin": "sin",
    "Cos": "cos",
    "Mish": "mish",
}
SAME = ("Identity", "Dropout", "Cast")
RULES: dict[str, Callable[[Operator], str]] = {
    **{kind: _call(function) for kind, function in _UNARY.items()},
    **dict.fromkeys(SAME, _same),
    "Neg": lambda operator: f"-{operator.texts[0]}",
    "Reciprocal": lambda operator: f"1/{operator.texts[0]}",
    "Add": _infix("+"),
    "Sub": _infix("-"),
    "Mul": _infix("*"),
    "Div": _infix("/"),
    "MatMul": _infix("@"),
    "Pow": _power,
    "Gemm": _gemm,
    "LeakyRelu": _sloped("leaky_relu", 0.01),
    "PRelu": _prelu,
    "Elu": _sloped("elu", 1.0),
    "Celu": _sloped("celu", 1.0),
    "Gelu": _gelu,
    "Clip": _clip,
    "Softmax": _last_axis("softmax"),
    "LogSoftmax": _last_axis("log_softmax"),
    "Flatten": _flatten,
    "Reshape": _reshaped,
    "Squeeze": _reshaped,
    "Unsqueeze": _reshaped,
    "Transpose": _transpose,
    "Conv": _conv,
    "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("avg_pool"),
    "GlobalAveragePool": _global_pool("global_avg_pool"),
    "GlobalMaxPool": _global_pool("global_max_pool"),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Concat": _concat,
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "ReduceMax": _reduce("max"),
}
