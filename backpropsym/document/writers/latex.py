r"""Formula trees as LaTeX mathematics: x_{1} \cdot f'(s_{1}) \cdot v_{11}. Needs amsmath."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex_escape import latex_text
from backpropsym.document.writers.latex_points import LETTER, points
from backpropsym.document.writers.lines import STOP, deeper, whole
from backpropsym.document.writers.set_writer import LONGEST_RIGID, SetWriter
from backpropsym.formula.tree import Expr

_COMPARISONS = {"<=": r"\le", ">=": r"\ge"}
_MATRICES = {"()": "pmatrix", "[]": "bmatrix"}


def to_latex(expr: Expr, notation: Notation, thin: bool = False) -> str:
    """`expr` in LaTeX, in the order of the tree; `thin` writes products by a thin space instead of a dot."""
    return LatexWriter(notation, thin).write(expr)


class LatexWriter(SetWriter):
    """LaTeX with amsmath."""

    medium = 0
    fraction = r"\frac{{{}}}{{{}}}"
    raised = "{}^{{{}}}"
    lowered = "{}_{{{}}}"
    stretched = r"\left({}\right)"
    root = r"\sqrt{{{}}}"
    absolute = r"\left\lvert {} \right\rvert"
    branches = r"\begin{{cases}} {} & \text{{if }} {} \\ {} & \text{{otherwise}} \end{{cases}}"
    sum_sign = r"\sum_{{{}={}}}^{{{}}}"
    bold = r"\textbf{{{}}}"
    filled = r"\rule{{{}em}}{{1.2ex}}"
    dots = high_dots = r"\cdots"
    low_dots = r"\dots"
    times = r" \cdot "
    space = r" \, "
    arrow = r" \to "
    slash = "/"
    at_most = r"\le"
    circle = r"\odot"
    ones = r"\mathbf{1}"
    turn = r"2 \pi"
    top = r"\top"
    delta = r"\delta"
    partial = r"\partial "
    percent_sign = r"\,\%"
    list_comma = r",\, "
    by = r" \times "
    gap = r"\ "
    where = r"\quad\text{where }"
    tall = re.compile(r"\\frac|\\begin|\\left|\\sqrt")
    word = re.compile(r"\\mathrm\{[^{}]{2,}\}")

    def width(self, text: str) -> int:
        """About how many letters wide `text` is set."""
        return ceil(points(text) / LETTER)

    def brackets(self, text: str) -> str:
        """`text` in round brackets that are as high as it."""
        if not self.tall.search(text):
            return f"({deeper(text)})"
        # What stands between \left and \right cannot be broken across lines.
        rigid = whole(text)
        return rf"\Bigl({deeper(text)}\Bigr)" if len(rigid) > LONGEST_RIGID else self.stretched.format(rigid)

    def upright(self, text: str) -> str:
        """Plain words, in which nothing is a command."""
        return rf"\text{{{latex_text(text)}}}" if text else ""

    def carrying(self, base: str) -> str:
        """`base` as it may carry an exponent: a name that has one already in brackets."""
        return self.stretched.format(whole(base)) if "^" in base and not base.endswith(")") else base

    def matrix(self, rows: Sequence[Sequence[str]], brackets: str = "()") -> str:
        """Rows of cells in brackets."""
        name = _MATRICES[brackets]
        return rf"\begin{{{name}}} " + r" \\ ".join(map(" & ".join, rows)) + rf" \end{{{name}}}"

    def stacked(self, first: str, second: str) -> str:
        """Two lines, one below the other."""
        return rf"\begin{{array}}[t]{{@{{}}l@{{}}}} {first} \\ {second} \end{{array}}"

    def compare(self, operator: str, left: str, right: str) -> str:
        """A comparison."""
        return f"{left} {_COMPARISONS.get(operator, operator)} {right}"

    def call(self, function: str, arguments: list[str]) -> str:
        """A function applied."""
        return self.function(function) + self.brackets(f",{STOP} ".join(arguments))
