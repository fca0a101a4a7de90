"""Indices that count from 1: the formulas as printed, evaluated over arrays whose first entry is number 1."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.document.derivation.report import latex, page
from backpropsym.document.formulas import EntryQuotient, Formula, IndexSum
from backpropsym.document.layouts.counting import counted_from
from backpropsym.document.model import Derived, Sum, Whole
from backpropsym.errors import PrintedError
from backpropsym.evaluate.printed_formulas import PrintedFormulas
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Add, Index, Limits, Mul, Name, Neg, number

NETWORKS = (
    "x[3] -> dense(4, tanh) -> dense(2) -> mse",
    "x[1,4,5] -> conv2d(2, 3, padding=1) -> tanh -> flatten -> dense(2) -> mse",
    "x[1,4,4] -> conv2d(1, 2, stride=2) -> avg_pool(2) -> flatten -> dense(1) -> mse",
)


def counted(net: bp.Network, wrt: str) -> Derived:
    (derived,) = page(net.derive(wrt=wrt, of=net.graph.objective), "index").parts
    assert isinstance(derived, Derived)
    return counted_from(derived, 1)


def gradient(net: bp.Network, wrt: str, derived: Derived, values: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """The explicit sum at every entry of `wrt`; a read at 0, or behind the end, counts only where it is cut."""
    nodes = {**values, **{step.node: step.value for step in net.trace(values).forward}}
    shifted = {name: from_one(np.asarray(array, dtype=float)) for name, array in nodes.items()}
    formulas = PrintedFormulas(shifted, net.graph.functions)
    indices = net.derive(net.graph.objective, wrt=wrt).indices
    found = np.zeros(net.parameters[wrt])
    assert isinstance(derived.body, Sum)
    for place in np.ndindex(*found.shape):
        at = dict(zip(indices, (position + 1 for position in place), strict=True))
        for term in derived.body.terms:
            assert isinstance(term.formula, IndexSum)
            found[place] += summed(term.formula, formulas, at)
    return found


def from_one(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array whose entry 1 is its first; entry 0 is no number."""
    return np.pad(array, [(1, 0)] * array.ndim, constant_values=np.nan) if array.ndim else array


def summed(term: IndexSum, formulas: PrintedFormulas, at: Mapping[str, int]) -> float:
    total = 0.0
    for place in itertools.product(*(run(limits, formulas) for limits in term.sums)):
        scope = {**at, **dict(zip((limits.index for limits in term.sums), place, strict=True))}
        low_to_high = ([float(formulas.value(to_text(side), scope)) for side in held] for held in term.conditions)
        if all(low <= value <= high for low, value, high in low_to_high):
            try:
                value = float(formulas.value(to_text(term.product), scope))
            except PrintedError as error:
                assert isinstance(error.__cause__, IndexError)
                continue  # outside its array, where a condition in the product is not met
            total += 0.0 if np.isnan(value) else value
    return total


def run(limits: Limits, formulas: PrintedFormulas) -> range:
    low, high = (int(formulas.value(to_text(side))) for side in (limits.low, limits.high))
    return range(low, high + 1)


@pytest.mark.parametrize("source", NETWORKS)
def test_sums_from_one_are_the_gradients_over_arrays_that_start_at_one(source: str) -> None:
    net = bp.parse(source)
    draw = np.random.default_rng(3)
    values = {**net.init(seed=1)}
    values |= {name: draw.normal(size=shape) for name, shape in {**net.inputs, **net.targets}.items()}
    wanted = bp.compile(net)(**values)[1]
    for wrt in net.parameters:
        np.testing.assert_allclose(gradient(net, wrt, counted(net, wrt), values), wanted[wrt], rtol=1e-9, atol=1e-12)


def test_an_index_as_a_number_keeps_its_value_and_a_position_from_the_end_is_moved_twice() -> None:
    at, entry = Name("i"), Index(Name("w"), (Name("i"),))
    right = Mul((at, Index(Name("x"), (Add((number(3), Neg(at))),))))
    found = counted_from(Derived(Whole(EntryQuotient(Name("a"), entry), Formula(right))), 1)
    assert isinstance(found.body, Whole) and isinstance(found.body.right, Formula)
    assert to_text(found.body.right.tree) == "(i - 1)*x[-i + 5]"


def test_a_sum_that_starts_at_zero_over_such_arrays_is_seen() -> None:
    """The planted error: ranges that are not moved."""
    net = bp.parse(NETWORKS[0])
    values = {**net.init(seed=1), "x": np.ones(3), "y": np.zeros(2)}
    derived = counted(net, "W1")
    assert isinstance(derived.body, Sum)
    terms = []
    for term in derived.body.terms:
        assert isinstance(term.formula, IndexSum)
        sums = tuple(Limits(each.index, number(0), number(1)) for each in term.formula.sums)
        terms.append(replace(term, formula=replace(term.formula, sums=sums)))
    planted = replace(derived, body=replace(derived.body, terms=tuple(terms)))
    wanted = bp.compile(net)(**values)[1]["W1"]
    assert not np.allclose(gradient(net, "W1", planted, values), wanted)


def test_what_is_counted_from_is_said_and_asked_for() -> None:
    net = bp.parse("x[3] -> dense(2, tanh) -> dense(2) -> mse")
    usual, zero, one = (latex(net.derive("loss", wrt="W1"), "index", count_from=at) for at in (None, 0, 1))
    assert r"\sum_{k=0}^{1}" in usual and r"\sum_{k=0}^{1}" in zero and r"\sum_{k=1}^{2}" in one
    assert "indices count" not in usual
    assert "indices count from 0" in zero and "indices count from 1" in one
    entry = latex(net.at_level("neurons").derive("loss", wrt="W1[0,2]"), count_from=1)
    assert r"\partial W_{1}[1,3]" in entry and "x[3]" in entry
