"""Sizes such as "2*d + 1" in numbers. A saved kernel carries the text of these functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping


def size_terms(size: int | str) -> dict[tuple[str, ...], int]:
    """A size as whole coefficients of products of symbols; the constant belongs to the empty product."""
    found: dict[tuple[str, ...], int] = {}
    for term in str(size).replace(" - ", " + -").split(" + "):
        factors = term.removeprefix("-").split("*")
        whole = math.prod(int(factor) for factor in factors if factor.isdigit())
        symbols = tuple(sorted(factor for factor in factors if not factor.isdigit()))
        found[symbols] = found.get(symbols, 0) + (-whole if term.startswith("-") else whole)
    return found


def size_value(size: int | str, sizes: Mapping[str, int]) -> int | None:
    """A size as a number; None where a symbol in it has none."""
    terms = size_terms(size)
    if any(symbol not in sizes for symbols in terms for symbol in symbols):
        return None
    return sum(factor * math.prod(sizes[symbol] for symbol in symbols) for symbols, factor in terms.items())


def solved_sizes(found: Iterable[tuple[int | str, int]]) -> dict[str, int]:
    """Symbols from pairs of a declared size and the size that an array has, sizes that are one symbol first.

    A symbol keeps the first value that it gets; whether the others agree is for the caller to compare.
    """
    sizes: dict[str, int] = {}
    waiting = sorted(((size, own) for size, own in found if isinstance(size, str)), key=lambda pair: len(pair[0]))
    waiting.sort(key=lambda pair: not pair[0].isidentifier())
    count = -1
    while count != len(sizes):
        count = len(sizes)
        for size, own in waiting:
            terms = size_terms(size)
            unknown = {symbol for symbols in terms for symbol in symbols if symbol not in sizes}
            if len(unknown) != 1 or any(symbols.count(*unknown) > 1 for symbols in terms):
                continue
            at_zero, at_one = (size_value(size, {**sizes, **dict.fromkeys(unknown, value)}) or 0 for value in (0, 1))
            slope, rest = at_one - at_zero, own - at_zero
            if slope and rest % slope == 0 and rest // slope > 0:
                sizes[unknown.pop()] = rest // slope
    return sizes


def whole_range(
    uses: Iterable[tuple[int, int | str, int | str, int | str]], sizes: Mapping[str, int]
) -> tuple[int, int] | None:
    """The smallest and largest whole number that keeps positions on their axes; None where a size has no number.

    Parameters
    ----------
    uses : (factor, low, high, size) for each position factor*q + rest, rest from low to high, on an axis of `size`.
    """
    lows, highs = list[int](), list[int]()
    for factor, *ends in uses:
        low, high, size = (size_value(end, sizes) for end in ends)
        if low is None or high is None or size is None:
            return None
        first, last = (-low, size - 1 - high) if factor > 0 else (high - size + 1, low)
        lows.append(-(-first // abs(factor)))
        highs.append(last // abs(factor))
    return max(lows), min(highs)
