"""Random formulas, and arithmetic on them that shares nothing with floating point."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from backpropsym.evaluate.arithmetic import Arithmetic, evaluate
from backpropsym.formula.tree import Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow
from backpropsym.ops.function_table import FunctionTable

TABLE = FunctionTable()
NAMES = ("x", "y", "w11", "E", "I", "S", "beta", "np")
SMOOTH = ("tanh", "sin", "cos", "exp", "sigmoid", "softplus", "atan", "softsign")


class Exact(Arithmetic):
    """Rational numbers; there are no functions, and powers are whole."""

    def number(self, value: Fraction) -> Any:
        return value

    def power(self, base: Any, exponent: Fraction) -> Any:
        return Fraction(base) ** int(exponent)


def exact(expr: Expr, values: dict[str, Fraction]) -> Fraction | None:
    """The value of a formula without functions; None where it divides by zero."""
    try:
        return Fraction(evaluate(expr, values, TABLE, Exact()))
    except ZeroDivisionError:
        return None


NUMBERS = st.one_of(
    st.integers(0, 12).map(Fraction),
    st.integers(-9, -1).map(Fraction),
    st.sampled_from(["0.5", "0.1", "1/3", "-2/7", "1e-3", "123456789012345", "1e20", "2.5e-7"]).map(Fraction),
)
LEAVES = st.one_of(st.sampled_from(NAMES).map(Name), NUMBERS.map(Number))


def _grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.one_of(
        several.map(Add),
        several.map(Mul),
        st.builds(Div, inner, inner),
        inner.map(Neg),
        st.builds(Pow, inner, st.sampled_from([Fraction(2), Fraction(3), Fraction(-1), Fraction(-2), Fraction(1)])),
    )


def _called(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    one = st.builds(lambda name, argument: Call(name, (argument,)), st.sampled_from(SMOOTH), inner)
    branch = st.builds(
        lambda symbol, left, right, then, otherwise: Call("where", (Compare(symbol, left, right), then, otherwise)),
        st.sampled_from(["<", "<=", ">", ">="]),
        *[inner] * 4,
    )
    roots = st.builds(Pow, inner, st.sampled_from([Fraction(1, 2), Fraction(-1, 3), Fraction(1, 10), Fraction(5, 3)]))
    return st.one_of(_grown(inner), one, branch, roots)


RATIONAL_TREES = st.recursive(LEAVES, _grown, max_leaves=8)
TREES = st.recursive(LEAVES, _called, max_leaves=12)
VALUES = st.lists(st.integers(-30, 30), min_size=len(NAMES), max_size=len(NAMES)).map(
    lambda tenths: {name: Fraction(tenth, 10) for name, tenth in zip(NAMES, tenths, strict=True)}
)
