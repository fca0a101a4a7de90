"""Trees as text: the signs, the brackets, and that nothing changes its meaning."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import to_latex
from backpropsym.document.writers.unicode import AsciiWriter, UnicodeWriter, to_unicode
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.tree import (
    Add,
    Call,
    Div,
    Expr,
    Index,
    Mul,
    Name,
    Neg,
    Number,
    Pow,
    Slice,
    Text,
    Tuple,
    number,
)
from backpropsym.ops.function_table import FunctionTable

TABLE = FunctionTable()
NOTATION = Notation(["a", "b", "c", "x1", "s1", "w11"], TABLE)

ROWS = [
    ("w11*x1 - (b*c - a)", "w₁₁ · x₁ − (b · c − a)", r"w_{11} \cdot x_{1} - (b \cdot c - a)"),
    ("(a + b)*c", "(a + b) · c", r"(a + b) \cdot c"),
    ("c*(a + b)", "c · (a + b)", r"c \cdot (a + b)"),
    ("a/(b*c)", "a/(b · c)", r"\frac{a}{b \cdot c}"),
    ("a/b/c", "(a/b)/c", r"\frac{\frac{a}{b}}{c}"),
    ("a/(b/c)", "a/(b/c)", r"\frac{a}{\frac{b}{c}}"),
    ("(a + b)/c", "(a + b)/c", r"\frac{a + b}{c}"),
    ("(a/b)**2", "(a/b)²", r"\left(\frac{a}{b}\right)^{2}"),
    ("(a + b)**2", "(a + b)²", r"(a + b)^{2}"),
    ("(-a)**2", "(−a)²", "(-a)^{2}"),
    ("-a**2", "−a²", "-a^{2}"),
    ("-(-a)", "−(−a)", "-(-a)"),
    ("a - (-b)", "a − (−b)", "a - (-b)"),
    ("-(a + b)", "−(a + b)", "-(a + b)"),
    ("a*(-b)", "a · (−b)", r"a \cdot (-b)"),
    ("a - b*(-c)", "a − b · (−c)", r"a - b \cdot (-c)"),
    ("a**(-2)", "a⁻²", "a^{-2}"),
    ("a**(3/2)", "a^(3/2)", "a^{3/2}"),
    ("(a**2)**3", "(a²)³", "(a^{2})^{3}"),
    ("sqrt(a)**2", "(√a)²", r"\sqrt{a}^{2}"),
    ("sqrt(a + 1)", "√(a + 1)", r"\sqrt{a + 1}"),
    ("abs(a - b)", "|a − b|", r"\left\lvert a - b \right\rvert"),
    ("abs(abs(a) - b)", "abs(|a| − b)", r"\left\lvert \left\lvert a \right\rvert - b \right\rvert"),
    ("exp(-a)", "exp(−a)", "e^{-a}"),
    ("exp(a)**2", "exp(a)²", "(e^{a})^{2}"),
    ("exp(a/b)", "exp(a/b)", r"\exp\left(\frac{a}{b}\right)"),
    ("max(a, 0)", "max(a, 0)", r"\max(a, 0)"),
    ("log(a)", "ln(a)", r"\ln(a)"),
    ("sigmoid(s1)", "σ(s₁)", r"\sigma(s_{1})"),
    ("1/3*a", "1/3 · a", r"\frac{1}{3} \cdot a"),
    ("1e-30*a", "1e−30 · a", r"10^{-30} \cdot a"),
    ("1 - tanh(s1)**2", "1 − tanh(s₁)²", r"1 - \tanh(s_{1})^{2}"),
    (
        "where(a >= 0, a, b*a)*c",
        "where(a ≥ 0, a, b · a) · c",
        r"\left(\begin{cases} a & \text{if } a \ge 0 \\ b \cdot a & \text{otherwise} \end{cases}\right) \cdot c",
    ),
]


@pytest.mark.parametrize(("formula", "unicode", "latex"), ROWS, ids=[row[0] for row in ROWS])
def test_formulas(formula: str, unicode: str, latex: str) -> None:
    tree = parse_formula(formula, TABLE.signatures)
    assert to_unicode(tree, NOTATION) == unicode
    assert to_latex(tree, NOTATION) == latex


@pytest.mark.parametrize(
    ("formula", "thin"),
    [
        ("2*(a - b)", "2 (a − b)"),
        ("2*3*a", "2 · 3 a"),
        ("a/b*c", "(a/b) c"),
        ("a*(b + c*2)", "a (b + c · 2)"),
    ],
)
def test_thin_products_keep_what_is_needed_to_read_them(formula: str, thin: str) -> None:
    assert to_unicode(parse_formula(formula, TABLE.signatures), NOTATION, thin=True) == thin


def test_a_registered_derivative_is_a_prime() -> None:
    prime = TABLE.derivative("tanh", "x").name
    tree = Call(prime, (Name("s1"),))
    assert to_unicode(tree, NOTATION) == "tanh′(s₁)"
    assert to_latex(tree, NOTATION) == r"\tanh'(s_{1})"


def test_euler_is_not_written_beside_a_node_called_e() -> None:
    tree = parse_formula("exp(e)", TABLE.signatures)
    assert to_latex(tree, Notation(["e"], TABLE)) == r"\exp(e)"


def test_depth_is_no_limit() -> None:
    tree: Expr = Name("a")
    for _ in range(3_000):
        tree = Add((Mul((Name("b"), tree)), Name("c")))
    assert to_unicode(tree, NOTATION).count("(") == 2_999
    assert to_latex(tree, NOTATION).count("(") == 2_999


leaves = st.sampled_from([Name("a"), Name("b"), Name("c")]) | st.fractions(
    min_value=-20, max_value=20, max_denominator=50
).map(Number)


def _branches(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        several.map(Add),
        several.map(Mul),
        st.builds(Div, inner, inner),
        st.builds(Neg, inner),
        st.builds(Pow, inner, st.sampled_from([Fraction(2), Fraction(3)])),
        st.builds(lambda x: Call("tanh", (x,)), inner),
        st.builds(lambda x: Call("abs", (x,)), inner),
        st.builds(lambda x, y: Call("max", (x, y)), inner, inner),
    )


trees = st.recursive(leaves, _branches, max_leaves=12)
VALUES = {"a": np.float64(0.7), "b": np.float64(-1.3), "c": np.float64(2.1)}


@settings(max_examples=400)
@given(trees)
def test_ascii_text_means_what_the_tree_means(tree: Expr) -> None:
    text = AsciiWriter(NOTATION).write(tree)
    again = parse_formula(text, TABLE.signatures)
    assert_same_value(again, tree)


@settings(max_examples=400)
@given(trees)
def test_unicode_text_means_what_the_tree_means(tree: Expr) -> None:
    """The signs are translated back, with no bracket added or removed."""
    text = UnicodeWriter(NOTATION).write(tree)
    powers = {"²": "**2", "³": "**3"}
    for sign, spelled in powers.items():
        text = text.replace(sign, spelled)
    text = text.replace("·", "*").replace("−", "-")
    while "|" in text:
        text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text, count=1)
    again = parse_formula(text, TABLE.signatures)
    assert_same_value(again, tree)


def assert_same_value(found: Expr, expected: Expr) -> None:
    with np.errstate(all="ignore"):
        value = evaluate(expected, VALUES, TABLE)
        assert evaluate(found, VALUES, TABLE) == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True)


WHOLE_ARRAYS = [
    (
        Call("einsum", (Text("kl,kilj->ij"), Name("a"), Name("b"))),
        'einsum("kl,kilj->ij", a, b)',
        r"\operatorname{einsum}(\text{kl,kilj} \to \text{ij}, a, b)",
    ),
    (
        Call("var", (Name("a"),), (("axis", Tuple((number(1), number(2)))),)),
        "var(a, axis=(1, 2))",
        r"\operatorname{var}(a, \mathrm{axis} = (1, 2))",
    ),
    (Index(Name("a"), (Slice(1, 3, 1), number(0))), "a[1:3,0]", "a_{1:3,0}"),
]


@pytest.mark.parametrize(("expr", "text", "latex"), WHOLE_ARRAYS, ids=lambda part: str(part)[:20])
def test_formulas_over_whole_arrays_are_written(expr: Expr, text: str, latex: str) -> None:
    assert to_unicode(expr, NOTATION) == text
    assert to_latex(expr, NOTATION) == latex
