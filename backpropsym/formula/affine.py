"""Formulas of indices: sums of whole multiples."""

from __future__ import annotations

from fractions import Fraction

from backpropsym.formula.algebra import add, mul
from backpropsym.formula.tree import Add, Expr, Mul, Name, Neg, Number, number


def affine(expr: Expr) -> dict[str, Fraction] | None:
    """Coefficients by name, the constant under "", of a sum of multiples; None where it is none."""
    match expr:
        case Name(name):
            return {name: Fraction(1)}
        case Number(value):
            return {"": value}
        case Neg(operand):
            inner = affine(operand)
            return None if inner is None else {name: -value for name, value in inner.items()}
        case Add(terms):
            total: dict[str, Fraction] = {}
            for term in terms:
                inner = affine(term)
                if inner is None:
                    return None
                for name, value in inner.items():
                    total[name] = total.get(name, Fraction(0)) + value
            return total
        case Mul((Number(value), rest)):
            inner = affine(rest)
            return None if inner is None else {name: value * each for name, each in inner.items()}
        case _:
            return None


def linear(expr: Expr) -> Expr:
    """A sum of multiples with like terms collected; anything else as it is."""
    coefficients = affine(_distributed(expr))
    if coefficients is None:
        return expr
    constant = coefficients.pop("", Fraction(0))
    terms = [mul([Number(value), Name(name)]) for name, value in coefficients.items()]
    return add([*terms, Number(constant)])


def _distributed(expr: Expr) -> Expr:
    """Signs and numbers multiplied into sums."""
    match expr:
        case Neg(operand):
            return _distributed(Mul((number(-1), operand)))
        case Mul((Number() as scale, Add(terms))):
            return add(_distributed(mul([scale, term])) for term in terms)
        case Mul((Number() as scale, Neg(operand))):
            return _distributed(mul([number(-1), scale, operand]))
        case Add(terms):
            return add(map(_distributed, terms))
        case _:
            return expr
