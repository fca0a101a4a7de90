"""Trees back to text: plain text that `parse_formula` and SymPy's `parse_expr` read again."""

from __future__ import annotations

from fractions import Fraction

from backpropsym.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Index,
    Limits,
    MatMul,
    Mul,
    Name,
    Neg,
    Number,
    Pow,
    Slice,
    Text,
    Tuple,
)

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)


def number_text(value: Fraction) -> str:
    """The shortest faithful spelling: an integer, a decimal of a few digits, a quotient, or a float."""
    if value.denominator == 1 and abs(value) < 10**16:
        return str(value.numerator)
    decimal = repr(float(value)).removesuffix(".0")
    if Fraction(decimal) == value or max(abs(value.numerator), value.denominator) >= 10**6:
        return decimal
    return f"{value.numerator}/{value.denominator}"


def precedence(expr: Expr) -> int:
    """How tightly `expr` binds when written."""
    match expr:
        case Add():
            return SUM
        case Mul() | Div() | MatMul():
            return PRODUCT
        case Neg():
            return SIGN
        case Number(value) if value < 0:
            return SIGN
        case Number(value) if "/" in number_text(value):
            return PRODUCT
        case Pow():
            return POWER
        case _:
            return ATOM


def bracketed(expr: Expr, at_least: int) -> str:
    """`expr` as text, in brackets where it binds less tightly than `at_least`."""
    text = to_text(expr)
    return f"({text})" if precedence(expr) < at_least else text


def to_text(expr: Expr) -> str:
    """`expr` in the formula language, in the order of the tree, with the fewest brackets."""
    match expr:
        case Name(name):
            return name
        case Number(value):
            return number_text(value)
        case Add(terms):
            return _sum_text(terms)
        case Mul(factors):
            rest = [bracketed(factor, POWER) for factor in factors[1:]]
            return "*".join([bracketed(factors[0], PRODUCT), *rest])
        case Div(numerator, denominator):
            return f"{bracketed(numerator, PRODUCT)}/{bracketed(denominator, POWER)}"
        case MatMul(left, right):
            return f"{bracketed(left, PRODUCT)} @ {bracketed(right, POWER)}"
        case Neg(operand):
            return f"-{bracketed(operand, PRODUCT)}"
        case Pow(base, exponent):
            power = str(exponent) if exponent.denominator < 10 else number_text(exponent)
            return f"{bracketed(base, ATOM)}**{power if power.isdigit() else f'({power})'}"
        case Compare(operator, left, right):
            return f"{to_text(left)} {operator} {to_text(right)}"
        case Index(base, subscripts):
            return f"{bracketed(base, ATOM)}[{','.join(map(to_text, subscripts))}]"
        case Limits(index, low, high):
            return f"({index}, {to_text(low)}, {to_text(high)})"
        case Slice(start, stop, step):
            bounds = ":".join("" if bound is None else str(bound) for bound in (start, stop))
            return bounds if step == 1 else f"{bounds}:{step}"
        case Tuple(parts):
            return f"({', '.join(map(to_text, parts))}{',' if len(parts) == 1 else ''})"
        case Text(value):
            return f'"{value}"'
        case Call(function, arguments, options):
            named = [f"{key}={to_text(value)}" for key, value in options]
            return f"{function}({', '.join([*map(to_text, arguments), *named])})"
        case _:
            raise TypeError(f"{type(expr).__name__} has no text")


def _sum_text(terms: tuple[Expr, ...]) -> str:
    parts = [bracketed(terms[0], PRODUCT)]
    for term in terms[1:]:
        if isinstance(term, Neg):
            parts.append(f" - {bracketed(term.operand, PRODUCT)}")
        elif isinstance(term, Number) and term.value < 0:
            parts.append(f" - {number_text(-term.value)}")
        else:
            parts.append(f" + {bracketed(term, PRODUCT)}")
    return "".join(parts)
