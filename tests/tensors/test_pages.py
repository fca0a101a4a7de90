"""Derivatives of tensors on a terminal: colours, what f' stands for, numbers, and what to try next."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.derive import tensors
from backpropsym.errors import LimitError
from backpropsym.render.page_parts import TextView, style
from backpropsym.render.report import report, terminal

SKIP = "x[3] -> residual(dense(3, tanh)) -> dense(2) -> mse"


def test_each_layer_path_has_its_colour() -> None:
    text = terminal(bp.parse(SKIP).derive("loss", wrt="x"), "index", TextView(source=SKIP))
    rows = {1: "  1   x → ", 2: "  2   x → "}
    for number, start in rows.items():
        at = text.plain.index(start)
        assert any(span.start == at and span.style == style(number) for span in text.spans)


@pytest.mark.parametrize("form", ["index", "matrix"])
def test_what_a_derivative_stands_for_is_told_once(form: str) -> None:
    plain = terminal(bp.parse(SKIP).derive("loss", wrt="W1"), form, TextView()).plain
    assert plain.count("tanh′(x) = 1 − tanh(x)²") == 1
    assert "next" not in plain


def test_the_next_commands_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = terminal(bp.parse(SKIP).derive("loss", wrt="W1"), "index", TextView(source=SKIP)).plain
    commands = [line[11:].split("     ")[0] for line in plain.splitlines()[-2:]]
    runner = CliRunner()
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "backpropsym"
        assert runner.invoke(app, words).exit_code == 0


def test_numbers_have_a_heading_and_their_shape() -> None:
    net = bp.example("convolution")
    plain = terminal(net.derive("loss", wrt="K"), "numeric", TextView()).plain
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
    plain = terminal(bp.example("convolution").derive("out", wrt="y"), "index", TextView()).plain
    assert plain.splitlines()[0] == "∂out[k,l]/∂y[i,j] = 0"
    assert "there is no path from y to out" in plain


def test_a_term_of_too_many_indices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a recurrent layer without its steps is; here the letters are taken away instead."""
    net = bp.parse("x[3] -> dense(4, tanh) -> dense(2) -> mse")
    monkeypatch.setattr(tensors, "index_letters", lambda graph: ["i", "j"])
    with pytest.raises(LimitError, match="takes more than 2 indices"):
        list(net.derive("loss", wrt="W1").terms)
    monkeypatch.setattr(tensors, "index_letters", lambda graph: [*"ijklmnpqr"])
    assert len(list(net.derive("loss", wrt="W1").terms)) == 1
