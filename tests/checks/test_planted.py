"""A checker that accepts one of these plants proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backpropsym.checks import forms, gradients
from backpropsym.checks.check import check_graph
from backpropsym.checks.report import Verdict
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.programme import Programme, adjoints
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import GradientMismatchError
from backpropsym.formula.tree import ZERO, Add, Expr, Mul, Neg, Number
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.function_table import FunctionTable
from backpropsym.spec.source import example_text
from backpropsym.spec.toml import parse_network
from tests.checks.kernel_plants import ARRAY_CHANGES, in_gradient, plant
from tests.checks.networks import network_of, random_network

TINY = Number(1 + Fraction(1, 10**9))
PLANTS: dict[str, Callable[[Expr], Expr]] = {
    "factor": lambda derivative: Mul((TINY, derivative)),
    "sign": Neg,
    "dropped": lambda derivative: ZERO,
    "offset": lambda derivative: Add((derivative, Number(Fraction(1, 10**4)))),
}
LECTURE = parse_network(example_text("lecture"))
EVERYWHERE_ZERO = {"KroneckerDelta", "sign", "step"}


def edges_of(name: str) -> list[Edge]:
    return [Edge(parent, "z") for parent in network_of(name)["z"].parents]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_passes(name: str) -> None:
    report = check_graph(network_of(name))
    report.raise_for_failure()
    assert {row.verdict for row in report.rows} == {Verdict.OK}
    assert all(row.ratio <= 32 and not row.notes for row in report.rows), str(report)


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_local_derivative_is_rejected_and_named(name: str, plant: str) -> None:
    graph = network_of(name)
    for edge in edges_of(name):
        derived = LocalDerivatives(graph)[edge]
        if derived == ZERO and plant != "offset":
            assert name in EVERYWHERE_ZERO or name == "where"
            continue
        report = check_graph(graph, local=LocalDerivatives(graph, {edge: PLANTS[plant](derived)}))
        assert not report.passed
        assert {fault.edge for fault in report.faults if fault.edge} == {edge}
        with pytest.raises(GradientMismatchError, match=f"{edge.source} -> z"):
            report.raise_for_failure()


@pytest.mark.parametrize("spelling", ["derivatives", "accurate"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_entry_is_rejected_and_named(name: str, spelling: str) -> None:
    """The derivative that is printed, and the one that numbers are computed by, each off by 1e-9."""
    entry, table = FUNCTIONS[name], FunctionTable()
    for argument in [each for each in getattr(entry, spelling) if name != "where"]:
        given: Any = getattr(entry, spelling)[argument]
        wrong = PLANTS["factor"](table.tree(given))
        if table.tree(given) == ZERO:
            continue
        planted = replace(entry, **{spelling: {**getattr(entry, spelling), argument: wrong}})
        report = check_graph(network_of(name, _registered(planted)))
        edge = Edge(f"u{entry.arguments.index(argument)}", "z")
        assert not report.passed
        assert {fault.edge for fault in report.faults if fault.edge} == {edge}


def _registered(entry: Any) -> FunctionTable:
    """A table in which `entry` stands in the place of a registered function, printed like one."""

    class Table(FunctionTable):
        def _is_own(self, name: str) -> bool:
            return False

    return Table({entry.name: entry})


def test_a_part_left_out_of_an_adjoint_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_one_part(*arguments: Any) -> Programme:
        programme = adjoints(*arguments)
        position, chosen = next((i, each) for i, each in enumerate(programme.equations) if len(each.parts) > 1)
        shorter = replace(chosen, parts=chosen.parts[1:])
        return replace(
            programme, equations=(*programme.equations[:position], shorter, *programme.equations[position + 1 :])
        )

    monkeypatch.setattr(gradients, "adjoints", without_one_part)
    report = check_graph(LECTURE)
    assert not report.passed
    assert any("the adjoint of z" in fault.place for fault in report.faults)


def test_a_path_left_out_of_a_form_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Derivation.tree

    def shorter(derivation: Derivation, form: str = "paths") -> Expr:
        tree = whole(derivation, form)
        return Add(tree.terms[1:]) if form == "paths" and isinstance(tree, Add) and len(tree.terms) > 2 else tree

    graph = parse_network(
        'inputs=["x"]\nparameters=["w"]\noutput="a"\n[nodes]\ns="w*x"\na="relu(s) + relu(s - 1) + relu(-s)"\n'
        'b="relu(s)"\nc="relu(s - 3)"\nd="relu(-s)"\nloss="b + c + d"'.replace('output="a"', 'output="loss"')
    )
    monkeypatch.setattr(forms.Derivation, "tree", shorter)
    report = check_graph(graph)
    assert any("form paths" in fault.place for fault in report.faults)


def test_a_kernel_off_by_a_billionth_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "call", in_gradient("p11", ARRAY_CHANGES["off by a billionth"]))
    report = check_graph(LECTURE)
    assert all("single precision" in name for name in report.kernels), "which shows no billionth"
    assert report.faults and all("dloss/dp11" in fault.place for fault in report.faults)
    with pytest.raises(GradientMismatchError, match="kernel reverse"):
        report.raise_for_failure()


def test_differences_see_what_the_complex_step_cannot() -> None:
    """A primitive whose complex form is as wrong as its derivative: only other number systems can tell."""
    entry = FUNCTIONS["atan"]
    assert entry.primitive is not None
    primitive = replace(
        entry.primitive, complex=lambda z: np.arctan(np.real(z)) + 1j * np.imag(z) * 1.01 / (1 + np.real(z) ** 2)
    )
    planted = replace(entry, primitive=primitive, derivatives={"x": "1.01/(1 + x**2)"})
    report = check_graph(network_of("atan", _registered(planted)))
    row = report.rows[0]
    assert row.ratio < 32
    assert row.verdict is Verdict.MISMATCH
    assert row.differences == pytest.approx(0.01 / 1.01, rel=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_a_wrong_edge_somewhere_in_a_random_network_is_named(seed: int) -> None:
    graph = random_network(seed)
    local = LocalDerivatives(graph)
    edges = [Edge(parent, name) for name in graph.ancestors(graph.objective) for parent in graph[name].parents]
    live = sorted(edge for edge in edges if local[edge] != ZERO and graph[edge.source].op is not None)
    edge = live[seed % len(live)]
    report = check_graph(graph, local=LocalDerivatives(graph, {edge: PLANTS["factor"](local[edge])}))
    assert not report.passed
    assert {fault.edge for fault in report.faults if fault.edge} == {edge}


def test_one_dead_point_hides_a_wrong_edge_and_many_do_not() -> None:
    """All neurons are dead at the only given point; the wrong edge is found because kinks are seen on both sides."""
    values = {"w11": -1.0, "w12": -1.0, "w21": -1.0, "w22": -1.0, "x1": 1.0, "x2": 1.0}
    edge = Edge("s1", "z1")
    local = LocalDerivatives(LECTURE, {edge: PLANTS["factor"](LocalDerivatives(LECTURE)[edge])})
    report = check_graph(LECTURE, samples=1, local=local, at=values)
    assert [fault.edge for fault in report.faults if fault.edge] == [edge]
    assert {row.name for row in report.rows if row.verdict is Verdict.MISMATCH} == {"w11", "w21"}
