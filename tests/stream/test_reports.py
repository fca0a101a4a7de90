"""Planted errors in reports of numbers, each of which its comparison must find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backpropsym.document.derivation import data
from backpropsym.document.reports import matrices, paths, sensitivity, trace
from backpropsym.document.writers import numbers
from backpropsym.document.writers.tree_writer import Writer
from tests.stream import reports  # noqa: F401  (registers its comparisons)
from tests.stream.compare import differences
from tests.stream.generate import seeded
from tests.stream.truth import Truth

SLIGHTLY = 1 + 1e-6
PLACES: dict[str, tuple[Any, str]] = {
    "traces": (trace, "finite_data"),
    "wiggles": (sensitivity, "finite_data"),
    "matrices": (matrices, "finite_data"),
    "numeric forms": (data, "finite"),
}


@pytest.fixture(scope="module")
def truth() -> Truth:
    """A network away from kinks whose reports have numbers of all kinds."""
    found = map(Truth, map(seeded, range(1, 30)))
    return next(each for each in found if each.leaves and not each.at_kink and not each.case.sizes)


@pytest.mark.parametrize("name", PLACES)
def test_a_number_that_is_slightly_wrong_is_found(name: str, truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not differences(truth, [name])
    module, function = PLACES[name]
    rightly: Callable[[Any], Any] = getattr(module, function)

    def wrongly(value: Any) -> Any:
        return rightly(np.asarray(value, float) * SLIGHTLY)

    monkeypatch.setattr(module, function, wrongly)
    assert differences(truth, [name])


def test_a_wrong_path_is_found(truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "finite", lambda value: value * SLIGHTLY)
    assert any("paths" in each.what for each in differences(truth, ["numeric forms"]))


@pytest.mark.parametrize("name", ["printed traces", "numeric forms"])
def test_a_wrong_digit_on_paper_is_found(name: str, truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    rightly = Writer.measured

    def wrongly(writer: Writer, value: float, *digits: int) -> str:
        return rightly(writer, value * 1.01 + 0.01, *digits)

    monkeypatch.setattr(Writer, "measured", wrongly)
    assert any("printed" in each.what for each in differences(truth, [name]))


def test_an_array_of_the_wrong_order_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rightly = numbers._text_array
    monkeypatch.setattr(
        numbers, "_text_array", lambda array, writer: rightly(array[::-1] if array.ndim else array, writer)
    )
    found = (Truth(seeded(seed)) for seed in range(1, 30))
    assert any(differences(each, ["printed traces"]) for each in found if each.leaves and not each.at_kink)
