"""Positions in formulas of entries: sums of whole multiples, of indices and of one value, and nothing else."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import ShapeError, ValuesError
from backpropsym.evaluate.choices import whole_nodes
from backpropsym.evaluate.reference import Reference

X = np.arange(1.0, 8.0) ** 2
W = np.array([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0])
T = np.array([1.0, 4.0, 2.0])
"""Positions, for one value an entry."""

NO_SUMS = ["0.5*k", "1.5*k", "k/2", "0.5", "0.5*k + 0.5", "k**2", "k*k", "k*k*3", "max(k-1, 0)", "sqrt(4)", "k - k/2"]
NO_SUMS += [
    "q/2",
    "0.5*q",
    "q*k",
    "q*q",
    "q + r",
    "q - r",
    "q*(k + 1)",
    "2/k",
    "q/q",
    "x[k]*k",
    "t[q]",
    "t",
    "tanh(x)[k]",
]


def _net(formula: str, key: str = "y[i]") -> bp.Network:
    inputs = 'inputs = {x = [7], q = [], r = [], t = [3]}\nparameters = {w = [7]}\noutput = "a"\n'
    return bp.loads(f'{inputs}[nodes]\n"{key}" = "{formula}"\na = "sum(y*y)"\n')


@pytest.mark.parametrize("subscript", NO_SUMS)
@pytest.mark.parametrize("form", ["sum(w[{}]*x[i], (k, 0, 2))", "sum(w[{}]*x[k], (k, 0, 2))", "sum(w[{}], (k, 0, 2))"])
def test_what_is_no_sum_of_whole_multiples_is_refused_where_it_stands(subscript: str, form: str) -> None:
    formula = form.format(subscript)
    with pytest.raises(ShapeError) as error:
        _net(formula, "y[i]" if "x[i]" in formula else "y")
    problem = error.value.problems[0]
    assert problem.where is not None and problem.where.line == 5
    assert problem.fix


@pytest.mark.parametrize(
    ("subscript", "positions"),
    [
        ("2*k/2", [0, 1, 2]),
        ("(2*k + 4)/2", [2, 3, 4]),
        ("0.5*(2*k)", [0, 1, 2]),
        ("k*2", [0, 2, 4]),
        ("2*(k + 1)", [2, 4, 6]),
        ("6 - 3*k", [6, 3, 0]),
        ("k - 2*k + 2", [2, 1, 0]),
        ("k - k", [0, 0, 0]),
        ("q - q + k", [0, 1, 2]),
        ("4/2", [2, 2, 2]),
    ],
)
def test_what_is_whole_in_the_end(subscript: str, positions: list[int]) -> None:
    _compare(_net(f"sum(w[{subscript}]*x[i], (k, 0, 2))"), {}, X * W[positions].sum())


CHOSEN = [
    ("w[q - 1]*x[i]", (1, 7), lambda q: W[q - 1] * X),
    ("w[2*q]*x[i]", (0, 3), lambda q: W[2 * q] * X),
    ("w[6 - q]*x[i]", (0, 6), lambda q: W[6 - q] * X),
    ("w[5 - 2*q]*x[i]", (0, 2), lambda q: W[5 - 2 * q] * X),
    ("w[-q]*x[i]", (-6, 0), lambda q: W[-q] * X),
    ("w[q - 1]*w[q + 1]*x[i]", (1, 5), lambda q: W[q - 1] * W[q + 1] * X),
    ("sum(w[q + k]*x[i], (k, 0, 2))", (0, 4), lambda q: W[q : q + 3].sum() * X),
    ("sum(w[q - k]*x[i], (k, 0, 2))", (2, 6), lambda q: W[q - 2 : q + 1].sum() * X),
    ("sum(w[q + 2*k]*x[i + k], (k, 0, 2))", (0, 2), lambda q: sum(W[q + 2 * k] * X[k : k + 5] for k in range(3))),
    ("w[q + i]*t[i]", (0, 4), lambda q: W[q : q + 3] * T),
    ("max(w[2*k - q], (k, 2, 3))*x[i]", (0, 4), lambda q: W[[4 - q, 6 - q]].max() * X),
]


@pytest.mark.parametrize(("formula", "ends", "right"), CHOSEN, ids=[formula for formula, _, _ in CHOSEN])
def test_a_position_computed_from_a_value(formula: str, ends: tuple[int, int], right: Any) -> None:
    net = _net(formula)
    assert whole_nodes(net.graph)["q"].ends() == ends
    for q in range(ends[0], ends[1] + 1):
        _compare(net, {"q": float(q)}, right(q))
    for q in (ends[0] - 1, ends[1] + 1, ends[0] + 0.5):
        _refused(net, q, rf"q chooses an entry, and is not a whole number from {ends[0]} to {ends[1]}\n")


def _refused(net: bp.Network, q: float, message: str) -> None:
    """A value outside is refused by whatever computes; a negative position never counts from the end."""
    given = _given(net, {"q": q})
    with pytest.raises(ValuesError, match=message):
        net.compile()(**given)
    with pytest.raises(ValuesError, match=message):
        net.compile()(**given | {"q": np.array([1.0, q, 1.0])})
    with pytest.raises(ValuesError, match=message):
        net.derive(wrt="w").evaluate(**given)
    with pytest.raises(ValuesError):
        Reference(net.graph, given).array("a")


def test_entries_choose_entries() -> None:
    """An entry of a vector of whole numbers in a position, on its own and with an index besides."""
    t = T.astype(int)
    _compare(_net("w[t[i]]*x[i]"), {}, W[t] * X[:3])
    _compare(_net("w[t[i] - 1]*x[2*i]"), {}, W[t - 1] * X[:5:2])
    _compare(_net("sum(w[t[k] + 1 - k]*x[k + i], (k, 1, 2))"), {}, W[4] * X[:6] + W[1] * X[1:])
    _compare(_net("w[t[1] + 1]*x[i]"), {}, W[5] * X)


def test_a_chooser_that_counts_from_another_number() -> None:
    """Each axis is written with its own indices: t from -1, w from -2."""
    text = 'inputs = {t = ["-1..2"], x = [4]}\nparameters = {w = ["-2..4"]}\noutput = "a"\n[nodes]\n'
    net = bp.loads(text + '"y[i]" = "w[t[i] - 1]*x[i + 1]"\na = "sum(y*y)"\n')
    t, x = np.array([-1, 3, 2, 5]), X[:4]
    assert whole_nodes(net.graph)["t"].ends() == (-1, 5)
    value = bp.compile(net).intermediates({"t": t, "w": W, "x": x})["y"]
    np.testing.assert_allclose(value, W[t - 1 + 2] * x)
    assert net.check(seconds=5).passed


def test_values_by_way_of_other_nodes() -> None:
    """What is drawn keeps every position inside, also those that are counted on from the value."""
    text = 'inputs = {x = [4], q = []}\nparameters = {w = [7]}\noutput = "a"\n[nodes]\nc = "2*q - 1"\n'
    net = bp.loads(text + '"y[i]" = "w[c + 1]*x[i]"\na = "sum(y*y)"\n')
    assert whole_nodes(net.graph)["q"].ends() == (0, 3)
    assert net.check(seconds=5).passed
    for q in (-1.0, 4.0, 0.25):
        with pytest.raises(ValuesError, match="chooses"):
            net.compile()(x=X[:4], q=q, w=W)
        with pytest.raises(ValuesError, match=r"chooses|is chosen"):
            net.derive(wrt="w").evaluate(x=X[:4], q=q, w=W)


def test_symbolic_sizes() -> None:
    """The range follows from the sizes of the arrays that are given."""
    text = 'inputs = {x = ["n"], q = []}\nparameters = {w = ["n"]}\noutput = "a"\n[nodes]\n'
    net = bp.loads(text + '"y[i]" = "w[q - 2]*x[i]"\na = "sum(y*y)"\n')
    assert net.compile()(x=X[:5], q=6, w=W[:5])[0] == pytest.approx(W[4] ** 2 * np.sum(X[:5] ** 2))
    with pytest.raises(ValuesError, match="from 2 to 6"):
        net.compile()(x=X[:5], q=7, w=W[:5])
    assert net.check(seconds=5).passed


def test_no_value_is_left() -> None:
    with pytest.raises(ShapeError, match="no value of q keeps q \\+ 3\\*k inside"):
        _net("sum(w[q + 3*k]*x[i], (k, 0, 3))")
    with pytest.raises(ShapeError, match="no value of q keeps 9\\*q \\+ 8 inside"):
        _net("w[9*q + 8]*x[i]")
    with pytest.raises(ValuesError, match="no whole number keeps"):
        _net("w[q]*x[q - 9]*x[i]").compile()(x=X, w=W, q=1.0)


def test_a_constant_outside_is_refused() -> None:
    text = (
        'inputs = {x = [4]}\nparameters = {w = [7]}\noutput = "a"\n[nodes]\n"y[i]" = "w[q - 1]*x[i]"\na = "sum(y*y)"\n'
    )
    assert bp.loads(text + "[constants]\nq = 7\n").check(seconds=5).passed
    net = bp.loads(text + "[constants]\nq = 0\n")
    with pytest.raises(ValuesError, match="entry -1"):
        net.compile()(x=X[:4], w=W)


def _given(net: bp.Network, chosen: Mapping[str, Any]) -> dict[str, Any]:
    values = {"x": X, "w": W, "t": T, "q": 1.0, "r": 0.0, **chosen}
    needed = net.graph.ancestors("a")
    return {name: value for name, value in values.items() if name in needed}


def _compare(net: bp.Network, chosen: Mapping[str, Any], right: np.ndarray) -> None:
    """A node by the kernel, in a batch too, and by the reference; its gradient by the derivation and the reference."""
    given = _given(net, chosen)
    np.testing.assert_allclose(bp.compile(net).intermediates(given)["y"], right)
    np.testing.assert_allclose(Reference(net.graph, given).array("y"), right)
    value, gradients = net.compile()(**given)
    assert value == pytest.approx(np.sum(right**2))
    batch = {name: np.stack([given[name]] * 2) if name in net.graph.batched else given[name] for name in given}
    assert net.compile()(**batch)[0] == pytest.approx(value)
    np.testing.assert_allclose(net.derive(wrt="w").evaluate(**given), gradients["w"])
    slopes = [
        (
            Reference(net.graph, given | {"w": W + step}).array("a")
            - Reference(net.graph, given | {"w": W - step}).array("a")
        )
        / 2e-4
        for step in 1e-4 * np.eye(7)
    ]
    np.testing.assert_allclose(gradients["w"], slopes, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize(
    "formula", [formula for formula, _, _ in CHOSEN] + ["w[t[i] - 1]*x[i]", "w[3 - 2*t[i]]*x[2*i]"]
)
def test_every_comparison_agrees(formula: str) -> None:
    """Kernels, batches, forms and what is printed, at values drawn from the range."""
    report = _net(formula).check(seconds=20)
    assert report.passed, report


def test_a_position_computed_in_a_plain_formula_is_told_a_way() -> None:
    """A node of its own: what the fix says works, and is drawn inside."""
    text = 'inputs = {q = []}\nparameters = {w = [7]}\noutput = "a"\n[nodes]\n'
    with pytest.raises(ShapeError, match=r"c = \"q - 1\", and write c"):
        bp.loads(text + 'y = "w[q - 1]"\na = "y*y"\n')
    net = bp.loads(text + 'c = "q - 1"\ny = "w[c]"\na = "y*y"\n')
    assert whole_nodes(net.graph)["q"].ends() == (1, 7)
    assert net.check(seconds=5).passed
    with pytest.raises(ValuesError, match="entry -1"):
        net.compile()(q=0.0, w=W)


def test_a_saved_module_draws_positions_inside(tmp_path: Path) -> None:
    net = _net("sum(w[q - k]*x[i], (k, 0, 2))")
    file = tmp_path / "kernel.py"
    net.compile().save(file)
    saved = runpy.run_path(str(file))
    assert saved["check_tensors"](saved["kernel"], saved["_SHAPES"], saved["_OBJECTS"], choices=saved["_CHOICES"])
    with pytest.raises(IndexError, match="entry -1"):
        saved["kernel"](x=X, q=1.0, w=W)


@pytest.mark.parametrize("leaves", ["inputs = {x = [4], q = [], w = [7]}", "parameters = {x = [4], q = [], w = [7]}"])
def test_nothing_is_derived_by_a_position(leaves: str) -> None:
    """A leaf of whole numbers moves in no small steps, whatever its role."""
    net = bp.loads(leaves + '\noutput = "a"\n[nodes]\n"y[i]" = "w[q - 1]*x[i]"\na = "sum(y*y)"\n')
    report = net.check(seconds=10)
    assert report.passed, report
    assert {row.name for row in report.rows} == {"x", "w"}


@pytest.mark.parametrize("formula", ["t[t]", "gather(t, t)", "sum(t[t[k]]*x[k], (k, 0, 2))"])
def test_a_node_that_chooses_among_its_own_entries(formula: str) -> None:
    with pytest.raises(ShapeError, match="t chooses among its own entries"):
        _net(formula, "y")
