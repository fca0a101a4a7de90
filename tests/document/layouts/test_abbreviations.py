"""Lines that fit: what is longer than a line gets a letter, and nothing is broken inside brackets."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import backpropsym as bp
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.registry import FORMS
from backpropsym.document.derivation.report import latex, page
from backpropsym.document.formats.latex import LANDSCAPE, LatexPage, document, fragment
from backpropsym.document.formulas import Formula, IndexSum
from backpropsym.document.layouts.abbreviations import abbreviated
from backpropsym.document.model import Derived, Programme, Sum, Whole
from backpropsym.document.registry import COLUMN, Layout
from backpropsym.errors import BackpropsymError
from backpropsym.formula.tree import Expr, Index, Name, children, rebuild
from tests.documents import compiled

LAYERS = (
    "dense({}, tanh)",
    "dense({}, gelu)",
    "residual(dense({0}) -> layer_norm)",
    "layer_norm",
    "softmax",
    "dropout(0.5)",
)
LSTM = """
inputs = ["x1", "x2"]
targets = ["y"]
parameters = ["wi", "ui", "wf", "uf", "wo", "uo", "wg", "ug"]
output = "h2"
loss = "(h2 - y)**2"
[nodes]
i1 = "sigmoid(wi*x1)"
o1 = "sigmoid(wo*x1)"
g1 = "tanh(wg*x1)"
c1 = "i1*g1"
h1 = "o1*tanh(c1)"
i2 = "sigmoid(wi*x2 + ui*h1)"
f2 = "sigmoid(wf*x2 + uf*h1)"
o2 = "sigmoid(wo*x2 + uo*h1)"
g2 = "tanh(wg*x2 + ug*h1)"
c2 = "f2*c1 + i2*g2"
h2 = "o2*tanh(c2)"
"""
ATTENTION = "x[3,4] -> attention(2) -> dense(2) -> mse"
LENET = (
    "x[1,28,28] -> conv2d(6, 5, tanh, padding=2) -> avg_pool(2) -> conv2d(16, 5, tanh) -> avg_pool(2) -> flatten"
    " -> dense(120, tanh) -> dense(84, tanh) -> dense(10) -> cross_entropy"
)


def architectures(seed: int, count: int) -> Iterator[str]:
    """Random networks of a few layers."""
    draw = random.Random(seed)
    for _ in range(count):
        width = draw.choice([2, 3, 8])
        layers = [draw.choice(LAYERS).format(width) for _ in range(draw.randint(1, 4))]
        yield " -> ".join([f"x[{width}]", *layers, "dense(2)", draw.choice(["mse", "cross_entropy"])])


def networks() -> Iterator[bp.Network]:
    yield bp.loads(LSTM)
    yield bp.loads(LSTM).at_level("layers")
    yield from map(bp.parse, (ATTENTION, LENET, *architectures(7, 4)))
    yield bp.parse("x[3,2] -> attention(1) -> dense(1) -> mse").at_level("neurons")
    yield from map(bp.example, ("lecture", "deep"))


@cache
def told() -> list[Derivation]:
    """The loss of each network by its first parameter and its first input."""
    pairs = ((net, wrt) for net in networks() for wrt in (next(iter(net.parameters)), next(iter(net.inputs))))
    found = (net.derive("loss", wrt=wrt) for net, wrt in pairs)
    return [derivation for derivation in found if derivation.count <= 60]


@cache
def fragments(room: int) -> list[str]:
    """Each of them in every form, as LaTeX."""
    return list(written(room))


def written(room: int) -> Iterator[str]:
    for derivation in told():
        for form, braces in [*((form, False) for form in FORMS if form != "numeric"), ("paths", True)]:
            try:
                yield fragment(page(derivation, form), Layout(room=room, braces=braces))
            except BackpropsymError:
                continue  # a form that arrays do not have


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("landscape", [False, True])
def test_no_line_is_longer_than_its_page_whatever_the_network(landscape: bool, tmp_path: Path) -> None:
    text = document("\\clearpage\n".join(fragments(LANDSCAPE if landscape else COLUMN)), landscape=landscape)
    said = compiled(text if landscape else text.replace("margin=18mm", "textwidth=360pt"), tmp_path).log
    assert text.count("align*") > 300
    assert "Overfull" not in said


@pytest.mark.needs("pdflatex")
def test_a_page_without_letters_does_not_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted error: fractions that are as long as they are."""
    monkeypatch.setattr("backpropsym.document.layouts.aligned.abbreviated", lambda derived, writer, room: (derived, ()))
    text = document(fragment(page(bp.parse(ATTENTION).derive("loss", wrt="x"), "matrix"), Layout()), landscape=False)
    assert "Overfull" in compiled(text.replace("margin=18mm", "textwidth=360pt"), tmp_path).log


@pytest.mark.parametrize("room", [COLUMN, LANDSCAPE])
def test_no_line_ends_inside_brackets(room: int) -> None:
    for text in fragments(room):
        if "scatter" in text or "windows" in text or "einsum" in text:
            continue  # ways to compute, which have no letters for their options
        for line in re.findall(r"^  .*$", text, re.MULTILINE):
            seen = re.sub(r"\\tag\*\{.*|\\text\{\([^)]*\)\}", "", line)
            assert seen.count("(") == seen.count(")"), line


@pytest.mark.parametrize("form", ["paths", "factored", "expanded", "backward", "forward", "index", "matrix"])
@pytest.mark.parametrize("room", [15, 30, 60])
def test_with_its_letters_read_back_every_formula_is_what_it_was(form: str, room: int) -> None:
    seen = 0
    for derivation in told():
        try:
            made = page(derivation, form)
            (derived,) = made.parts
        except BackpropsymError:
            continue
        assert isinstance(derived, Derived)
        fitted, letters = abbreviated(derived, LatexPage(made, Layout()).writer, room)
        meanings = {tree(row.left): tree(row.right) for row in letters}
        seen += len(meanings)
        for before, after in zip(trees(derived), trees(fitted), strict=True):
            assert read(after, meanings) == before
    assert seen or room == 60


def trees(derived: Derived) -> list[Expr]:
    match derived.body:
        case Whole(right=right):
            parts = [right]
        case Sum(terms=terms):
            parts = [term.formula for term in terms]
        case Programme(rows=rows):
            parts = [row.right for row in rows]
        case _:
            parts = []
    return [tree(part) for part in parts]


def tree(part: object) -> Expr:
    match part:
        case Formula(found) | IndexSum(_, found):
            return found
        case _:
            raise AssertionError(part)


def read(expr: Expr, meanings: dict[Expr, Expr]) -> Expr:
    if expr in meanings:
        return read(meanings[expr], meanings)
    parts = tuple(read(part, meanings) for part in children(expr))
    return rebuild(expr, parts) if parts else expr


def test_a_letter_has_the_indices_of_what_it_stands_for_and_is_no_node() -> None:
    made = page(bp.parse("x[4] -> dense(8, gelu) -> layer_norm -> dense(3) -> mse").derive("loss", wrt="W1"), "index")
    (derived,) = made.parts
    assert isinstance(derived, Derived)
    _, letters = abbreviated(derived, LatexPage(made, Layout()).writer, 40)
    assert all(isinstance(tree(row.left), Index | Name) for row in letters)
    assert any(isinstance(tree(row.left), Index) for row in letters)
    net = bp.loads(LSTM.replace("x1", "A").replace("x2", "B"))
    text = latex(net.derive("loss", wrt="wi"), "factored")
    assert "C &= " in text and "A &= " not in text
