"""Entries of reductions: their formulas against one another, against NumPy, and against complex steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.array_reductions import reduced, weights
from backpropsym.formula.tree import Name, number
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.layers.reductions import define
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.ops.reducer import REDUCERS, Reducer, filled

TABLE = FunctionTable()
STEP = 1e-100
ENTRIES = np.random.default_rng(0).normal(size=(2, 3, 4))
AXES = [(0,), (1,), (0, 2), (0, 1, 2)]
every = pytest.mark.parametrize("name", [*REDUCERS])


@every
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("keep", [False, True])
def test_the_definition_is_what_numpy_says(name: str, axes: tuple[int, ...], keep: bool) -> None:
    expected = REDUCERS[name].numbers(ENTRIES, axis=axes, keepdims=keep)
    found = reduced(name, ENTRIES, axes, keep, TABLE)
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@every
def test_the_stable_spelling_is_the_definition(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    stable = reduced(name, ENTRIES, (0, 2), False, TABLE)
    monkeypatch.setitem(REDUCERS, name, replace(REDUCERS[name], stable=""))
    np.testing.assert_allclose(stable, reduced(name, ENTRIES, (0, 2), False, TABLE), rtol=1e-13)


def _slopes(name: str, axes: tuple[int, ...]) -> np.ndarray:
    """The derivative of a reduction by each entry, by complex steps."""
    found = np.empty(ENTRIES.shape)
    for place in np.ndindex(ENTRIES.shape):
        stepped = ENTRIES.astype(complex)
        stepped[place] += 1j * STEP
        found[place] = np.sum(np.imag(reduced(name, stepped, axes, False, TABLE))) / STEP
    return found


@every
@pytest.mark.parametrize("axes", AXES)
def test_the_derivative_is_that_of_complex_steps(name: str, axes: tuple[int, ...]) -> None:
    np.testing.assert_allclose(
        np.broadcast_to(weights(name, ENTRIES, axes, TABLE), ENTRIES.shape), _slopes(name, axes), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("name", [name for name, reducer in REDUCERS.items() if not reducer.extreme])
def test_a_wrong_derivative_is_told_from_complex_steps(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    wrong = f"({REDUCERS[name].accurate or REDUCERS[name].derivative})*1.001"
    monkeypatch.setitem(REDUCERS, name, replace(REDUCERS[name], derivative=wrong, accurate=""))
    with pytest.raises(AssertionError):
        test_the_derivative_is_that_of_complex_steps(name, (0, 2))


@every
def test_the_accurate_derivative_is_the_derivative(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    accurate = weights(name, ENTRIES, (0, 2), TABLE)
    monkeypatch.setitem(REDUCERS, name, replace(REDUCERS[name], accurate=""))
    np.testing.assert_allclose(accurate, weights(name, ENTRIES, (0, 2), TABLE), rtol=1e-12)


@every
def test_one_entry_is_reduced_to_what_the_definition_says(name: str) -> None:
    found = evaluate(REDUCERS[name].of_one(Name("a"), TABLE), {"a": 0.7}, TABLE)
    assert found == pytest.approx(REDUCERS[name].numbers(np.array([0.7]), axis=(0,), keepdims=False), abs=1e-15)


@pytest.mark.parametrize("name", [name for name, reducer in REDUCERS.items() if reducer.repeats])
def test_copies_of_the_entries_are_reduced_to_what_the_entry_says(name: str) -> None:
    whole = REDUCERS[name].numbers(ENTRIES, axis=(0, 1, 2), keepdims=False)
    copies = REDUCERS[name].numbers(np.stack([ENTRIES] * 5), axis=(0, 1, 2, 3), keepdims=False)
    found = filled(REDUCERS[name].repeats, {"y": Name("y"), "n": number(5)}, TABLE)
    assert evaluate(found, {"y": whole}, TABLE) == pytest.approx(copies)


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(bp.BackpropsymError, match="no reduction is registered as median"):
        REDUCERS["median"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (Reducer("sum", "The sum", np.sum, "sum(x)", "1"), "sum is already registered"),
        (Reducer("tanh", "The sum", np.sum, "sum(x)", "1"), "tanh is already registered"),
        (Reducer("twice", "Twice the sum", np.sum, "2*sum(x)"), "twice needs a derivative"),
    ],
)
def test_an_entry_that_lacks_something_is_refused(entry: Reducer, message: str) -> None:
    before = {*REDUCERS}, {*COMPOSITIONS}
    with pytest.raises(ValueError, match=message):
        define(entry)
    assert before == ({*REDUCERS}, {*COMPOSITIONS})


@pytest.fixture
def nested() -> Iterator[None]:
    """A reduction whose definition reduces three times, one within another."""
    skew = "mean((x - mean(x))**3)/mean((x - mean(x))**2)"
    slope = "(3*(x - mean(x))**2 - 3*mean((x - mean(x))**2) - 2*y*(x - mean(x)))/mean((x - mean(x))**2)"

    def numbers(array: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
        centred = array - np.mean(array, axis=axis, keepdims=True)
        cubes, squares = (np.mean(centred**power, axis=axis, keepdims=keepdims) for power in (3, 2))
        return cubes / squares

    define(Reducer("skew", "The skew", numbers, skew, slope, averaged=True))
    yield
    del REDUCERS["skew"], COMPOSITIONS["skew"]


@pytest.mark.usefixtures("nested")
def test_reductions_within_reductions_are_derived_and_checked() -> None:
    test_the_definition_is_what_numpy_says("skew", (0, 2), True)
    test_the_derivative_is_that_of_complex_steps("skew", (0, 2))
    net = bp.parse("x[3] -> dense(3) -> skew")
    assert net.check(samples=1, seconds=20).passed
