"""Planted errors in the formulas and numbers of pictures, each of which its comparison must find."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import backpropsym as bp
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.formula.algebra import mul, neg
from backpropsym.formula.tree import Expr
from backpropsym.picture import draw
from backpropsym.picture.content import path_terms
from tests.stream import pictures  # noqa: F401  (registers its comparisons)
from tests.stream.compare import Difference, differences
from tests.stream.generate import seeded
from tests.stream.truth import Truth

LAYERS, NUMBERS, OWN_FUNCTION = 3, 18, 2
"""Seeds of networks whose legends hold quotients of arrays, derivatives on links alone, and a function of its own."""


def _different(seed: int, name: str = "terms of pictures") -> list[Difference]:
    return differences(Truth(seeded(seed)), [name])


@pytest.mark.parametrize("seed", [NUMBERS, OWN_FUNCTION])
def test_what_pictures_say_is_right(seed: int) -> None:
    assert not _different(seed)
    assert not _different(seed, "numbers of pictures")


def test_a_whole_derivative_in_the_place_of_that_on_a_link_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_terms, "with_other_paths", lambda *_: [])
    monkeypatch.setattr(draw, "with_other_paths", lambda *_: [])
    for seed in (LAYERS, NUMBERS):
        assert any("along" in each.what for each in _different(seed))


def test_a_lost_factor_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def shorter(parts: list[Expr]) -> Expr:
        return mul(parts[1:]) if len(parts) > 1 else neg(mul(parts))

    monkeypatch.setattr(path_terms, "mul", shorter)
    assert any("along" in each.what for each in _different(NUMBERS))


def test_a_wrong_sign_in_a_definition_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rightly: Callable[..., list[str]] = path_terms.spelled_out
    monkeypatch.setattr(path_terms, "spelled_out", lambda *given: [each.replace("-", "+") for each in rightly(*given)])
    assert any("sigma" in each.what for each in _different(OWN_FUNCTION))


def test_a_wrong_formula_below_a_box_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rightly: Callable[..., str] = LatexWriter.matrix_product
    monkeypatch.setattr(
        LatexWriter, "matrix_product", lambda writer, left, right: "2 \\cdot " + rightly(writer, left, right)
    )
    assert any("below" in each.what for each in _different(LAYERS))


def test_two_names_that_look_alike_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures.Notation, "latex", lambda _, name: name[0])
    assert any("look like" in str(each.got) for each in _different(LAYERS))


@pytest.mark.parametrize("what", ["value of", "in numbers"])
def test_a_wrong_number_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rightly = path_terms.latex_number
    where = {"value of": "neurons", "in numbers": "path_terms"}[what]
    module = getattr(bp.picture.content, where)
    monkeypatch.setattr(module, "latex_number", lambda value: rightly(value * 1.01))
    assert any(what in each.what for each in _different(NUMBERS, "numbers of pictures"))
