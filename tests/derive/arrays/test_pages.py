"""Derivatives of tensors on a terminal: colours, what f' stands for, numbers, and what to try next."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.derive import array_derivation
from backpropsym.document.derivation.actions import View
from backpropsym.document.derivation.conventions import conventions, spelled_out
from backpropsym.document.derivation.report import report, terminal
from backpropsym.document.formats.text import LIMIT, style
from backpropsym.document.notation.names import Notation
from backpropsym.document.registry import write
from backpropsym.document.reports.summary import summary_data, summary_page
from backpropsym.document.writers.unicode import AsciiWriter
from backpropsym.errors import LimitError
from backpropsym.formula.tree import ONE, Call, Name
from backpropsym.story.step_content import step_content

SKIP = "x[3] -> residual(dense(3, tanh)) -> dense(2) -> mse"


def test_each_layer_path_has_its_colour() -> None:
    text = terminal(bp.parse(SKIP).derive("loss", wrt="x"), "index", View(limit=LIMIT, source=SKIP))
    rows = {1: "  1   x → ", 2: "  2   x → "}
    for number, start in rows.items():
        at = text.plain.index(start)
        assert any(span.start == at and span.style == style(number) for span in text.spans)


@pytest.mark.parametrize("form", ["index", "matrix"])
def test_what_a_derivative_stands_for_is_told_once(form: str) -> None:
    plain = terminal(bp.parse(SKIP).derive("loss", wrt="W1"), form).plain
    assert plain.count("tanh′(x) = 1 − tanh(x)²") == 1
    assert "next" not in plain


def test_the_next_commands_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = terminal(bp.parse(SKIP).derive("loss", wrt="W1"), "index", View(limit=LIMIT, source=SKIP)).plain
    commands = [line[11:].split("     ")[0] for line in plain.splitlines()[-2:]]
    runner = CliRunner()
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "backpropsym"
        assert runner.invoke(app, words).exit_code == 0


def test_numbers_have_a_heading_and_their_shape() -> None:
    net = bp.example("convolution")
    plain = terminal(net.derive("loss", wrt="K"), "numeric").plain
    head, _, *rows = plain.splitlines()
    assert head == "∂loss/∂K[i,j], shape (3, 3)"
    found = np.array([[float(cell) for cell in row.strip(" []").split()] for row in rows[:3]])
    np.testing.assert_allclose(found, net.derive("loss", wrt="K").evaluate(), atol=1e-6)


@pytest.mark.parametrize("medium", ["latex", "markdown", "typst"])
def test_numbers_are_numbers_in_every_medium(medium: str) -> None:
    net = bp.example("convolution")
    text = report(net.derive("loss", wrt="K"), "numeric", medium)
    assert "0.2604" in text
    assert "sum" not in text


def test_nothing_that_leads_there_is_said() -> None:
    plain = terminal(bp.example("convolution").derive("out", wrt="y"), "index").plain
    assert plain.splitlines()[0] == "∂out[k,l]/∂y[i,j] = 0"
    assert "there is no path from y to out" in plain


ROOTS = {
    "layer_norm(x, w, w)": False,
    "rms_norm(x, w)": False,
    "w/sqrt(1 + mean(abs(x*w)))": False,
    "w/sqrt(2 + sum(x*x))": False,
    "w*sqrt(sum(w*w))": True,
    "w/sqrt(1 + mean(w))": True,
    "w/sqrt(mean(w**2) - 1)": True,
}


@pytest.mark.parametrize("formula", ROOTS)
def test_the_slope_of_a_root_at_zero_is_told_where_zero_can_be_met(formula: str) -> None:
    net = bp.loads(f'inputs = {{x = [3]}}\nparameters = {{w = [3]}}\noutput = "a"\n[nodes]\na = "sum({formula})"\n')
    assert ROOTS[formula] == ("sqrt'(0)" in str(conventions(net.derive(wrt="w"), AsciiWriter(Notation.of(net.graph)))))
    assert ROOTS[formula] == ("sqrt'(0)" in str(summary_data(net.graph)["functions"]))


def test_the_slope_of_a_norm_is_written_as_a_quotient() -> None:
    """For people; data keep the value at zero, where the quotient has none."""
    head = 'inputs = {x = [2, 3]}\nparameters = {v = [3]}\noutput = "a"\n[nodes]\n'
    for formula, term in {
        "norm(v)": "v[i]/norm(v)",
        "3*norm(v)": "3 * v[i]/norm(v)",
        "sum(norm(x*v, axis=1))": "sum j<2 x[j,i] * v[i] * x[j,i]/norm(x * v, axis=1)[j]",
    }.items():
        derivation = bp.loads(f'{head}a = "{formula}"\n').derive(wrt="v")
        assert f"      {term}\n" in report(derivation, "index", "text", ascii=True)
        assert "norm'(0) = 0" in report(derivation, "index", "text", ascii=True)
        assert derivation.evaluate(v=np.zeros(3), x=np.ones((2, 3))).tolist() == [0.0, 0.0, 0.0]
        assert "> 0, 1/(2*sqrt(" in derivation.expression()


def test_a_summary_shows_formulas_as_people_write_them() -> None:
    """Rows and gates of a layer by brackets, an index definition by its entry."""
    shown = summary_data(bp.parse("x[3,2] -> lstm(2) -> dense(1) -> mse").graph)["nodes"]
    assert shown["lstm1_s1"] == "W1 @ x[0] + b1"
    assert shown["lstm1_g2"] == "tanh(lstm1_s2[4:6])"
    head = 'inputs = {x = [4, 6]}\nparameters = {v = [3]}\noutput = "a"\n[nodes]\n'
    net = bp.loads(f'{head}h = "norm(x[:, 1:6:2]*v, axis=1) + log(exp(x[2:3, 0]))"\na = "sum(h)"\n')
    matrix = net.derive("a", wrt="v").expression("matrix")
    assert "slices(x, (), (1, 6, 2))" in matrix
    assert "index(" not in matrix
    data = summary_data(bp.example("convolution").graph)
    assert data["indices"] == {"out": ["i", "j"]}
    assert data["nodes"]["out"] == "sum(K[k,l]*im[i + k,j + l], (k, 0, 2), (l, 0, 2)) + b"
    assert "\n  out[i,j] = sum(K[k,l]*im[" in write(summary_page(bp.example("convolution").graph), "text")


def test_a_term_of_too_many_indices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a recurrent layer without its steps is; here the letters are taken away instead."""
    net = bp.parse("x[3] -> dense(4, tanh) -> dense(2) -> mse")
    monkeypatch.setattr(array_derivation, "index_letters", lambda graph: ["i", "j"])
    with pytest.raises(LimitError, match="takes more than 2 indices"):
        list(net.derive("loss", wrt="W1").terms)
    monkeypatch.setattr(array_derivation, "index_letters", lambda graph: [*"ijklmnpqr"])
    assert len(list(net.derive("loss", wrt="W1").terms)) == 1


ATTENTION = """
output = "A"
inputs = {X = ["T", "D"]}
parameters = {WQ = ["D", "T"]}
[nodes]
S = "X @ WQ"
A = "softmax(S)"
L = "sum(A * A)"
"""


HEADS = """
output = "A"
inputs = {X = ["B", "T"]}
parameters = {P = ["H", "B", "T"]}
[nodes]
S = "X * P"
A = "softmax(S)"
L = "sum(A * A)"
"""


@pytest.mark.parametrize(
    ("medium", "told"),
    [
        ("text", "where    sum(…, axis=2) keeps the axis, with size 1\n"),
        ("latex", r"$\operatorname{sum}(\cdots, \mathrm{axis} = 2)\text{ keeps the axis, with size 1}$"),
        ("markdown", r"$\operatorname{sum}(\cdots, \mathrm{axis} = 2)\text{ keeps the axis, with size 1}$"),
    ],
)
def test_a_sum_that_keeps_its_axis_says_so_below_the_equations(medium: str, told: str) -> None:
    assert report(bp.loads(HEADS).derive("L", wrt="P"), "matrix", medium).count(told) == 1
    of_a_matrix = report(bp.loads(ATTENTION).derive("L", wrt="WQ"), "matrix", medium)
    assert "keeps the axis" not in of_a_matrix
    assert {"text": "1 1ᵀ"}.get(medium, r"\mathbf{1} \mathbf{1}^{\top}") in of_a_matrix
    assert "keeps the axis" not in report(bp.parse(SKIP).derive("loss", wrt="W1"), "matrix", medium)


def test_a_sum_that_keeps_its_axis_is_told_from_one_that_does_not() -> None:
    net = bp.loads(ATTENTION)
    axis, keep = ("axis", ONE), ("keepdims", ONE)
    sums = Call("sum", (Name("S"),), (axis, keep)), Call("sum", (Name("A"),), (axis,))
    told = spelled_out(sums, net.graph.functions, AsciiWriter(Notation.of(net.graph)))
    assert told == ["sum(S, axis=1) keeps the axis, with size 1"]


def test_slides_and_handout_say_that_a_sum_keeps_its_axis() -> None:
    facts = step_content(bp.loads(HEADS).derive("L", wrt="P")).facts()
    assert any("sum(…, axis=2) keeps the axis" in part.plain for part in facts if not isinstance(part, str))


@pytest.mark.parametrize("form", ["index", "matrix"])
@pytest.mark.parametrize("medium", ["text", "latex"])
def test_steps_that_nobody_named_are_defined(form: str, medium: str) -> None:
    """The scores inside attention, and of many steps the first; never what a person wrote."""
    head = 'inputs = {x = [3, 4]}\nparameters = {Q = [4, 4]}\noutput = "a"\n[nodes]\n'
    net = bp.loads(f'{head}o = "attention(x @ Q, x, x)"\nh = "tanh(o)"\na = "sum(h)"\n')
    text = report(net.derive("a", wrt="Q"), form, medium, ascii=True)
    matrix = form == "matrix"
    if medium == "text":
        assert f"where    o_a{'' if matrix else '[i,j]'} = softmax(o_s)" in text
        assert text.count("where    o_s") == 1
        assert "where    h" not in text
        assert "not shown" not in text
    else:
        assert text.partition("Here")[2].count("softmax") == 1
    many = report(bp.parse("x[3,2] -> lstm(2) -> dense(1) -> mse").derive(wrt="U1"), form, medium, ascii=True)
    assert "more steps inside layers" in many


def test_people_read_a_root_where_data_hold_its_value_at_zero() -> None:
    """The root of a norm in single entries and in matrix notation; its convention where it can be met."""
    head = 'inputs = {x = [2]}\nparameters = {v = [2], w = [2]}\noutput = "a"\n[nodes]\n'
    net = bp.loads(f'{head}h = "layer_norm(x*w, w, w)"\na = "sum(h)*norm(v)"\n')
    entry = report(net.derive("a", wrt="v[0]"), "paths", "text", ascii=True)
    assert "(h[0] + h[1]) * v[0]/sqrt(square(v[0]) + square(v[1]))\n" in entry
    assert "da/dv = sum(h) * v/norm(v)\n" in report(net.derive("a", wrt="v"), "matrix", "text", ascii=True)
    for text in (entry, report(net.derive("a", wrt="v[0]"), "paths", "latex")):
        assert "safe_sqrt'" not in text.replace(r"\_", "_")
        assert "(0) = 0" in text
    assert "sqrt'(0)" not in report(net.derive("h[0]", wrt="w[0]"), "paths", "text", ascii=True)


def test_a_default_of_one_is_no_factor() -> None:
    net = bp.loads('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "huber(w, x)"\n')
    assert "1*" not in net.derive(wrt="w").expression()
    own = bp.loads('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "huber(w, x, 2)"\n')
    assert "2*sign(w - x)" in own.derive(wrt="w").expression()
