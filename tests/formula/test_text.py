"""Trees as text: read again by the parser and by SymPy, nothing changes."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backpropsym.formula.parse import parse_formula
from backpropsym.formula.text import number_text, to_text
from backpropsym.formula.tree import Add, Div, Expr, Mul, Name, Neg, Number, Pow
from tests.formula.trees import NAMES, RATIONAL_TREES, TABLE, TREES, VALUES, exact

A, B, C = map(Name, "abc")
SYMBOLS = {name: sp.Symbol(name, real=True) for name in NAMES}


def parse(text: str) -> Expr:
    return parse_formula(text, TABLE.signatures)


WRITTEN: dict[str, Expr] = {
    "a + b - c": Add((A, B, Neg(C))),
    "a - (b + c)": Add((A, Neg(Add((B, C))))),
    "a - b*c": Add((A, Neg(Mul((B, C))))),
    "-a + b": Add((Neg(A), B)),
    "a*b/c": Div(Mul((A, B)), C),
    "a/(b*c)": Div(A, Mul((B, C))),
    "a/(b/c)": Div(A, Div(B, C)),
    "a*(b/c)": Mul((A, Div(B, C))),
    "a*(-b)": Mul((A, Neg(B))),
    "(a + b)*c": Mul((Add((A, B)), C)),
    "-(a + b)": Neg(Add((A, B))),
    "(a + b)**2": Pow(Add((A, B)), Fraction(2)),
    "(-a)**2": Pow(Neg(A), Fraction(2)),
    "-a**2": Neg(Pow(A, Fraction(2))),
    "(a**2)**3": Pow(Pow(A, Fraction(2)), Fraction(3)),
    "a**(-1)": Pow(A, Fraction(-1)),
    "a**(1/3)": Pow(A, Fraction(1, 3)),
    "a**(0.0625)": Pow(A, Fraction(1, 16)),
    "2*a": Mul((Number(Fraction(2)), A)),
    "a - 2": Add((A, Number(Fraction(-2)))),
    "a*(-2)": Mul((A, Number(Fraction(-2)))),
    "(1/3)**2": Pow(Number(Fraction(1, 3)), Fraction(2)),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_the_fewest_brackets(text: str) -> None:
    assert to_text(WRITTEN[text]) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2", "2"),
        ("-7", "-7"),
        ("1/2", "0.5"),
        ("1/3", "1/3"),
        ("-2/7", "-2/7"),
        ("1/10", "0.1"),
        ("1e20", "1e+20"),
        ("1e-300", "1e-300"),
        (".99999999999999999999", "1"),
        ("-2.00000000000000000001", "-2"),
        ("1/3000001", "3.3333322222225924e-07"),
    ],
)
def test_numbers_are_short_and_faithful(value: str, text: str) -> None:
    assert number_text(Fraction(value)) == text
    assert float(Fraction(value)) == float(sp.sympify(sp.Rational(*Fraction(value).as_integer_ratio())))


@settings(max_examples=150)
@given(RATIONAL_TREES, VALUES)
def test_the_text_means_the_same(tree: Expr, values: dict[str, Fraction]) -> None:
    expected = exact(tree, values)
    assume(_small(tree))
    assert exact(parse(to_text(tree)), values) == expected


@settings(max_examples=150)
@given(TREES)
def test_the_text_is_stable(tree: Expr) -> None:
    assume(_small(tree))
    text = to_text(tree)
    again = parse(text)
    assert to_text(again) == text
    assert parse(to_text(again)) == again


@settings(max_examples=150)
@given(RATIONAL_TREES, VALUES)
def test_sympy_reads_the_same(tree: Expr, values: dict[str, Fraction]) -> None:
    expected = exact(tree, values)
    assume(expected is not None and abs(expected) < 1e30 and _small(tree))
    assert expected is not None
    numbers = {name: sp.Rational(value.numerator, value.denominator) for name, value in values.items()}
    read = sp.parse_expr(to_text(tree), local_dict=numbers)
    assume(read.is_finite)
    assert float(read) == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


@settings(max_examples=100)
@given(TREES)
def test_sympy_reads_calls_with_names_as_symbols(tree: Expr) -> None:
    functions = {name: sp.Function(name) for name in TABLE if name not in NAMES}
    read = sp.parse_expr(to_text(tree), local_dict={**functions, **SYMBOLS}, evaluate=False)
    assert {str(symbol) for symbol in read.free_symbols} <= set(NAMES)


def _small(tree: Expr) -> bool:
    """Whether the language allows the powers in `tree`."""
    from backpropsym.errors import FormulaError

    try:
        parse(to_text(tree))
    except FormulaError as error:
        assert "power" in str(error) or "exponent" in str(error)
        return False
    return True


@pytest.mark.parametrize("name", ["E", "I", "S", "N", "Q", "O", "beta", "gamma", "pi", "np", "zeta", "Symbol", "test"])
def test_words_that_mean_something_to_sympy_stay_symbols(name: str) -> None:
    text = to_text(parse(f"2*{name} + {name}**2"))
    symbol = sp.Symbol(name, real=True)
    assert sp.parse_expr(text, local_dict={name: symbol}) == 2 * symbol + symbol**2
    assert TABLE.symbolic.expression(parse(text)) == 2 * symbol + symbol**2


@given(st.fractions(min_value=-(10**30), max_value=10**30, max_denominator=10**12))
def test_a_number_is_read_back_as_nearly_itself(value: Fraction) -> None:
    read = exact(parse(number_text(value)), {})
    assert read is not None
    assert read == pytest.approx(value, rel=1e-15)
