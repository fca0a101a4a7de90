"""Formulas of entries, `out[r, c] = sum(K[i, j]*im[r+i, c+j], ...)`, as nodes of the four kinds.

Every entry that a formula reads becomes a view whose axes are the indices in its subscripts; sums of products
become contractions over those axes, other sums reductions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backpropsym.formula.algebra import add
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import (
    Call,
    Expr,
    Index,
    Limits,
    Mul,
    Name,
    Number,
    Slice,
    children,
    names,
    number,
    rebuild,
    substitute,
)
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import Elementwise, Reduction, Shape, View
from backpropsym.ops.lowering import COMPOSITIONS, Lowered, Lowering, Value
from backpropsym.ops.reducer import REDUCERS, filled
from backpropsym.ops.shapes import refuse, shape_text
from backpropsym.ops.sizes import (
    Dimension,
    as_size,
    size_difference,
    size_floor,
    size_product,
    size_sum,
    size_symbols,
    size_tree,
)
from backpropsym.ops.subscripts import Span, Subscript, both_spans, data_in, read_subscript


@dataclass(frozen=True, slots=True)
class Entries:
    """A value for every combination of the indices in `axes`, one axis an index."""

    value: Value
    axes: tuple[str, ...]


class IndexLowering(Lowering):
    """Lowers a formula of entries.

    Parameters
    ----------
    free : the free indices of the node, in the order of its axes.
    offsets : the smallest index of each axis of nodes that do not count from zero.
    """

    def __init__(
        self,
        owner: str,
        shapes: dict[str, Shape],
        table: FunctionTable,
        free: Sequence[str] = (),
        offsets: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        super().__init__(owner, shapes, table, offsets)
        self.free = tuple(free)

    def indexed(self, expr: Call) -> Value:
        """A sum over indices inside a formula of whole tensors."""
        return self.entries(expr, {}).value

    def root(self, expr: Expr) -> list[Lowered]:
        """The nodes of the whole formula; the last one has the owner's name.

        Raises
        ------
        ShapeError : an index without a range, or outside of it; the problem's span marks the columns.
        """
        spans = self._free_spans(expr)
        found = self._aligned(self.entries(expr, spans), self.free, spans)
        shape = tuple(spans[index].size for index in self.free)
        if self.nodes and found.value.expr == Name(self.nodes[-1].name) and found.value.shape == shape:
            last = self.nodes.pop()
            self.nodes.append(Lowered(self.owner, last.op, last.shape, last.parents))
        else:
            expr = found.value.expr
            self.nodes.append(Lowered(self.owner, Elementwise(expr), shape, self.parents(expr)))
        return self.nodes

    def _reduces(self, function: str, arguments: Sequence[Expr]) -> bool:
        """Whether a call is an op over whole tensors; a function of scalars serves entries."""
        if function in self.table:
            return COMPOSITIONS.get(function) is not None and len(arguments) == 1 and function in REDUCERS
        return function in COMPOSITIONS

    def entries(self, expr: Expr, spans: Mapping[str, Span]) -> Entries:
        """The value of a part of the formula for every combination of its indices."""
        match expr:
            case Number():
                return Entries(Value(expr, ()), ())
            case Name(name) if name in spans:
                raise refuse(f"the index {name} stands outside of brackets", span=expr.span)
            case Name(name):
                if self.shapes.get(name):
                    message = f"{name} has the shape {shape_text(self.shapes[name])} and no indices"
                    raise refuse(message, fix=f"write its indices, as in {name}[i]", span=expr.span)
                return Entries(Value(expr, ()), ())
            case Index(Name(name), subscripts):
                return self._read(name, subscripts, expr, spans)
            case Call(function, arguments) if arguments and isinstance(arguments[-1], Limits):
                return self._reduced(function, expr, spans)
            case Index(base, subscripts):
                return self._read(self.name(self.value(base)), subscripts, expr, spans)
            case Call(function, arguments) if self._reduces(function, arguments):
                return self._whole(expr)
            case Call() | _ if children(expr):
                return self._pointwise(expr, spans)
            case _:
                raise refuse(f"{to_text(expr)} cannot stand in a formula of entries", span=expr.span)

    def _whole(self, expr: Call) -> Entries:
        """An op over whole tensors, which must leave one number."""
        found = self.value(expr)
        if found.shape:
            message = f"{to_text(expr)} has the shape {shape_text(found.shape)} and no indices"
            raise refuse(message, fix=f"write its indices, as in {to_text(expr)}[i]", span=expr.span)
        return Entries(found, ())

    def _pointwise(self, expr: Expr, spans: Mapping[str, Span]) -> Entries:
        parts = [self.entries(part, spans) for part in children(expr)]
        axes = tuple(dict.fromkeys(index for part in parts for index in part.axes))
        aligned = [self._aligned(part, axes, spans) for part in parts]
        shape = tuple(spans[index].size for index in axes)
        return Entries(Value(rebuild(expr, tuple(part.value.expr for part in aligned)), shape), axes)

    def _aligned(self, entries: Entries, axes: tuple[str, ...], spans: Mapping[str, Span]) -> Entries:
        """The same with its axes in the order of `axes`, new ones of size 1 where NumPy does not add them itself."""
        if entries.axes == axes[len(axes) - len(entries.axes) :]:
            return entries
        order = tuple(axes.index(index) for index in entries.axes)
        shape = tuple(spans[index].size if index in entries.axes else 1 for index in axes)
        indices = tuple(f"_i{axis}" for axis in range(len(axes)))
        operand = self.name(entries.value)
        view = View(operand, indices, tuple(Name(indices[axis]) for axis in order), "expand", order)
        return Entries(self.node(view, shape, [operand]), axes)

    def _read(self, name: str, subscripts: Sequence[Expr], expr: Expr, spans: Mapping[str, Span]) -> Entries:
        """The entries of a node at `subscripts`, as a view over the indices in them."""
        shape = self.shapes[name]
        sliced = next((each for each in subscripts if isinstance(each, Slice)), None)
        if sliced is not None:
            fix = "write an index, and a sum over it where one is meant"
            raise refuse(f"the slice {to_text(sliced)} stands in a formula of entries", fix=fix, span=sliced.span)
        if len(subscripts) != len(shape):
            message = f"{name} has {len(shape)} axes, and {len(subscripts)} indices"
            raise refuse(message, fix=f"its shape is {shape_text(shape)}", span=expr.span)
        positions = [self._position(name, axis, subscript, spans) for axis, subscript in enumerate(subscripts)]
        subscripts = [position.expr for position in positions]
        axes = tuple(dict.fromkeys(index for each in subscripts for index in names(each) if index in spans))
        chosen = [parent for sub in subscripts for parent in self.parents(sub) if parent not in spans]
        offsets = self.offsets.get(name, (0,) * len(shape))
        if self._is_whole(subscripts, shape, axes, offsets, spans):
            return Entries(Value(Name(name), shape), axes)
        places = {index: add([Name(f"_{index}"), size_tree(spans[index].low)]) for index in axes}
        source = tuple(
            add([substitute(each, places), number(-low)]) for each, low in zip(subscripts, offsets, strict=True)
        )
        view = View(name, tuple(f"_{index}" for index in axes), source, "entries")
        return Entries(self.node(view, tuple(spans[index].size for index in axes), [name, *chosen]), axes)

    def _is_whole(
        self,
        subscripts: Sequence[Expr],
        shape: Shape,
        axes: tuple[str, ...],
        offsets: Sequence[int],
        spans: Mapping[str, Span],
    ) -> bool:
        """Whether the subscripts are plain indices that run over their axes."""
        if len(axes) < len(subscripts) or not all(isinstance(subscript, Name) for subscript in subscripts):
            return False
        return all(
            spans[index].low == low and spans[index].size == size
            for index, size, low in zip(axes, shape, offsets, strict=True)
        )

    def _position(self, name: str, axis: int, expr: Expr, spans: Mapping[str, Span]) -> Subscript:
        """A subscript that stays on its axis.

        Raises
        ------
        ShapeError : it is no sum of whole multiples, or leaves the axis.
        """
        position = self._subscript_of(expr, spans)
        low, size = self._axis(name, axis)
        if isinstance(expr, Name) and expr.name in spans and spans[expr.name] == Span(low, size):
            return position
        reach, high = position.reach(spans), size_sum([low, size, -1])
        if position.data is not None:
            data = self._data_from_zero(position.data, spans)
            if not _some_value(position.factor, reach, low, high):
                fix = f"axis {axis} of {name} runs from {low} to {high}"
                raise refuse(
                    f"no value of {to_text(position.data)} keeps {to_text(expr)} inside", fix=fix, span=expr.span
                )
            return replace(position, expr=_replaced(position.expr, position.data, data))
        before, after = size_difference(reach[0], low), size_difference(high, reach[1])
        if isinstance(before, str) or isinstance(after, str):
            fix = f"let its index run to {high}, or give the sizes as numbers"
            message = f"{to_text(expr)} runs to {reach[1]}, and axis {axis} of {name} to {high}"
            raise refuse(f"{message}: they cannot be compared", fix=fix, span=expr.span)
        if before < 0 or after < 0:
            message = f"{name}[{to_text(expr)}] runs from {reach[0]} to {reach[1]}"
            fix = f"axis {axis} of {name} runs from {low} to {high}"
            raise refuse(message, fix=fix, span=expr.span)
        return position

    def _data_from_zero(self, data: Expr, spans: Mapping[str, Span]) -> Expr:
        """A value that chooses by data, a number or an entry of a node, its subscripts counted from zero."""
        match data:
            case Name(name) if not self.shapes[name]:
                return data
            case Index(Name(name), subscripts) if len(subscripts) == len(self.shapes.get(name, ())):
                positions = [self._position(name, axis, subscript, spans) for axis, subscript in enumerate(subscripts)]
                if all(position.data is None for position in positions):
                    lows = [self._axis(name, axis)[0] for axis in range(len(positions))]
                    shifted = (add([each.expr, number(-low)]) for each, low in zip(positions, lows, strict=True))
                    return Index(data.base, tuple(shifted))
        fix = "choose by a number or an entry such as t[i], and give what is computed a line of its own in [nodes]"
        raise refuse(f"{to_text(data)} is not a number that chooses an entry", fix=fix, span=data.span)

    def _axis(self, name: str, axis: int) -> tuple[int, Dimension]:
        """The smallest index of an axis, and its size."""
        low = self.offsets[name][axis] if name in self.offsets else 0
        return low, self.shapes[name][axis]

    def _subscript_of(self, expr: Expr, indices: Collection[str]) -> Subscript:
        """A subscript as a sum of whole multiples, refused where it is none."""
        found = read_subscript(expr, self.shapes, indices)
        if found is not None:
            return found
        data = [to_text(each) for each in data_in(expr, self.shapes, indices)]
        message = f"the subscript {to_text(expr)} is not a sum of whole multiples of indices"
        fix = "write whole multiples of indices, such as 2*i + 1"
        if data:
            message += f" and of one of {', '.join(data)}" if len(data) > 1 else f" and of {data[0]}"
            fix = f"write a sum such as {data[0]} - 1, or give the position as an input of whole numbers"
        raise refuse(message, fix=fix, span=expr.span)

    def _reduced(self, function: str, expr: Call, spans: Mapping[str, Span]) -> Entries:
        """A reduction over indices with limits."""
        if function not in REDUCERS or not REDUCERS[function].repeats:
            *most, last = (name for name, reducer in REDUCERS.items() if reducer.repeats)
            fix = f"use {', '.join(most)} or {last}"
            raise refuse(f"{function} takes no index limits", fix=fix, span=expr.span)
        body, *limits = expr.arguments
        inner = {**spans, **{limit.index: self._bound(limit) for limit in limits if isinstance(limit, Limits)}}
        summed = tuple(each.index for each in limits if isinstance(each, Limits))
        factors = body.factors if isinstance(body, Mul) else (body,)
        if function == "sum" and len(factors) > 1:
            return self._contracted([self.entries(factor, inner) for factor in factors], summed, inner)
        found = self.entries(body, inner)
        used = tuple(index for index in summed if index in found.axes)
        if used:
            kept = tuple(index for index in found.axes if index not in used)
            axes = tuple(axis for axis, index in enumerate(found.axes) if index in used)
            operand = self.name(found.value)
            shape = tuple(inner[index].size for index in kept)
            found = Entries(self.node(Reduction(function, operand, axes), shape, [operand]), kept)
        else:
            alone = REDUCERS[function].of_one(found.value.expr, self.table)
            found = Entries(Value(alone, found.value.shape), found.axes)
        return self._repeated(found, [inner[index] for index in summed if index not in used], function)

    def _repeated(self, entries: Entries, unused: Sequence[Span], function: str) -> Entries:
        """A reduction over indices that its body does not use: that of copies."""
        values = {"y": entries.value.expr, "n": size_tree(size_product(each.size for each in unused))}
        whole = filled(REDUCERS[function].repeats, values, self.table)
        return Entries(Value(whole, entries.value.shape), entries.axes)

    def _contracted(self, parts: list[Entries], summed: tuple[str, ...], spans: Mapping[str, Span]) -> Entries:
        axes = tuple(dict.fromkeys(index for part in parts for index in part.axes))
        missing = [index for index in summed if index not in axes]
        letters = dict(zip(axes, "ijklmnopqrstuvwxyzabcdefgh", strict=False))
        kept = tuple(index for index in axes if index not in summed)
        groups = ["".join(letters[index] for index in part.axes) for part in parts]
        subscripts = ",".join(groups) + "->" + "".join(letters[index] for index in kept)
        shape = tuple(spans[index].size for index in kept)
        found = Entries(self.contract(subscripts, [self.name(part.value) for part in parts], shape), kept)
        return self._repeated(found, [spans[index] for index in missing], "sum")

    def _bound(self, limits: Limits) -> Span:
        """The range of a summed index; its ends are whole numbers or sizes such as n - 1."""
        low, high = as_size(limits.low), as_size(limits.high)
        for end, size, name in ((limits.low, low, "lower"), (limits.high, high, "upper")):
            if size is None or not self._sizes(names(end)):
                message = f"the {name} limit {to_text(end)} is neither a whole number nor a size such as n - 1"
                fix = f"write a number, as in ({limits.index}, 0, 2); both ends are included"
                raise refuse(message, fix=fix, span=end.span or limits.span)
        assert low is not None and high is not None, "refused above"
        count = size_sum([size_difference(high, low), 1])
        if isinstance(count, int) and count < 1:
            fix = f"write the lower limit first: ({limits.index}, {high}, {low}); both ends are included"
            raise refuse(f"the limits {to_text(limits)} hold no whole number", fix=fix, span=limits.span)
        return Span(low, count)

    def _sizes(self, symbols: Sequence[str]) -> bool:
        """Whether each name is a symbolic size of some node."""
        known = (
            {size_symbol for shape in self.shapes.values() for size in shape for size_symbol in size_symbols(size)}
            if symbols
            else set()
        )
        return known.issuperset(symbols)

    def _free_spans(self, expr: Expr) -> dict[str, Span]:
        """The largest box of integers in which every entry that the formula reads exists."""
        found: dict[str, Span] = {}
        for name, axis, subscript, bound in self._accesses(expr, {}):
            if isinstance(subscript, Slice) or set(self.free).isdisjoint(names(subscript)):
                continue  # refused where it is read, or no matter here
            position = self._subscript_of(subscript, {*self.free, *bound})
            free = [index for index in position.rest if index in self.free and index not in bound]
            if position.data is not None or not free:
                continue  # the value follows the index, not the index the value
            if len(free) > 1:
                raise refuse(f"{to_text(subscript)} mixes the free indices {' and '.join(free)}", span=subscript.span)
            box = self._box(free[0], name, axis, position, subscript, bound)
            found[free[0]] = both_spans(found.get(free[0], box), box, free[0], subscript)
        for index in self.free:
            if index not in found:
                raise refuse(f"nothing says how far the index {index} runs", fix=f"use it, as in x[{index}]")
            size = found[index].size
            if isinstance(size, int) and size < 1:
                raise refuse(f"no value of the index {index} keeps every entry inside", fix="use a smaller window")
        return found

    def _box(
        self, index: str, name: str, axis: int, position: Subscript, subscript: Expr, bound: Mapping[str, Span]
    ) -> Span:
        """The values of a free index for which a subscript stays on its axis."""
        low, size = self._axis(name, axis)
        slope = position.rest[index]
        others = {part: value for part, value in position.rest.items() if part != index}
        reach = replace(position, rest=others).reach(bound)
        first, last = size_difference(low, reach[0]), size_difference(size_sum([low, size, -1]), reach[1])
        if slope < 0:
            first, last = size_product([-1, last]), size_product([-1, first])
        divisor = abs(slope)
        start, end = size_floor(size_sum([first, divisor - 1]), divisor), size_floor(last, divisor)
        if start is None or end is None:
            message = f"how far {index} runs in {to_text(subscript)} depends on what {size} is"
            raise refuse(message, fix=f"declare the size as a multiple: {divisor}*m", span=subscript.span)
        return Span(start, size_sum([end, size_product([-1, start]), 1]))

    def _accesses(self, expr: Expr, bound: Mapping[str, Span]) -> Iterator[tuple[str, int, Expr, Mapping[str, Span]]]:
        """Every subscript of every access, with the ranges of the summed indices around it."""
        if isinstance(expr, Index) and isinstance(expr.base, Name) and expr.base.name in self.shapes:
            shape = self.shapes[expr.base.name]
            for axis, subscript in enumerate(expr.subscripts[: len(shape)]):
                yield expr.base.name, axis, subscript, bound
                yield from self._accesses(subscript, bound)
            return
        limits = [child for child in children(expr) if isinstance(child, Limits)]
        inner = {**bound, **{limit.index: self._bound(limit) for limit in limits}} if limits else bound
        for part in children(expr):
            if not isinstance(part, Limits):
                yield from self._accesses(part, inner)


def _some_value(factor: int, reach: tuple[Dimension, Dimension], low: Dimension, high: Dimension) -> bool:
    """Whether factor*q + rest stays on an axis for some whole q; sizes that cannot be compared may leave room."""
    first, last = size_difference(low, reach[0]), size_difference(high, reach[1])
    if not isinstance(first, int) or not isinstance(last, int):
        room = size_difference(last, first)
        return isinstance(room, str) or room >= 0
    return -(-first // abs(factor)) <= last // abs(factor)


def _replaced(expr: Expr, old: Expr, new: Expr) -> Expr:
    """The formula with one part in place of another."""
    if expr == old:
        return new
    parts = children(expr)
    return rebuild(expr, tuple(_replaced(part, old, new) for part in parts)) if parts else expr
