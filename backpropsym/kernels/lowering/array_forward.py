"""Nodes of the four kinds as values: what each kind computes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from backpropsym.errors import UnknownNameError
from backpropsym.formula.tree import Expr, names
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.kernels.ir.array_operations import (
    ALL,
    BATCH,
    Concatenate,
    Constant,
    Finite,
    Item,
    Kept,
    Place,
    Read,
    Size,
    Window,
    Windows,
)
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.bounds import Bound, Sign
from backpropsym.kernels.ir.positions import Places
from backpropsym.kernels.lowering.contractions import contract
from backpropsym.kernels.lowering.formulas import Environment, FormulaLowering
from backpropsym.kernels.lowering.positions import view_places
from backpropsym.kernels.lowering.views import Moves, moves, padded
from backpropsym.ops.function import FUNCTIONS, Formula
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, Shape, View
from backpropsym.ops.reducer import REDUCERS, computed
from backpropsym.ops.sizes import Dimension

_MOST_PLACES = 64


class ArrayFormulas(FormulaLowering):
    """Formulas for arrays, where an overflow to inf is quiet.

    There 1/(1 + exp(-x)) is as accurate as its guarded spelling, and takes half the operations.
    """

    def _body(self, name: str, arguments: tuple[int, ...]) -> tuple[Expr, Environment]:
        function = self.table[name]
        if function.formula == FUNCTIONS["sigmoid"].formula:
            body = self.table.definition(name)
            assert body is not None, "the logistic function has a definition"
            return body, dict(zip(function.arguments, arguments, strict=True))
        return super()._body(name, arguments)


class ArrayForward:
    """The values of the nodes of a graph of tensors, of which numbers are those without axes.

    Nodes that depend on an input or a target have the batch as their first axis.

    Parameters
    ----------
    batch : whether there is a batch; one object has none, and its numbers are Python's, where an overflow is an error.
    """

    def __init__(self, graph: Graph, by_value: bool = True, batch: bool = True) -> None:
        self.graph = graph
        self.batched = graph.batched if batch else frozenset[str]()
        self.values = ArrayValues()
        formulas = ArrayFormulas if batch else FormulaLowering
        self.formulas = formulas(graph.functions, by_value, self.values)
        self.known: dict[str, int] = {}
        self.nodes: dict[int, str] = {}
        self.moved: dict[str, Moves | None] = {}
        self.windowed: dict[str, tuple[int, tuple[Window | Kept, ...]]] = {}

    def forward(self, *targets: str) -> None:
        """The values of `targets` and of all that they depend on."""
        needed = self.graph.ancestors(*targets)
        for name in self.graph.order:
            if name in needed:
                self.values.owner = name.lstrip("_")
                self.known[name] = self._node(self.graph[name])
                self.nodes.setdefault(self.known[name], name)

    def lead(self, name: str) -> int:
        """The number of batch axes of a node, 0 or 1."""
        return int(name in self.batched)

    def whole(self, name: str) -> Shape:
        """The shape of a node's value, batch included."""
        return ((BATCH,) if self.lead(name) else ()) + self.graph[name].shape

    def _node(self, node: Node) -> int:
        if node.role is Role.CONSTANT:
            numbers = np.asarray(self.graph.constants[node.name])
            if not node.shape:
                return self.values.number(float(numbers))
            return self.values.make(Constant.of(numbers))
        match node.op:
            case None:
                position = self.values.leaf(node.name, node.name in self.batched)
                self.values.shapes[position] = self.whole(node.name)
                return position
            case Elementwise(formula):
                found = self.formulas.formula(formula, self.aligned(node))
                return self.values.spread(found, self.whole(node.name))
            case Contraction(subscripts, operands):
                groups, output = self.letters(subscripts, operands, node.name)
                return contract(self.values, groups, output, [self.known[name] for name in operands])
            case Reduction():
                return self._reduce(node.op)
            case View():
                return self._view(node, node.op)
            case Join(operands, axis):
                return self._join(node, operands, axis)
        raise UnknownNameError(f"{node.name} has no kernel", fix="use ops of the four kinds")

    def _join(self, node: Node, operands: Sequence[str], axis: int) -> int:
        lead = self.lead(node.name)
        batch = (BATCH,) if lead else ()
        parts = [self.values.spread(self.known[name], batch + self.graph[name].shape) for name in operands]
        return self.values.make(Concatenate(self.whole(node.name), axis + lead), *parts)

    def aligned(self, node: Node) -> dict[str, int]:
        """The parents of an elementwise node, each with axes of size 1 between its batch and its own axes."""
        rank, found = len(node.shape), {}
        for parent in node.parents:
            position, own = self.known[parent], len(self.graph[parent].shape)
            shape = self.values.shape(position)
            if self.lead(parent) and own < rank and shape:
                axes = [0, *[None] * (rank - own), *range(1, len(shape))]
                position = self.values.arrange(position, axes)
            found[parent] = position
        assert node.formula is not None, "only elementwise nodes align their parents"
        if not self.graph.symbols:
            return found
        return found | {name: self.length(name) for name in names(node.formula) if name not in found}

    def letters(self, subscripts: str, operands: Sequence[str], out: str) -> tuple[list[str], str]:
        """The letters of the operands and of the result, Z for the batch."""
        inputs, output = subscripts.split("->")
        leads = ["Z" if self.lead(name) else "" for name in (*operands, out)]
        found = [lead + each for lead, each in zip(leads, [*inputs.split(","), output], strict=True)]
        return found[:-1], found[-1]

    def _reduce(self, op: Reduction) -> int:
        lead, operand = self.lead(op.operand), self.known[op.operand]
        axes = tuple(axis + lead for axis in op.axes)
        places = self.places(op)
        if places is not None:
            return self._pooled(op, places)
        if op.function == "logsumexp":  # a shortcut: its bounds are known, and its shares are its derivative
            return self._logsumexp(operand, axes, op.keep)
        return self.computed(op, REDUCERS[op.function].numeric, op.keep)

    def computed(self, op: Reduction, formula: Formula, keep: bool, whole: int | None = None) -> int:
        """A formula of a reduction's entry, of which y is `whole`; without `keep` the axes are dropped."""
        values, lead = self.values, self.lead(op.operand)
        axes = tuple(axis + lead for axis in op.axes)

        def fold(name: str, body: Expr, known: Environment, inside: bool) -> int:
            entries = values.spread(self.formulas.formula(body, known), self.whole(op.operand))
            if name == "sum":
                return values.sum(entries, axes, keep or inside)
            top = values.reduce("max" if name == "shift" else name, entries, axes, keep or inside)
            return values.make(Finite(values.shape(top)), top) if name == "shift" else top

        names = {"x": self.known[op.operand], "n": self.count(op)} | ({} if whole is None else {"y": whole})
        return computed(formula, names, self.formulas.formula, fold, self.graph.functions)

    def _logsumexp(self, operand: int, axes: tuple[int, ...], keep: bool) -> int:
        """The largest entry, plus the logarithm of the sum of exponentials of what lies below it."""
        values = self.values
        top = values.reduce("max", operand, axes, keep=True)
        top = values.make(Finite(values.shape(top)), top)
        share = values.call("exp", (values.subtract(operand, top),))
        total = values.reduce("sum", share, axes, keep=True)
        finite = values.bounds[operand].finite
        values.bounds[share], values.bounds[total] = Bound(finite, Sign.NOT_NEGATIVE), Bound(finite, Sign.POSITIVE)
        found = values.add(values.call("log", (total,)), top)
        values.shares[operand, found] = share, total
        return found if keep else values.narrowed(found, axes)

    def count(self, op: Reduction) -> int:
        """The number of entries that are reduced to one."""
        total = self.values.number(1.0)
        for axis in op.axes:
            total = self.values.multiply(total, self.length(self.graph[op.operand].shape[axis]))
        return total

    def length(self, size: Dimension) -> int:
        """A size as a number."""
        if isinstance(size, int):
            return self.values.number(float(size))
        return self.values.make(Size((), size))

    def places(self, op: Reduction) -> list[int] | None:
        """What each place within the windows sees, where windows are reduced: a pool."""
        reducer = REDUCERS[op.function]
        if op.operand not in self.windowed or not (reducer.extreme or reducer.linear) or op.keep:
            return None
        position, axes = self.windowed[op.operand]
        windows = [each for each in axes if isinstance(each, Window)]
        lead = self.lead(op.operand)
        within = sorted(each.within for each in windows)
        rank = len(self.graph[op.operand].shape) + lead
        if within != sorted(axis + lead for axis in op.axes) or within != list(range(rank - len(within), rank)):
            return None
        if math.prod(each.width for each in windows) > _MOST_PLACES:
            return None
        return [self._ordered(self.values.pick(position, items), axes) for items in offsets(axes)]

    def _ordered(self, position: int, axes: Sequence[Window | Kept]) -> int:
        """What one place sees, its axes in the order of the result."""
        outs = [each.out for each in axes]
        return self.values.arrange(position, [outs.index(axis) for axis in sorted(outs)])

    def _pooled(self, op: Reduction, places: Sequence[int]) -> int:
        values = self.values

        def fold(name: str, body: Expr, known: Environment, inside: bool) -> int:
            total, *others = (self.formulas.formula(body, {**known, "x": place}) for place in places)
            for other in others:
                total = values.add(total, other) if name == "sum" else values.call(name, (total, other))
            return total

        formula, table = REDUCERS[op.function].numeric, self.graph.functions
        return computed(formula, {"n": self.count(op)}, self.formulas.formula, fold, table)

    def _view(self, node: Node, op: View) -> int:
        shape, operand = self.whole(node.name), self.known[op.operand]
        lead = self.lead(op.operand)
        if op.method == "reshape":
            return self.values.reshape(self.values.spread(operand, self.whole(op.operand)), shape)
        found = self.moved[node.name] = moves(op, node.shape, self.graph[op.operand].shape)
        if found is None:
            return self._read(node, op)
        inner = self._padded(operand, found, lead)
        if found.items is None:
            axes = batched_windows(found.windows, lead)
            self.windowed[node.name] = inner, axes
            return self.values.make(Windows(shape, axes), inner)
        picked = self.values.pick(inner, (*[ALL] * lead, *found.items))
        order = [*range(lead), *(None if axis is None else axis + lead for axis in found.order)]
        return self.values.spread(self.values.arrange(picked, order), shape)

    def _padded(self, operand: int, found: Moves, lead: int) -> int:
        """The operand with zeros around it."""
        if not any(map(any, found.pads)):
            return operand
        shape = self.values.shape(operand)
        whole = shape[:lead] + padded(shape[lead:], found.pads)
        return self.values.make(Place(whole, (interior(found, shape, lead),), disjoint=True), operand)

    def _read(self, node: Node, op: View) -> int:
        shape, lead = self.whole(node.name), self.lead(op.operand)
        read = indices_read(op)
        sizes = zip(op.indices, node.shape, strict=True)
        reached = tuple(size if index in read else 1 for index, size in sizes)
        outside = -math.inf if op.absent else float(op.fill)
        shape_read = shape[: len(shape) - len(reached)] + reached
        operation = Read(shape_read, self.places_read(node, op), lead, len(node.shape), outside if op.guards else 0.0)
        return self.values.spread(self.values.make(operation, self.known[op.operand], *self.chosen(op, node)), shape)

    def chosen(self, op: View, node: Node) -> tuple[int, ...]:
        """The values that choose entries by data."""
        return tuple(self.known[parent] for parent in node.parents if parent != op.operand)

    def places_read(self, node: Node, op: View) -> Places:
        """The places of the operand that a view reads."""
        data = [parent for parent in node.parents if parent != op.operand]
        return view_places(
            op, node.shape, self.graph[op.operand].shape, data, [bool(self.lead(parent)) for parent in data]
        )


def indices_read(op: View) -> frozenset[str]:
    """The names on which it depends what an entry of a view is."""
    return frozenset(name for each in (*op.source, *(each for each, _ in op.guards)) for name in names(each))


def offsets(axes: Sequence[Window | Kept]) -> list[list[Item]]:
    """The basic indices of an operand that each place within its windows stands for, the last axis fastest."""
    found: list[list[Item]] = [[]]
    for each in axes:
        items = [each.item] if isinstance(each, Kept) else [each.item(place) for place in range(each.width)]
        found = [[*before, item] for before in found for item in items]
    return found


def interior(found: Moves, shape: Shape, lead: int) -> tuple[Item, ...]:
    """Where an operand of `shape` lies within its padding."""
    items: list[Item] = [ALL] * lead
    for (low, high), size in zip(found.pads, shape[lead:], strict=True):
        items.append((low, low + int(size), 1) if (low, high) != (0, 0) else ALL)
    return tuple(items)


def batched_windows(axes: Sequence[Window | Kept], lead: int) -> tuple[Window | Kept, ...]:
    """The same axes after an axis of objects."""
    if not lead:
        return tuple(axes)
    shifted: list[Window | Kept] = [Kept(0, ALL)]
    for each in axes:
        if isinstance(each, Kept):
            shifted.append(Kept(each.out + 1, each.item))
        else:
            rest = (each.count, each.width, each.stride, each.dilation, each.start)
            shifted.append(Window(each.out + 1, each.within + 1, *rest))
    return tuple(shifted)
