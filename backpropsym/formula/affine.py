"""Formulas of indices: sums of whole multiples."""

from __future__ import annotations

from fractions import Fraction

from backpropsym.formula.algebra import add, mul
from backpropsym.formula.tree import Add, Div, Expr, Mul, Name, Neg, Number


def affine(expr: Expr) -> dict[str, Fraction] | None:
    """Coefficients by name, the constant under "", of a sum of multiples; None if it is not affine in its names."""
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
        case Mul(factors):
            product: dict[str, Fraction] | None = {"": Fraction(1)}
            for factor in factors:
                product = _product(product, affine(factor))
            return product
        case Div(above, below):
            divisor = affine(below)
            if divisor is None or set(divisor) != {""} or not divisor[""]:
                return None
            return _product(affine(above), {"": 1 / divisor[""]})
        case _:
            return None


def linear(expr: Expr) -> Expr:
    """A sum of multiples with like terms collected; anything else as it is."""
    coefficients = affine(expr)
    if coefficients is None:
        return expr
    constant = coefficients.pop("", Fraction(0))
    terms = [mul([Number(value), Name(name)]) for name, value in coefficients.items()]
    return add([*terms, Number(constant)])


def _product(left: dict[str, Fraction] | None, right: dict[str, Fraction] | None) -> dict[str, Fraction] | None:
    """The product of two sums of multiples; None where both hold names."""
    if left is None or right is None:
        return None
    if set(left) - {""}:
        left, right = right, left
    if set(left) - {""}:
        return None
    scale = left.get("", Fraction(0))
    return {name: scale * value for name, value in right.items()}
