"""Kinks are recognised and reported, not failed and not hidden; so are points near one, and undefined ones."""

from __future__ import annotations

import math

import pytest

from backpropsym.checks.check import check_graph
from backpropsym.checks.report import Report, Row, Verdict
from backpropsym.errors import GradientMismatchError
from backpropsym.graph.graph import Graph
from backpropsym.spec.toml import parse_network


def network(formula: str, **values: float) -> Graph:
    numbers = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    text = f'inputs = ["x"]\nparameters = ["w", "b"]\noutput = "a"\n[nodes]\na = "{formula}"\n[values]\n{numbers}'
    return parse_network(text)


def checked(formula: str, **values: float) -> tuple[Report, Row]:
    report = check_graph(network(formula, **values))
    return report, report.rows[0]


ON_THE_KINK = [
    ("relu(w*x + b)", 0.0, 1.0, 0.0, "relu'(0) = 0"),
    ("abs(w*x + b)", -1.0, 1.0, 0.0, "abs'(0) = 0"),
    ("max(w*x, -b)", 0.0, 1.0, 1.0, "a tie of max goes to the first argument"),
    ("min(w*x, -b)", 1.0, 0.0, 1.0, "a tie of min goes to the first argument"),
    ("leaky_relu(w*x + b)", 0.01, 1.0, 0.01, "leaky_relu'(0) = slope"),
    ("elu(w*x + b, 0.5)", 0.5, 1.0, 0.5, "elu'(0) = alpha"),
    ("hard_tanh(w*x)", 1.0, 0.0, 0.0, "hard_tanh'(-1) = hard_tanh'(1) = 0"),
    ("clip(w*x, -1, 1)", 1.0, 0.0, 1.0, "clip takes the slope 1 at both edges"),
    ("mae(w*x, -b)", -1.0, 1.0, 0.0, "mae'(0) = 0"),
    ("hinge(w*x, 1)", -1.0, 0.0, 0.0, "hinge has slope 0 where target*prediction = margin"),
    ("where(w > -b, w**2, b**2)", 0.0, 2.0, 0.0, "where takes the derivative of the branch it takes"),
    ("where(w > -b, w**2 + 1, w)", 1.0, math.inf, 1.0, "where takes the derivative of the branch it takes"),
    ("sign(w*x + b)", math.inf, math.inf, 0.0, "sign(0) = 0, sign' = 0 everywhere"),
]


@pytest.mark.parametrize(("formula", "left", "right", "derived", "convention"), ON_THE_KINK)
def test_on_a_kink_both_slopes_and_the_convention_are_told(
    formula: str, left: float, right: float, derived: float, convention: str
) -> None:
    report, row = checked(formula, x=1.0, w=1.0, b=-1.0)
    assert row.verdict is Verdict.KINK
    assert report.passed
    (kink,) = row.kinks
    assert (kink.point, kink.derived, kink.conventions) == (0, derived, (convention,))
    assert (kink.left, kink.right) == pytest.approx((left, right), rel=1e-9, abs=1e-9)
    assert f"convention: {convention}" in str(report)
    assert row.passed == len(row.values) - 1


@pytest.mark.parametrize("formula", ["elu(w*x + b)", "celu(w*x + b)", "sigmoid(w*x + b)", "softplus(w*x + b)",
                                     "softsign(w*x + b)", "huber(w*x + b + 1, 0)", "log_cosh(w*x, -b)",
                                     "abs(w*x + b)*(w*x + b)", "max(w*x + b, 0)**2"])  # fmt: skip
def test_where_both_slopes_agree_there_is_no_kink(formula: str) -> None:
    report, row = checked(formula, x=1.0, w=1.0, b=-1.0)
    assert row.verdict is Verdict.OK
    assert row.passed == len(row.values)
    report.raise_for_failure()


def test_conventions_that_add_up_to_a_wrong_slope_are_told() -> None:
    """relu(s) - relu(-s) is s, yet with relu'(0) = 0 its derivative at 0 comes out as 0."""
    _, row = checked("relu(w*x + b) - relu(-w*x - b)", x=1.0, w=1.0, b=-1.0)
    assert row.verdict is Verdict.KINK
    (kink,) = row.kinks
    assert (kink.left, kink.right, kink.derived) == pytest.approx((1.0, 1.0, 0.0))


def test_close_to_a_kink_differences_say_nothing() -> None:
    report, row = checked("relu(w*x + b)", x=1.0, w=1.0, b=-1.0 + 1e-12)
    assert (row.verdict, row.near) == (Verdict.NEAR, 1)
    assert report.passed
    assert "1 of 4 points are too close to a kink for differences" in str(report)


def test_a_kink_that_the_derivative_does_not_cross_is_no_kink() -> None:
    """At w = -1 the outer relu sits exactly at zero, and stays there however w moves."""
    report, row = checked("relu(relu(w*x)) + b", x=1.0, w=-1.0, b=0.5)
    assert row.verdict is Verdict.OK
    assert "never below zero at any point: the switch in a" in report.notes


def test_an_infinite_derivative_at_the_given_point_is_told() -> None:
    report, row = checked("sqrt(w*x + b)", x=1.0, w=1.0, b=-1.0)
    assert row.verdict is Verdict.UNDEFINED
    assert row.values[0] == math.inf
    assert row.passed == 2
    assert report.passed


def test_given_numbers_outside_the_domain_are_left_out_and_told() -> None:
    report, row = checked("log(w*x + b)", x=1.0, w=-1.0, b=0.5)
    assert row.verdict is Verdict.OK
    assert "not checked at the network's own numbers: a is not finite there" in report.notes


def test_a_network_that_is_nowhere_defined_does_not_pass() -> None:
    report, row = checked("sqrt(-1 - w**2*x**2)", x=1.0, w=1.0, b=1.0)
    assert row.verdict is Verdict.UNDEFINED
    assert not report.passed
    with pytest.raises(GradientMismatchError, match=r"\[values\]"):
        report.raise_for_failure()


@pytest.mark.parametrize(
    "formula",
    ["log(w)*sqrt(b - 3)", "log(-w) + log(b)/x", "bce(w, 0.3) + b", "1/(w - x) + (b - 4)**(1/2)", "w**(-3/2)*b"],
)
def test_points_are_found_inside_narrow_domains(formula: str) -> None:
    report = check_graph(network(formula))
    report.raise_for_failure()
    assert report.points >= 3


def test_each_switch_is_seen_on_both_sides() -> None:
    text = 'inputs=["x"]\nparameters=["w"]\noutput="a"\n[nodes]\na="relu6(w*x) + hard_sigmoid(x) + relu(w**2 + 1)"'
    report = check_graph(parse_network(text))
    assert report.notes == ("never below zero at any point: the switch in a",)
    assert report.points == 64
    assert 3 < report.stepped < 64
