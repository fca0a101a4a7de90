"""Formulas of entries, `out[r, c] = sum(K[i, j]*im[r+i, c+j], ...)`, as nodes of the four kinds.

Every entry that a formula reads becomes a view whose axes are the indices in its subscripts; sums of products
become contractions over those axes, other sums reductions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from backpropsym.formula.affine import affine
from backpropsym.formula.algebra import add, mul
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
from backpropsym.ops.kinds import Dimension, Elementwise, Reduction, Shape, View
from backpropsym.ops.lowering import COMPOSITIONS, Lowered, Lowering, Value, constant_integer
from backpropsym.ops.shapes import refuse, shape_text
from backpropsym.ops.table import FunctionTable

REDUCTIONS = ("sum", "mean", "max", "min")


@dataclass(frozen=True, slots=True)
class Span:
    """The values of an index: `size` whole numbers from `low`. A symbolic size starts at zero."""

    low: int
    size: Dimension

    @property
    def high(self) -> int:
        """The largest value of an index of known size."""
        return self.low + int(self.size) - 1


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
            self.nodes.append(Lowered(self.owner, Elementwise(expr), shape, names(expr)))
        return self.nodes

    def _reduces(self, function: str, arguments: Sequence[Expr]) -> bool:
        """Whether a call is an op over whole tensors; a function of scalars serves entries."""
        if function in self.table:
            return COMPOSITIONS.get(function) is not None and len(arguments) == 1 and function in REDUCTIONS
        return function in COMPOSITIONS

    def entries(self, expr: Expr, spans: Mapping[str, Span]) -> Entries:
        """The value of a part of the formula for every combination of its indices."""
        match expr:
            case Number():
                return Entries(Value(expr, ()), ())
            case Name(name) if name in spans:
                raise refuse(f"the index {name} stands outside of brackets", span=expr.span)
            case Name(name):
                if self.shapes[name]:
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
        axes = tuple(dict.fromkeys(index for each in subscripts for index in names(each) if index in spans))
        chosen = [each for sub in subscripts for each in names(sub) if each not in spans]
        self._check_reads(name, subscripts, spans)
        offsets = self.offsets.get(name, (0,) * len(shape))
        if self._is_whole(subscripts, shape, axes, offsets, spans):
            return Entries(Value(Name(name), shape), axes)
        places = {index: add([Name(f"_{index}"), number(spans[index].low)]) for index in axes}
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
        if len(axes) < len(subscripts) or not all(isinstance(each, Name) for each in subscripts):
            return False
        return all(
            spans[index].low == low and spans[index].size == size
            for index, size, low in zip(axes, shape, offsets, strict=True)
        )

    def _check_reads(self, name: str, subscripts: Sequence[Expr], spans: Mapping[str, Span]) -> None:
        """Refuse an index that leaves its axis."""
        offsets = self.offsets.get(name, (0,) * len(subscripts))
        for axis, (each, low) in enumerate(zip(subscripts, offsets, strict=True)):
            size = self.shapes[name][axis]
            if isinstance(each, Name) and each.name in spans and spans[each.name] == Span(low, size):
                continue
            reach = _reach(each, spans)
            if reach is None:
                continue
            if not isinstance(size, int):
                fix = "give the size as a number, or let a plain index run over the axis"
                raise refuse(f"{to_text(each)} cannot be compared with the size {size}", fix=fix, span=each.span)
            if reach[0] < low or reach[1] >= low + size:
                message = f"{name}[{to_text(each)}] runs from {reach[0]} to {reach[1]}"
                fix = f"axis {axis} of {name} runs from {low} to {low + size - 1}"
                raise refuse(message, fix=fix, span=each.span)

    def _reduced(self, function: str, expr: Call, spans: Mapping[str, Span]) -> Entries:
        """A sum, mean, max or min over indices with limits."""
        if function not in REDUCTIONS:
            raise refuse(f"{function} takes no index limits", fix="use sum, mean, max or min", span=expr.span)
        body, *limits = expr.arguments
        inner = {**spans, **{each.index: self._bound(each) for each in limits if isinstance(each, Limits)}}
        summed = tuple(each.index for each in limits if isinstance(each, Limits))
        factors = body.factors if isinstance(body, Mul) else (body,)
        if function == "sum" and len(factors) > 1:
            return self._contracted([self.entries(each, inner) for each in factors], summed, inner)
        found = self.entries(body, inner)
        used = tuple(index for index in summed if index in found.axes)
        if used:
            kept = tuple(index for index in found.axes if index not in used)
            axes = tuple(axis for axis, index in enumerate(found.axes) if index in used)
            operand = self.name(found.value)
            shape = tuple(inner[index].size for index in kept)
            found = Entries(self.node(Reduction(function, operand, axes), shape, [operand]), kept)
        return self._repeated(found, [inner[index] for index in summed if index not in used], function)

    def _repeated(self, entries: Entries, unused: Sequence[Span], function: str) -> Entries:
        """A sum over an index that its body does not use counts the values of the index."""
        if function != "sum" or not unused:
            return entries
        if not all(isinstance(each.size, int) for each in unused):
            raise refuse("a sum over an index that is not used needs its limits in numbers")
        count = number(math.prod(int(each.size) for each in unused))
        return Entries(Value(mul([count, entries.value.expr]), entries.value.shape), entries.axes)

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
        """The range of a summed index: whole numbers, or zero to a symbolic width minus one."""
        low, high = constant_integer(limits.low), _constant(limits.high)
        if low is None:
            fix = f"write a number, as in ({limits.index}, 0, {to_text(limits.high)})"
            raise refuse(f"the lower limit {to_text(limits.low)} is not a whole number", fix=fix, span=limits.low.span)
        if isinstance(high, str):
            if low:
                fix = f"write ({limits.index}, 0, {to_text(limits.high)})"
                raise refuse("a symbolic range starts at zero", fix=fix, span=limits.span)
            return Span(0, high)
        if high is None:
            message = (
                f"the upper limit {to_text(limits.high)} is neither a whole number nor n - 1 for a symbolic width n"
            )
            fix = f"write a number, as in ({limits.index}, {low}, {low + 2}); both ends are included"
            raise refuse(message, fix=fix, span=limits.high.span)
        if high < low:
            fix = f"write the lower limit first: ({limits.index}, {high}, {low}); both ends are included"
            raise refuse(f"the limits {to_text(limits)} hold no whole number", fix=fix, span=limits.span)
        return Span(low, high - low + 1)

    def _free_spans(self, expr: Expr) -> dict[str, Span]:
        """The largest box of integers in which every entry that the formula reads exists."""
        found: dict[str, tuple[int, int] | str] = {}
        for name, axis, subscript, bound in self._accesses(expr, {}):
            free = [index for index in names(subscript) if index in self.free and index not in bound]
            if len(free) > 1:
                raise refuse(f"{to_text(subscript)} mixes the free indices {' and '.join(free)}", span=subscript.span)
            if free:
                self._narrow(found, free[0], name, axis, subscript, bound)
        spans: dict[str, Span] = {}
        for index in self.free:
            box = found.get(index)
            if box is None:
                raise refuse(f"nothing says how far the index {index} runs", fix=f"use it, as in x[{index}]")
            if isinstance(box, tuple) and box[1] < box[0]:
                raise refuse(f"no value of the index {index} keeps every entry inside", fix="use a smaller window")
            spans[index] = Span(box[0], box[1] - box[0] + 1) if isinstance(box, tuple) else Span(0, box)
        return spans

    def _narrow(
        self,
        found: dict[str, tuple[int, int] | str],
        index: str,
        name: str,
        axis: int,
        subscript: Expr,
        bound: Mapping[str, Span],
    ) -> None:
        size, low = self.shapes[name][axis], self.offsets.get(name, (0,) * 9)[axis]
        if not isinstance(size, int):
            if subscript != Name(index) or found.setdefault(index, size) != size:
                raise refuse(f"{to_text(subscript)} cannot be compared with the size {size}", span=subscript.span)
            return
        coefficients = affine(subscript)
        if coefficients is None or not coefficients.get(index):
            raise refuse(f"{to_text(subscript)} is not a sum of multiples of indices", span=subscript.span)
        slope = coefficients.pop(index)
        reach = _interval(coefficients, bound)
        if reach is None:
            raise refuse(f"{to_text(subscript)} is not a sum of multiples of indices", span=subscript.span)
        ends = sorted([(low - reach[0]) / slope, (low + size - 1 - reach[1]) / slope])
        box = (math.ceil(ends[0]), math.floor(ends[1]))
        before = found.get(index, box)
        if isinstance(before, str):
            raise refuse(f"the index {index} runs to {before} and to {box[1]}", span=subscript.span)
        found[index] = (max(before[0], box[0]), min(before[1], box[1]))

    def _accesses(self, expr: Expr, bound: Mapping[str, Span]) -> Iterator[tuple[str, int, Expr, Mapping[str, Span]]]:
        """Every subscript of every access, with the ranges of the summed indices around it."""
        if isinstance(expr, Index) and isinstance(expr.base, Name) and expr.base.name in self.shapes:
            shape = self.shapes[expr.base.name]
            for axis, subscript in enumerate(expr.subscripts[: len(shape)]):
                yield expr.base.name, axis, subscript, bound
            return
        limits = [each for each in children(expr) if isinstance(each, Limits)]
        inner = {**bound, **{each.index: self._bound(each) for each in limits}} if limits else bound
        for part in children(expr):
            if not isinstance(part, Limits):
                yield from self._accesses(part, inner)


def _constant(expr: Expr) -> int | str | None:
    """A whole number, or the symbol n of n - 1."""
    found = constant_integer(expr)
    if found is not None:
        return found
    coefficients = affine(expr)
    if coefficients is None:
        return None
    shift = coefficients.pop("", Fraction(0))
    if not coefficients and shift.denominator == 1:
        return int(shift)
    if len(coefficients) == 1 and shift == -1 and set(coefficients.values()) == {Fraction(1)}:
        return next(iter(coefficients))
    return None


def _reach(expr: Expr, spans: Mapping[str, Span]) -> tuple[int, int] | None:
    """The smallest and largest value of a subscript; None where it is chosen by data or symbolic."""
    coefficients = affine(expr)
    if coefficients is None:
        return None
    found = _interval(coefficients, spans)
    return None if found is None else (math.ceil(found[0]), math.floor(found[1]))


def _interval(coefficients: Mapping[str, Fraction], spans: Mapping[str, Span]) -> tuple[Fraction, Fraction] | None:
    low = high = coefficients.get("", Fraction(0))
    for index, value in coefficients.items():
        if not index:
            continue
        if index not in spans or not isinstance(spans[index].size, int):
            return None
        ends = sorted([value * spans[index].low, value * spans[index].high])
        low, high = low + ends[0], high + ends[1]
    return low, high
