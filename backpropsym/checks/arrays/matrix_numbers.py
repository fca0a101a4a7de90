"""Equations in matrix notation in numbers, by the plain meaning of their signs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backpropsym.checks.number_systems import Array
from backpropsym.derive.matrix import MatrixEquation
from backpropsym.errors import ShapeError
from backpropsym.formula.tree import Call, Expr, Index, MatMul, Name, Number, Slice, Text, Tuple, children, rebuild
from backpropsym.graph import Graph
from backpropsym.ops.arithmetic import evaluate


class Unwritten(Exception):  # noqa: N818
    """A sign that stands for a move of entries which the text does not spell out."""


class MatrixNumbers:
    """The adjoints of an equation after another; each may use those before it.

    Parameters
    ----------
    values : the array of each node.
    """

    def __init__(self, graph: Graph, values: Mapping[str, Any]) -> None:
        self.graph = graph
        self.values = {name: np.asarray(value) for name, value in values.items()}
        self.symbols: dict[str, Any] = {}
        self.unwritten: dict[str, str] = {}
        self._shape: tuple[int, ...] = ()

    def take(self, equation: MatrixEquation) -> Array:
        """The value of one equation's right side, in the shape of its node; it is kept under its symbol.

        Raises
        ------
        Unwritten : the right side has a sign without a value of its own, or uses an equation that has.
        ShapeError : the value has another shape than its node.
        """
        self._shape = self.values[equation.node].shape
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(self._at(equation.right))
        except Unwritten as reason:
            self.unwritten[equation.symbol] = str(reason)
            raise
        try:
            found = np.broadcast_to(found, self._shape)
        except ValueError as error:
            raise ShapeError(f"{equation.symbol} has the shape {found.shape}, and not {self._shape}") from error
        self.symbols[equation.symbol] = found
        return found

    def _at(self, expr: Expr) -> Any:
        known: dict[str, Any] = {}
        return evaluate(self._plain(expr, known), known, self.graph.functions)

    def _plain(self, expr: Expr, known: dict[str, Any]) -> Expr:
        """`expr` with everything that is not entrywise arithmetic replaced by a name."""
        found = self._special(expr)
        if found is None:
            parts = children(expr)
            return rebuild(expr, tuple(self._plain(part, known) for part in parts)) if parts else expr
        name = f"#{len(known)}"
        known[name] = found
        return Name(name)

    def _special(self, expr: Expr) -> Any:
        match expr:
            case Name(name):
                return self._named(name)
            case Index(base, subscripts):
                return self._at(base)[tuple(map(self._subscript, subscripts))]
            case MatMul(left, right):
                return self._at(left) @ self._at(right)
            case Call("transpose", (operand,)):
                return self._at(operand).T
            case Call("outer", (left, right)):
                return np.multiply.outer(self._at(left), self._at(right))
            case Call("entrywise", (left, right)):
                return self._at(left) * self._at(right)
            case Call("einsum", (Text(subscripts), *operands)):
                return self._einsum(subscripts, operands)
            case Call("expand_dims", (operand,), options):
                return np.expand_dims(self._at(operand), _whole_numbers(dict(options)["axis"]))
            case Call(function, (operand,), options) if function in _REDUCTIONS:
                return self._reduced(function, operand, dict(options))
            case Call("onehot", (chosen,)) if len(self._shape) == 1:
                return (np.arange(self._shape[0]) == self._at(chosen)).astype(float)
            case Call("ones", (operand,)):
                return np.ones_like(self._at(operand), dtype=float)
            case Call("size", (operand,)):
                return float(np.size(self._at(operand)))
            case Call("flatten", (operand,)):
                return np.ravel(self._at(operand))
            case Call("reshape", (operand, *sizes)):
                return np.reshape(self._at(operand), [int(self._at(size)) for size in sizes])
            case Call("reshape_like", (operand, like)):
                return self._at(operand).reshape(np.shape(self._at(like)))
            case Call(function) if function not in self.graph.functions:
                raise Unwritten(function)
            case _:
                return None

    def _subscript(self, expr: Expr) -> Any:
        return slice(expr.start, expr.stop, expr.step) if isinstance(expr, Slice) else int(self._at(expr))

    def _named(self, name: str) -> Any:
        if name in self.symbols:
            return self.symbols[name]
        if name in self.values:
            return self.values[name]
        raise Unwritten(self.unwritten.get(name, name))

    def _reduced(self, function: str, operand: Expr, options: dict[str, Expr]) -> Any:
        """A function over the axes that the text names, else over all; softmax over the last."""
        value = np.asarray(self._at(operand))
        if "axis" in options:
            axes = _whole_numbers(options["axis"])
        elif function == "softmax":
            axes = (value.ndim - 1,)
        else:
            axes = tuple(range(value.ndim))
        found = _REDUCTIONS[function](value, axes)
        return found if "keepdims" in options or found.shape == value.shape else np.squeeze(found, axis=axes)

    def _einsum(self, subscripts: str, operands: list[Expr]) -> Any:
        """A sum of products; a letter of the result that no operand has is an axis of equal entries."""
        inputs, output = subscripts.split("->")
        arrays = [self._at(each) for each in operands]
        if not set(output) <= set(inputs):
            raise Unwritten("einsum")
        return np.einsum(subscripts, *arrays)


def _whole_numbers(expr: Expr) -> tuple[int, ...]:
    return tuple(map(_whole_number, expr.parts)) if isinstance(expr, Tuple) else (_whole_number(expr),)


def _whole_number(expr: Expr) -> int:
    assert isinstance(expr, Number)
    return int(expr.value)


def _logsumexp(value: Array, axes: tuple[int, ...]) -> Array:
    top = np.max(value, axis=axes, keepdims=True)
    return np.asarray(top + np.log(np.sum(np.exp(value - top), axis=axes, keepdims=True)))


def _kept(function: Callable[..., Any]) -> Callable[[Array, tuple[int, ...]], Array]:
    return lambda value, axes: np.asarray(function(value, axis=axes, keepdims=True))


def _first(position: Callable[..., Any]) -> Callable[[Array, tuple[int, ...]], Array]:
    """1 at the first extreme entry over the axes, else 0."""

    def marked(value: Array, axes: tuple[int, ...]) -> Array:
        last = tuple(range(-len(axes), 0))
        moved = np.moveaxis(value, axes, last)
        rows = moved.reshape((*moved.shape[: -len(axes)], -1)) if axes else moved[..., None]
        marks = np.arange(rows.shape[-1]) == position(rows, axis=-1)[..., None]
        return np.moveaxis(marks.reshape(moved.shape).astype(float), last, axes)

    return marked


_REDUCTIONS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {
    "sum": _kept(np.sum),
    "mean": _kept(np.mean),
    "var": _kept(np.var),
    "max": _kept(np.max),
    "min": _kept(np.min),
    "logsumexp": _logsumexp,
    "softmax": lambda value, axes: np.asarray(np.exp(value - _logsumexp(value, axes))),
    "argmax": _first(np.argmax),
    "argmin": _first(np.argmin),
}
