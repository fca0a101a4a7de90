"""Places at which a line may be broken: marked by the tree writers, never looked for in what they wrote."""

from __future__ import annotations

import pickle

import pytest

from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.latex_width import width
from backpropsym.document.writers.lines import STOP, Breakable, broken, deeper, whole
from backpropsym.document.writers.typst import TypstWriter
from backpropsym.document.writers.unicode import UnicodeWriter
from backpropsym.formula.parse import parse_formula
from backpropsym.ops.function_table import FunctionTable

LONG = "a*(b + c*d + e/f) + sqrt(g + h)*(i - j)**2 + exp(k + l) + m*n*(o + p*(q + r))"


def formula(text: str) -> str:
    return LatexWriter(Notation([])).marked(parse_formula(text, FunctionTable().signatures))


@pytest.mark.parametrize("kind", [LatexWriter, TypstWriter])
@pytest.mark.parametrize("room", [6, 12, 24, 48])
def test_lines_are_the_formula_cut_before_signs(kind: type[LatexWriter | TypstWriter], room: int) -> None:
    writer = kind(Notation([]))
    tree = parse_formula(LONG, FunctionTable().signatures)
    lines = broken(writer.marked(tree), room, writer.width)
    assert "".join("".join(lines).split()) == "".join(writer.write(tree).split())
    assert all(line.startswith(("+", "-", writer.times.strip())) for line in lines[1:])
    assert STOP not in "".join(lines)


def test_a_sum_is_broken_before_a_product_and_outer_signs_before_inner_ones() -> None:
    assert broken(formula("a*b + c*d"), 6, width) == [r"a \cdot b", r"+ c \cdot d"]
    assert broken(formula("abcdef + (b + c)*d"), 12, width)[0] == r"\mathrm{abcdef}"


def test_fractions_roots_and_exponents_are_never_cut() -> None:
    for text in ("(a + b)/c", "sqrt(a + b)", "exp(a + b)", "x[i + 1]", "abs(a - b)"):
        assert whole(formula(text)) == formula(text)


def test_a_writer_of_one_line_marks_nothing() -> None:
    writer, tree = UnicodeWriter(Notation([])), parse_formula(LONG, FunctionTable().signatures)
    assert writer.marked(tree) == writer.write(tree)


def test_a_breakable_formula_reads_as_its_text_and_keeps_its_marks() -> None:
    found = Breakable(f"-a{STOP} + b")
    assert found == "-a + b"
    assert broken(found.removeprefix("-"), 1, len) == ["a", "+ b"]
    assert broken(pickle.loads(pickle.dumps(found)), 1, len) == ["-a", "+ b"]


def test_marks_count_brackets_and_are_bounded() -> None:
    text = STOP
    for _ in range(40):
        text = deeper(text)
    assert whole(text) == ""


@pytest.mark.parametrize("kind", [LatexWriter, TypstWriter])
def test_a_product_written_without_signs_has_one_where_a_line_starts(kind: type[LatexWriter | TypstWriter]) -> None:
    writer = kind(Notation([]), thin=True)
    product = writer.marked(parse_formula("a*b*c*(d + e)*f*g*h", FunctionTable().signatures))
    first, *others = broken(product, 8, writer.width)
    assert writer.times.strip() not in first
    assert others
    assert all(line.startswith(writer.times.strip()) and line.count(writer.times.strip()) == 1 for line in others)
    assert writer.times.strip() not in whole(product)


def test_a_line_never_ends_inside_brackets_where_it_can_end_before_them() -> None:
    assert broken(formula("a*(bcd + efg*hij)*k"), 19, width) == [
        "a",
        r"\cdot (\mathrm{bcd} + \mathrm{efg} \cdot \mathrm{hij})",
        r"\cdot k",
    ]
