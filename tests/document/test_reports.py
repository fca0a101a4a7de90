"""Every report is written in every registered format."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from backpropsym.cli.app import app
from backpropsym.document.registry import formats
from tests.document.test_report_latex import HARD
from tests.documents import compiled, images

WRONG_CLAIM = ("verify", "lecture", "--wrt", "w11", "--claim", "x1*f(s1)*v11*f'(u1)*p11 + 2*x1*f'(s1)*v12*f'(u2)*p21")
COMMANDS = {
    "summary": ("summary", "lecture"),
    "summary of arrays": ("summary", "convolution"),
    "paths": ("paths", "lecture", "--wrt", "w11", "--top", "2"),
    "analytics": ("paths", "lecture", "--wrt", "w11", "--stats"),
    "claim": WRONG_CLAIM,
    "check": ("check", "neuron", "--samples", "1", "--seconds", "0"),
    "functions": ("functions",),
    "costs": ("costs", "lecture"),
    "wiggle": ("wiggle", "neuron", "--init", "0"),
    "trace": ("trace", "neuron", "--init", "0"),
}
GATED = """
title = "A gated exponent"
inputs = ["x", "t"]
targets = ["y"]
parameters = ["a", "b", "c", "d"]
output = "o"
loss = "log(1 + (o - y)**2)"
[nodes]
p = "exp(-a*x) + b*t"
q = "mish(p, c) * sin(t*d)"
r = "q/(1 + p**2)"
o = "r*c + sqrt(1 + p**2) + abs(q)"
[functions]
"mish(x, k)" = "x*tanh(log(1+exp(k*x)))"
[values]
x = 0.5
t = 1
y = 0.3
a = 0.2
b = -0.4
c = 0.7
d = 1.1
"""
ATTENTION = """
inputs = {x = [3, 4]}
targets = {y = [3, 2]}
output = "o"
loss = "mse(o, y) + 0.01*l2(Wq)"
[parameters]
Wq = [2, 4]
Wk = [2, 4]
g = [4]
bb = [4]
Wo = [2, 4]
[nodes]
q = "x @ transpose(Wq)"
k = "x @ transpose(Wk)"
A = "softmax(q @ transpose(k)/sqrt(2))"
n = "layer_norm(x + A @ x, g, bb)"
z = "act(n, 1.5)"
o = "z @ transpose(Wo)"
[functions]
"act(x, k)" = "x*sigmoid(k*x)"
"""
CONVOLUTION = "x[1,12,12] -> conv2d(3, 3) -> relu -> max_pool(2) -> flatten -> dense(10) -> cross_entropy"
LARGER = {
    "rows of many lines": (("hessian", "-"), GATED),
    "seven columns": (("trace", "-"), GATED),
    "matrices as cells": (("trace", "-", "--init", "1"), ATTENTION),
    "calls of many arguments": (("trace", CONVOLUTION, "--init", "1"), ""),
    "nested branches": (("hessian", "-", "--wrt", "alpha", "--wrt", "E"), HARD.replace("TITLE", "hard")),
    "exercises": (("quiz", "-"), HARD.replace("TITLE", "hard")),
    "hundreds of parameters": (("jacobian", "deep", "--limit", "4"), ""),
    "long paths": (("paths", "deep", "--wrt", "x1", "--top", "3"), ""),
}
SEEN = {
    "latex": {"paths": r"\textcolor{bpPath2}{", "analytics": r"\rule{", "claim": r"\textbf{\text{wrong}}"},
    "typst": {"paths": "#text(fill: bpPath2)", "analytics": "#box(width: ", "claim": 'bold("wrong")'},
    "markdown": {"claim": "**wrong**: $", "check": "**passed**", "summary": r"s_{1} &= w_{11} \cdot x_{1}"},
    "html": {"paths": 'style="--path: #0072B2"', "claim": '<strong class="bad">wrong</strong>'},
    "text": {"claim": "wrong: ∂a/∂w₁₁\n", "summary": "\n  s1   = w11*x1 + w21*x2\n"},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_report_is_written_in_every_format(name: str, tmp_path: Path) -> None:
    printed = set()
    for format in formats().values():
        result = CliRunner().invoke(app, [*COMMANDS[name], "--format", format.name])
        assert result.exit_code == (1 if name == "claim" else 0), result.output
        assert result.stdout.strip()
        printed.add(result.stdout)
        assert SEEN.get(format.name, {}).get(name, "") in result.stdout
    assert len(printed) == len(formats())


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", COMMANDS)
def test_no_report_is_wider_than_its_page(name: str, tmp_path: Path) -> None:
    path = tmp_path / "report.tex"
    CliRunner().invoke(app, [*COMMANDS[name], "-o", str(path)])
    assert "Overfull" not in compiled(path.read_text(), tmp_path).log


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", LARGER)
def test_no_report_on_a_larger_network_is_wider_or_higher_than_its_page(name: str, tmp_path: Path) -> None:
    path = tmp_path / "report.tex"
    arguments, network = LARGER[name]
    result = CliRunner().invoke(app, [*arguments, "-o", str(path)], input=network)
    assert result.exit_code == 0, result.output
    assert "Overfull" not in compiled(path.read_text(), tmp_path).log


@pytest.mark.needs("pdflatex")
def test_every_row_of_a_high_table_is_on_a_page(tmp_path: Path) -> None:
    path = tmp_path / "report.tex"
    CliRunner().invoke(app, ["hessian", "-", "-o", str(path)], input=GATED)
    pages = images(compiled(path.read_text(), tmp_path).pdf)
    assert len(pages) > 2
    assert all(page.rows("#000000", 120) for page in pages), "no page is blank"


@pytest.mark.parametrize("medium", formats())
@pytest.mark.parametrize(
    ("network", "of", "wrt", "words"),
    [
        ("lecture", "s1", "a", ("there is no path from", "is computed from")),
        ("x[2] -> dense(2, tanh) -> dense(1) -> mse", "y", "W1", ("there is no path from", "reaches")),
    ],
)
def test_a_page_says_why_a_derivative_is_zero(medium: str, network: str, of: str, wrt: str, words: list[str]) -> None:
    arguments = ["derive", network, "--of", of, "--wrt", wrt, "--format", medium]
    shown = CliRunner().invoke(app, arguments).stdout
    assert (medium == "json") != all(each in shown for each in words)


def test_the_suffix_of_a_file_names_the_format(tmp_path: Path) -> None:
    for format in formats().values():
        path = tmp_path / f"summary{format.suffixes[0]}"
        assert CliRunner().invoke(app, ["summary", "lecture", "-o", str(path)]).exit_code == 0
        printed = CliRunner().invoke(app, ["summary", "lecture", "--format", format.name]).stdout
        assert path.read_text() == printed


def test_a_page_for_a_browser_takes_no_text_for_markup() -> None:
    head = 'title = "<script>alert(1)</script>"\ninputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*x"\n'
    shown = CliRunner().invoke(app, ["summary", "-", "--format", "html"], input=head).stdout
    assert "&lt;script&gt;alert(1)" in shown and "<script" not in shown
