"""Rows of one array that are read one by one, as the gates of a recurrent cell and the steps of a sequence.

Each row lies in one piece; what is added to every row is added to the array; the same function of neighbouring rows is
computed for all of them at once.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from backpropsym.kernels.ir.array_operations import ALL, BATCH, Item, Pick, Reshape, broadcast_shape, nominal
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Kind, Program, Value
from backpropsym.kernels.passes.rebuilding import Rebuilding, Replacement, outer_sums, terms_of, uses_of
from backpropsym.ops.kinds import Shape

_ARITHMETIC = (Kind.ADD, Kind.SUBTRACT, Kind.MULTIPLY, Kind.DIVIDE, Kind.NEGATE)
_FUNCTIONS = (*_ARITHMETIC, Kind.POWER, Kind.CALL)
_LONG_ROW = 1 << 15
"""Functions of rows of so many entries are better computed one after another, so that they stay in the cache."""


def rows_read(program: Program) -> dict[int, int]:
    """Values of which nothing but rows is read, one or several neighbours, and the axis along which these lie."""
    alive = program.live()
    results = {program.value, *program.gradients.values()}
    axes: dict[int, set[int | None]] = {}
    for position, item in enumerate(program.items):
        if alive[position]:
            for operand in item.operands:
                axes.setdefault(operand, set()).add(_row_axis(item))
    found = {}
    for position, (axis, *others) in axes.items():
        if axis is not None and not others and position not in results:
            found[position] = axis
    return found


def _row_axis(item: Value) -> int | None:
    """The axis of which a value reads a part; None where it reads otherwise."""
    if not isinstance(item.data, Pick):
        return None
    axes = [axis for axis, each in enumerate(item.data.items) if each != ALL]
    return axes[0] if len(axes) == 1 else None


def sums_with_rows(program: Program, values: ArrayValues) -> dict[int, Replacement]:
    """What is added to every row of an array, added to the array, where it broadcasts to a row."""
    uses, terms, found = uses_of(program), {}, dict[int, Replacement]()
    rows: dict[int, dict[int, int]] = defaultdict(dict)
    read = rows_read(program)
    for position in outer_sums(program, uses):
        terms[position] = terms_of(program, uses, position)
        for each in terms[position]:
            row = row_of(program.items[each])
            if row is not None and uses[each] == 1 and row.axis == read.get(row.base, -1) == 0:
                rows[row.base][each] = position
    for base, sums in rows.items():
        if len(sums) == values.shape(base)[0] == uses[base]:
            common = functools.reduce(operator.and_, (Counter(terms[position]) for position in sums.values()))
            shape = values.shape(base)[1:]
            fitting = (each for each in common.elements() if broadcast_shape([values.shape(each), shape]) == shape)
            added = sorted(each for each in fitting if each < base)
            if added:
                for row_position, position in sums.items():
                    found[position] = _with_added(program, terms[position], row_position, base, added)
    return found


def _with_added(program: Program, terms: Sequence[int], row: int, base: int, added: Sequence[int]) -> Replacement:
    """A sum of which one term is a row of an array, to which other terms are `added` as a whole."""

    def build(new: Rebuilding) -> int:
        whole = new.moved[base]
        for each in added:
            whole = new.values.add(whole, new.moved[each])
        total = new.values.pick(whole, program.items[row].data.items)
        for each in (Counter(terms) - Counter([row, *added])).elements():
            total = new.values.add(total, new.moved[each])
        return total

    return build


def arithmetic_on_rows(program: Program, values: ArrayValues) -> dict[int, Replacement]:
    """Arithmetic under more axes where these are made afterwards to read rows: `reshape(a + b)` as sum of reshapes."""
    uses = uses_of(program)
    found: dict[int, Replacement] = {}
    for position in rows_read(program):
        item = program.items[position]
        if isinstance(item.data, Reshape):
            inner, shape = item.operands[0], values.shape(position)
            split = _split(values.shape(inner), shape)
            if split is not None and uses[inner] == 1 and program.items[inner].kind in _ARITHMETIC:
                found[position] = _under(program, values, uses, inner, split)
    return found


def _under(
    program: Program, values: ArrayValues, uses: Sequence[int], position: int, split: list[Shape]
) -> Replacement:
    """A value whose axes are split; arithmetic that nothing else uses is done after the split."""
    inner, waiting = set(), [position]
    while waiting:
        each = waiting.pop()
        if program.items[each].kind in _ARITHMETIC and uses[each] == 1:
            inner.add(each)
            waiting += program.items[each].operands

    def build(new: Rebuilding) -> int:
        made: dict[int, int] = {}
        for each in sorted(inner):
            operands = program.items[each].operands
            made |= {other: _split_up(values, new, other, split) for other in operands if other not in made}
            made[each] = new.values.again(program.items[each], tuple(made[other] for other in operands), None)
        return made[position]

    return build


def _split_up(values: ArrayValues, new: Rebuilding, position: int, split: list[Shape]) -> int:
    """A value under the axes after the split, of those that it has."""
    shape = values.shape(position)
    own = split[len(split) - len(shape) :]
    ones = [(1,) * len(sizes) if size == 1 else sizes for size, sizes in zip(shape, own, strict=True)]
    return new.values.reshape(new.moved[position], sum(ones, ())) if shape else new.moved[position]


class Row(NamedTuple):
    """One place along an axis of an array."""

    base: int
    axis: int
    place: int


def row_of(item: Value) -> Row | None:
    """The row that a value is."""
    if not isinstance(item.data, Pick):
        return None
    places = [(axis, each) for axis, each in enumerate(item.data.items) if isinstance(each, int)]
    if len(places) != 1 or item.data.items.count(ALL) != len(item.data.items) - 1:
        return None
    return Row(item.operands[0], *places[0])


def _split(before: Shape, after: Shape) -> list[Shape] | None:
    """For each axis before, the axes after that it is split into; None where axes are merged."""
    found: list[Shape] = []
    left = list(after)
    for size in before:
        taken = [left.pop(0)] if left else []
        if size == BATCH and taken != [BATCH]:
            return None
        while size != BATCH and left and _product(taken) != size:
            taken.append(left.pop(0))
        if _product(taken) != size:
            return None
        found.append(tuple(taken))
    return None if left else found


def _product(sizes: Sequence[int | str]) -> int | str | None:
    numbers = [size for size in sizes if isinstance(size, int)]
    if len(numbers) == len(sizes):
        return math.prod(numbers)
    return sizes[0] if len(sizes) == 1 else None


def _functions(program: Program) -> dict[int, tuple[int, Row]]:
    """The values that are functions of one row alone: a number for each function of any row, and the row."""
    numbers: dict[tuple[object, ...], int] = {}
    found: dict[int, tuple[int, Row]] = {}
    for position, item in enumerate(program.items):
        row = row_of(item)
        key: tuple[object, ...] = ("row",)
        if row is None and item.kind in _FUNCTIONS:
            inner = [found.get(each) for each in item.operands if program.items[each].kind is not Kind.NUMBER]
            rows = {each[1] for each in inner if each is not None}
            if None not in inner and len(rows) == 1:
                (row,) = rows
                key = item.kind, item.data, *(found[each][0] if each in found else (each,) for each in item.operands)
        if row is not None:
            found[position] = numbers.setdefault((row.base, row.axis, *key), len(numbers)), row
    return found


def factors_of_rows(program: Program, values: ArrayValues) -> dict[int, Replacement]:
    """a*f*g as a*(f*g) where f and g are functions of one row, which can be computed with those of other rows."""
    functions, uses = _functions(program), uses_of(program)
    found: dict[int, Replacement] = {}
    for position, item in enumerate(program.items):
        if item.kind is Kind.MULTIPLY and position not in functions:
            product, last = item.operands
            inner = program.items[product]
            if inner.kind is Kind.MULTIPLY and uses[product] == 1 and product not in functions and last in functions:
                first, factor = inner.operands
                if factor in functions and functions[factor][1] == functions[last][1]:
                    found[position] = _regrouped(first, factor, last)
    return found


def _regrouped(first: int, factor: int, last: int) -> Replacement:
    def build(new: Rebuilding) -> int:
        return new.values.multiply(new.moved[first], new.values.multiply(new.moved[factor], new.moved[last]))

    return build


def functions_of_rows(program: Program, values: ArrayValues) -> dict[int, Replacement]:
    """The same function of neighbouring rows as one function of the rows together."""
    alive, functions = program.live(), _functions(program)
    groups: dict[int, dict[int, int]] = defaultdict(dict)
    for position, (function, row) in functions.items():
        computed = alive[position] and program.items[position].kind in _FUNCTIONS
        if computed and nominal(values.shape(position)) < _LONG_ROW:
            groups[function][row.place] = position
    runs: dict[int, list[int]] = {}
    for positions in groups.values():
        for places in _runs(sorted(positions)):
            if len(places) > 1:
                run = [positions[place] for place in places]
                runs |= dict.fromkeys(run, run)
    together = _Together(program, functions, runs)
    return {position: together.one(position) for position in runs}


def _runs(places: Sequence[int]) -> list[list[int]]:
    """Neighbours among increasing numbers."""
    grouped = itertools.groupby(enumerate(places), key=lambda pair: pair[1] - pair[0])
    return [[place for _, place in group] for _, group in grouped]


class _Together:
    """Functions of neighbouring rows; `runs` has for each the positions of all that are computed at once."""

    def __init__(self, program: Program, functions: dict[int, tuple[int, Row]], runs: dict[int, list[int]]) -> None:
        self.items = program.items
        self.rows = {position: row for position, (_, row) in functions.items()}
        self.runs = runs
        self.built: dict[tuple[int, ...], int] = {}

    def one(self, position: int) -> Replacement:
        """The value for one row."""

        def build(new: Rebuilding) -> int:
            run = self.runs[position]
            return self._part(new, self._whole(new, run), self.rows[position].axis, run.index(position))

        return build

    def _whole(self, new: Rebuilding, positions: Sequence[int]) -> int:
        """One function of neighbouring rows for all of them, built once."""
        key = tuple(positions)
        if key not in self.built:
            self.built[key] = self._fresh(new, positions)
        return self.built[key]

    def _fresh(self, new: Rebuilding, positions: Sequence[int]) -> int:
        first = self.items[positions[0]]
        if first.kind is Kind.NUMBER:
            return new.values.number(first.data)
        base, axis, place = self.rows[positions[0]]
        if first.kind not in _FUNCTIONS:
            return self._part(new, new.moved[base], axis, (place, place + len(positions), 1))
        run = self.runs.get(positions[0], positions)
        if len(run) > len(positions):
            start = run.index(positions[0])
            return self._part(new, self._whole(new, run), axis, (start, start + len(positions), 1))
        operands = zip(*(self.items[each].operands for each in positions), strict=True)
        return new.values.again(first, tuple(self._whole(new, each) for each in operands), None)

    @staticmethod
    def _part(new: Rebuilding, whole: int, axis: int, item: Item) -> int:
        rank = len(new.values.shape(whole))
        return new.values.pick(whole, [item if each == axis else ALL for each in range(rank)])
