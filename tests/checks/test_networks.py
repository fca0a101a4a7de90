"""What is right is never rejected: random networks, deep and wide ones, abstract functions."""

from __future__ import annotations

import pytest

from backpropsym.checks.check import check_graph
from backpropsym.checks.report import Report, Verdict
from backpropsym.graph.graph import Graph
from backpropsym.spec.source import example_text, examples
from backpropsym.spec.toml import parse_network
from tests.checks.networks import chain, dense, random_network
from tests.checks.reports import without_times


def assert_right(report: Report) -> None:
    report.raise_for_failure()
    assert not any("rounding" in note for row in report.rows for note in row.notes), str(report)


@pytest.mark.parametrize("seed", range(60))
def test_random_networks_are_never_rejected(seed: int) -> None:
    report = check_graph(random_network(seed), seed=seed)
    assert_right(report)
    assert max(row.ratio for row in report.rows) <= 32


@pytest.mark.parametrize("name", [name for name in examples() if name != "deep"])
def test_bundled_examples_pass(name: str) -> None:
    assert_right(check_graph(parse_network(example_text(name))))


def test_the_lecture_is_proved_in_every_way() -> None:
    report = check_graph(parse_network(example_text("lecture")))
    assert len(report.rows) == 10
    named = {f"{mode} ({kind} accuracy)" for mode in ("reverse", "forward") for kind in ("full", "default")}
    single = {f"reverse ({kind} accuracy, single precision)" for kind in ("full", "default")}
    assert set(report.kernels) == {*named, *single, "paths (default accuracy)"}
    assert report.complete
    for row in report.rows:
        assert row.verdict is Verdict.OK
        assert row.ratio <= 4
        assert row.differences <= 1e-10
        assert row.exact <= 1e-60
        assert row.forms == ("paths", "factored", "expanded", "backward", "forward")
    assert [row.values[0] for row in report.rows if row.name == "w11"] == [6.25]


def test_a_network_without_parameters_is_checked_by_its_inputs() -> None:
    graph = parse_network('inputs = ["x", "t"]\noutput = "a"\n[nodes]\na = "sin(x*t)/t"')
    report = check_graph(graph)
    assert_right(report)
    assert [row.name for row in report.rows] == ["x", "t"]


def test_a_parameter_that_nothing_uses_has_the_derivative_zero() -> None:
    graph = parse_network('inputs = ["x"]\nparameters = ["w", "v"]\noutput = "a"\n[nodes]\na = "w*x"')
    row = check_graph(graph).rows[1]
    assert (row.name, row.verdict, set(row.values)) == ("v", Verdict.OK, {0.0})


def test_a_network_with_nothing_to_derive_by_passes() -> None:
    report = check_graph(parse_network('inputs = {}\noutput = "a"\n[constants]\nc = 2.0\n[nodes]\na = "c**2"'))
    assert report.passed
    assert not report.rows


@pytest.mark.parametrize(
    ("graph", "links"), [(dense([20, 30, 1], "tanh"), 1293), (dense([12, 12, 12, 1], "relu"), 627)]
)
def test_a_large_dense_network_passes(graph: Graph, links: int) -> None:
    assert sum(len(node.parents) for node in graph.nodes.values()) == links
    report = check_graph(graph, seconds=200)
    assert_right(report)
    (forms,) = (each for each in report.comparisons if each.name == "forms")
    assert "derivatives: the network is large" in forms.left
    assert not report.complete


def test_a_chain_of_a_thousand_nodes_passes() -> None:
    """Each link adds a rounding; a fixed tolerance would call this one wrong."""
    done: list[tuple[str, int, int]] = []
    report = check_graph(chain(1000, "tanh"), seconds=6.0, progress=lambda *step: done.append(step))
    assert_right(report)
    assert {what for what, _, _ in done} >= {"values", "complex steps", "differences"}
    assert all(0 < count <= total for _, count, total in done)


@pytest.mark.parametrize("name", ["abstract", "lecture"])
def test_the_same_seed_gives_the_same_report(name: str) -> None:
    graph = parse_network(example_text(name))
    first, second, other = (check_graph(graph, seed=seed) for seed in (4, 4, 5))
    assert first == second != other
    assert without_times(first) == without_times(second) != without_times(other)


STAND_INS = """
inputs = ["x"]
targets = ["y"]
parameters = ["w", "v"]
output = "a"
loss = "L(a, y)"
[nodes]
s = "w*x"
a = "f(s) + v*f(w*s)"
[functions]
f = "abstract"
"L(a, y)" = "abstract"
"""


def test_abstract_functions_have_stand_ins() -> None:
    report = check_graph(parse_network(STAND_INS), samples=2)
    assert_right(report)
    assert report.notes[0] == "f, L abstract: checked with 3 random smooth functions in their places"
    assert report.points == 6
    assert len(set(report.rows[0].values)) == 6


def test_every_comparison_is_made_with_every_stand_in() -> None:
    """With three of them, each compares three times as many numbers as with functions that have formulas."""
    known = STAND_INS.replace('f = "abstract"', 'f = "sin"').replace('"abstract"', '"(a - y)**2"')
    once, thrice = (check_graph(parse_network(text), 2, seconds=600).comparisons for text in (known, STAND_INS))
    assert {each.name: 3 * each.numbers for each in once} == {each.name: each.numbers for each in thrice}


def test_more_samples_are_more_points() -> None:
    report = check_graph(parse_network(example_text("neuron")), samples=9)
    assert report.points == report.stepped == len(report.rows[0].values) == 9


def test_the_networks_own_numbers_come_first_and_at_comes_before_them() -> None:
    graph = parse_network('parameters=["w"]\ninputs=["x"]\noutput="a"\n[nodes]\na="w**2*x"\n[values]\nw=3.0\nx=2.0')
    assert check_graph(graph).rows[0].values[0] == 12.0
    assert check_graph(graph, at={"x": 5.0}).rows[0].values[0] == 30.0
    assert check_graph(graph, at={"x": [5.0, 7.0]}).rows[0].values[:2] == (30.0, 42.0)
