"""Formulas become outlines: measured, shared, safe."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
import ziamath
from ziamath.nodes.mrow import Mrow

from backpropsym.picture.look.straight_rows import StraightRow
from backpropsym.picture.look.typeset import (
    MAX_FORMULA_CHARACTERS,
    Formula,
    Glyph,
    GlyphBook,
    number,
    typeset,
    typeset_text,
)


def test_a_formula_is_measured() -> None:
    plain, lower, fraction = typeset("w"), typeset("w_{11}"), typeset(r"\frac{a}{b}")
    assert plain.width < lower.width
    assert plain.ascent == pytest.approx(lower.ascent)
    assert lower.descent > plain.descent
    assert fraction.height > 1.2
    assert fraction.height == fraction.ascent + fraction.descent


def test_an_outline_is_written_once() -> None:
    book = GlyphBook("k")
    text = book.place(typeset("w_{11}"), 0, 0, 20, "#000000") + book.place(typeset("w_{12}"), 9, 9, 12, "#000000")
    assert text.count("<use ") == 6
    assert book.definitions().count("<path id=") == 3
    assert 'id="k-g0"' in book.definitions()


@pytest.mark.parametrize("latex", ["{", "a & b", "\\begin", r"\text{<b>}", "\x00", r"\boxed{x}", "x" * 5000])
def test_what_cannot_be_set_is_shown_as_plain_text(latex: str) -> None:
    assert typeset(latex, "plain") == typeset_text("plain")
    assert typeset(latex) == typeset_text(latex)


def test_text_is_one_line_of_printable_characters() -> None:
    assert typeset_text("a\nb\x1b") == typeset_text("ab")
    assert typeset_text("x" * 9999) == typeset_text("x" * MAX_FORMULA_CHARACTERS)
    assert typeset_text("").marks == ()


def test_numbers_are_short() -> None:
    assert [number(value) for value in (1.0, -0.001, 0.125, 1e-9, 120.0)] == ["1", "0", "0.12", "0", "120"]


STRETCHING = [
    r"\left( \frac{a}{b_{1,2}} \right)_{i,j}",
    r"\left| x_{n_h} \right|",
    r"\left\lfloor \frac{a}{b} \right\rfloor",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
    r"\sqrt{x_{1,2}} + \widetilde{xyz} + \underbrace{a + b}_{c}",
    r"\|v\| + |v| + \int_0^1 f'(x) + \sum_{k < n_h} p[k] \cdot x_{k,1}",
    r"x_1 \cdot f'(s_{1,1}) \cdot v_{11} \to \hat{a}",
]


def heights(monkeypatch: pytest.MonkeyPatch, rule: Callable[..., object]) -> list[Formula]:
    """The formulas above, set with `rule` for the heights of rows."""
    monkeypatch.setattr(StraightRow, "_get_height_nostretch", rule)
    typeset.cache_clear()
    found = [typeset(latex) for latex in STRETCHING]
    typeset.cache_clear()
    return found


def test_rows_are_set_once_and_come_out_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the typesetter's own rows would; a row that never looked at its heights would have short brackets."""
    ours = heights(monkeypatch, StraightRow._get_height_nostretch)
    assert ours == heights(monkeypatch, Mrow._get_height_nostretch)
    assert ours != heights(monkeypatch, lambda *_, **__: (0.0, 0.0))


def test_a_row_without_brackets_is_set_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    whole = Mrow._get_height_nostretch
    monkeypatch.setattr(Mrow, "_get_height_nostretch", lambda *row, **how: looks.append(1) or whole(*row, **how))
    for latex, most in ((r"x_1 \cdot f'(s_{1,1}) \cdot w_{2,1,1}", 0), (STRETCHING[0], 9)):
        looks.clear()
        typeset.cache_clear()
        typeset(latex)
        assert len(looks) <= most
    assert looks


@pytest.mark.parametrize("name", ["conv2d", r"cross\_entropy", r"bce\_with\_logits", "softmax"])
def test_names_of_functions_stand_upright(name: str) -> None:
    """Whatever characters they have; in italics every letter would be another glyph."""

    def glyphs(latex: str) -> set[str]:
        return {mark.name for mark in typeset(latex).marks if isinstance(mark, Glyph)}

    found = glyphs(rf"\operatorname{{{name}}}")
    assert found == glyphs(rf"\mathrm{{{name}}}")
    assert not found & glyphs(re.sub(r"\W|[\d_]", "", name))


def test_limits_of_neighbouring_sums_stand_apart() -> None:
    """The typesetter centres a limit on its sign and takes no room for what is wider."""
    one, two = (typeset(r"\sum_{l=0}^{T - 1}" * count + "x") for count in (1, 2))
    limit = typeset(r"T - 1").width * 0.7
    assert two.width - one.width > limit + 0.3


HIGH = [
    r"\left\lvert \mathrm{prediction} - \mathrm{target} \right\rvert",
    r"\left\lVert \frac{\frac{a}{b}}{\frac{c}{d}} \right\rVert",
    r"\begin{cases} \frac{x^{2}}{2} & \text{if } x > 0 \\ 2 & \text{otherwise} \end{cases}",
    r"\begin{pmatrix} a \\ b \\ c \\ d \\ e \\ f \\ g \end{pmatrix}",
    r"\begin{bmatrix} a \\ b \\ c \\ d \\ e \\ f \\ g \end{bmatrix}",
    r"\left(\frac{\frac{a}{\frac{b}{c}}}{\frac{\frac{d}{e}}{f}}\right)^{2}",
    r"\sqrt{\frac{\frac{a}{\frac{b}{c}}}{\frac{\frac{d}{e}}{f}}}",
]


@pytest.mark.parametrize("latex", HIGH)
def test_nothing_that_is_drawn_is_lost(latex: str) -> None:
    """Not the bars, braces and brackets either that are put together of pieces because they are high."""
    drawn = ziamath.Latex(latex, size=12).svgxml()
    seen = {symbol.attrib["id"] for symbol in drawn.iter("symbol") if symbol.find(".//path") is not None}
    wanted = sum(use.attrib["href"].removeprefix("#") in seen for use in drawn.iter("use"))
    marks = [mark for mark in typeset(latex).marks if isinstance(mark, Glyph)]
    assert len(marks) == wanted
    pieces = Counter(len(list(symbol.iter("path"))) for symbol in drawn.iter("symbol"))
    book = GlyphBook("a")
    book.place(typeset(latex), 0, 0, 12, "black")
    outlines = re.findall(r' d="([^"]*)"', book.definitions())
    assert len(outlines) == sum(count for number_of, count in pieces.items() if number_of)
    assert sum(outline.startswith("M") for outline in outlines) == len(outlines)
