"""Many small products of a network that repeats itself as one: over the steps of a recurrent one, above all.

Two passes. Products of several rows of one array with the same other operand become a product of the whole array, of
which each takes its row. A sum of products of one shape, as the derivative by a weight that is used at every step,
becomes one product of stacks, which sums over the steps as well.
"""

from __future__ import annotations

import functools
import string
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from backpropsym.kernels.ir.array_operations import ALL, Product, Reduce, Reshape, Stack, nominal
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Program, Value
from backpropsym.kernels.passes.rebuilding import Rebuilding, Replacement, outer_sums, terms_of, uses_of
from backpropsym.kernels.passes.row_fusion import row_of

_FEWEST = 3
_LARGE = 1 << 22
"""A product of so many multiplications is as fast alone."""

Members = tuple[int, ...]


def products_of_rows(program: Program, values: ArrayValues) -> dict[int, Replacement]:
    """Products of every row of one array with the same other operand."""
    found: dict[tuple[Any, ...], dict[int, int]] = defaultdict(dict)
    for position, item in _small_products(program, values):
        for slot, operand in enumerate(item.operands):
            row = row_of(program.items[operand])
            if row is not None:
                base, axis, index = row
                found[item.data.groups, item.data.output, slot, base, axis, item.operands[1 - slot]][index] = position
    replacements: dict[int, Replacement] = {}
    for (groups, output, slot, base, axis, other), rows in found.items():
        if len(rows) >= _FEWEST and len(rows) == values.shape(base)[axis]:
            whole = _of_all_rows(groups, output, slot, base, axis, other)
            for index, position in rows.items():
                replacements[position] = _one_row(whole, index)
    return replacements


def _of_all_rows(groups: Sequence[str], output: str, slot: int, base: int, axis: int, other: int) -> Replacement:
    letter = _fresh_letter(groups)

    def build(new: Rebuilding) -> int:
        rows = new.values.leading(new.moved[base], axis)
        pairs = [(groups[1 - slot], new.moved[other]), (letter + groups[slot], rows)]
        (left, first), (right, second) = pairs if slot else reversed(pairs)
        return _product(new.values, (left, right), letter + output, (first, second))

    return build


def _one_row(whole: Replacement, index: int) -> Replacement:
    def build(new: Rebuilding) -> int:
        found = whole(new)
        return new.values.pick(found, [index, *[ALL] * (len(new.values.shape(found)) - 1)])

    return build


def _product(values: ArrayValues, groups: tuple[str, str], output: str, operands: tuple[int, int]) -> int:
    sizes = {
        letter: size
        for letters, each in zip(groups, operands, strict=True)
        for letter, size in zip(letters, values.shape(each), strict=True)
    }
    return values.make(Product(tuple(sizes[letter] for letter in output), groups, output), *operands)


@dataclass(frozen=True)
class _Batch:
    """Terms of a sum that have one form: the operation of each, and for each operand what stands there in each."""

    operation: Product | Reduce
    columns: tuple[Members, ...]

    def total(self, new: Rebuilding, stacks: _Stacks) -> int:
        """The sum of the terms."""
        if isinstance(self.operation, Reduce):
            operands = [stacks.stacked(new, stacks.reordered(self.columns[0]))]
            return new.values.reduce("sum", operands[0], [0, *(axis + 1 for axis in self.operation.axes)])
        operands = [stacks.stacked(new, column) for column in self.columns]
        letter = _fresh_letter(self.operation.groups)
        left, right = (letter + letters for letters in self.operation.groups)
        return _product(new.values, (left, right), self.operation.output, (operands[0], operands[1]))


def sums_of_products(program: Program, values: ArrayValues) -> dict[int, Replacement]:
    """Sums in which products of one form, or sums over axes, are terms: these as one over stacks."""
    uses = uses_of(program)
    plans: dict[int, tuple[list[_Batch], list[int]]] = {}
    for position in outer_sums(program, uses):
        batches, rest = _batches(program, values, uses, terms_of(program, uses, position))
        if batches:
            plans[position] = batches, rest
    pairs = [batch.columns for batches, _ in plans.values() for batch in batches if len(batch.columns) > 1]
    stacks = _Stacks(program, values, {_unwrapped(program, column) for columns in pairs for column in columns})
    return {position: _total(batches, rest, stacks) for position, (batches, rest) in plans.items()}


def _total(batches: list[_Batch], rest: list[int], stacks: _Stacks) -> Replacement:
    def build(new: Rebuilding) -> int:
        terms = [batch.total(new, stacks) for batch in batches] + [new.moved[each] for each in rest]
        return functools.reduce(new.values.add, terms)

    return build


def _batches(
    program: Program, values: ArrayValues, uses: Sequence[int], terms: Sequence[int]
) -> tuple[list[_Batch], list[int]]:
    """The terms of a sum by their form, and those that stay alone."""
    forms: dict[tuple[Any, ...], list[Members]] = defaultdict(list)
    rest = []
    for term in terms:
        item = program.items[term]
        if uses[term] == 1 and _summable(values, item):
            forms[item.data, *(values.shape(each) for each in item.operands)].append((term, *item.operands))
        else:
            rest.append(term)
    batches = []
    for (operation, *_), members in forms.items():
        columns = tuple(zip(*sorted(members, key=lambda each: min(each[1:])), strict=True))
        if len(members) >= _FEWEST and all(len(set(column)) > 1 for column in columns):
            batches.append(_Batch(operation, columns[1:]))
        else:
            rest += columns[0]
    return batches, rest


def _summable(values: ArrayValues, item: Value) -> bool:
    """Whether a term is a small sum of products of two operands, or a sum over axes."""
    match item.data:
        case Product(groups=(first, second)):
            return set(first) != set(second) and _multiplications(values, item) < _LARGE
        case Reduce(function="sum", keep=False):
            return nominal(values.shape(item.operands[0])) < _LARGE
    return False


def _multiplications(values: ArrayValues, item: Value) -> int:
    sizes = {
        letter: size
        for letters, each in zip(item.data.groups, item.operands, strict=True)
        for letter, size in zip(letters, values.shape(each), strict=True)
    }
    return nominal(tuple(sizes.values()))


def _unwrapped(program: Program, members: Members) -> Members:
    """The arrays under other axes that members are, where all are."""
    items = [program.items[each] for each in members]
    if all(isinstance(item.data, Reshape) for item in items):
        return tuple(item.operands[0] for item in items)
    return members


@dataclass(frozen=True)
class _Stacks:
    """Values laid along a new first axis; one array for all that are parts of the same.

    Attributes
    ----------
    columns : the operands of products, whose order cannot be chosen.
    """

    program: Program
    values: ArrayValues
    columns: Collection[Members]

    def stacked(self, new: Rebuilding, members: Members) -> int:
        """The stack of `members`."""
        inner = _unwrapped(self.program, members)
        if len({self.values.shape(each) for each in inner}) > 1:
            inner = members
        if inner is not members:
            shape = self.values.shape(members[0])
            return new.values.reshape(self.stacked(new, inner), (len(members), *shape))
        rows = self._rows(members)
        if rows is not None:
            base, axis, start = rows
            return self._range(new, new.values.leading(new.moved[base], axis), start, len(members))
        whole, start = self._longest(new, members)
        shape = (len(whole), *self.values.shape(members[0]))
        stack = new.values.make(Stack(shape), *(new.moved[each] for each in whole))
        return self._range(new, stack, start, len(members))

    def reordered(self, members: Members) -> Members:
        """The members in the order of the shortest stack that has each of them once."""
        names = dict(zip(_unwrapped(self.program, members), members, strict=True))
        parts = {column: [each for each in column if each in names] for column in self.columns}
        holding = [column for column, part in parts.items() if len(part) == len(set(part)) == len(members)]
        return tuple(names[each] for each in parts[min(holding, key=len)]) if holding else members

    def _rows(self, members: Members) -> tuple[int, int, int] | None:
        """The array of which the members are neighbouring rows, the axis, and the first row."""
        found = [row_of(self.program.items[each]) for each in members]
        first = found[0]
        if first is None or any(each != (*first[:2], first[2] + index) for index, each in enumerate(found)):
            return None
        return first

    def _longest(self, new: Rebuilding, members: Members) -> tuple[Members, int]:
        """The longest stack of what is there in which the members lie in a row, and where."""
        there = (column for column in self.columns if all(each in new.moved for each in column))
        for column in sorted(there, key=len, reverse=True):
            for start in range(len(column) - len(members) + 1):
                if column[start : start + len(members)] == members:
                    return column, start
        return members, 0

    @staticmethod
    def _range(new: Rebuilding, stack: int, start: int, count: int) -> int:
        rest = [ALL] * (len(new.values.shape(stack)) - 1)
        return new.values.pick(stack, [(start, start + count, 1), *rest])


def _small_products(program: Program, values: ArrayValues) -> list[tuple[int, Value]]:
    """Sums of products of two operands that are worth batching."""
    alive = program.live()
    return [
        (position, item)
        for position, item in enumerate(program.items)
        if alive[position] and isinstance(item.data, Product) and _summable(values, item)
    ]


def _fresh_letter(groups: Sequence[str]) -> str:
    return next(letter for letter in string.ascii_lowercase if letter not in "".join(groups))
