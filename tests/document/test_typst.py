"""Typst: everything that is written as LaTeX has a counterpart that compiles."""

from __future__ import annotations

from itertools import islice

import pytest

import backpropsym as bp
from backpropsym.derive.derivation import FORMS
from backpropsym.derive.forms.registry import ARRAY_FORMS as TENSOR_FORMS
from backpropsym.document.derivation.report import report
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.typst import mathematics, typst
from backpropsym.errors import LimitError, ValuesError
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
    forms = FORMS if net.graph.scalar else TENSOR_FORMS
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
    ("latex", "expected"),
    [
        (r"\frac{a}{b_{1}}", "(a)/(b_(1))"),
        (r"x^{2}", "x^(2)"),
        (r"\left(a + b\right)", "( a + b )"),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "mat(1, 2; 3, 4)"),
        (r"\mathrm{max\_pool}", 'upright("max_pool")'),
        (r"\sqrt{f(x, y)}", r"sqrt(f ( x \, y ))"),
        (r"a / b", r"a \/ b"),
        (r"\text{say \"x\"}", r'"say \"x\""'),
    ],
)
def test_commands(latex: str, expected: str) -> None:
    assert mathematics(latex) == expected


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_of_a_notation_has_a_counterpart(command: str) -> None:
    text = rf"\{command}{{x}}" if command in ACCENTS else rf"\{command}"
    assert compiled(f"$ {mathematics(text)} $")


def test_an_unknown_command_is_an_error() -> None:
    with pytest.raises(ValueError, match="no counterpart"):
        mathematics(r"\input{x}")


@pytest.mark.parametrize("title", ['"] #import "x"', '#eval("1")', "$ x $", "\\", "= heading"])
def test_a_title_is_text(title: str) -> None:
    assert compiled(typst("", title))
    assert typst("", title).count("\n") == 2


def test_every_registered_function_has_a_counterpart() -> None:
    from backpropsym.document.notation.names import Notation
    from backpropsym.formula.tree import Call, Name
    from backpropsym.ops.function import FUNCTIONS

    writer = LatexWriter(Notation([]))
    for name, function in FUNCTIONS.items():
        mathematics(writer.write(Call(name, tuple(map(Name, function.required)))))
