"""What is outside the language or too large for it gets one of our errors, whatever it is."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpropsym.errors import FormulaError
from backpropsym.formula import limits
from backpropsym.formula.names import name_problem
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import depth, size
from tests.formula.trees import TABLE

PYTHON = [
    "__import__('os')",
    "__import__('pathlib').Path('touched').touch()",
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__",
    "x.real",
    "(lambda: 0)()",
    "(lambda x: x)(3)",
    "[i for i in x]",
    "tanh(i for i in x)",
    "exec('1')",
    "eval(x)",
    "open('touched')",
    "f'{x}'",
    'f"x"',
    "b'x'",
    "'text'",
    "x if y else z",
    "x and y",
    "x or y",
    "not x",
    "x is y",
    "x in y",
    "x := 3",
    "(x := 3)",
    "x = 3",
    "x; y",
    "x\ny",
    "x\ty\n",
    "x # comment",
    "x \\",
    "`x`",
    "$x",
    "x!",
    "x?",
    "yield x",
    "await x",
    "...",
    "None",
    "True",
    "[x]",
    "(x, y)",
    "{x}",
    "{x: y}",
    "x[a:1]",
    "x[::0]",
    "x[0.5:]",
    "x[:1:2:3]",
    "max(x, (1, 2))",
    "(1, 2)",
    "x[...]",
    "x == y",
    "x != y",
    "x < y",
    "x < y < z",
    "x % 2",
    "x // 2",
    "x ^ 2",
    "x | y",
    "x & y",
    "~x",
    "+x",
    "x << 2",
    "x y",
    "2x",
    "2 x",
    "2(x)",
    "x(3)",
    "(x)(3)",
    "tanh(x)(y)",
    "tanh(*x)",
    "tanh(**x)",
    "tanh(x, y)",
    "tanh()",
    "tanh(y=x)",
    "max(a, a=b)",
    "max(a, b, c)",
    "where(x, a, b)",
    "where(x > 0, y > 0, 1)",
    "where(x == 0, a, b)",
    "where(0 < x < 1, a, b)",
    "max(x > 0, 1)",
    "sum_of(x)",
    "lambda",
    "import",
    "_x",
    "__class__",
    "tanh(__class__)",
    "x1.5",
    ")",
    "(",
    "x +",
    "* x",
    "x)(",
    "tanh(x",
]
NUMBERS = [
    "1e999",
    "-1e999",
    "1e-999",
    "0e9999999999",
    "0.0e-9999999999",
    "x*0e99999999999999",
    "9" * 41,
    "0." + "1" * 60,
    "012",
    "00",
    "0x10",
    "0b1",
    "1_000",
    "1j",
    "1.2.3",
    "1e",
    "1e5.0",
    "inf" + "inity(x)",
    "x**y",
    "2**x",
    "x**(y - y)",
    "x**65",
    "x**-65",
    "x**1e3",
    "x**2**3",
    "x**(1/0)",
    "x**(1e-300/1e300)**x",
    "10**400",
    "1e300**2",
    "0**-1",
    "(-1)**0.5",
    "((x**8)**8)**8",
    "tanh((x**9)**9)",
    "x*((((2 + x - x)**64)**64)**64)**64",
    "(((2)**64)**64)**64",
]
LARGE = [
    "(" * 250 + "x" + ")" * 250,
    "(" * 65 + "x" + ")" * 65,
    "-" * 5000 + "x",
    "-" * 1000 + "x",
    "-" * 65 + "x",
    "x" + "+x" * 100_000,
    "x" + "+x" * 999,
    "x" + "*x" * 999,
    "x" + "/x" * 200,
    "x" + "@x" * 200,
    "x" + "**2" * 600,
    "x**(1" + "/1" * 990 + ")",
    "x**(" + "-" * 60 + "(" * 60 + "1" + ")" * 60 + ")",
    "tanh(" * 65 + "x" + ")" * 65,
    "tanh(" * 300 + "x" + ")" * 300,
    "x[" * 100 + "0" + "]" * 100,
    "max(" + "x," * 900 + "x)",
    "x" * 65,
    "x" * 1_000_000,
    "1" * 1_000_000,
    " " * 3000 + "x",
]
CHARACTERS = [
    "",
    "   ",
    "\x00",
    "x\x00",
    "ｘ + 1",
    "é",
    "α*x",
    "x\u202ey",
    "x\u200b",
    "\ufeffx",
    "x − 1",
    "x · y",
    "“x”",
    "x\u00a0+ 1",
    "\x1b[31mx",
    "\U0001d465",
    "\ud800",
]


@pytest.mark.parametrize("text", [*PYTHON, *NUMBERS, *CHARACTERS], ids=ascii)
def test_refused(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula(text, TABLE.signatures)
    assert all(line.isprintable() for line in str(caught.value).splitlines())


@pytest.mark.parametrize("text", LARGE, ids=lambda text: f"{text[:12]}-{len(text)}")
def test_too_large(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula(text, TABLE.signatures)
    assert caught.value.problems[0].fix


def test_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in PYTHON:
        with pytest.raises(FormulaError):
            parse_formula(text, TABLE.signatures)
    assert list(tmp_path.iterdir()) == []


MARKED = {
    "w*x + 3y": ("'y' follows a number", "y"),
    "w*lambda": ("'lambda' is a reserved word", "lambda"),
    "w*_x": ("'_x' cannot be a name", "_x"),
    "w + tanhh(x)": ("tanhh is not a function", "tanhh"),
    "w + tanh(x, y)": ("tanh takes 1 argument, found 2", "tanh(x, y)"),
    "w + leaky_relu(x, slop=2)": ("leaky_relu has no option slop", "leaky_relu(x, slop=2)"),
    "w*x**y": ("the exponent is not a constant", "y"),
    "w*x**100": ("the exponent is too large", "100"),
    "w*x % 2": ("'%' cannot stand in a formula", "%"),
    "w*x ^ 2": ("'^' cannot stand in a formula", "^"),
    "w*1e999": ("outside the range of floating point", "1e999"),
    "w*012": ("starts with a zero", "012"),
    "w + (x > 0)": ("a comparison stands only as the first argument of where", "x > 0"),
    "w + x.real": ("'.' cannot stand in a formula", "."),
    "w + x(3)": ("x is not a function", "x"),
    "w + é": (r"'\xe9' cannot stand in a formula", "é"),
    "w + [x]": ("list is not part of the formula language", "[x]"),
}


@pytest.mark.parametrize("text", MARKED)
def test_the_place_is_marked(text: str) -> None:
    message, marked = MARKED[text]
    with pytest.raises(FormulaError) as caught:
        parse_formula(text, TABLE.signatures)
    [problem] = caught.value.problems
    assert message in problem.message
    assert problem.where is not None
    start = problem.where.column
    assert text[start : start + problem.where.width] == marked


def test_messages_name_the_fix() -> None:
    fixes = {
        "tanhh(x)": "did you mean tanh?",
        "x**100": f"use an exponent between -{limits.MAX_EXPONENT} and {limits.MAX_EXPONENT}, or write it with exp",
        "x**y": "write it with exp: exp(p*log(x))",
        "x ^ 2": "write a power with **",
        "012": "write 12",
        "leaky_relu()": "write leaky_relu(x, slope=0.01)",
        "where(x, 1, 2)": "where(x > 0, a, b)",
        "lambda": "call it lambda_ or lambda1",
        "": 'write it as in "w*x + b"',
    }
    for text, fix in fixes.items():
        with pytest.raises(FormulaError) as caught:
            parse_formula(text, TABLE.signatures)
        assert caught.value.problems[0].fix == fix


@pytest.mark.parametrize("exponent", ["64", "-64", "0.5", "(1/64)"])
def test_the_largest_exponents_are_allowed(exponent: str) -> None:
    assert to_text(parse_formula(f"x**{exponent}", TABLE.signatures))


def test_the_limits_are_reached_but_not_passed() -> None:
    deep = "(" * 63 + "x" + ")" * 63
    assert to_text(parse_formula(deep, TABLE.signatures)) == "x"
    wide = "+".join(["x"] * (limits.MAX_PARTS - 1))
    assert size(parse_formula(wide, TABLE.signatures)) == limits.MAX_PARTS
    with pytest.raises(FormulaError, match="501 parts"):
        parse_formula(wide + "+x", TABLE.signatures)


def _read_or_refused(text: str) -> None:
    try:
        tree = parse_formula(text, TABLE.signatures)
    except FormulaError as error:
        assert error.problems[0].message
        return
    assert size(tree) <= limits.MAX_PARTS
    assert depth(tree) <= limits.MAX_DEPTH
    again = parse_formula(to_text(tree), TABLE.signatures)
    assert to_text(again) == to_text(tree)


@settings(max_examples=400)
@given(st.text(alphabet=string.printable, max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    _read_or_refused(text)


TOKENS = (
    *"+-*/@()[],<>=.:\"' ",
    *("**", "//", ">=", "x", "w1", "E", "tanh(", "where(", "max(", "leaky_relu(", "slope=", "2", "0.5", "1e9", "0e9"),
    *("lambda", "if", "x > 0, ", "not ", "\\", "0x", "1_0", "9" * 20),
)


@settings(max_examples=600)
@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
def test_any_run_of_tokens_is_read_or_refused(text: str) -> None:
    _read_or_refused(text)


@settings(max_examples=200)
@given(st.text(max_size=30))
def test_any_unicode_is_read_or_refused(text: str) -> None:
    _read_or_refused(text)


GOOD_NAMES = ["x", "w11", "w_1_1", "E", "I", "S", "N", "Q", "O", "beta", "gamma", "np", "pi", "print", "self", "math"]
BAD_NAMES = ["", "1x", "_x", "__class__", "x y", "x-y", "x.y", "é", "ｘ", "x\n", "x\u202e", "lambda", "None", "x" * 65]


@pytest.mark.parametrize("name", [*GOOD_NAMES, "loss", "lambda_", "x" * 64, "sympy", "exec", "type", "match", "case"])
def test_ordinary_words_are_names(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_other_words_are_not(name: str) -> None:
    problem = name_problem(name)
    assert problem is not None
    assert problem.fix
    assert str(problem).isascii()
