"""Formulas become outlines: measured, shared, safe."""

from __future__ import annotations

import pytest

from backpropsym.render.typeset import MAX_FORMULA_CHARACTERS, GlyphBook, number, typeset, typeset_text


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
