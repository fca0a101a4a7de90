"""Between our trees and SymPy: SymPy derives, our trees keep the order and the names.

SymPy is loaded when something is derived by it for the first time: most networks, and every picture without a
derivative, do without, and loading it takes longer than drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from backpropsym.errors import FormulaError
from backpropsym.formula.algebra import add, div, mul, neg, power
from backpropsym.formula.tree import ONE, Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow, number

if TYPE_CHECKING:
    import sympy as sp

_WHERE = {"<": "where<", "<=": "where<=", ">": "where>", ">=": "where>="}
_MAX_BITS = 10_000
_COMPARISON = {name: operator for operator, name in _WHERE.items()}


class SymbolicFunctions:
    """SymPy functions for the entries of one table, each with the derivative that the table gives.

    Parameters
    ----------
    arguments : the argument names of a function.
    bind : the arguments of a call by name, defaults filled in.
    partial : d(function)/d(argument i) as a tree over those names.
    """

    def __init__(
        self,
        arguments: Callable[[str], tuple[str, ...]],
        bind: Callable[[Call], dict[str, Expr]],
        partial: Callable[[str, int], Expr],
    ) -> None:
        self._arguments = arguments
        self._bind = bind
        self._partial = partial
        self._classes: dict[str, type[sp.Function]] = {}

    @staticmethod
    def symbol(name: str) -> sp.Symbol:
        """The real symbol of a name; never looked up in SymPy's own namespace."""
        import sympy as sp

        return sp.Symbol(name, real=True)

    def expression(self, expr: Expr) -> sp.Expr:
        """`expr` in SymPy; our functions stay functions of ours, with their own derivatives."""
        import sympy as sp

        match expr:
            case Name(name):
                return self.symbol(name)
            case Number(value):
                return sp.Rational(value.numerator, value.denominator)
            case Add(terms):
                return sp.Add(*map(self.expression, terms))
            case Mul(factors):
                return sp.Mul(*map(self.expression, factors))
            case Div(numerator, denominator):
                return self.expression(numerator) / self.expression(denominator)
            case Neg(operand):
                return -self.expression(operand)
            case Pow(base, exponent):
                return _power(self.expression(base), exponent)
            case Call("where", (Compare(operator, left, right), then, otherwise)):
                return self._where(operator)(*map(self.expression, (left, right, then, otherwise)))
            case Call(function):
                return self.function(function)(*map(self.expression, self._bind(expr).values()))
            case _:
                raise TypeError(f"{type(expr).__name__} has no scalar SymPy form")

    def function(self, name: str) -> type[sp.Function]:
        """The SymPy class of a function: it prints by its name and derives by the table."""

        def fdiff(instance: sp.Function, argindex: int = 1) -> sp.Expr:
            slots = map(self.symbol, self._arguments(name))
            tree = self._partial(name, argindex - 1)
            return self.expression(tree).xreplace(dict(zip(slots, instance.args, strict=True)))

        return self._class(name, len(self._arguments(name)), fdiff)

    def _where(self, operator: str) -> type[sp.Function]:
        """`where` as a function of (left, right, then, otherwise): SymPy cannot derive relations."""

        def fdiff(instance: sp.Function, argindex: int = 1) -> sp.Expr:
            import sympy as sp

            left, right = instance.args[:2]
            taken = {1: None, 2: None, 3: (1, 0), 4: (0, 1)}[argindex]
            return sp.S.Zero if taken is None else type(instance)(left, right, *taken)

        return self._class(_WHERE[operator], 4, fdiff)

    def _class(self, name: str, arity: int, fdiff: Callable[..., sp.Expr]) -> type[sp.Function]:
        if name not in self._classes:
            import sympy as sp

            facts = {"fdiff": fdiff, "nargs": arity, "is_real": True, "is_extended_real": True}
            self._classes[name] = type(name, (sp.Function,), facts)
        return self._classes[name]


def _power(base: sp.Expr, exponent: Fraction) -> sp.Expr:
    """A power, refused where SymPy would write out a huge number."""
    if base.is_Rational and max(abs(base.p), base.q).bit_length() * abs(exponent) > _MAX_BITS:
        message = "a power of numbers in the derivative is too large"
        raise FormulaError(message, fix="rescale the numbers in the formula")
    import sympy as sp

    return base ** sp.Rational(exponent.numerator, exponent.denominator)


def to_tree(expr: sp.Expr) -> Expr:
    """A SymPy expression over our symbols and functions as a tree of ours.

    Raises
    ------
    FormulaError : it holds something that our language has no form for, such as a division by zero.
    """
    import sympy as sp

    if isinstance(expr, sp.Symbol):
        return Name(expr.name)
    if isinstance(expr, sp.Rational):
        return number(Fraction(int(expr.p), int(expr.q)))
    if isinstance(expr, sp.Float):
        return number(Fraction(float(expr)))
    if isinstance(expr, sp.Add):
        return add(to_tree(term) for term in expr.as_ordered_terms())
    if isinstance(expr, sp.Mul):
        return _product(expr)
    if isinstance(expr, sp.Pow) and isinstance(expr.exp, sp.Rational):
        exponent = Fraction(int(expr.exp.p), int(expr.exp.q))
        if exponent < 0:
            return div(ONE, power(to_tree(expr.base), -exponent))
        return power(to_tree(expr.base), exponent)
    name = type(expr).__name__
    if name in _COMPARISON:
        left, right, then, otherwise = map(to_tree, expr.args)
        return Call("where", (Compare(_COMPARISON[name], left, right), then, otherwise))
    if isinstance(expr, sp.Function):
        return Call(name, tuple(map(to_tree, expr.args)))
    raise FormulaError(
        f"the derivative is not a real number: SymPy finds {name}",
        fix="look for a division by zero, or a root of a negative number",
    )


def _product(expr: sp.Mul) -> Expr:
    """A product as numerator over denominator, a lone minus one as a sign."""
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in expr.as_ordered_factors():
        part = to_tree(factor)
        if isinstance(part, Div) and part.numerator == ONE:
            below.append(part.denominator)
        elif isinstance(part, Number) and part.value.denominator > 1 and part.value.numerator in (1, -1):
            above.append(neg(ONE) if part.value < 0 else ONE)
            below.append(number(part.value.denominator))
        else:
            above.append(part)
    return div(mul(above), mul(below))
