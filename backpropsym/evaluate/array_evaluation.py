"""Networks of tensors in numbers: one forward and one reverse rule a kind of op.

A batch is a leading axis of every node that depends on an input or a target; rules see it only as that.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Arrays, Given, Numbers, Numeric, Values
from backpropsym.errors import ValuesError
from backpropsym.evaluate.arithmetic import REAL, Arithmetic, evaluate
from backpropsym.evaluate.array_reductions import reduced, weights
from backpropsym.evaluate.number_systems import scaled
from backpropsym.formula.tree import Add, Call, Expr, Index, Mul, Name, Neg, Number
from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.differentiate import partials
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, View
from backpropsym.ops.memory_budget import check_memory
from backpropsym.ops.reducer import REDUCERS

BATCH = "Z"


class ArrayNetwork:
    """Forward values and reverse-mode derivatives of a graph on arrays.

    Parameters
    ----------
    leaves : arrays by name; inputs and targets have a leading axis of `batch` objects if that is given.
    batch : the number of objects, or None for one object without a batch axis.
    """

    def __init__(self, graph: Graph, leaves: Values, batch: int | None = None, arithmetic: Arithmetic = REAL) -> None:
        self.graph = graph
        self.batch = batch
        self.objects = batch or 1
        self.magnitudes = False
        self.absent = -np.inf
        self.arithmetic = arithmetic
        self.values: dict[str, Array] = {name: np.asarray(value) for name, value in leaves.items()}

    def forward(self, of: str) -> Array:
        """The value of a node, in its shape behind the axis of objects; all that it needs are kept in `values`."""
        wanted = self.graph.ancestors(of) - self.values.keys()
        entries, objects = self.graph.entries, self.objects
        check_memory(sum(entries[name] * (objects if self.lead(name) else 1) for name in wanted), f"computing {of}")
        with np.errstate(all="ignore"):
            for name in self.graph.order:
                if name in wanted:
                    self.values[name] = self.apply(name)
        return self.values[of]

    def apply(self, name: str) -> Array:
        """The value of one node from those of its parents, in its shape; (batch, ...) where it differs by object."""
        value: Array = self._apply(self.graph[name])
        return value

    def pulled(self, name: str, adjoint: Array, magnitudes: bool = False) -> dict[str, Array]:
        """What an adjoint of one node adds to that of each of its parents, in the shape of the parent's value."""
        self.magnitudes = magnitudes
        total: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            for parent, part in self._pull(self.graph[name], adjoint):
                total[parent] = total[parent] + part if parent in total else part
        return total

    def reverse(self, of: str, seed: Given, magnitudes: bool = False) -> dict[str, Array]:
        """The adjoint of every node that `of` depends on, after `forward(of)`; `seed` has the value's shape.

        With `magnitudes`, the sum over paths of the absolute values of their products.
        """
        self.magnitudes = magnitudes
        wanted = self.graph.ancestors(of)
        adjoints: dict[str, Array] = {name: np.zeros_like(self.values[name], dtype=float) for name in wanted}
        adjoints[of] = np.asarray(seed, dtype=float)
        with np.errstate(all="ignore"):
            for name in reversed(self.graph.order):
                node = self.graph[name]
                if name in wanted and node.op is not None:
                    for parent, part in self._pull(node, adjoints[name]):
                        adjoints[parent] = adjoints[parent] + part
        return adjoints

    def lead(self, name: str) -> int:
        """The number of batch axes of a node, 0 or 1."""
        return int(self.batch is not None and name in self.graph.batched)

    def aligned(self, name: str, rank: int) -> Array:
        """A node's value with axes of size 1 put in, so that it broadcasts against `rank` axes."""
        value, own = self.values[name], len(self.graph[name].shape)
        lead = self.lead(name)
        return value.reshape(value.shape[:lead] + (1,) * (rank - own) + value.shape[lead:]) if lead else value

    def _apply(self, node: Node) -> Any:
        rank, lead = len(node.shape), self.lead(node.name)
        match node.op:
            case Elementwise(formula):
                values = {parent: self.aligned(parent, rank) for parent in node.parents}
                found = evaluate(formula, values, self.graph.functions, self.arithmetic)
                whole = ((self.objects,) if lead else ()) + tuple(int(size) for size in node.shape)
                return np.broadcast_to(found, whole)
            case Contraction(subscripts, operands):
                return np.einsum(self._batched(subscripts, operands, node.name), *(self.values[n] for n in operands))
            case Reduction(function, operand, axes, keep):
                over = tuple(axis + lead for axis in axes)
                return reduced(function, self.values[operand], over, keep, self.graph.functions)
            case View(operand):
                position, kept = self._positions(node, node.op)
                outside = self.absent if node.op.absent else float(node.op.fill)
                return np.where(kept, self.values[operand][position], outside)
            case Join(operands, axis):
                parts = [self._full(operand, lead) for operand in operands]
                return np.concatenate(parts, axis=axis + lead)
        raise TypeError(f"{node.name} is a leaf without a value")

    def _full(self, name: str, lead: int) -> Array:
        value = self.values[name]
        return np.broadcast_to(value, (self.objects, *value.shape)) if lead > self.lead(name) else value

    def _batched(self, subscripts: str, operands: tuple[str, ...], out: str) -> str:
        inputs, output = subscripts.split("->")
        groups = (
            (BATCH if self.lead(name) else "") + letters
            for name, letters in zip(operands, inputs.split(","), strict=True)
        )
        return ",".join(groups) + "->" + (BATCH if self.lead(out) else "") + output

    def _positions(self, node: Node, view: View) -> tuple[tuple[Array, ...], Array]:
        """Index arrays that read, for every entry of the node, an entry of the operand; and which count."""
        rank, lead = len(node.shape), self.lead(node.name)
        sizes = tuple(int(size) for size in node.shape)
        grid = dict(zip(view.indices, np.ogrid[tuple(slice(size) for size in sizes)], strict=True)) if sizes else {}
        for parent in node.parents:
            if parent != view.operand:
                chosen = _as_whole(parent, np.real(self.values[parent]))
                shown = chosen.reshape(chosen.shape + (1,) * rank) if self.lead(parent) else chosen
                grid[parent] = chosen if self.graph[parent].shape else shown
        kept: Array = np.ones((1,) * rank, bool)
        for position, size in view.guards:
            inside = whole(position, grid)
            kept = kept & (inside >= 0) & (inside < int(size))
        limits = self.graph[view.operand].shape
        positions = [whole(each, grid) for each in view.source]
        if not view.guards:
            for place, size in zip(positions, limits, strict=True):
                _require_inside(view.operand, place, int(size))
        found = tuple(
            _spread(np.clip(place, 0, int(size) - 1), sizes) for place, size in zip(positions, limits, strict=True)
        )
        if not self.lead(view.operand):
            return found, kept
        objects = np.arange(self.objects).reshape((-1,) + (1,) * rank)
        return ((objects, *found) if lead else found), kept

    def _pull(self, node: Node, adjoint: Array) -> list[tuple[str, Array]]:
        """What an adjoint of `node` adds to the adjoints of its parents."""
        lead = self.lead(node.name)
        match node.op:
            case Elementwise(formula):
                values = {parent: self.aligned(parent, len(node.shape)) for parent in node.parents}
                table = self.graph.functions
                return [
                    (parent, self._unbroadcast(self._times(adjoint, self._size(each, values, table)), parent, node))
                    for parent, each in partials(formula, table).items()
                ]
            case Contraction(subscripts, operands):
                return self._pull_contraction(node, subscripts, operands, adjoint)
            case Reduction(function, operand, axes, keep):
                inner = tuple(axis + lead for axis in axes)
                weight = weights(function, self.values[operand], inner, self.graph.functions, self._size)
                spread = adjoint if keep else np.expand_dims(adjoint, inner)
                return [(operand, np.broadcast_to(weight * spread, self.values[operand].shape))]
            case View(operand):
                total = np.zeros_like(self.values[operand], dtype=float)
                position, kept = self._positions(node, node.op)
                if position:
                    np.add.at(total, position, adjoint * kept)
                return [(operand, total if position else np.sum(adjoint * kept))]
            case Join(operands, axis):
                ends = np.cumsum([self.graph[name].shape[axis] for name in operands])[:-1]
                parts = np.split(adjoint, ends, axis=axis + lead)
                return [
                    (name, part if self.lead(name) == lead else part.sum(axis=0))
                    for name, part in zip(operands, parts, strict=True)
                ]
        return []

    def _size(self, expr: Expr, values: Numbers, table: FunctionTable) -> Numeric:
        """A local derivative, or with `magnitudes` the sum of the absolute values of its terms."""
        if not self.magnitudes:
            return evaluate(expr, values, table, self.arithmetic)
        match expr:
            case Add(terms):
                return sum(self._size(term, values, table) for term in terms)
            case Neg(operand):
                return self._size(operand, values, table)
            case Mul(factors):
                product = self._size(factors[0], values, table)
                for factor in factors[1:]:
                    product = scaled(product, self._size(factor, values, table))
                return product
            case Call("where", (condition, then, otherwise)):
                chosen = evaluate(condition, values, table, self.arithmetic)
                return np.where(chosen, self._size(then, values, table), self._size(otherwise, values, table))
            case _:
                return np.abs(evaluate(expr, values, table, self.arithmetic))

    def _times(self, adjoint: Array, factor: Numeric) -> Array:
        return np.asarray(scaled(adjoint, factor) if self.magnitudes else adjoint * factor)

    def _given(self, name: str) -> Array:
        return self.sizes[name] if self.magnitudes else self.values[name]

    @cached_property
    def sizes(self) -> dict[str, Array]:
        """How large the parts of each value are, in its shape: what bounds its rounding, in units of eps.

        References
        ----------
        Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, section 3.3, running error analysis.
        """
        found: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            for name in self.graph.order:
                if name in self.values:
                    node = self.graph[name]
                    own = np.abs(np.real(self.values[name]))
                    known = node.op is not None and all(parent in found for parent in node.parents)
                    moved = known and isinstance(node.op, View)
                    found[name] = np.maximum(0.0 if moved else own, self._size_from(node, found)) if known else own
        return found

    def _size_from(self, node: Node, found: Arrays) -> Any:
        """The size of a value from those of its parents."""
        match node.op:
            case Elementwise(formula):
                values = {parent: self.aligned(parent, len(node.shape)) for parent in node.parents}
                sizes = ArrayNetwork(self.graph, found, self.batch)
                self.magnitudes = True
                return sum(
                    scaled(self._size(each, values, self.graph.functions), sizes.aligned(parent, len(node.shape)))
                    for parent, each in partials(formula, self.graph.functions).items()
                )
            case Reduction(function, operand, own, keep):
                axes = tuple(axis + self.lead(node.name) for axis in own)
                if REDUCERS[function].extreme:
                    return np.max(found[operand], axis=axes, keepdims=keep)
                self.magnitudes = True
                slopes = weights(function, np.real(self.values[operand]), axes, self.graph.functions, self._size)
                return np.sum(scaled(found[operand], slopes), axis=axes, keepdims=keep)
            case View(operand):
                choosers = {parent: self.values[parent] for parent in node.parents if parent != operand}
                sizes = ArrayNetwork(self.graph, {operand: found[operand], **choosers}, self.batch)
                sizes.absent = 0.0
                return sizes.apply(node.name)
            case _:
                return ArrayNetwork(self.graph, found, self.batch).apply(node.name)

    def _unbroadcast(self, part: Array, parent: str, node: Node) -> Any:
        """`part`, in the shape of `node`, summed to the shape of `parent`."""
        shape = self.values[parent].shape
        lead, own = self.lead(node.name), self.lead(parent)
        whole = np.broadcast_to(part, self.values[node.name].shape)
        if lead > own:
            whole = whole.sum(axis=0)
        extra = whole.ndim - own - len(self.graph[parent].shape)
        whole = whole.sum(axis=tuple(range(own, own + extra)))
        ones = tuple(axis for axis in range(own, whole.ndim) if shape[axis] == 1 != whole.shape[axis])
        return whole.sum(axis=ones, keepdims=True)

    def _pull_contraction(
        self, node: Node, subscripts: str, operands: tuple[str, ...], adjoint: Array
    ) -> list[tuple[str, Array]]:
        inputs, output = self._batched(subscripts, operands, node.name).split("->")
        groups = inputs.split(",")
        found = []
        for slot, name in enumerate(operands):
            others = [index for index in range(len(operands)) if index != slot]
            letters = ",".join([output, *(groups[index] for index in others)])
            missing = [letter for letter in groups[slot] if letter not in letters]
            kept = "".join(letter for letter in groups[slot] if letter not in missing)
            part = np.einsum(f"{letters}->{kept}", adjoint, *(self._given(operands[index]) for index in others))
            for letter in missing:
                part = np.expand_dims(part, groups[slot].index(letter))
            found.append((name, np.broadcast_to(part, self.values[name].shape)))
        return found


def _spread(positions: Array, shape: tuple[int, ...]) -> Array:
    """Positions for every entry of a node, also where they do not depend on all of its axes."""
    return np.broadcast_to(positions, np.broadcast_shapes(np.shape(positions), shape))


def whole(expr: Expr, grid: Mapping[str, Any]) -> Any:
    """A formula of indices on integer arrays."""
    match expr:
        case Name(name):
            return grid[name]
        case Number(value):
            return int(value)
        case Add(terms):
            return sum(whole(term, grid) for term in terms)
        case Mul(factors):
            product = whole(factors[0], grid)
            for factor in factors[1:]:
                product = product * whole(factor, grid)
            return product
        case Neg(operand):
            return -whole(operand, grid)
        case Index(Name(name), subscripts):
            return grid[name][(..., *(whole(each, grid) for each in subscripts))]
        case Call("quotient", (above, below)):
            return whole(above, grid) // whole(below, grid)
        case Call("remainder", (above, below)):
            return whole(above, grid) % whole(below, grid)
        case _:
            raise TypeError(f"{type(expr).__name__} is not a formula of indices")


_FIX = "compute it from one input by whole multiples, such as 2*q + 1, or give it as an input; inputs are drawn whole"


def _as_whole(name: str, value: Array) -> Array:
    """Numbers of a node that choose entries, as integers."""
    with np.errstate(invalid="ignore"):
        chosen = np.asarray(value).astype(int)
    if not np.array_equal(chosen, value):
        raise ValuesError(f"{name} chooses an entry, and is not a whole number", fix=_FIX)
    return chosen


def _require_inside(name: str, position: Any, size: int) -> None:
    """Refuse positions outside of an axis; they count from zero and never from the end."""
    outside = np.extract((position < 0) | (position >= size), position)
    if outside.size:
        message = f"entry {outside[0]} of {name} is chosen, and its axis counts from 0 to {size - 1}"
        raise ValuesError(message, fix="give numbers that choose entries inside")
