"""The layers of architecture strings: each declares its parameters and adds its nodes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backpropsym.errors import did_you_mean
from backpropsym.formula.names import name_problem
from backpropsym.formula.tree import Add, Call, Expr, MatMul, Name
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.ops.sizes import Dimension, read_size, size_product

if TYPE_CHECKING:
    from backpropsym.spec.architecture import Architecture

_POOLS = ("max_pool", "avg_pool")
_STATISTICS = ("mean", "var")


@dataclass(frozen=True, slots=True)
class Applied:
    """A name with arguments that stands as an argument, such as leaky_relu(slope=0.1)."""

    name: str
    arguments: tuple[Argument, ...]
    options: tuple[tuple[str, Argument], ...]

    def __str__(self) -> str:
        return call_text(self.name, self.arguments, dict(self.options))


Argument = int | float | str | bool | Applied | tuple["Argument", ...]


@dataclass
class Layer:
    """One layer as it is written; `options` lose those that are read."""

    name: str
    arguments: list[Argument]
    options: dict[str, Argument]
    node: ast.expr


Maker = Callable[["Architecture", Layer], None]
LAYERS: dict[str, Maker] = {}


def layer_maker(name: str) -> Maker | None:
    """What makes the layer `name`; None where there is no such layer."""
    if name in LAYERS:
        return LAYERS[name]
    if is_registered(name, "layer") or is_activation(name):
        return _plain
    return None


def registered(fact: str) -> list[str]:
    """The ops over axes of which something is said: that they are a `layer`, `follows` one, or have a `target`."""
    return [name for name in COMPOSITIONS if is_registered(name, fact)]


def is_registered(name: str, fact: str) -> bool:
    """Whether a name is one of `registered(fact)`."""
    return name in COMPOSITIONS and bool(getattr(COMPOSITIONS[name], fact))


def layer_names() -> Iterator[str]:
    """Every layer but residual and the losses."""
    yield from (*LAYERS, *registered("layer"))
    yield from filter(is_activation, FUNCTIONS)


def is_activation(name: object) -> bool:
    """Whether a name is a function of one number."""
    return isinstance(name, str) and name in FUNCTIONS and len(FUNCTIONS[name].required) == 1


def call_text(name: str, arguments: Iterable[object], options: Mapping[str, object]) -> str:
    """A call in the formula language."""
    return f"{name}({', '.join([*map(str, arguments), *(f'{key}={value}' for key, value in options.items())])})"


def _layer(*names: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        LAYERS.update(dict.fromkeys(names, maker))
        return maker

    return register


def _plain(build: Architecture, layer: Layer) -> None:
    """An op or a function of the node before it."""
    text = call_text(layer.name, [build.current, *layer.arguments], layer.options)
    build.add(build.unused(layer.name), text, layer.node)


@_layer(*_POOLS)
def _pool(build: Architecture, layer: Layer) -> None:
    """A pool over as many axes as the convolution before it."""
    text = call_text(layer.name + build.space, [build.current, *layer.arguments], layer.options)
    build.add(build.unused(layer.name), text, layer.node)


@_layer("dense")
def _dense(build: Architecture, layer: Layer) -> None:
    """W x + b, then the activation; on the last axis where there are several."""
    units, activation = _heading(build, layer, "dense(units, activation)", 1)
    weight, bias = _owned(build, layer)
    _check_options(build, layer)
    shape = build.shapes[build.current]
    if not shape:
        build.fail("dense needs an input with axes", layer.node, "write x[2] for an input of two numbers")
    build.parameter(weight, (units[0], shape[-1]), layer.node)
    matrix, values = Name(weight), Name(build.current)
    product: Expr = MatMul(matrix, values) if len(shape) == 1 else MatMul(values, Call("transpose", (matrix,)))
    if bias:
        build.parameter(bias, (units[0],), layer.node)
        product = Add((product, Name(bias)))
    build.add(build.unused("s", build.parameters), product, layer.node)
    _activate(build, layer, activation)


@_layer("bilinear")
def _bilinear(build: Architecture, layer: Layer) -> None:
    """x W[o] x + b for each output o: all products of two entries of x."""
    units, activation = _heading(build, layer, "bilinear(units, activation)", 1)
    weight, bias = _owned(build, layer)
    _check_options(build, layer)
    width = build.shapes[build.current][-1:]
    build.parameter(weight, (units[0], *width, *width), layer.node)
    options = {}
    if bias:
        build.parameter(bias, (units[0],), layer.node)
        options["bias"] = bias
    text = call_text("bilinear", [build.current, weight, build.current], options)
    build.add(build.unused("s", build.parameters), text, layer.node)
    _activate(build, layer, activation)


@_layer(*(f"conv{space}d" for space in (1, 2, 3)), *(f"conv_transpose{space}d" for space in (1, 2, 3)))
def _convolution(build: Architecture, layer: Layer) -> None:
    """Filters with their window, then the activation."""
    space = int(layer.name[-2])
    given, layer.arguments = layer.arguments[1:2], [*layer.arguments[:1], *layer.arguments[2:]]
    (filters,), activation = _heading(build, layer, f"{layer.name}(filters, size, activation)", 1)
    window = given[0] if given and isinstance(given[0], tuple) else tuple(given) * space
    if len(window) != space or not all(isinstance(each, int) and each > 0 for each in window):
        usage = f"write {layer.name}(filters, size, activation)"
        build.fail("the arguments do not fit the layer", layer.node, f"{usage}, size a number or a tuple of {space}")
    weight, bias = _owned(build, layer)
    known = COMPOSITIONS[layer.name].signature.options
    _check_options(build, layer, *(known_name for known_name in known if known_name != "bias"))
    shape = build.shapes[build.current]
    channels, groups = shape[0] if len(shape) == space + 1 else 1, layer.options.get("groups", 1)
    if not isinstance(channels, int) or not isinstance(groups, int) or not isinstance(filters, int):
        build.fail(f"{layer.name} needs its channels and groups as whole numbers", layer.node)
    first, second = (channels, filters) if "transpose" in layer.name else (filters, channels)
    sizes = tuple(int(str(each)) for each in window)
    build.parameter(weight, (first, max(second // max(groups, 1), 1), *sizes), layer.node)
    options = dict(layer.options)
    if bias:
        build.parameter(bias, (filters,), layer.node)
        options["bias"] = bias
    build.space = f"{space}d"
    text = call_text(layer.name, [build.current, weight], options)
    build.add(build.unused("s", build.parameters), text, layer.node)
    _activate(build, layer, activation)


@_layer("layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm")
def _norm(build: Architecture, layer: Layer) -> None:
    """Scale Wk, shift bk: of the last axis, or of the channels, the first one.

    batch_norm without an axis reads its running statistics from inputs meank and vark.
    """
    channelled = layer.name in ("group_norm", "instance_norm", "batch_norm")
    if layer.name == "group_norm" and len(layer.arguments) == 1 and "groups" not in layer.options:
        layer.options["groups"] = layer.arguments.pop()
    _heading(build, layer, layer.name, 0)
    weight, bias = _owned(build, layer)
    _check_options(build, layer, *COMPOSITIONS[layer.name].signature.options)
    if bias is None and layer.name == "batch_norm":
        build.fail("batch_norm always has a bias", layer.node, "leave bias=False out, or use another norm")
    shape = build.shapes[build.current]
    width = shape[:1] if channelled else shape[-1:]
    inputs = [build.current]
    if layer.name == "batch_norm" and "axis" in layer.options:
        width = _untouched(build, layer)
    elif layer.name == "batch_norm":
        inputs += [build.extra_input(build.unused(name), width, layer.node) for name in _STATISTICS]
    build.parameter(weight, width, layer.node)
    owned = [weight]
    if bias and layer.name != "rms_norm":
        build.parameter(bias, width, layer.node)
        owned.append(bias)
    build.add(build.unused(layer.name), call_text(layer.name, [*inputs, *owned], layer.options), layer.node)


def _untouched(build: Architecture, layer: Layer) -> tuple[Dimension, ...]:
    """The size of the one axis over which batch_norm does not take its statistics."""
    given, shape = layer.options["axis"], build.shapes[build.current]
    axes = {
        value % max(len(shape), 1)
        for value in (given if isinstance(given, tuple) else (given,))
        if isinstance(value, int)
    }
    left = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    if len(left) != 1:
        fix = "name all axes but that of the channels, as in axis=(0, 2, 3)"
        build.fail(f"batch_norm leaves {len(left)} axes for the channels", layer.node, fix)
    return left


@_layer("prelu")
def _prelu(build: Architecture, layer: Layer) -> None:
    """The slope Wk is one number."""
    _heading(build, layer, "prelu", 0)
    weight, _ = _owned(build, layer)
    _check_options(build, layer)
    build.parameter(weight, (), layer.node)
    build.add(build.unused("prelu"), f"prelu({build.current}, {weight})", layer.node)


@_layer("embedding")
def _embedding(build: Architecture, layer: Layer) -> None:
    """The rows of the table Wk that the input names."""
    sizes, _ = _heading(build, layer, "embedding(rows, width)", 2, activated=False)
    weight, _ = _owned(build, layer)
    _check_options(build, layer)
    build.parameter(weight, (sizes[0], sizes[1]), layer.node)
    build.add(build.unused("embedding"), f"embedding({build.current}, {weight})", layer.node)


@_layer("dropout")
def _dropout(build: Architecture, layer: Layer) -> None:
    """x * mask / (1 - p); the mask of ones and zeros is an input."""
    match layer.arguments:
        case [int() | float() as share] if 0 <= share < 1:
            pass
        case _:
            build.fail("dropout takes the share of entries that it drops", layer.node, "write dropout(0.5)")
    _check_options(build, layer)
    mask = build.extra_input(build.unused("mask"), build.shapes[build.current], layer.node)
    text = f"{build.current}*{mask}/(1 - {share})"
    build.add(build.unused("dropout"), text, layer.node)


@_layer("attention")
def _attention(build: Architecture, layer: Layer) -> None:
    """Attention between the rows of x, without weights."""
    _heads(build, layer)
    _check_options(build, layer, "heads", "causal")
    build.add(build.unused("attention"), call_text("attention", [build.current] * 3, layer.options), layer.node)


@_layer("multi_head_attention")
def _multi_head_attention(build: Architecture, layer: Layer) -> None:
    """Attention between the projected rows of x: weights Wkq, Wkk, Wkv, Wko and their biases."""
    _heads(build, layer)
    weight, bias = _owned(build, layer)
    _check_options(build, layer, "heads", "causal")
    width = build.shapes[build.current][-1:] * 2
    for key in "qkvo":
        build.parameter(f"{weight}{key}", width, layer.node)
        if bias:
            build.parameter(f"{bias}{key}", width[:1], layer.node)
            layer.options[f"b{key}"] = f"{bias}{key}"
    text = call_text(layer.name, [build.current, *(f"{weight}{key}" for key in "qkvo")], layer.options)
    build.add(build.unused("attention"), text, layer.node)


def _heads(build: Architecture, layer: Layer) -> None:
    """The number of heads, as the argument or as an option."""
    if len(layer.arguments) == 1 and "heads" not in layer.options:
        layer.options["heads"] = layer.arguments.pop()
    heads = layer.options.get("heads", 1)
    if layer.arguments or isinstance(heads, bool) or not isinstance(heads, int) or heads < 1:
        build.fail(f"{layer.name} takes its number of heads", layer.node, f"write {layer.name}(2, causal=True)")


@_layer("rnn", "gru", "lstm")
def _recurrent(build: Architecture, layer: Layer) -> None:
    """A recurrent layer over the rows of x: weights Wk, Uk, biases bk and, for gru, ck."""
    gates, biases = {"rnn": (1, "b"), "gru": (3, "bc"), "lstm": (4, "b")}[layer.name]
    usage = f"{layer.name}(units)" if gates > 1 else "rnn(units, activation)"
    (units,), activation = _heading(build, layer, usage, 1, activated=gates == 1)
    weight, _ = _owned(build, layer)
    _check_options(build, layer, "last")
    shape = build.shapes[build.current]
    if len(shape) != 2:
        build.fail(f"{layer.name} needs rows, found {len(shape)} axes", layer.node, "write x[steps, width]")
    tall, number = size_product([gates, units]), build.parameters
    owned = [weight, f"U{number}", *(f"{name}{number}" for name in biases)]
    shapes = [(tall, shape[1]), (tall, units), *[(tall,)] * len(biases)]
    for name, each in zip(owned, shapes, strict=True):
        build.parameter(name, each, layer.node)
    if activation:
        layer.options["activation"] = f'"{activation}"'
    text = call_text(layer.name, [build.current, *owned], layer.options)
    build.add(build.unused(layer.name), text, layer.node)


def _heading(
    build: Architecture, layer: Layer, usage: str, sizes: int, activated: bool = True
) -> tuple[list[Dimension], Applied | str | None]:
    """The leading sizes of a layer, and the activation that may follow them."""
    head, rest = layer.arguments[:sizes], layer.arguments[sizes:]
    found = [size for size in map(_size, head) if size is not None]
    if len(found) < sizes or len(rest) > (activated and sizes > 0):
        build.fail("the arguments do not fit the layer", layer.node, f"write {usage}")
    if any(isinstance(each, int) and each < 1 for each in found):
        build.fail("a size is positive", layer.node, f"write {usage}")
    activation = rest[0] if rest else None
    if activation is None:
        return found, None
    name = activation.name if isinstance(activation, Applied) else activation
    if not is_activation(name) and not is_registered(str(name), "follows"):
        known = [*filter(is_activation, FUNCTIONS), *registered("follows")]
        fix = did_you_mean(str(name), known, "name an activation")
        build.fail(f"{name} is not an activation", layer.node, fix)
    return found, activation if isinstance(activation, Applied) else str(activation)


def _size(argument: Argument) -> Dimension | None:
    """An argument as a size; None where it is none."""
    if isinstance(argument, int) and not isinstance(argument, bool):
        return argument
    return read_size(argument) if isinstance(argument, str) else None


def _owned(build: Architecture, layer: Layer) -> tuple[str, str | None]:
    """The names of a layer's weight and bias; no name for bias=False."""
    build.parameters += 1
    weight, bias = str(layer.options.pop("weight", f"W{build.parameters}")), layer.options.pop("bias", True)
    if not isinstance(bias, bool | str):
        build.fail("bias is True, False or a name", layer.node)
    shift = bias if isinstance(bias, str) else f"b{build.parameters}"
    for name, what in ((weight, "weight"), (shift, "bias")):
        problem = name_problem(name, what)
        if problem:
            build.fail(problem.message, layer.node, problem.fix)
    return weight, shift if bias else None


def _check_options(build: Architecture, layer: Layer, *known: str) -> None:
    """Refuse an option that the layer has not got."""
    for key in layer.options:
        if key not in known:
            fix = did_you_mean(key, (*known, "weight", "bias", "name"), "leave it out")
            build.fail(f"{layer.name} has no option {key}", layer.node, fix)


def _activate(build: Architecture, layer: Layer, activation: Applied | str | None) -> None:
    """The activation after a layer, as a node of its own."""
    formula: str | Expr
    match activation:
        case Applied(name, arguments, options):
            formula = call_text(name, [build.current, *arguments], dict(options))
        case str():
            formula = Call(activation, (Name(build.current),))
        case _:
            return
    build.add(build.unused("z", build.parameters), formula, layer.node)
