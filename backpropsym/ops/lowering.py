"""From a formula over tensors to nodes of the four kinds.

What is elementwise is gathered into one formula as large as possible; every other operation becomes a node, an
anonymous one where it stands inside a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backpropsym.formula.parse import Signature
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Index,
    Limits,
    MatMul,
    Mul,
    Name,
    Neg,
    Number,
    Pow,
    children,
    names,
    number,
    rebuild,
)
from backpropsym.ops.kinds import Contraction, Elementwise, Op, Reduction, Shape, View, ravel, unravel
from backpropsym.ops.shapes import axes_of, broadcast, matmul, refuse, shape_text
from backpropsym.ops.table import FunctionTable

ANONYMOUS = "_"


@dataclass(frozen=True, slots=True)
class Value:
    """An elementwise formula over nodes, and the shape of what it computes."""

    expr: Expr
    shape: Shape


@dataclass(frozen=True, slots=True)
class Lowered:
    """A node of one kind, with its shape and its distinct parents."""

    name: str
    op: Op
    shape: Shape
    parents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Composition:
    """An op that is put together from the four kinds.

    `compose` receives the lowering, the values of the arguments and the options, and returns a value.
    """

    name: str
    signature: Signature
    compose: Callable[[Lowering, Call], Value]
    source: str = ""


COMPOSITIONS: dict[str, Composition] = {}


class Lowering:
    """Lowers the formula of one node.

    Parameters
    ----------
    owner : the node's name; anonymous nodes inside it are named after it.
    shapes : shapes of all nodes that the formula may use; grows by the anonymous ones.
    offsets : the smallest index of each axis of nodes that do not count from zero.
    """

    def __init__(
        self,
        owner: str,
        shapes: dict[str, Shape],
        table: FunctionTable,
        offsets: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.owner = owner
        self.offsets = offsets or {}
        self.shapes = shapes
        self.table = table
        self.nodes: list[Lowered] = []

    def root(self, expr: Expr) -> list[Lowered]:
        """The nodes of a whole formula; the last one has the owner's name.

        Raises
        ------
        ShapeError : shapes do not fit; the problem's span marks the columns.
        """
        value = self.value(expr)
        if self.nodes and value.expr == Name(self.nodes[-1].name):
            last = self.nodes.pop()
            self.nodes.append(Lowered(self.owner, last.op, last.shape, last.parents))
        else:
            self.nodes.append(Lowered(self.owner, Elementwise(value.expr), value.shape, names(value.expr)))
        return self.nodes

    def value(self, expr: Expr) -> Value:
        """The value of a formula or of a part of one."""
        match expr:
            case Name(name):
                return Value(expr, self.shapes[name])
            case Number():
                return Value(expr, ())
            case MatMul(left, right):
                return self._matmul(left, right, expr)
            case Index(base, subscripts):
                return self._index(base, subscripts, expr)
            case Call(_, arguments) if arguments and isinstance(arguments[-1], Limits):
                return self._indexed(expr)
            case Call(function, arguments) if self._reduces(function, arguments):
                return COMPOSITIONS[function].compose(self, expr)
            case Add() | Mul() | Div() | Neg() | Pow() | Call() | Compare():
                return self._elementwise(expr)
            case _:
                raise refuse(f"{to_text(expr)} cannot stand here", span=expr.span)

    def _indexed(self, expr: Call) -> Value:
        """A sum over indices inside a formula of whole tensors."""
        from backpropsym.ops.index_lowering import IndexLowering

        inner = IndexLowering(self.owner, self.shapes, self.table, (), self.offsets)
        inner.nodes = self.nodes
        return inner.entries(expr, {}).value

    def _reduces(self, function: str, arguments: Sequence[Expr]) -> bool:
        """Whether a call is a composition; a function of scalars of the same name serves scalar arguments."""
        if function not in COMPOSITIONS:
            return False
        if function not in self.table:
            return True
        if COMPOSITIONS[function].signature.reduces:
            return len(arguments) == 1
        return any(self.value(argument).shape for argument in arguments)

    def _elementwise(self, expr: Expr) -> Value:
        parts = [self.value(part) for part in children(expr)]
        what = expr.function if isinstance(expr, Call) else "elementwise arithmetic"
        shape = broadcast([part.shape for part in parts], what, expr.span)
        return Value(rebuild(expr, tuple(part.expr for part in parts)), shape)

    def name(self, value: Value) -> str:
        """The node that holds `value`, an anonymous one if need be."""
        if isinstance(value.expr, Name):
            return value.expr.name
        return self.add(Elementwise(value.expr), value.shape, names(value.expr))

    def add(self, op: Op, shape: Shape, parents: Sequence[str]) -> str:
        """A new anonymous node."""
        name = f"{ANONYMOUS}{self.owner}_{len(self.nodes) + 1}"
        self.nodes.append(Lowered(name, op, shape, tuple(dict.fromkeys(parents))))
        self.shapes[name] = shape
        return name

    def node(self, op: Op, shape: Shape, parents: Sequence[str]) -> Value:
        """A new anonymous node as a value."""
        return Value(Name(self.add(op, shape, parents)), shape)

    def contract(self, subscripts: str, operands: Sequence[str], shape: Shape) -> Value:
        """A contraction of nodes."""
        return self.node(Contraction(subscripts, tuple(operands)), shape, operands)

    def reduce(self, function: str, value: Value, axes: Sequence[int], keep: bool = False) -> Value:
        """`function` over `axes` of a value; a scalar is returned as it is."""
        if not axes:
            return value
        operand = self.name(value)
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(value.shape))
        dropped = tuple(size for axis, size in enumerate(value.shape) if axis not in axes)
        op = Reduction(function, operand, tuple(axes), keep)
        return self.node(op, kept if keep else dropped, [operand])

    def reshape(self, value: Value, shape: tuple[int, ...]) -> Value:
        """The same entries, in the same order, under other axes."""
        indices = tuple(f"_i{axis}" for axis in range(len(shape)))
        source = unravel(ravel(tuple(map(Name, indices)), shape), tuple(int(size) for size in value.shape))
        operand = self.name(value)
        return self.node(View(operand, indices, source, "reshape", shape), shape, [operand])

    def combine(self, template: Callable[..., Expr], *values: Value) -> Value:
        """An elementwise formula of values, broadcast."""
        shape = broadcast([value.shape for value in values], "elementwise arithmetic")
        return Value(template(*(value.expr for value in values)), shape)

    def _matmul(self, left: Expr, right: Expr, expr: Expr) -> Value:
        first, second = self.value(left), self.value(right)
        pair = (to_text(left), first.shape), (to_text(right), second.shape)
        subscripts, shape = matmul(*pair, expr.span)
        return self.contract(subscripts, [self.name(first), self.name(second)], shape)

    def _index(self, base: Expr, subscripts: Sequence[Expr], expr: Expr) -> Value:
        value = self.value(base)
        if len(subscripts) > len(value.shape):
            message = f"{to_text(base)} has {len(value.shape)} axes, and {len(subscripts)} subscripts"
            raise refuse(message, fix=f"its shape is {shape_text(value.shape)}", span=expr.span)
        source: list[Expr] = []
        parents = [self.name(value)]
        for axis, subscript in enumerate(subscripts):
            size = value.shape[axis]
            source.append(self._subscript(subscript, size, axis, parents))
        rest = value.shape[len(subscripts) :]
        indices = tuple(f"_i{axis}" for axis in range(len(rest)))
        op = View(parents[0], indices, (*source, *map(Name, indices)), "index")
        return self.node(op, rest, parents)

    def _subscript(self, subscript: Expr, size: int | str, axis: int, parents: list[str]) -> Expr:
        position = constant_integer(subscript)
        if position is not None:
            if isinstance(size, int) and not -size <= position < size:
                fix = f"axis {axis} counts from 0 to {size - 1}"
                raise refuse(f"the index {position} is outside", fix=fix, span=subscript.span)
            return subscript if position >= 0 or not isinstance(size, int) else number(position + size)
        if isinstance(subscript, Name) and self.shapes.get(subscript.name) == ():
            parents.append(subscript.name)
            return subscript
        raise refuse(f"the index {to_text(subscript)} is not a number or a scalar node", span=subscript.span)

    def axes(self, call: Call, value: Value) -> tuple[int, ...]:
        """The axes that a call's `axis=` names."""
        axis = self.option(call, "axis")
        return axes_of(axis, len(value.shape), call.function, call.span)

    def option(self, call: Call, key: str, default: int | None = None) -> int | None:
        """A whole-number option of a call."""
        for name, value in call.options:
            if name == key:
                found = constant_integer(value)
                if found is None:
                    raise refuse(f"{key}={to_text(value)} is not a whole number", span=value.span or call.span)
                return found
        return default


def constant_integer(expr: Expr) -> int | None:
    """The value of a whole number such as 3 or -1, else None."""
    if isinstance(expr, Neg):
        inner = constant_integer(expr.operand)
        return None if inner is None else -inner
    if isinstance(expr, Number) and expr.value.denominator == 1:
        return expr.value.numerator
    return None
