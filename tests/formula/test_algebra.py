"""Constructors that shorten keep the value; derivatives of formulas are SymPy's."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backpropsym.errors import FormulaError
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.formula.algebra import add, div, folded, mul, neg, power
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Name,
    Neg,
    Number,
    Pow,
    names,
    number,
)
from backpropsym.ops.differentiate import partials
from tests.formula.trees import NAMES, RATIONAL_TREES, SMOOTH, TABLE, TREES, VALUES, exact

X, Y = Name("x"), Name("y")
SEVERAL = st.lists(RATIONAL_TREES, min_size=1, max_size=4)


def parse(text: str) -> Expr:
    return parse_formula(text, TABLE.signatures)


def _close(found: Fraction | None, expected: Fraction | None) -> None:
    """Equal, but for the rounding of constants of more than 60 digits."""
    assume(found is not None and expected is not None)
    assert found is not None
    assert expected is not None
    assert abs(found - expected) <= Fraction(1, 10**12) * max(abs(found), abs(expected))


@settings(max_examples=120)
@given(SEVERAL, VALUES)
def test_add_keeps_the_value(terms: list[Expr], values: dict[str, Fraction]) -> None:
    each = [exact(term, values) for term in terms]
    assume(None not in each)
    _close(exact(add(terms), values), sum(each, Fraction(0)))  # type: ignore[arg-type]


@settings(max_examples=120)
@given(SEVERAL, VALUES)
def test_mul_keeps_the_value(factors: list[Expr], values: dict[str, Fraction]) -> None:
    each = [exact(factor, values) for factor in factors]
    assume(None not in each)
    _close(exact(mul(factors), values), math.prod(each, start=Fraction(1)))  # type: ignore[type-var]


@settings(max_examples=150)
@given(RATIONAL_TREES, RATIONAL_TREES, VALUES)
def test_div_and_neg_keep_the_value(above: Expr, below: Expr, values: dict[str, Fraction]) -> None:
    one, other = exact(above, values), exact(below, values)
    assume(one is not None and other)
    assert one is not None
    assert other is not None
    _close(exact(div(above, below), values), one / other)
    _close(exact(neg(above), values), -one)


@settings(max_examples=150)
@given(RATIONAL_TREES, st.integers(-3, 4), VALUES)
def test_power_keeps_the_value(base: Expr, exponent: int, values: dict[str, Fraction]) -> None:
    value = exact(base, values)
    assume(value)
    assert value is not None
    _close(exact(power(base, Fraction(exponent)), values), value**exponent)


SHORT: list[tuple[Expr, str]] = [
    (add([]), "0"),
    (add([X, ZERO]), "x"),
    (add([X, X]), "2*x"),
    (add([X, Y, X]), "2*x + y"),
    (add([X, Neg(X)]), "0"),
    (add([Mul((number(2), X)), Neg(X)]), "x"),
    (add([Add((X, Y)), X]), "2*x + y"),
    (add([number(1), X, number(2)]), "3 + x"),
    (mul([]), "1"),
    (mul([X, ONE, Y]), "x*y"),
    (mul([X, ZERO]), "0"),
    (mul([X, number(2), Y, number(3)]), "6*x*y"),
    (mul([Neg(X), Neg(Y)]), "x*y"),
    (mul([X, Neg(Y)]), "-x*y"),
    (mul([number(-1), X]), "-x"),
    (mul([X, Div(ONE, Y)]), "x/y"),
    (mul([Mul((X, Y)), X]), "x*y*x"),
    (mul([Number(Fraction(1, 2)), number(2), X]), "x"),
    (neg(Neg(X)), "x"),
    (neg(number(3)), "-3"),
    (div(Neg(X), Y), "-x/y"),
    (div(X, ONE), "x"),
    (div(ZERO, X), "0"),
    (power(X, Fraction(1)), "x"),
    (power(X, Fraction(0)), "1"),
    (power(Pow(X, Fraction(2)), Fraction(3)), "x**6"),
    (power(Pow(X, Fraction(1, 2)), Fraction(2)), "(x**(1/2))**2"),
]


@pytest.mark.parametrize(("tree", "text"), SHORT, ids=[text for _, text in SHORT])
def test_what_is_shortened(tree: Expr, text: str) -> None:
    assert to_text(tree) == text


def test_terms_and_factors_stay_in_the_order_given() -> None:
    assert to_text(add([Y, X, Name("a")])) == "y + x + a"
    assert to_text(mul([Y, X, Name("a")])) == "y*x*a"


def test_long_constants_are_rounded_once_they_have_no_short_exact_form() -> None:
    assert folded(Fraction(10**60)).value == 10**60
    assert folded(Fraction(10**61 + 1)).value == Fraction(float(10**61 + 1))
    assert folded(Fraction(1, 10**70)).value == Fraction(1e-70)
    for extreme in (Fraction(10**400), Fraction(-(10**400)), Fraction(1, 10**400)):
        with pytest.raises(FormulaError, match="beyond the range of floating point"):
            folded(extreme)


def _sympy(expr: Expr) -> sp.Expr:
    """The formula in plain SymPy, by none of the package's own functions."""
    match expr:
        case Name(name):
            return sp.Symbol(name, real=True)
        case Number(value):
            return sp.Rational(value.numerator, value.denominator)
        case Add(terms):
            return sp.Add(*map(_sympy, terms))
        case Mul(factors):
            return sp.Mul(*map(_sympy, factors))
        case Div(above, below):
            return _sympy(above) / _sympy(below)
        case Neg(operand):
            return -_sympy(operand)
        case Pow(base, exponent):
            return _sympy(base) ** sp.Rational(exponent.numerator, exponent.denominator)
        case Call("sigmoid", (x,)):
            return 1 / (1 + sp.exp(-_sympy(x)))
        case Call("softplus", (x,)):
            return sp.log(1 + sp.exp(_sympy(x)))
        case Call("softsign", (x,)):
            return _sympy(x) / (1 + sp.sqrt(_sympy(x) ** 2))
        case Call("where", (Compare(operator, left, right), then, otherwise)):
            relation = sp.Rel(_sympy(left), _sympy(right), operator)
            return sp.Piecewise((_sympy(then), relation), (_sympy(otherwise), True))
        case Call(function, (x,)):
            return getattr(sp, function)(_sympy(x))
    raise AssertionError(expr)


def _number(expr: sp.Expr, values: dict[str, float]) -> complex | None:
    """The value by SymPy's own arithmetic, to 30 digits; None where there is none."""
    try:
        numbers = {sp.Symbol(name, real=True): sp.Float(value, 40) for name, value in values.items()}
        return complex(sp.N(expr.subs(numbers), 30))
    except (TypeError, ValueError, ZeroDivisionError, RecursionError, AttributeError):
        return None


POINTS = st.fixed_dictionaries({name: st.floats(0.2, 1.8) for name in NAMES})


@settings(max_examples=80, deadline=None)
@given(TREES, POINTS)
def test_partials_are_sympys_derivatives(tree: Expr, values: dict[str, float]) -> None:
    try:
        plain = _sympy(tree)
    except TypeError:  # SymPy compares no infinities: there is no number to hold against
        assume(False)
    whole = _number(plain, values)
    assume(whole is not None and abs(whole.imag) < 1e-20 and abs(whole) < 1e6)
    for name, derivative in partials(tree, TABLE).items():
        expected = _number(sp.diff(plain, sp.Symbol(name, real=True)), values)
        if expected is None or not abs(expected) < 1e8 or abs(expected.imag) > 1e-20:
            continue
        with np.errstate(all="ignore"):
            found = float(evaluate(derivative, {key: np.float64(each) for key, each in values.items()}, TABLE))
            size = float(
                evaluate(_absolute(derivative), {key: np.float64(each) for key, each in values.items()}, TABLE)
            )
        if math.isfinite(size):
            assert found == pytest.approx(expected.real, rel=1e-8, abs=1e-9 * max(size, 1))


def _absolute(expr: Expr) -> Expr:
    """The sum of absolute values in `expr`, by which rounding is measured."""
    if isinstance(expr, Add):
        return Add(tuple(map(_absolute, expr.terms)))
    if isinstance(expr, Neg):
        return _absolute(expr.operand)
    if isinstance(expr, Mul):
        return Mul(tuple(map(_absolute, expr.factors)))
    if isinstance(expr, Div):
        return Div(_absolute(expr.numerator), Call("abs", (expr.denominator,)))
    return Call("abs", (expr,))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(SMOOTH), st.sampled_from(SMOOTH), st.floats(-2, 2))
def test_the_chain_rule_inside_a_formula(outer: str, inner: str, at: float) -> None:
    tree = parse(f"{outer}(2*{inner}(x) + x**2)*x")
    derivative = partials(tree, TABLE)["x"]
    symbol = TABLE.symbolic.symbol("x")
    through_sympy = sp.diff(_sympy(tree), symbol).subs(symbol, sp.Float(at, 30))
    assert float(evaluate(derivative, {"x": np.float64(at)}, TABLE)) == pytest.approx(float(through_sympy), rel=1e-9)


def test_names_come_in_the_order_of_use_and_a_repeated_one_once() -> None:
    found = partials(parse("b*a + tanh(b)*c"), TABLE)
    assert list(found) == ["b", "a", "c"]
    assert list(map(to_text, found.values())) == ["a + c*tanh_prime(b)", "b", "tanh(b)"]


def test_a_condition_has_no_derivative_but_its_names_are_known() -> None:
    found = partials(parse("where(x > y, x*z, 3)"), TABLE)
    assert {name: to_text(tree) for name, tree in found.items()} == {
        "x": "where(x > y, z, 0)",
        "y": "0",
        "z": "where(x > y, x, 0)",
    }


def test_derivatives_do_not_swell_on_a_long_sum() -> None:
    tree = parse(" + ".join(f"w{i}*x{i}" for i in range(100)))
    found = partials(tree, TABLE)
    assert len(found) == 200
    assert all(isinstance(each, Name) for each in found.values())
    assert names(tree) == tuple(found)


@pytest.mark.parametrize("text", ["x/(1 - 1)", "x*(x - x - 1)**0.5"])
def test_sympys_infinities_are_an_error_of_ours(text: str) -> None:
    from backpropsym.ops.symbolic import to_tree

    symbol = TABLE.symbolic.symbol("x")
    with pytest.raises(FormulaError, match="not a real number"):
        to_tree(TABLE.symbolic.expression(parse(text)).diff(symbol))


def test_sympy_never_writes_out_a_huge_power() -> None:
    inner = Pow(Add((number(2), X, Neg(X))), Fraction(64))
    with pytest.raises(FormulaError, match="too large"):
        TABLE.symbolic.expression(Pow(Pow(inner, Fraction(64)), Fraction(64)))
