"""From a formula over tensors to nodes of the four kinds.

What is elementwise is gathered into one formula as large as possible; every other operation becomes a node, an
anonymous one where it stands inside a formula.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from backpropsym.formula.algebra import add, mul
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
    Slice,
    Tuple,
    children,
    names,
    number,
    rebuild,
)
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import Contraction, Elementwise, Op, Reduction, Shape, View, regrouped
from backpropsym.ops.shapes import axes_of, broadcast, matmul, refuse, shape_text, stretched
from backpropsym.ops.sizes import Dimension, size_difference, size_sum, size_tree

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

    Attributes
    ----------
    compose : receives the lowering and the call, and returns a value.
    shapes : the rule of shapes, for people.
    source : where the definition is from.
    layer : whether it is a layer of architecture strings as it is, without parameters.
    follows : whether it may stand as an activation does, as in dense(4, softmax).
    target : of a loss, what its target is: "class", one whole number, or "entries", as many as the prediction has.
    """

    name: str
    signature: Signature
    compose: Callable[[Lowering, Call], Value]
    shapes: str = ""
    source: str = ""
    layer: bool = False
    follows: bool = False
    target: str = ""


class CompositionFacts(TypedDict, total=False):
    """What is said of a `Composition` besides how it is called and computed, as keywords."""

    shapes: str
    source: str
    layer: bool
    follows: bool
    target: str


COMPOSITIONS: dict[str, Composition] = {}


class Lowering(ABC):
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
            self.nodes.append(Lowered(self.owner, Elementwise(value.expr), value.shape, self.parents(value.expr)))
        return self.nodes

    def parents(self, expr: Expr) -> tuple[str, ...]:
        """The nodes in a formula; other names in it are symbolic sizes."""
        return tuple(name for name in names(expr) if name in self.shapes)

    def value(self, expr: Expr) -> Value:
        """The value of a formula or of a part of one."""
        match expr:
            case Name(name):
                return Value(expr, self.shapes.get(name, ()))
            case Number():
                return Value(expr, ())
            case MatMul(left, right):
                return self._matmul(left, right, expr)
            case Index(base, subscripts):
                return self._index(base, subscripts, expr)
            case Call(_, arguments) if arguments and isinstance(arguments[-1], Limits):
                return self.indexed(expr)
            case Call(function, arguments) if self._reduces(function, arguments):
                return COMPOSITIONS[function].compose(self, expr)
            case Add() | Mul() | Div() | Neg() | Pow() | Call() | Compare():
                return self._elementwise(expr)
            case _:
                raise refuse(f"{to_text(expr)} cannot stand here", span=expr.span)

    @abstractmethod
    def indexed(self, expr: Call) -> Value:
        """A sum over indices inside a formula of whole tensors."""

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
        if isinstance(value.expr, Name) and value.expr.name in self.shapes:
            return value.expr.name
        return self.add(Elementwise(value.expr), value.shape, self.parents(value.expr))

    def named(self, suffix: str, value: Value) -> Value:
        """`value` as a node that is shown: the owner's name and a suffix.

        It stands for a step of a long composition, such as one gate at one time, so that derivations read by steps.
        """
        name = next(free_name for free_name in self._free_names(suffix) if free_name not in self.shapes)
        last = self.nodes[-1] if self.nodes else None
        if last is not None and value.expr == Name(last.name) and last.name.startswith(ANONYMOUS):
            self.nodes[-1] = replace(last, name=name)
            del self.shapes[last.name]
        else:
            self.nodes.append(Lowered(name, Elementwise(value.expr), value.shape, self.parents(value.expr)))
        self.shapes[name] = value.shape
        return Value(Name(name), value.shape)

    def _free_names(self, suffix: str) -> Iterator[str]:
        yield f"{self.owner}_{suffix}"
        yield from (f"{self.owner}{count}_{suffix}" for count in itertools.count(2))

    def add(self, op: Op, shape: Shape, parents: Sequence[str]) -> str:
        """A new anonymous node.

        Raises
        ------
        ShapeError : a node chooses among its own entries.
        """
        if isinstance(op, View) and op.operand in parents[1:]:
            message = f"{op.operand} chooses among its own entries"
            raise refuse(message, fix=f'choose by another node: give c = "1*{op.operand}" a line of its own in [nodes]')
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

    def reshape(self, value: Value, shape: Shape) -> Value:
        """The same entries, in the same order, under other axes; leading axes that stay are left alone."""
        indices = tuple(f"_i{axis}" for axis in range(len(shape)))
        source = regrouped(tuple(map(Name, indices)), shape, value.shape)
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
        outer = broadcast([first.shape[:-2], second.shape[:-2]], "matmul", expr.span)
        parts = [self._without_axes(each, stretched(each.shape[:-2], outer)) for each in (first, second)]
        return self.contract(subscripts, [self.name(part) for part in parts], shape)

    def _without_axes(self, value: Value, axes: Sequence[int]) -> Value:
        """A value without some axes of size 1."""
        if not axes:
            return value
        indices = iter(range(len(value.shape)))
        source = tuple(number(0) if axis in axes else Name(f"_i{next(indices)}") for axis in range(len(value.shape)))
        shape = tuple(size for axis, size in enumerate(value.shape) if axis not in axes)
        operand = self.name(value)
        view = View(operand, tuple(f"_i{axis}" for axis in range(len(shape))), source, "index")
        return self.node(view, shape, [operand])

    def _index(self, base: Expr, subscripts: Sequence[Expr], expr: Expr) -> Value:
        value = self.value(base)
        if len(subscripts) > len(value.shape):
            message = f"{to_text(base)} has {len(value.shape)} axes, and {len(subscripts)} subscripts"
            raise refuse(message, fix=f"its shape is {shape_text(value.shape)}", span=expr.span)
        source: list[Expr] = []
        shape: list[Dimension] = []
        parents = [self.name(value)]
        whole = (Slice(None, None, 1),) * (len(value.shape) - len(subscripts))
        for axis, subscript in enumerate((*subscripts, *whole)):
            source.append(self._subscript(subscript, value.shape[axis], axis, shape, parents))
        op = View(parents[0], tuple(f"_i{axis}" for axis in range(len(shape))), tuple(source), "index")
        return self.node(op, tuple(shape), parents)

    def _subscript(
        self, subscript: Expr, size: Dimension, axis: int, shape: list[Dimension], parents: list[str]
    ) -> Expr:
        """What a subscript reads; the axes that it leaves are added to `shape`, a node that chooses to `parents`."""
        if isinstance(subscript, Slice):
            start, count = _stretch(subscript, size, axis)
            shape.append(count)
            return add([size_tree(start), mul([number(subscript.step), Name(f"_i{len(shape) - 1}")])])
        position = constant_integer(subscript)
        if position is not None:
            if isinstance(size, int) and not -size <= position < size:
                fix = f"axis {axis} counts from 0 to {size - 1}"
                raise refuse(f"the index {position} is outside", fix=fix, span=subscript.span)
            return size_tree(size_sum([size, position]) if position < 0 else position)
        if isinstance(subscript, Name) and subscript.name in self.shapes:
            return self._chosen(subscript, shape, parents)
        fix = f'give it a line of its own in [nodes], c = "{to_text(subscript)}", and write c in the brackets'
        computed = names(subscript) and set(names(subscript)) <= self.shapes.keys()
        message = f"the index {to_text(subscript)} is not a number, a slice or a node"
        raise refuse(message, fix=fix if computed else None, span=subscript.span)

    def _chosen(self, subscript: Name, shape: list[Dimension], parents: list[str]) -> Expr:
        """An entry, or several, that a node of whole numbers names."""
        own = self.shapes[subscript.name]
        if own and len(parents) > 1:
            fix = "take one axis at a time, by gather(x, index, axis=1)"
            raise refuse("two nodes choose entries, and one of them has axes", fix=fix, span=subscript.span)
        parents.append(subscript.name)
        indices = tuple(Name(f"_i{axis}") for axis in range(len(shape), len(shape) + len(own)))
        shape.extend(own)
        return Index(subscript, indices) if own else subscript

    def axes(self, call: Call, value: Value) -> tuple[int, ...]:
        """The axes that a call's `axis=` names."""
        given = next((each for key, each in call.options if key == "axis"), None)
        axes = None if given is None else whole_numbers(given)
        if given is not None and not axes:
            fix = "write axis=0, or axis=(0, 2)"
            raise refuse(f"axis={to_text(given)} names no axis", fix=fix, span=given.span or call.span)
        return axes_of(axes, len(value.shape), call.function, call.span)

    def option(self, call: Call, key: str, default: int | None = None) -> int | None:
        """A whole-number option of a call."""
        for name, value in call.options:
            if name == key:
                found = constant_integer(value)
                if found is None:
                    raise refuse(f"{key}={to_text(value)} is not a whole number", span=value.span or call.span)
                return found
        return default

    def function(self, name: str, *arguments: Expr) -> Call:
        """A call of a registered function, also where the network has a function of its own by that name."""
        return Call(self.table.registered_name(name), arguments)


def whole_numbers(expr: Expr) -> tuple[int, ...] | None:
    """The values of a whole number or of a tuple of them, else None."""
    parts = expr.parts if isinstance(expr, Tuple) else (expr,)
    found = tuple(map(constant_integer, parts))
    return tuple(each for each in found if each is not None) if None not in found else None


def _stretch(part: Slice, size: Dimension, axis: int) -> tuple[Dimension, Dimension]:
    """The first entry and the number of entries of a slice; on a symbolic axis, ends that leave room for every size."""
    if not isinstance(size, int):
        start, stop = part.start or 0, 0 if part.stop is None else part.stop
        first, last = size_sum([size, start]) if start < 0 else start, size_sum([size, stop])
        count = size_difference(last, first)
        if part.step != 1 or (part.stop is not None and part.stop >= 0) or (isinstance(count, int) and count < 1):
            message = f"the slice {to_text(part)} needs the size of axis {axis} in numbers, found {size}"
            raise refuse(message, fix=f"declare {size} as a number, or end the slice as in 1: or 1:-1", span=part.span)
        return first, count
    found = range(*slice(part.start, part.stop, part.step).indices(size))
    if not found:
        message = f"the slice {to_text(part)} of axis {axis} is empty"
        raise refuse(message, fix=f"the axis counts from 0 to {size - 1}", span=part.span)
    return found.start, len(found)


def constant_integer(expr: Expr) -> int | None:
    """The value of a whole number such as 3 or -1, else None."""
    if isinstance(expr, Neg):
        inner = constant_integer(expr.operand)
        return None if inner is None else -inner
    if isinstance(expr, Number) and expr.value.denominator == 1:
        return expr.value.numerator
    return None
