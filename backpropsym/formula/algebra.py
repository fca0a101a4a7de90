"""Constructors that keep a derived formula short: zeros and ones vanish, numbers fold, signs move out.

They never reorder what a person would recognise: terms and factors stay in the order given.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from backpropsym.errors import FormulaError
from backpropsym.formula.tree import ONE, ZERO, Add, Call, Div, Expr, Mul, Neg, Number, Pow, children, rebuild

_DIGITS = 60
_UNIT = Fraction(1)


def folded(value: Fraction) -> Number:
    """`value` as a leaf, rounded to a float once it no longer has a short exact form.

    Raises
    ------
    FormulaError : it is beyond the range of floating point.
    """
    if max(abs(value.numerator), value.denominator) <= 10**_DIGITS:
        return Number(value)
    try:
        rounded = Fraction(float(value))
    except OverflowError:
        rounded = Fraction(0)
    if not rounded:
        raise FormulaError(
            "a constant in the derivative is beyond the range of floating point",
            fix="rescale the numbers in the formulas",
        )
    return Number(rounded)


def add(terms: Iterable[Expr]) -> Expr:
    """The sum of `terms`: nested sums opened, equal terms counted (x + x is 2*x), zeros left out."""
    counts: dict[Expr, Fraction] = {}
    for term in _flat_terms(terms):
        coefficient, rest = _coefficient(term)
        counts[rest] = counts[rest] + coefficient if rest in counts else coefficient
    kept = [rest if count is _UNIT else mul([folded(count), rest]) for rest, count in counts.items() if count]
    if not kept:
        return ZERO
    return kept[0] if len(kept) == 1 else Add(tuple(kept))


def mul(factors: Iterable[Expr]) -> Expr:
    """The product of `factors`: nested products opened, numbers folded to the front, the sign outside.

    A quotient among the factors makes the whole a quotient: x * (1/y) is x/y.
    """
    coefficient = _UNIT
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in _flat_factors(factors):
        inner, rest = _coefficient(factor)
        coefficient = coefficient if inner is _UNIT else coefficient * inner
        if isinstance(rest, Div):
            inner, rest_above = _coefficient(rest.numerator)
            coefficient = coefficient if inner is _UNIT else coefficient * inner
            above.append(rest_above)
            below.append(rest.denominator)
        else:
            above.append(rest)
    if not coefficient:
        return ZERO
    factors = [part for part in _flat_factors(above) if not (isinstance(part, Number) and part == ONE)]
    if not below:
        return _signed_product(coefficient, factors)
    quotient = div(_signed_product(abs(coefficient), factors), mul(below))
    return Neg(quotient) if coefficient < 0 else quotient


def _signed_product(coefficient: Fraction, factors: list[Expr]) -> Expr:
    if not factors:
        return folded(coefficient)
    if coefficient is not _UNIT and abs(coefficient) != 1:
        factors = [folded(abs(coefficient)), *factors]
    product = factors[0] if len(factors) == 1 else Mul(tuple(factors))
    return Neg(product) if coefficient is not _UNIT and coefficient < 0 else product


def neg(operand: Expr) -> Expr:
    """Minus `operand`."""
    return mul([Number(Fraction(-1)), operand])


def div(numerator: Expr, denominator: Expr) -> Expr:
    """The quotient, with the sign outside, numbers reduced and a denominator of one left out."""
    if isinstance(numerator, Neg):
        return Neg(div(numerator.operand, denominator))
    if numerator == ZERO or denominator == ONE:
        return numerator
    above, upper = _coefficient(numerator)
    below, lower = _coefficient(denominator)
    if _UNIT in (above, below) or not isinstance(numerator, Mul) or not below:
        return Div(numerator, denominator)
    ratio = above / below
    quotient = mul([Number(Fraction(abs(ratio.numerator))), upper])
    if ratio.denominator > 1 or lower != ONE:
        quotient = Div(quotient, mul([Number(Fraction(ratio.denominator)), lower]))
    return Neg(quotient) if ratio < 0 else quotient


def power(base: Expr, exponent: Fraction) -> Expr:
    """The power, with exponents 0 and 1 resolved, whole powers of whole powers multiplied, roots squared undone."""
    if exponent == 0:
        return ONE
    if isinstance(base, Call) and base.function == "sqrt" and exponent == 2:
        return base.arguments[0]
    if isinstance(base, Pow) and exponent.denominator == base.exponent.denominator == 1:
        return Pow(base.base, base.exponent * exponent)
    return base if exponent == 1 else Pow(base, exponent)


def without_units(expr: Expr) -> Expr:
    """`expr` with factors of one left out of its products, as defaults of arguments put them there."""
    parts = tuple(map(without_units, children(expr)))
    if isinstance(expr, Mul) and ONE in parts:
        return mul(parts)
    return rebuild(expr, parts) if parts else expr


def constant(expr: Expr) -> Fraction | None:
    """The value of a formula of numbers alone; None where it has a name in it, or divides by zero."""
    match expr:
        case Number(value):
            return value
        case Neg(operand):
            inner = constant(operand)
            return None if inner is None else -inner
        case Div(numerator, denominator):
            above, below = constant(numerator), constant(denominator)
            return above / below if above is not None and below else None
        case Add(terms):
            values = [constant(term) for term in terms]
            return None if None in values else sum((value for value in values if value is not None), Fraction(0))
        case _:
            return None


def _flat_terms(terms: Iterable[Expr]) -> Iterable[Expr]:
    for term in terms:
        if isinstance(term, Add):
            yield from _flat_terms(term.terms)
        else:
            yield term


def _flat_factors(factors: Iterable[Expr]) -> Iterable[Expr]:
    for factor in factors:
        if isinstance(factor, Mul):
            yield from _flat_factors(factor.factors)
        else:
            yield factor


def _coefficient(term: Expr) -> tuple[Fraction, Expr]:
    """`term` as a number times the rest; the rest is 1 for a number."""
    if isinstance(term, Neg):
        inner, rest = _coefficient(term.operand)
        return -inner, rest
    if isinstance(term, Number):
        return term.value, ONE
    if isinstance(term, Mul) and isinstance(term.factors[0], Number):
        others = term.factors[1:]
        return term.factors[0].value, others[0] if len(others) == 1 else Mul(others)
    return _UNIT, term
