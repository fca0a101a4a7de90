"""Random networks against the plain truth, in every comparison; the long run is `python -m tests.stream`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from tests.stream import batches, pictures, printed, reports  # noqa: F401  (each import registers its comparisons)
from tests.stream.compare import COMPARISONS, differences
from tests.stream.generate import seeded
from tests.stream.truth import Truth

CHEAP = tuple(name for name, entry in COMPARISONS.items() if entry.cheap)
IN_CHEAP, IN_ALL = range(1, 161), range(1009, 1025)
EVERY = 8
"""So many networks are one test, for a test of each would cost more to collect than to run."""


def _truths(seeds: range) -> Iterator[tuple[int, Truth]]:
    """The networks of seeds that are read and that are away from kinks."""
    for seed in seeds:
        try:
            truth = Truth(seeded(seed))
        except bp.BackpropsymError:
            continue
        if not truth.at_kink:
            yield seed, truth


@pytest.mark.parametrize("first", IN_CHEAP[::EVERY])
def test_random_networks_in_the_cheap_comparisons(first: int) -> None:
    _compare(range(first, first + EVERY), CHEAP)


@pytest.mark.parametrize("first", IN_ALL[::EVERY])
def test_random_networks_in_all_comparisons(first: int) -> None:
    _compare(range(first, first + EVERY), tuple(COMPARISONS))


def _compare(seeds: range, names: tuple[str, ...]) -> None:
    compared = 0
    for seed, truth in _truths(seeds):
        unequal = differences(truth, names)
        assert not unequal, f"seed {seed}\n{truth.case.text}\n" + "\n".join(map(str, unequal))
        compared += 1
    assert compared >= EVERY // 2, "too many are refused"


Plant = Callable[[Any], Any]
PLANTS: dict[str, Plant] = {
    "scaled by 1 + 1e-6": lambda value: value * (1 + 1e-6),
    "negated": lambda value: -value,
    "nan": lambda value: value * np.nan,
    "an axis too many": lambda value: np.asarray(value)[None],
}


class _Planted:
    """A kernel whose numbers are wrong in one way."""

    def __init__(self, kernel: Any, plant: Plant) -> None:
        self.kernel, self.plant = kernel, plant

    def __call__(self, **values: Any) -> Any:
        return self._wrong(self.kernel(**values))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.kernel, name)
        return (lambda *arguments: self._wrong(method(*arguments))) if callable(method) else method

    def _wrong(self, result: Any) -> Any:
        if isinstance(result, tuple):
            return tuple(map(self._wrong, result))
        if isinstance(result, dict):
            return {name: self._wrong(value) for name, value in result.items()}
        return self.plant(result)


@pytest.mark.parametrize("plant", PLANTS)
def test_wrong_kernels_are_found(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that accepts a plant proves nothing."""
    truth = next(truth for _, truth in _truths(range(1, 40)) if truth.leaves and truth.value(truth.case.values))
    honest = [name for name in COMPARISONS if not differences(truth, [name])]
    assert honest == list(COMPARISONS)
    compile_rightly = bp.compile
    monkeypatch.setattr(
        bp, "compile", lambda *args, **options: _Planted(compile_rightly(*args, **options), PLANTS[plant])
    )
    by_kernels = {"one object", "batches", "full accuracy", "calls apart", "gradients by every leaf", "per object"}
    by_kernels |= {"intermediates", "products with vectors"}
    assert by_kernels <= {name for name in COMPARISONS if differences(truth, [name])}


SPAN_PLANTS: dict[str, Plant] = {
    **{name: plant for name, plant in PLANTS.items() if name != "an axis too many"},
    "the first object's row twice": lambda value: np.repeat(np.asarray(value)[:1], len(value), axis=0),
    "the last object left out": lambda value: np.asarray(value)[:-1],
}


@pytest.mark.parametrize("plant", SPAN_PLANTS)
def test_wrong_rows_of_parts_are_found(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where a kernel works in parts, and only in what has a row for each of the five objects."""
    truth = next(truth for _, truth in _truths(range(1, 60)) if truth.leaves and truth.case.net.inputs)
    assert not differences(truth, ["parts"])
    compile_rightly = bp.compile

    def rows(value: Any) -> Any:
        return SPAN_PLANTS[plant](value) if np.shape(value)[:1] == (5,) else value

    def compiled(*arguments: Any, objects_at_once: int | None = None, **options: Any) -> Any:
        kernel = compile_rightly(*arguments, objects_at_once=objects_at_once, **options)
        return kernel if objects_at_once is None else _Planted(kernel, rows)

    monkeypatch.setattr(bp, "compile", compiled)
    found = {each.what.split()[0] for each in differences(truth, ["parts"])}
    assert {"values", "per_object", "intermediates"} <= found
    assert {"jvp", "jacobian"} <= found or "crashed" in found
