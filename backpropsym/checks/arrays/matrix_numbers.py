"""Equations in matrix notation in numbers, by the plain meaning of their signs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backpropsym.checks.number_systems import Array
from backpropsym.derive.matrix import MatrixEquation
from backpropsym.formula.tree import Call, Expr, MatMul, Name, Number, Text, children, rebuild
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
        """
        self._shape = self.values[equation.node].shape
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(self._at(equation.right))
        except Unwritten as reason:
            self.unwritten[equation.symbol] = str(reason)
            raise
        self.symbols[equation.symbol] = np.broadcast_to(found, self._shape) if found.ndim == 0 else found
        return np.asarray(self.symbols[equation.symbol])

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
            case Call("sum", (operand,), options):
                return self._sum(operand, dict(options))
            case Call("sum_to", (operand, like)):
                return _summed_to(self._at(operand), np.shape(self._at(like)))
            case Call(function, (operand,)) if function in _OF_VECTORS:
                return _OF_VECTORS[function](self._vector(operand, function))
            case Call("onehot", (chosen,)) if len(self._shape) == 1:
                return (np.arange(self._shape[0]) == self._at(chosen)).astype(float)
            case Call("ones", (operand,)):
                return np.ones_like(self._at(operand), dtype=float)
            case Call("size", (operand,)):
                return float(np.size(self._at(operand)))
            case Call("reshape_like", (operand, like)):
                return self._at(operand).reshape(np.shape(self._at(like)))
            case Call(function) if function not in self.graph.functions:
                raise Unwritten(function)
            case _:
                return None

    def _named(self, name: str) -> Any:
        if name in self.symbols:
            return self.symbols[name]
        if name in self.values:
            return self.values[name]
        raise Unwritten(self.unwritten.get(name, name))

    def _vector(self, operand: Expr, function: str) -> Any:
        """A vector: of an array with more axes the text does not say which one is meant."""
        value = np.asarray(self._at(operand))
        if value.ndim != 1:
            raise Unwritten(function)
        return value

    def _einsum(self, subscripts: str, operands: list[Expr]) -> Any:
        """A sum of products; a letter of the result that no operand has is an axis of equal entries."""
        inputs, output = subscripts.split("->")
        arrays = [self._at(each) for each in operands]
        if not set(output) <= set(inputs):
            raise Unwritten("einsum")
        return np.einsum(subscripts, *arrays)

    def _sum(self, operand: Expr, options: dict[str, Expr]) -> Any:
        value = self._at(operand)
        axis = options.get("axis")
        return np.sum(value, axis=None if axis is None else _axis(axis))


def _axis(expr: Expr) -> int:
    assert isinstance(expr, Number)
    return int(expr.value)


def _summed_to(value: Any, shape: tuple[int, ...]) -> Any:
    """`value` summed over the axes that broadcasting gave to `shape`."""
    extra = value.ndim - len(shape)
    value = value.sum(axis=tuple(range(extra)))
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1 != value.shape[axis])
    return value.sum(axis=ones, keepdims=True)


def _logsumexp(value: Array) -> Any:
    return np.logaddexp.reduce(value)


def _extreme(position: Any, count: int) -> Array:
    return np.where(np.arange(count) == position, 1.0, 0.0)


_OF_VECTORS: dict[str, Callable[[Array], Any]] = {
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "logsumexp": _logsumexp,
    "softmax": lambda value: np.exp(value - _logsumexp(value)),
    "argmax": lambda value: _extreme(np.argmax(value), len(value)),
    "argmin": lambda value: _extreme(np.argmin(value), len(value)),
}
