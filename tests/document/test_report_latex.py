"""LaTeX: the colours of the picture, lines that fit, and pdflatex's own verdict."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from backpropsym.derive.forms.registry import of_numbers
from backpropsym.document.derivation.report import latex, report
from backpropsym.document.formats.markdown import markdown_text
from backpropsym.document.palette import PALETTE
from backpropsym.document.registry import COLUMN
from backpropsym.document.writers.latex_escape import latex_text
from backpropsym.document.writers.latex_width import width
from backpropsym.document.writers.lines import STOP, broken, whole
from backpropsym.network import load, loads, parse
from tests.documents import compiled

HOSTILE = r"\input{/etc/passwd} 100% _x_ $\def\x{\x}\x$ & # ^ ~ \" `a` -- <b> [red] Сеть 中文 é | \write18{ls}"
HARD = """
title = '''TITLE'''
inputs = ["x1", "x2", "e"]
targets = ["y"]
parameters = ["alpha", "alpha_1", "alpha1", "W_Q", "dense_out", "lambda_", "x__y", "E", "np"]
output = "out"
loss = "huber(out, y)"
[nodes]
a1 = "gelu(alpha*x1) + abs(alpha1*x2 - abs(alpha_1))"
b1 = "where(a1 > 0, a1/(1 + exp(-a1*W_Q)), sqrt(1 + a1**2)/W_Q)"
c1 = "swish(b1*lambda_, E) + max(np, -b1)*x__y - e*1e-7"
d1 = "tanh(c1)**3/(E - np)**2 + (a1 + b1)*(c1 - dense_out)*(a1 - 1/3) + softplus(a1 + 2*b1 + 3*c1)"
out = "leaky_relu(d1, 0.2)*a1 + silu(c1) + selu(c1)**(1/2)"
[functions]
"swish(x, beta)" = "x*sigmoid(beta*x)"
[values]
x1 = 1
x2 = 2
e = 3
y = 1
alpha = 0.3
alpha_1 = 0.1
alpha1 = 0.2
W_Q = 1.5
dense_out = 0.25
lambda_ = 1.0
x__y = 0.5
E = 1
np = 0.5
"""


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("form", of_numbers())
@pytest.mark.parametrize(("source", "of", "wrt"), [("lecture", "loss", "w11"), ("skip", "loss", "w")])
def test_documents_compile_and_fit_the_page(source: str, of: str, wrt: str, form: str, tmp_path: Path) -> None:
    assert "Overfull" not in compiled(latex(load(source).derive(of, wrt=wrt), form, standalone=True), tmp_path).log


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("form", [form for form in of_numbers() if form != "expanded"])
def test_hard_formulas_and_hostile_titles_compile(form: str, tmp_path: Path) -> None:
    derivation = loads(HARD.replace("TITLE", HOSTILE)).derive("loss", wrt="alpha")
    said = compiled(latex(derivation, form, standalone=True), tmp_path).log
    assert "passwd" not in said


@pytest.mark.needs("pdflatex")
def test_fragments_compile_in_a_plain_article_and_fit_its_column(tmp_path: Path) -> None:
    fragments = [latex(load("deep").derive(wrt="x1"), form) for form in of_numbers() if form != "expanded"]
    fragments += [latex(load("lecture").derive("loss", wrt="w11"), form) for form in of_numbers()]
    head = r"\documentclass{article}\usepackage{amsmath}\usepackage{xcolor}\allowdisplaybreaks\begin{document}"
    said = compiled("\n".join([head, *fragments, r"\end{document}"]), tmp_path).log
    assert "Overfull" not in said


def test_a_fragment_says_what_it_needs_and_names_the_picture_s_colours() -> None:
    text = latex(load("lecture").derive(wrt="w11"))
    assert text.startswith(r"% In the preamble: \usepackage{amsmath} \usepackage{xcolor}")
    for number in (1, 2):
        assert rf"\definecolor{{bpPath{number}}}{{HTML}}{{{PALETTE[number - 1][1:]}}}" in text
    assert r"\textcolor{bpPath1}{x_{1} \cdot f'(s_{1}) \cdot v_{11} \cdot f'(u_{1}) \cdot p_{11}}" in text
    assert r"\textcolor{bpPath2}{w_{11} \to s_{1} \to z_{1} \to u_{2} \to h_{2} \to a}" in text
    assert r"\tag*{\textcolor{bpPath2}{(2)}}" in text


def test_the_factor_of_the_loss_stands_apart() -> None:
    text = latex(load("lecture").derive("loss", wrt="w11"))
    assert r"\frac{\partial \mathrm{loss}}{\partial a} &= 2 \, (a - y)" in text


def test_zero_is_zero() -> None:
    assert r"\frac{\partial s_{1}}{\partial v_{11}} &= 0" in latex(load("lecture").derive("s1", wrt="v11"))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50% of $x_1$", r"50\% of \$x\_1\$"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("a^b~c", r"a\textasciicircum{}b\textasciitilde{}c"),
        ("\x1b[31mred\x00", r"\textbackslash{}x1b[31mred\textbackslash{}x00"),
        ("é ß", "é ß"),
        ("中", "[U+4E2D]"),
        ("Сеть лекции", r"\bpCyrillic{Сеть лекции}"),
        ("αΝΐ", r"\ensuremath{\alpha}\ensuremath{\mathrm{N}}\ensuremath{\ddot{\acute{\iota}}}"),
    ],
)
def test_text_is_escaped(text: str, escaped: str) -> None:
    assert latex_text(text) == escaped


def test_nothing_of_a_title_reaches_latex_as_a_command() -> None:
    document = latex(loads(HARD.replace("TITLE", HOSTILE)).derive(wrt="alpha"), "backward", standalone=True)
    heading = next(line for line in document.splitlines() if line.startswith(r"\section*"))
    commands = set(re.findall(r"\\[A-Za-z]+", heading))
    allowed = ("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar")
    assert commands <= {rf"\{name}" for name in (*allowed, "textasciigrave", "bpCyrillic", "section")}


def test_lines_break_before_signs_outside_groups() -> None:
    terms = (rf"a_{{{n}}}{STOP} \cdot \left(\frac{{b}}{{c}} + d\right)" for n in range(12))
    latex_sum = f"{STOP} + ".join(terms)
    lines = broken(latex_sum, 30, width)
    assert len(lines) > 4
    assert " ".join(lines) == whole(latex_sum)
    for line in lines:
        assert line.count("{") == line.count("}")
        assert line.count(r"\left") == line.count(r"\right")
        assert width(line) <= 30
    assert all(line.startswith("+") for line in lines[1:])


def test_long_terms_are_broken_to_the_room() -> None:
    text = latex(load("deep").derive(wrt="x1"), "factored")
    lines = [line for line in text.splitlines() if line.strip().startswith(("&", r"\frac"))]
    assert len(lines) > 5
    assert max(map(width, lines)) <= COLUMN + 15


def test_markdown_is_escaped_and_has_no_stray_bars() -> None:
    assert markdown_text("a*b_c [x](y) <b>|") == r"a\*b\_c \[x\]\(y\) \<b\>\|"
    rows = [
        line for line in report(loads(HARD.replace("TITLE", "t")).derive(wrt="alpha"), medium="markdown").splitlines()
    ]
    table = [line for line in rows if line.startswith("|")]
    assert len(table) > 2
    assert {line.count("|") for line in table} == {4}


def test_braces_name_the_path_of_each_term() -> None:
    text = latex(load("lecture").derive(wrt="w11"), "paths", braces=True)
    assert text.count(r"\underbrace{") == 2
    assert (
        r"\underbrace{x_{1} \cdot f'(s_{1}) \cdot v_{12} \cdot f'(u_{2}) \cdot p_{21}}"
        r"_{\text{(2)}\ w_{11} \to s_{1} \to z_{1} \to u_{2} \to h_{2} \to a}"
    ) in text
    assert r"\tag" not in text


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("wrt", ["W1", "b1", "x"])
@pytest.mark.parametrize("form", ["index", "matrix", "numeric"])
def test_tensors_compile_in_every_form(wrt: str, form: str, tmp_path: Path) -> None:
    net = parse("x[3] -> residual(dense(3, tanh)) -> residual(dense(3, tanh)) -> softmax -> mse")
    values = {name: np.ones(shape) for name, shape in (net.inputs | net.targets | net.parameters).items()}
    for braces in (True, False):
        text = latex(net.derive("loss", wrt=wrt), form, values, braces=braces, standalone=True)
        assert "Overfull" not in compiled(text, tmp_path).log


@pytest.mark.parametrize("shape", [(3,), (2, 2), (12, 12), (2, 2, 3)])
def test_the_numbers_of_a_tensor_are_a_matrix(shape: tuple[int, ...]) -> None:
    net = loads(f'inputs = {{x = {list(shape)}}}\noutput = "a"\n[nodes]\na = "sum(x*x)"\n')
    text = report(net.derive("a", wrt="x"), "numeric", "latex", {"x": np.ones(shape)})
    assert r"\begin{pmatrix} 2" in text
    assert (r"\vdots" in text) == (12 in shape)
    assert text.count("pmatrix") == (4 if len(shape) == 3 else 2)
