"""Contractions as products of two operands, in the order that costs least."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from backpropsym.kernels.ir.array_operations import Product, nominal
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.ops.sizes import Dimension


def contract(values: ArrayValues, groups: Sequence[str], output: str, operands: Sequence[int]) -> int:
    """The sum of products of `operands`, whose axes are the letters of `groups`, that leaves the axes `output`."""
    sizes: dict[str, Dimension] = {}
    for letters, operand in zip(groups, operands, strict=True):
        sizes.update(zip(letters, values.shape(operand), strict=True))
    shape = tuple(sizes[letter] for letter in output)
    if any(len(set(letters)) < len(letters) for letters in groups):
        return values.product(Product(shape, tuple(groups), output), *operands)
    pool = [
        _summed(values, *pair, output, _others(groups, index))
        for index, pair in enumerate(zip(groups, operands, strict=True))
    ]
    while len(pool) > 1:
        first, second = _cheapest([letters for letters, _ in pool], output, sizes)
        rest = [each for index, each in enumerate(pool) if index not in (first, second)]
        left = set(output).union(*(letters for letters, _ in rest))
        reached = output if not rest else "".join(sorted((set(pool[first][0]) | set(pool[second][0])) & left))
        pool = [*rest, (reached, _pair(values, pool[first], pool[second], reached, sizes))]
    letters, operand = pool[0]
    return values.arrange(operand, [letters.index(letter) for letter in output])


def _others(groups: Sequence[str], index: int) -> set[str]:
    return {letter for slot, letters in enumerate(groups) if slot != index for letter in letters}


def _summed(values: ArrayValues, letters: str, operand: int, output: str, others: set[str]) -> tuple[str, int]:
    """An operand summed over the axes that nothing else has."""
    lonely = [axis for axis, letter in enumerate(letters) if letter not in output and letter not in others]
    left = "".join(letter for axis, letter in enumerate(letters) if axis not in lonely)
    return left, values.sum(operand, lonely)


def _cheapest(groups: Sequence[str], output: str, sizes: dict[str, Dimension]) -> tuple[int, int]:
    """The pair of operands whose product takes the fewest multiplications."""
    pairs = itertools.combinations(range(len(groups)), 2)
    return min(pairs, key=lambda pair: nominal(tuple(sizes[x] for x in {*groups[pair[0]], *groups[pair[1]]})))


def _pair(
    values: ArrayValues, left: tuple[str, int], right: tuple[str, int], output: str, sizes: dict[str, Dimension]
) -> int:
    (first, a), (second, b) = left, right
    shape = tuple(sizes[letter] for letter in output)
    if not (set(first) & set(second)) - set(output):
        product = values.multiply(_lined_up(values, first, a, output), _lined_up(values, second, b, output))
        return values.spread(product, shape)  # nothing but a number where a factor is zero
    return values.product(Product(shape, (first, second), output), a, b)


def _lined_up(values: ArrayValues, letters: str, operand: int, output: str) -> int:
    """The axes in the order of the output, those that the operand does not have with size 1."""
    axes = [letters.index(letter) if letter in letters else None for letter in output]
    return operand if not letters else values.arrange(operand, axes)
