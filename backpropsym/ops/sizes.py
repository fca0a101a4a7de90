"""Symbolic sizes, `2*d + 1` or `h*d`: polynomials with whole coefficients, in one normal text each.

Two sizes are the same exactly when their texts are, so that shapes stay tuples of numbers and texts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from backpropsym.errors import FormulaError
from backpropsym.formula.algebra import add, mul
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.tree import Add, Expr, Mul, Name, Neg, Number, Pow, number
from backpropsym.ops.size_values import size_terms

Dimension = int | str
Terms = Mapping[tuple[str, ...], int]
_MAX_TERMS = 64


def read_size(text: str) -> Dimension | None:
    """The size that a person wrote, in normal form; None where it is no polynomial with whole coefficients."""
    try:
        return as_size(parse_formula(text, {}))
    except FormulaError:
        return None


def as_size(expr: Expr) -> Dimension | None:
    """The normal form of a formula of sizes; None where it is no polynomial with whole coefficients."""
    terms = _terms(expr)
    return None if terms is None else _normal(terms)


def size_tree(size: Dimension) -> Expr:
    """A size as a formula of its symbols."""
    if isinstance(size, int):
        return number(size)
    return add(mul([number(factor), *map(Name, symbols)]) for symbols, factor in size_terms(size).items())


def size_symbols(size: Dimension) -> tuple[str, ...]:
    """The distinct symbols of a size."""
    if isinstance(size, int):
        return ()
    return tuple(dict.fromkeys(symbol for symbols in size_terms(size) for symbol in symbols))


def size_sum(sizes: Iterable[Dimension]) -> Dimension:
    """The sum of sizes."""
    total: dict[tuple[str, ...], int] = {}
    for size in sizes:
        for symbols, factor in size_terms(size).items():
            total[symbols] = total.get(symbols, 0) + factor
    return _normal(total)


def size_product(sizes: Iterable[Dimension]) -> Dimension:
    """The product of sizes."""
    total: Terms = {(): 1}
    for size in sizes:
        total = _product(total, size_terms(size))
    return _normal(total)


def size_difference(left: Dimension, right: Dimension) -> Dimension:
    """left - right; a number where the symbols cancel."""
    return size_sum([left, size_product([-1, right])])


def size_floor(size: Dimension, divisor: int) -> Dimension | None:
    """The largest whole number not above size / divisor; None where it depends on what the symbols are."""
    terms = size_terms(size)
    if any(factor % divisor for symbols, factor in terms.items() if symbols):
        return None
    return _normal({symbols: factor // divisor for symbols, factor in terms.items()})


def size_ratio(size: Dimension, divisor: Dimension) -> Dimension | None:
    """size / divisor where that is a size again; the divisor is a number or one product of symbols."""
    (symbols, factor), *others = size_terms(divisor).items()
    if others or factor == 0:
        return None
    found: dict[tuple[str, ...], int] = {}
    for product, coefficient in size_terms(size).items():
        left = list(product)
        for symbol in symbols:
            if symbol not in left:
                return None
            left.remove(symbol)
        if coefficient % factor:
            return None
        found[tuple(left)] = coefficient // factor
    return _normal(found)


def size_put(size: Dimension, values: Mapping[str, int]) -> Dimension:
    """A size with numbers for some of its symbols."""
    if isinstance(size, int):
        return size
    return size_sum(
        size_product([factor, *(values.get(symbol, symbol) for symbol in symbols)])
        for symbols, factor in size_terms(size).items()
    )


def _terms(expr: Expr) -> Terms | None:
    match expr:
        case Name(name):
            return {(name,): 1}
        case Number(value) if value.denominator == 1:
            return {(): value.numerator}
        case Neg(operand):
            return _all_terms([number(-1), operand], product=True)
        case Add(parts):
            return _all_terms(parts, product=False)
        case Mul(parts):
            return _all_terms(parts, product=True)
        case Pow(base, exponent) if exponent.denominator == 1 and 0 <= exponent <= 8:
            return _all_terms([base] * int(exponent), product=True)
        case _:
            return None


def _all_terms(parts: Iterable[Expr], product: bool) -> Terms | None:
    total: Terms = {(): 1} if product else {}
    for part in parts:
        own = _terms(part)
        if own is None or len(own) * max(len(total), 1) > _MAX_TERMS:
            return None
        total = (
            _product(total, own) if product else {key: total.get(key, 0) + own.get(key, 0) for key in {**total, **own}}
        )
    return total


def _product(left: Terms, right: Terms) -> Terms:
    total: dict[tuple[str, ...], int] = {}
    for first, factor in left.items():
        for second, other in right.items():
            symbols = tuple(sorted(first + second))
            total[symbols] = total.get(symbols, 0) + factor * other
    return total


def _normal(terms: Terms) -> Dimension:
    """Products with more factors first, then what is added, then by the alphabet; the constant last."""
    kept = {symbols: factor for symbols, factor in terms.items() if factor}
    if not any(kept):
        return math.prod(kept.values()) if kept else 0
    ordered = sorted(kept.items(), key=lambda term: (-len(term[0]), term[1] < 0, term[0]))
    texts = []
    for symbols, factor in ordered:
        shown = [str(abs(factor))] if abs(factor) != 1 or not symbols else []
        texts += [" - " if factor < 0 else " + ", "*".join([*shown, *symbols])]
    return ("-" if texts[0] == " - " else "") + "".join(texts[1:])
