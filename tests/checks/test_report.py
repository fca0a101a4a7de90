"""The report as text, as data, and as an error."""

from __future__ import annotations

import json
import math

import pytest

from backpropsym.checks.check import check_graph
from backpropsym.checks.report import HEADER, Fault, Report, Row, Verdict
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import GradientMismatchError
from backpropsym.formula.tree import Mul, number
from backpropsym.spec.source import example_text
from backpropsym.spec.toml import parse_network

LECTURE = parse_network(example_text("lecture"))
EDGE = Edge("s1", "z1")
DERIVED = LocalDerivatives(LECTURE)[EDGE]
WRONG = check_graph(LECTURE, local=LocalDerivatives(LECTURE, {EDGE: Mul((number(2), DERIVED))}))


def test_the_table_has_a_row_a_parameter_under_the_header() -> None:
    lines = str(check_graph(LECTURE)).splitlines()
    assert lines[0] == "derivatives of loss"
    assert all(heading in lines[1] for heading in HEADER)
    assert [line.split()[0] for line in lines[2:12]] == list(LECTURE.names(LECTURE["w11"].role))
    assert all(line.endswith("OK") for line in lines[2:12])
    assert lines[-1].startswith("passed: 10 OK at")


def test_a_mismatch_names_the_edge_with_both_numbers_and_the_point() -> None:
    assert [row.name for row in WRONG.rows if row.verdict is Verdict.MISMATCH] == ["w11", "w21"]
    (fault,) = WRONG.faults
    assert fault.place == "s1 -> z1"
    assert fault.derived.startswith("2*f_prime(s1) = 2 at s1 = ")
    assert fault.numeric == 1.0
    assert str(WRONG).splitlines()[-1].startswith("FAILED: 2 MISMATCH, 8 OK")


def test_a_failure_raises_with_parameters_edges_and_a_fix() -> None:
    with pytest.raises(GradientMismatchError) as caught:
        WRONG.raise_for_failure()
    text = str(caught.value)
    assert "dloss/dw11 disagrees with independent numerics" in text
    assert "s1 -> z1: derived 2*f_prime(s1) = 2" in text
    assert "fix: correct the derivative at s1 -> z1" in text
    assert len(caught.value.problems) == 2


def test_a_wrong_edge_that_no_row_crosses_still_fails() -> None:
    """x is no parameter, so its derivative has no row."""
    graph = parse_network('inputs=["x"]\nparameters=["b"]\noutput="a"\n[nodes]\ns="x**2"\na="s + b"')
    edge = Edge("x", "s")
    report = check_graph(graph, local=LocalDerivatives(graph, {edge: number(3)}))
    assert {row.verdict for row in report.rows} == {Verdict.OK}
    assert not report.passed
    with pytest.raises(GradientMismatchError, match="x -> s"):
        report.raise_for_failure()


def test_json_is_plain_and_strict() -> None:
    data = WRONG.json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["passed"] is False
    assert data["rows"][0]["verdict"] == "MISMATCH"
    assert data["rows"][0]["faults"][0]["edge"] == ["s1", "z1"]
    assert set(data) == {
        "of", "title", "passed", "complete", "seconds", "seed", "points", "stepped", "rows", "faults", "notes",
        "kernels", "comparisons",
    }  # fmt: skip


def test_numbers_that_are_not_finite_are_null() -> None:
    row = Row("w", Verdict.UNDEFINED, (math.inf, math.nan))
    assert row.json()["values"] == [None, None]
    assert row.json()["exact"] is None


def test_very_many_rows_are_shown_in_part_and_the_notable_ones_first() -> None:
    rows = tuple(Row(f"w{index}", Verdict.OK, (1.0,), 0.5) for index in range(300))
    bad = Row("v", Verdict.MISMATCH, (1.0,), 1e9, faults=(Fault("a -> b", "2", 1.0, Edge("a", "b")),))
    report = Report("loss", (*rows, bad), 3, 3, 0)
    assert report.shown[0] is bad
    assert len(report.shown) == 100
    assert "and 201 more rows" in str(report)


def test_undefined_rows_pass_only_where_some_point_was_proved() -> None:
    proved = Row("w", Verdict.UNDEFINED, (math.inf, 1.0), passed=1)
    unproved = Row("v", Verdict.UNDEFINED, (math.inf,))
    assert Report("a", (proved,), 2, 2, 0).passed
    assert not Report("a", (proved, unproved), 2, 2, 0).passed
