"""How wide formulas are set, against pdflatex."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backpropsym.document.writers.latex_points import DISPLAYED, points
from tests.documents import compiled

FORMULAS = [
    r"a_{1} \cdot x + \operatorname{softmax}(q k^{\top})",
    r"\frac{\sin(t \cdot d) \cdot p^{2} \cdot e^{c \cdot p} \cdot \tanh'(\ln(e^{c \cdot p} + 1))}{e^{c \cdot p} + 1}",
    r"\delta_{n} \circ \left(\frac{g}{\sqrt{\operatorname{var}(h, \mathrm{axis} = 1) + 10^{-5}}}\right)",
    r"\begin{bmatrix} 0.9067 & -0.9893 \\ 0.6099 & 0.1527 \end{bmatrix}",
    r"\begin{array}[t]{@{}l@{}} 3 \times 4\ \text{of norm}\ 5.92467 \\ 0.0893, -0.3758, -2.857,\, \dots \end{array}",
    r"w_{11} \to s_{1} \to z_{1} \to \mathrm{loss}",
    r"\sum_{m=0}^{9} \sum_{n=0}^{9} x_{j,m + k,n + l} \cdot (\delta_{\mathrm{s1}})_{i,m,n}",
    r"\textcolor{bpPath1}{\begin{cases} 1 & \text{if } x > 0 \\ \rule{2em}{1.2ex} & \text{otherwise} \end{cases}}",
]


@pytest.mark.needs("pdflatex")
def test_a_formula_is_given_the_width_that_it_needs(tmp_path: Path) -> None:
    head = r"\documentclass[11pt]{article}\usepackage{amsmath}\usepackage{xcolor}\definecolor{bpPath1}{HTML}{0072B2}"
    boxes = "".join(rf"\sbox0{{$\displaystyle {each}$}}\typeout{{WIDTH \the\wd0}}" + "\n" for each in FORMULAS)
    log = compiled(rf"{head}\begin{{document}}{boxes}x\end{{document}}", tmp_path).log
    widths = [float(each) for each in re.findall(r"WIDTH ([\d.]+)pt", log)]
    assert len(widths) == len(FORMULAS)
    for formula, width in zip(FORMULAS, widths, strict=True):
        assert 0.97 * width <= points(formula, DISPLAYED) <= 1.3 * width + 2, (formula, width)


def test_words_and_formulas_between_dollars_are_told_apart() -> None:
    assert points("a rate of $a$", words=True) > points("a rate of $a$".replace(" ", ""), words=True)
    assert points(r"$\displaystyle \frac{a}{b}$", words=True) == points(r"\frac{a}{b}")
