"""Every construct of the formula language, how tightly it binds, and where it stands."""

from __future__ import annotations

from fractions import Fraction

import pytest

from backpropsym.formula.parse import Signature, parse_formula
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
    Text,
    number,
    walk,
)
from tests.formula.trees import TABLE

SIGNATURES = {
    **TABLE.signatures,
    "conv": Signature("conv", ("image", "kernel"), {}, ("padding",)),
    "total": Signature("total", ("x",), {}, ("axis",), variadic=True, reduces=True, limits=True),
    "einsum": Signature("einsum", ("subscripts", "a"), {}, variadic=True),
    "f": Signature("f", ("x",), {}, variadic=True),
}
A, B, C, X, Y = map(Name, "abcxy")
HALF = Number(Fraction(1, 2))


def parse(text: str) -> Expr:
    return parse_formula(text, SIGNATURES)


ACCEPTED: dict[str, Expr] = {
    "x": X,
    "  x ": X,
    "(x)": X,
    "3": number(3),
    "0.5": HALF,
    ".5": HALF,
    "5.": number(5),
    "1e3": number(1000),
    "25E-1": Number(Fraction(5, 2)),
    "0": number(0),
    "0e5": number(0),
    "0.1": Number(Fraction(1, 10)),
    "12345678901234567890": number(12345678901234567890),
    "a + b": Add((A, B)),
    "a - b": Add((A, Neg(B))),
    "-a": Neg(A),
    "--a": Neg(Neg(A)),
    "a*b": Mul((A, B)),
    "a/b": Div(A, B),
    "a**2": Pow(A, Fraction(2)),
    "a**-2": Pow(A, Fraction(-2)),
    "a**0.5": Pow(A, Fraction(1, 2)),
    "a**(1/3)": Pow(A, Fraction(1, 3)),
    "a**(-1/3)": Pow(A, Fraction(-1, 3)),
    "a**(1/2/5)": Pow(A, Fraction(1, 10)),
    "a**0": Pow(A, Fraction(0)),
    "2**3": Pow(number(2), Fraction(3)),
    "a @ b": MatMul(A, B),
    "x[0]": Index(X, (number(0),)),
    "x[a, b+1]": Index(X, (A, Add((B, number(1))))),
    "tanh(x)": Call("tanh", (X,)),
    "max(a, b)": Call("max", (A, B)),
    "max(b=a, a=b)": Call("max", (B, A)),
    "leaky_relu(x)": Call("leaky_relu", (X,)),
    "leaky_relu(x, 0.5)": Call("leaky_relu", (X, HALF)),
    "leaky_relu(x, slope=0.5)": Call("leaky_relu", (X, HALF)),
    "leaky_relu(slope=0.5, x=x)": Call("leaky_relu", (X, HALF)),
    "where(x > 0, a, b)": Call("where", (Compare(">", X, number(0)), A, B)),
    "where(x <= y, a, b)": Call("where", (Compare("<=", X, Y), A, B)),
    "where(condition=x < y, a=a, b=b)": Call("where", (Compare("<", X, Y), A, B)),
    "where((x >= y), a, b)": Call("where", (Compare(">=", X, Y), A, B)),
    "conv(a, b, padding=1)": Call("conv", (A, B), (("padding", number(1)),)),
    "total(x[a], (a, 0, 3))": Call("total", (Index(X, (A,)), Limits("a", number(0), number(3)))),
    "total(x, axis=0)": Call("total", (X,), (("axis", number(0)),)),
    'einsum("ij,j->i", a, b)': Call("einsum", (Text("ij,j->i"), A, B)),
    "f(a, b, c)": Call("f", (A, B, C)),
    "E*I + S - N": Add((Mul((Name("E"), Name("I"))), Name("S"), Neg(Name("N")))),
    "print + self*np": Add((Name("print"), Mul((Name("self"), Name("np"))))),
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_every_construct(text: str) -> None:
    assert parse(text) == ACCEPTED[text]


BINDING: dict[str, Expr] = {
    "a + b*c": Add((A, Mul((B, C)))),
    "a*b + c": Add((Mul((A, B)), C)),
    "a + b + c": Add((A, B, C)),
    "(a + b) + c": Add((Add((A, B)), C)),
    "a + (b + c)": Add((A, Add((B, C)))),
    "a - b - c": Add((A, Neg(B), Neg(C))),
    "a - (b - c)": Add((A, Neg(Add((B, Neg(C)))))),
    "((a) + (b)) + c": Add((Add((A, B)), C)),
    "a*b*c": Mul((A, B, C)),
    "(a*b)*c": Mul((A, B, C)),
    "a*(b*c)": Mul((A, Mul((B, C)))),
    "a/b/c": Div(Div(A, B), C),
    "a/(b/c)": Div(A, Div(B, C)),
    "a/b*c": Mul((Div(A, B), C)),
    "a*b/c": Div(Mul((A, B)), C),
    "a*b/c*x": Mul((Div(Mul((A, B)), C), X)),
    "a @ b @ c": MatMul(MatMul(A, B), C),
    "a @ b*c": Mul((MatMul(A, B), C)),
    "a*b @ c": MatMul(Mul((A, B)), C),
    "a/b @ c": MatMul(Div(A, B), C),
    "-a*b": Mul((Neg(A), B)),
    "-a**2": Neg(Pow(A, Fraction(2))),
    "(-a)**2": Pow(Neg(A), Fraction(2)),
    "a*-b": Mul((A, Neg(B))),
    "a - -b": Add((A, Neg(Neg(B)))),
    "-a + b": Add((Neg(A), B)),
    "a**2*b": Mul((Pow(A, Fraction(2)), B)),
    "a*b**2": Mul((A, Pow(B, Fraction(2)))),
    "(a*b)**2": Pow(Mul((A, B)), Fraction(2)),
    "(a**2)**3": Pow(Pow(A, Fraction(2)), Fraction(3)),
    "a @ b**2": MatMul(A, Pow(B, Fraction(2))),
}


@pytest.mark.parametrize("text", BINDING)
def test_binding_and_association(text: str) -> None:
    assert parse(text) == BINDING[text]


def test_a_sum_of_many_terms_is_one_level_deep() -> None:
    tree = parse(" + ".join(f"w{i}*x{i}" for i in range(120)))
    assert isinstance(tree, Add)
    assert len(tree.terms) == 120


@pytest.mark.parametrize("text", ["  a + tanh(b*c)**2 - x[0]/y", "where(a > b, -c, max(x, y))*a @ b"])
def test_every_part_knows_its_columns(text: str) -> None:
    for part in walk(parse(text)):
        assert part.span is not None
        piece = text[slice(*part.span)]
        assert piece == piece.strip() != ""
        if isinstance(part, Name):
            assert piece == part.name
        if isinstance(part, Call):
            assert piece.startswith(f"{part.function}(")
            assert piece.endswith(")")


def test_the_columns_take_no_part_in_equality() -> None:
    assert parse("a+b") == parse("  a  +  b ")


def test_names_are_listed_in_the_order_of_use() -> None:
    from backpropsym.formula.tree import called, names

    tree = parse("w21*x2 + tanh(x1)*w21 + max(x1, b)")
    assert names(tree) == ("w21", "x2", "x1", "b")
    assert called(tree) == ("tanh", "max")
