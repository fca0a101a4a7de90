"""Every part of every page is told by equations, tables and sentences."""

from __future__ import annotations

import re

import pytest

import backpropsym as bp
from backpropsym.derive.forms.registry import of_arrays, of_numbers
from backpropsym.document.derivation.actions import View
from backpropsym.document.derivation.report import page
from backpropsym.document.layouts.simple import simple
from backpropsym.document.model import Page, Row, Table
from backpropsym.document.reports.matrices import MatrixReport
from backpropsym.document.writers.mathematics import plain
from backpropsym.document.writers.unicode import AsciiWriter
from backpropsym.quiz.make import make_quiz
from backpropsym.quiz.sheets import quiz_page


def told(made: Page) -> str:
    """The page, an item a line."""
    writer, lines = AsciiWriter(made.notation), []
    for item in (item for part in made.parts for item in simple(part)):
        match item:
            case Row(left, right):
                lines.append(f"{plain(left, writer)} = {plain(right, writer)}")
            case Table():
                lines += [" | ".join(plain(cell, writer) for cell in row) for row in item.rows]
            case _:
                lines.append(plain(item, writer))
    return "\n".join(lines)


@pytest.mark.parametrize("form", of_numbers())
def test_a_derivation_between_numbers(form: str) -> None:
    text = told(page(bp.example("lecture").derive("loss", wrt="w11"), form))
    assert re.search("dloss.dw11 = ", text)
    assert text.endswith("Here f = relu, f'(0) = 0.")
    assert ("x1 * f_prime(s1) * v12 * f_prime(u2) * p21" in text) == (form in ("paths", "numeric"))
    assert ("dloss_dh1 = dloss_da * p11" in text) == (form == "backward")


@pytest.mark.parametrize("form", of_arrays())
def test_a_derivation_between_arrays(form: str) -> None:
    text = told(page(bp.example("convolution").derive("loss", wrt="K"), form))
    assert text.startswith("dloss/dK" if form not in ("matrix", "backward") else "delta_out = ")


def test_what_is_left_out_is_said() -> None:
    derivation = bp.example("lecture").derive(wrt="w11")
    assert "1 more of 2 are not listed." in told(page(derivation, "paths", View(limit=1)))
    assert "5 more of 8 are not listed." in told(page(derivation, "backward", View(limit=3)))


def test_reports_and_exercises() -> None:
    assert "da/dw11 | 2 | " in told(MatrixReport(bp.example("lecture").jacobian()).page())
    text = told(quiz_page(make_quiz(bp.example("lecture").graph, 2, 1, ["count"])))
    assert "\n1. How many paths lead from " in text
    assert "Solutions: The network of the lecture" in text
