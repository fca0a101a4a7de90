"""Formula trees as Typst mathematics: x_(1) dot.op f' ( s_(1) ) dot.op v_(11)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backpropsym.document.notation.typst_names import string
from backpropsym.document.writers.lines import deeper, whole
from backpropsym.document.writers.set_writer import LONGEST_RIGID, SetWriter
from backpropsym.errors import printable

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUP = r"\(([^() ](?:[^()]|\([^()]*\))*)\)"
_FRACTION = re.compile(rf"{_GROUP}/{_GROUP}")
_UNSEEN = re.compile(r"upright\(|op\(|[_^]\(|(?<! )\)|\\|thin")
_SIGN = re.compile(r" (?:[+=-]|dot\.op|arrow\.r) ")
_COMMAND = re.compile(r"[a-z]+(?:\.[a-z]+)+|[a-z]{2,}|<=|>=")


class TypstWriter(SetWriter):
    """Typst's mathematics; a space stands inside every pair of brackets that is seen."""

    medium = 3
    fraction = "({})/({})"
    raised = "{}^({})"
    lowered = "{}_({})"
    stretched = "( {} )"
    root = "sqrt({})"
    absolute = "bar.v {} bar.v"
    branches = 'cases({} & "if " {}, {} & "otherwise")'
    sum_sign = "sum_({} = {})^({})"
    bold = "bold({})"
    filled = "#box(width: {}em, height: 0.6em, fill: black)"
    dots = high_dots = "dots.c"
    low_dots = "dots"
    times = " dot.op "
    space = " thin "
    arrow = " arrow.r "
    slash = r"\/"
    at_most = "<="
    circle = "⊙"
    ones = "bold(1)"
    turn = "2 pi"
    top = "⊤"
    delta = "δ"
    partial = "∂"
    percent_sign = ' thin "%"'
    list_comma = " , thin "
    by = " times "
    gap = " space "
    where = 'quad "where "'
    tall = re.compile(r"\)/\(|cases|sqrt|mat\(")
    word = re.compile(r'upright\("[^"]{2,}"\)')

    def width(self, text: str) -> int:
        """About how many letters wide `text` is set."""
        flat = _FRACTION.sub(lambda match: max(match.groups(), key=self.width), whole(text))
        seen = _UNSEEN.sub("", _STRING.sub(lambda match: "M" * (len(match.group()) - 2), flat))
        return len("".join(_COMMAND.sub("M", _SIGN.sub("MMM", seen)).split()))

    def brackets(self, text: str) -> str:
        """`text` in round brackets; those in which a line may end do not stretch, and pair with no others."""
        rigid = whole(text)
        fixed = len(rigid) > LONGEST_RIGID if self.tall.search(text) else rigid != text
        return rf"\( {deeper(text)} \)" if fixed else self.stretched.format(rigid)

    def upright(self, text: str) -> str:
        """Plain words."""
        return string(printable(text)) if text else ""

    def carrying(self, base: str) -> str:
        """`base` as it may carry an exponent: a name that has one already in brackets."""
        return self.stretched.format(whole(base)) if "^(" in base and not base.endswith((" )", r" \)")) else base

    def matrix(self, rows: Sequence[Sequence[str]], brackets: str = "()") -> str:
        """Rows of cells in brackets."""
        delim = "" if brackets == "()" else f'delim: "{brackets[0]}", '
        return f"mat({delim}{'; '.join(map(', '.join, rows))})"

    def stacked(self, first: str, second: str) -> str:
        """Two lines, one below the other."""
        return f"mat(delim: #none, align: #left, {argument(first)}; {argument(second)})"

    def call(self, function: str, arguments: list[str]) -> str:
        """A function applied."""
        return f"{self.function(function)} {self.brackets(' , '.join(arguments))}"


def argument(text: str) -> str:
    """`text` as an argument, which its own commas do not end."""
    return re.sub(r"[,;]", r"\\\g<0>", text)
