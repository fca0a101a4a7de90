"""Where networks of arrays are checked, and what is told of kinks, sizes, objects and stand-ins."""

from __future__ import annotations

import math

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.checks.check import check_graph
from backpropsym.checks.report import Report, Row, Verdict
from backpropsym.graph.graph import Graph
from tests.checks.array_networks import network
from tests.checks.reports import without_times

INPUT = "inputs = {x = [3]}"
WEIGHTS = "parameters = {W = [2, 3], b = [2]}"
OUTPUT = 'output = "a"'
AT_ZERO = {"x": [1.0, 2.0, 3.0], "W": [[1.0, 1.0, 0.0], [0.5, 0.0, 1.0]], "b": [-3.0, 0.5]}


def of(nodes: str, **values: object) -> Graph:
    return network(INPUT, WEIGHTS, OUTPUT, nodes=nodes, **values)


def row_of(report: Report, name: str) -> Row:
    return next(row for row in report.rows if row.name == name)


ON_A_KINK = [
    ("relu(W @ x + b)", "b", "[0]", 0.0, 1.0, 0.0, "relu'(0) = 0"),
    ("abs(W @ x + b)", "b", "[0]", -1.0, 1.0, 0.0, "abs'(0) = 0"),
    ("leaky_relu(W @ x + b)", "b", "[0]", 0.01, 1.0, 0.01, "leaky_relu'(0) = slope"),
    ("W @ x + max(b, b + W @ x - 3)", "b", "[0]", 1.0, 1.0, 1.0, None),
]


@pytest.mark.parametrize(("formula", "name", "where", "left", "right", "derived", "convention"), ON_A_KINK)
def test_on_a_kink_slopes_convention_and_entry_are_told(
    formula: str, name: str, where: str, left: float, right: float, derived: float, convention: str | None
) -> None:
    report = check_graph(of(f'z = "{formula}"\na = "sum(z)"', **AT_ZERO), seed=1)
    row = row_of(report, name)
    assert report.passed
    if convention is None:
        assert row.verdict is Verdict.OK and not row.kinks
        return
    assert row.verdict is Verdict.KINK
    kink = next(each for each in row.kinks if each.where == where)
    assert (kink.point, kink.derived, kink.conventions) == (0, derived, (convention,))
    assert (kink.left, kink.right) == pytest.approx((left, right), rel=1e-9, abs=1e-9)
    assert f"kink: da/d{name}{where} has slope" in str(report)
    assert row.passed > 0


def test_a_tie_of_a_largest_entry_is_a_kink_of_the_tied_entries_alone() -> None:
    report = check_graph(network("parameters = {v = [4]}", OUTPUT, nodes='a = "max(v)"', v=[1.0, 3.0, 3.0, 2.0]))
    (row,) = report.rows
    assert report.passed and row.verdict is Verdict.KINK
    entries = {kink.where: kink for kink in row.kinks if kink.where.startswith("[")}
    assert set(entries) == {"[1]", "[2]"}
    assert entries["[1]"].conventions == ("a tie of max goes to the first entry",)
    assert (entries["[1]"].derived, entries["[2]"].derived) == (1.0, 0.0)
    assert (entries["[1]"].left, entries["[1]"].right) == pytest.approx((0.0, 1.0), abs=1e-9)


def test_a_tie_behind_a_zero_slope_is_no_kink() -> None:
    """Both entries of the window are relu's zeros: nothing moves them."""
    graph = network(
        "parameters = {v = [4]}", OUTPUT, nodes='z = "relu(v)"\na = "sum(max_pool(z, 2))"', v=[-1.0, -2.0, 1.0, 2.0]
    )
    report = check_graph(graph)
    assert report.passed and report.rows[0].verdict is Verdict.OK


def test_near_a_kink_differences_say_nothing() -> None:
    values = {**AT_ZERO, "b": [-3.0 + 1e-12, 0.5]}
    report = check_graph(of('z = "relu(W @ x + b)"\na = "sum(z)"', **values))
    row = row_of(report, "b")
    assert (row.verdict, report.passed) == (Verdict.NEAR, True)
    assert row.near > 0 and any("too close to a kink" in note for note in row.notes)


def test_an_undefined_derivative_at_the_given_point_is_told() -> None:
    report = check_graph(network("parameters = {v = [3]}", OUTPUT, nodes='a = "norm(v)"', v=[0.0, 0.0, 0.0]))
    (row,) = report.rows
    assert row.verdict in (Verdict.UNDEFINED, Verdict.KINK)
    assert not math.isfinite(row.values[0]) or row.values[0] == 0.0
    assert row.passed > 0 and report.passed


@pytest.mark.parametrize(
    "formula",
    [
        "sum(log(W @ x))",
        "sum(sqrt(W @ x + b))",
        "mean(bce(sigmoid(W @ x), b))",
        "norm(W @ x)",
        "sum(log(b)*sqrt(b - 1))",
        "sum((W @ x)**(-3/2))",
        "logsumexp(W @ x)",
        "poisson(W @ x, b)",
    ],
)
def test_points_are_found_inside_domains(formula: str) -> None:
    report = check_graph(of(f'a = "{formula}"'))
    report.raise_for_failure()
    assert report.points >= 3 and all(row.verdict is Verdict.OK for row in report.rows)


def test_a_network_that_is_nowhere_defined_does_not_pass() -> None:
    report = check_graph(of('a = "sum(sqrt(-1 - (W @ x)**2))"'))
    assert not report.passed
    with pytest.raises(bp.BackpropsymError, match=r"\[values\]"):
        report.raise_for_failure()


def test_the_networks_own_numbers_come_first_and_what_is_given_before_them() -> None:
    graph = of('a = "sum(b*(W @ x))"', **AT_ZERO)
    expected = np.linalg.norm(np.array(AT_ZERO["W"]) @ AT_ZERO["x"])
    assert row_of(check_graph(graph), "b").values[0] == pytest.approx(expected, rel=1e-14)
    doubled = check_graph(graph, at={"x": [2.0, 4.0, 6.0]})
    assert row_of(doubled, "b").values[0] == pytest.approx(2 * expected, rel=1e-14)


def test_each_object_of_a_batch_is_a_point() -> None:
    graph = of('a = "sum(b*(W @ x))"', **AT_ZERO)
    batch = np.arange(12.0).reshape(4, 3)
    row = row_of(check_graph(graph, samples=1, at={"x": batch}), "b")
    expected = np.linalg.norm(batch @ np.array(AT_ZERO["W"]).T, axis=1)
    assert row.values == pytest.approx(tuple(expected), rel=1e-14)


def test_numbers_that_are_not_finite_are_left_out_and_told() -> None:
    report = check_graph(of('a = "sum(log(W @ x + b))"', **{**AT_ZERO, "b": [-9.0, 0.0]}))
    assert report.passed
    assert any("not checked at the network's own numbers" in note for note in report.notes)


def test_symbolic_sizes_take_those_of_given_arrays_and_else_small_ones() -> None:
    graph = network('inputs = {x = ["n"]}', 'parameters = {W = ["m", "n"]}', OUTPUT, nodes='a = "sum(tanh(W @ x))"')
    report = check_graph(graph)
    assert report.passed and row_of(report, "W").forms is not None
    given = check_graph(graph, samples=1, at={"x": np.ones(6), "W": np.ones((2, 6))})
    assert row_of(given, "W").values == pytest.approx((math.sqrt(12) * (1 - math.tanh(6) ** 2),), rel=1e-6)


def test_an_objective_with_axes_is_weighted() -> None:
    report = check_graph(of('a = "tanh(W @ x + b)"'))
    report.raise_for_failure()
    assert "a has axes: weighted_a is the sum of its entries with random weights" in report.notes


def test_without_parameters_the_inputs_are_checked() -> None:
    report = check_graph(network(INPUT, OUTPUT, nodes='a = "sum(softmax(x)*x)"'))
    assert report.passed and [row.name for row in report.rows] == ["x"]


def test_what_the_objective_does_not_depend_on_has_a_zero_row() -> None:
    report = check_graph(of('a = "sum(W @ x)"'))
    assert report.passed and set(row_of(report, "b").values) == {0.0}
    assert row_of(report, "b").notes == ("a does not depend on b",)


def test_abstract_functions_get_stand_ins() -> None:
    graph = network(INPUT, WEIGHTS, OUTPUT, nodes='z = "f(W @ x + b)"\na = "sum(z*z)"\n[functions]\nf = "abstract"')
    report = check_graph(graph)
    report.raise_for_failure()
    assert "f abstract: checked with 3 random smooth functions in their places" in report.notes
    assert report.stepped == 9


def test_the_same_seed_gives_the_same_report_and_data() -> None:
    graph = of('a = "sum(relu(W @ x + b))"')
    first, second, other = (check_graph(graph, seed=seed) for seed in (5, 5, 6))
    assert first == second != other
    assert without_times(first) == without_times(second) != without_times(other)


def test_data_has_the_shape_that_scalars_have() -> None:
    arrays = check_graph(of('a = "sum(relu(W @ x + b))"', **AT_ZERO)).json()
    scalars = bp.check(bp.example("lecture")).json()
    assert arrays.keys() == scalars.keys()
    assert arrays["rows"][0].keys() == scalars["rows"][0].keys()
    assert arrays["rows"][1]["kinks"][0]["where"]


def test_large_networks_are_sampled_and_it_is_said() -> None:
    report = bp.check(bp.parse("x[100] -> dense(200, relu) -> dense(10) -> cross_entropy"), samples=1)
    report.raise_for_failure()
    assert any(note.startswith("compared along 2 random directions and at 24 random entries") for note in report.notes)
    assert all("index" in (row.forms or ()) for row in report.rows)


def test_small_networks_have_every_measure() -> None:
    report = bp.check(bp.parse("x[3] -> dense(4, tanh) -> dense(2) -> cross_entropy"))
    assert {row.verdict for row in report.rows} == {Verdict.OK}
    for row in report.rows:
        assert row.ratio <= 32 and row.differences < 1e-9 and row.exact < 1e-30
        assert set(row.forms or ()) == {"index", "matrix", "paths", "factored", "expanded", "forward"}
    assert len(report.kernels) == 4


LOGITS = {
    "x": [1.0, 2.0, 3.0],
    "W1": [[300.0, 0.0, 0.0], [0.0, 300.0, 0.0], [0.0, 0.0, 300.0], [1.0, 1.0, 1.0]],
    "b1": [0.0, 0.0, 0.0, 0.0],
    "y": 1,
}
MASKED = """
inputs = {s = [2, 3], m = [2, 3]}
parameters = {W = [3, 3], v = [2, 3]}
output = "a"
[nodes]
t = "where(m > 0, s @ W, -1e9)"
a = "sum(softmax(t)*v)"
"""


def test_large_logits_have_their_derivatives_in_every_form() -> None:
    """exp(900) is no double, and softmax of 900 is one."""
    net = bp.parse("x[3] -> dense(4) -> cross_entropy")
    whole = net.derive(wrt="W1").evaluate(**LOGITS)
    for place in ((1, 0), (2, 1), (3, 2)):
        entry = net.derive(wrt=f"W1[{place[0]},{place[1]}]")
        assert entry.evaluate(**LOGITS) == pytest.approx(whole[place], rel=1e-12)
    assert entry.evaluate(**{**LOGITS, "x": np.array([LOGITS["x"], [0.1, 0.2, 0.3]])}) == pytest.approx(0.0, abs=1e-12)
    bp.check(net, at=LOGITS).raise_for_failure()


def test_rows_that_are_masked_whole_are_no_mismatch() -> None:
    net = bp.loads(MASKED)
    at = {"s": np.ones((2, 3)), "m": [[1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]], "v": np.eye(2, 3), "W": np.eye(3)}
    bp.check(net, at=at).raise_for_failure()


def test_forms_that_lose_digits_where_tanh_saturates_are_right() -> None:
    """1 - tanh(x)**2 as it is printed has few digits at 9, and is what the formula says."""
    report = check_graph(of('z = "tanh(W @ x + b + 9)"\na = "sum(z*z)"'))
    report.raise_for_failure()
    assert all("matrix" in (row.forms or ()) for row in report.rows)


COMPUTED_POSITIONS = {
    "joined": ("q = [2], r = [2]", "5", 'p = "concat(q, r)"\n"h[i]" = "w[p[i]]"\na = "sum(h*h)"'),
    "stacked": ("q = [], r = []", "5", 'p = "stack(q, r)"\n"h[i]" = "w[p[i]]"\na = "sum(h*h)"'),
    "added": ("q = [2], r = [2]", "9", 'p = "2*q + r + 1"\n"h[i]" = "w[p[i]]"\na = "sum(h*h)"'),
    "summed": ("q = [2], r = []", "9", 'p = "sum(q)"\nh = "w[p]"\na = "h*h"'),
    "multiplied": ("q = [2], r = [2]", "9", 'p = "q*r"\n"h[i]" = "w[p[i]]"\na = "sum(h*h)"'),
    "the larger": ("q = [2], r = [2]", "9", 'p = "max(q, r)"\n"h[i]" = "w[p[i]]"\na = "sum(h*h)"'),
    "rows": ("q = [2], r = [2]", "9, 2", 'e = "embedding(concat(q, r), w)"\na = "sum(e*e)"'),
}


@pytest.mark.parametrize("name", COMPUTED_POSITIONS)
def test_positions_that_are_computed_from_whole_inputs_are_drawn(name: str) -> None:
    inputs, shape, nodes = COMPUTED_POSITIONS[name]
    text = f'inputs = {{{inputs}}}\nparameters = {{w = [{shape}]}}\noutput = "a"\n[nodes]\n{nodes}'
    report = bp.loads(text).check()
    assert report.passed and report.complete, str(report)
    assert report.rows[0].verdict is Verdict.OK
