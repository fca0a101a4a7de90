"""Typst: everything that is written as LaTeX is written in it too, and compiles."""

from __future__ import annotations

from itertools import islice

import pytest

import backpropsym as bp
from backpropsym.derive.forms.registry import of_arrays, of_numbers
from backpropsym.document.derivation.report import report
from backpropsym.document.model import Page
from backpropsym.document.notation.names import Notation
from backpropsym.document.notation.typst_names import typst_name
from backpropsym.document.registry import COLUMN, write
from backpropsym.document.reports.matrices import MatrixReport
from backpropsym.document.reports.sensitivity import wiggle_page
from backpropsym.document.reports.trace import trace_page
from backpropsym.document.writers.typst import TypstWriter
from backpropsym.errors import LimitError, ValuesError
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.tree import Call, Name
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.function_table import FunctionTable
from backpropsym.spec.notation import ACCENTS, COMMANDS
from backpropsym.spec.source import examples

STRINGS = [
    "x[4,n] -> layer_norm -> dense(3, gelu) -> mse",
    "x[1,8,8] -> conv2d(2, 3) -> relu -> max_pool(2) -> flatten -> dense(3) -> cross_entropy",
    "x[3] -> residual(dense(3, tanh)) -> residual(dense(3, tanh)) -> softmax -> mse",
]


def written(net: bp.Network, wrt: str, form: str) -> str:
    try:
        return report(net.derive(net.graph.objective, wrt=wrt), form, "typst", {}, limit=20)
    except (LimitError, ValuesError):
        return ""


def compiled(text: str) -> bool:
    compiler = pytest.importorskip("typst")
    return bytes(compiler.compile(text.encode(), format="pdf")).startswith(b"%PDF")


@pytest.mark.parametrize("name", [name for name in examples() if name != "deep"])
def test_every_form_of_every_example_compiles(name: str) -> None:
    net = bp.example(name)
    forms = of_numbers() if net.graph.scalar else of_arrays()
    texts = [written(net, wrt, form) for form in forms for wrt in islice(net.parameters, 2)]
    assert compiled("\n#pagebreak()\n".join(filter(None, texts)))


@pytest.mark.parametrize("text", STRINGS)
def test_tensors_in_index_and_matrix_notation_compile(text: str) -> None:
    net = bp.parse(text)
    assert all(compiled(written(net, "W1", form)) for form in ("index", "matrix"))


def test_the_formulas_and_colours_are_those_of_the_latex() -> None:
    text = report(bp.example("lecture").derive("a", wrt="w11"), "paths", "typst")
    assert '#let bpPath1 = rgb("#D55E00")' in text
    assert "#path(bpPath1, $x_(1) dot.op f' ( s_(1) ) dot.op v_(11) dot.op f' ( u_(1) ) dot.op p_(11)$)" in text
    assert text.startswith('= #"The network of the lecture"\n')


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a/b1", "(a)/(b_(1))"),
        ("x**2", "x^(2)"),
        ("x**(1/2)", r"x^(1\/2)"),
        ("(a + b)/2*c", "(a + b)/(2) dot.op c"),
        ("c*(a + b)", r"c dot.op \( a + b \)"),
        ("c*(a/b)", "c dot.op (a)/(b)"),
        ("abs(x - 1e-9)", "bar.v x - 10^(-9) bar.v"),
        ("max_pool", 'upright("max_pool")'),
        ("sqrt(max(x, y))", 'sqrt(op("max") ( x , y ))'),
        ("where(x > 0, a, b)", 'cases(a & "if " x > 0, b & "otherwise")'),
    ],
)
def test_formulas(formula: str, expected: str) -> None:
    assert TypstWriter(Notation([])).write(parse_formula(formula, FunctionTable().signatures)) == expected


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\mathrm{max\_pool}", 'upright("max_pool")'),
        (r"\hat{W}_{\ell}^{(1)}", "hat(W)_(ℓ)^(( 1 ))"),
        (r"\vec{a, b}", r"arrow(a \, b)"),
        (r"a / b", r"a \/ b"),
    ],
)
def test_names_in_somebody_s_own_latex(latex: str, expected: str) -> None:
    assert typst_name(latex) == expected


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_of_a_notation_has_a_counterpart(command: str) -> None:
    text = rf"\{command}{{x}}" if command in ACCENTS else rf"\{command}"
    assert compiled(f"$ {typst_name(text)} $")


def test_an_unknown_command_is_an_error() -> None:
    with pytest.raises(ValueError, match="no counterpart"):
        typst_name(r"\input{x}")


def test_long_terms_are_broken_to_the_room() -> None:
    text = report(bp.example("deep").derive(wrt="x1"), "factored", "typst")
    lines = [line for line in text.splitlines() if line.startswith("  & quad")]
    assert len(lines) > 100
    assert max(map(TypstWriter(Notation([])).width, lines)) <= COLUMN + 15


@pytest.mark.parametrize("title", ['"] #import "x"', '#eval("1")', "$ x $", "\\", "= heading"])
def test_a_title_is_text(title: str) -> None:
    text = write(Page(Notation([]), tuple, dict, title), "typst")
    assert compiled(text)
    assert text.count("\n") == 2


def test_every_registered_function_compiles() -> None:
    writer = TypstWriter(Notation([]))
    calls = (Call(name, tuple(map(Name, function.required))) for name, function in FUNCTIONS.items())
    assert compiled("\n".join(f"$ {writer.write(call)} $" for call in calls))


@pytest.mark.parametrize("source", ["lecture", "convolution", "prelu"])
def test_tables_compile(source: str) -> None:
    net = bp.load(source)
    pages = [trace_page(net.trace()), MatrixReport(net.jacobian()).page()]
    if net.graph.scalar:
        pages += [wiggle_page(net.wiggle()), MatrixReport(net.hessian(), limit=5).page()]
    assert compiled("\n#pagebreak()\n".join(write(page, "typst") for page in pages))
