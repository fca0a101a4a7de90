"""Formulas in numbers: one interpreter over number systems that share nothing but the tree."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from backpropsym.arrays import Array, Numbers, Numeric
from backpropsym.errors import AbstractFunctionError
from backpropsym.formula.tree import Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow
from backpropsym.ops.function import Primitive
from backpropsym.ops.function_table import FunctionTable

if TYPE_CHECKING:
    import mpmath

    from backpropsym.evaluate.number_systems import Spread, SpreadArithmetic

_COMPARE: dict[str, Callable[[Numeric, Numeric], Numeric]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Arithmetic:
    """Real double precision, entry by entry on NumPy arrays. Subclasses change the number system.

    Overflow gives inf and undefined operations give nan, silently, as IEEE 754 says.
    """

    def number(self, value: Fraction) -> Numeric:
        """A constant."""
        return np.float64(float(value))

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Numeric:
        """The value of a primitive function."""
        return primitive.real(*arguments)

    def power(self, base: Numeric, exponent: Fraction) -> Numeric:
        """A power with a constant exponent."""
        if exponent.denominator == 1:
            return base ** int(exponent)
        return np.power(base, float(exponent))

    def divide(self, above: Numeric, below: Numeric) -> Numeric:
        """A quotient."""
        return above / below

    def compare(self, symbol: str, left: Numeric, right: Numeric) -> Numeric:
        """Which branch a comparison chooses."""
        return _COMPARE[symbol](left, right)

    def real(self, number: Numeric) -> Numeric:
        """The real number by which one number is larger than another, or is a position."""
        return number


class ComplexArithmetic(Arithmetic):
    """Complex double precision beside the real axis, for complex-step differentiation.

    Real parts are rounded exactly as real arithmetic rounds them, so that a derivative by the complex step is the
    derivative at the same point; NumPy's complex functions and its complex quotient round otherwise.

    References
    ----------
    Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40, 1998.
    """

    def number(self, value: Fraction) -> Any:
        """A constant."""
        return np.complex128(float(value))

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Numeric:
        """The value of a primitive, on the branch that the real parts take."""
        return _beside(primitive.real(*map(real_part, arguments)), primitive.complex(*arguments), *arguments)

    def divide(self, above: Numeric, below: Numeric) -> Numeric:
        """A quotient."""
        return _beside(real_part(above) / real_part(below), above / below, above, below)

    def power(self, base: Numeric, exponent: Fraction) -> Numeric:
        """A power; exact in the first order of the imaginary part, nan where the real power is undefined."""
        real, imaginary, p = real_part(base), imaginary_part(base), float(exponent)
        if exponent.denominator == 1:
            n = int(exponent)
            slope = n * real ** (n - 1) if n not in (0, 1) else float(n)
            return _beside(real**n, 1j * _moved(imaginary, slope))
        return _beside(np.power(real, p), 1j * _moved(imaginary, p * np.power(real, p - 1.0)))

    def compare(self, symbol: str, left: Numeric, right: Numeric) -> Numeric:
        """Which branch the real parts choose."""
        return _COMPARE[symbol](real_part(left), real_part(right))

    def real(self, number: Numeric) -> float:
        """The real part, which is the same for all steps where one number stands for several."""
        return float(np.ravel(real_part(number))[0])


class ExactArithmetic(Arithmetic):
    """mpmath numbers of a context's precision, one point at a time."""

    def __init__(self, context: mpmath.MPContext) -> None:
        self.context = context

    def number(self, value: Fraction) -> Numeric:
        """A constant."""
        constant: Numeric = self.context.mpf(value.numerator) / value.denominator
        return constant

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Numeric:
        """The value of a primitive."""
        value: Numeric = primitive.mpmath(self.context, *arguments)
        return value

    def power(self, base: Numeric, exponent: Fraction) -> Numeric:
        """A power with a constant exponent."""
        value: Numeric = base ** (self.context.mpf(exponent.numerator) / exponent.denominator)
        return value


def real_part(number: Numeric) -> Any:
    """The real part of a number, or of each entry of an array; NumPy's types do not have both at once."""
    return np.real(number)


def imaginary_part(number: Numeric) -> Any:
    """The imaginary part, likewise."""
    return np.imag(number)


def _moved(step: Numeric, slope: Numeric) -> Array:
    """step * slope, where no step moves nothing, however steep."""
    return np.where(step == 0, 0.0, step * slope)


def _beside(real: Numeric, stepped: Numeric, *arguments: Numeric) -> Numeric:
    """The complex number with the real part `real` and the imaginary part of `stepped`; 0 where no argument has one."""
    combined = np.empty(np.broadcast_shapes(np.shape(real), np.shape(stepped)), complex)
    combined.real, combined.imag = real, imaginary_part(stepped)
    if arguments and not np.isfinite(combined.imag).all():
        still = np.all([np.broadcast_to(imaginary_part(each) == 0, combined.shape) for each in arguments], axis=0)
        combined.imag = np.where(still, 0.0, combined.imag)
    return combined[()]


REAL = Arithmetic()
COMPLEX = ComplexArithmetic()


@overload
def evaluate(expr: Expr, values: Numbers, table: FunctionTable, arithmetic: Arithmetic = REAL) -> Numeric: ...
@overload
def evaluate(
    expr: Expr, values: Mapping[str, Spread], table: FunctionTable, arithmetic: SpreadArithmetic
) -> Spread: ...
def evaluate(expr: Expr, values: Mapping[str, Any], table: FunctionTable, arithmetic: Any = REAL) -> Any:
    """The value of `expr` where each name has its number in `values`.

    Functions are computed by their numerically stable spelling.

    Raises
    ------
    AbstractFunctionError : a function has no formula.
    """
    match expr:
        case Name(name):
            return values[name]
        case Number(value):
            return arithmetic.number(value)
        case Add(terms):
            total = evaluate(terms[0], values, table, arithmetic)
            for term in terms[1:]:
                total = total + evaluate(term, values, table, arithmetic)
            return total
        case Mul(factors):
            product = evaluate(factors[0], values, table, arithmetic)
            for factor in factors[1:]:
                product = product * evaluate(factor, values, table, arithmetic)
            return product
        case Div(numerator, denominator):
            above = evaluate(numerator, values, table, arithmetic)
            return arithmetic.divide(above, evaluate(denominator, values, table, arithmetic))
        case Neg(operand):
            return -evaluate(operand, values, table, arithmetic)
        case Pow(base, exponent):
            return arithmetic.power(evaluate(base, values, table, arithmetic), exponent)
        case Compare(symbol, left, right):
            first = evaluate(left, values, table, arithmetic)
            return arithmetic.compare(symbol, first, evaluate(right, values, table, arithmetic))
        case Call(function):
            inner = tuple(evaluate(argument, values, table, arithmetic) for argument in table.bind(expr).values())
            return call(function, inner, table, arithmetic)
        case _:
            raise TypeError(f"{type(expr).__name__} has no scalar value")


def call(
    name: str, arguments: tuple[Any, ...], table: FunctionTable, arithmetic: Arithmetic | SpreadArithmetic = REAL
) -> Any:
    """The value of a function at `arguments`.

    Raises
    ------
    AbstractFunctionError : the function has no formula.
    """
    function = table[name]
    if function.primitive is not None:
        return arithmetic.apply(function.primitive, arguments)
    body = table.numeric(name)
    if body is None:
        raise AbstractFunctionError(
            f"{name} is abstract: it has no numbers",
            fix=f'give it a formula under [functions], as in {name} = "tanh"',
        )
    return evaluate(body, dict(zip(function.arguments, arguments, strict=True)), table, arithmetic)
