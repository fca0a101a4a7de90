"""Wrong rules of arrays: each is rejected, and named by the link that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import cycle
from typing import Any

import numpy as np
import pytest

from backpropsym.checks.arrays import forms, links
from backpropsym.checks.arrays.links import wrong_links, wrong_sums
from backpropsym.checks.check import check_graph
from backpropsym.checks.report import Verdict
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.adjoint_programme import MatrixEquation, matrix_programme
from backpropsym.derive.local.entries import Access, accesses
from backpropsym.derive.local.links import Edge
from backpropsym.errors import GradientMismatchError
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.formula.tree import ZERO, Add, Call, Expr, Mul, Name, Number
from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.kinds import Reduction
from backpropsym.spec.toml import parse_network
from tests.checks.array_networks import ARRAY_PLANTS, INDEX_PLANTS, TINY, network, points_of
from tests.checks.kernel_plants import in_gradient, plant
from tests.checks.test_planted import _registered
from tests.derive.arrays.networks import NETWORKS

Parts = list[tuple[str, Any]]
RIGHT = ArrayNetwork._pull
PERCEPTRON = parse_network(NETWORKS["perceptron"][0])
EVERY_PLANT = ("perceptron", "plain image", "lecture convolution", "softmax by hand", "attention", "rnn", "bilinear")


def planted_networks() -> list[tuple[str, str]]:
    """Networks and names of plants: some networks with every plant, the others with one each, in turn."""
    turns = dict(zip(NETWORKS, cycle(ARRAY_PLANTS)))
    return [(name, plant) for name in NETWORKS for plant in ARRAY_PLANTS if name in EVERY_PLANT or turns[name] == plant]


def edges(graph: Graph) -> Iterator[Edge]:
    """One link for each rule: where several nodes compute the same from other names, those of the first."""
    needed, seen = graph.ancestors(graph.objective), set()
    for name in graph.order:
        parents = graph[name].parents if name in needed else ()
        rule = repr(graph[name].op)
        for place, parent in enumerate(parents):
            rule = rule.replace(f"'{parent}'", str(place))
        for place, parent in enumerate(parents):
            if (rule, place) not in seen:
                seen.add((rule, place))
                yield Edge(parent, name)


def planted(edge: Edge, plant: str) -> Any:
    """The reverse rule with one link's part changed, also where magnitudes are accumulated."""

    def wrong(self: ArrayNetwork, node: Node, adjoint: Any) -> Parts:
        parts = RIGHT(self, node, adjoint)
        if node.name != edge.target or self.magnitudes:
            return parts
        return [(parent, ARRAY_PLANTS[plant](part) if parent == edge.source else part) for parent, part in parts]

    return wrong


@pytest.mark.parametrize(("name", "plant"), planted_networks())
def test_a_wrong_reverse_rule_of_any_link_is_named(name: str, plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, points = points_of(parse_network(NETWORKS[name][0]))
    found = 0
    for edge in edges(graph):
        parts = dict(RIGHT(points[0].network, graph[edge.target], np.ones(np.shape(points[0].values[edge.target]))))
        if edge.source not in parts or np.array_equal(ARRAY_PLANTS[plant](parts[edge.source]), parts[edge.source]):
            continue
        monkeypatch.setattr(ArrayNetwork, "_pull", planted(edge, plant))
        faults = wrong_links(graph, points, np.random.default_rng(1))
        assert {fault.edge for fault in faults} == {edge}, f"{edge}: {faults}"
        found += 1
    assert found


@pytest.mark.parametrize(("name", "plant"), planted_networks())
def test_a_wrong_local_derivative_in_index_notation_is_named(
    name: str, plant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, points = points_of(parse_network(NETWORKS[name][0]), 1)
    found = 0
    for edge in edges(graph):
        right = [access for access in accesses(graph, graph[edge.target]) if access.parent == edge.source]
        same = all(INDEX_PLANTS[plant](access) == access for access in right)
        if not right or same or all(access.factor == ZERO for access in right):
            continue
        op = graph[edge.target].op
        if plant == "transposed" and isinstance(op, Reduction) and not graph[edge.target].shape:
            continue  # a sum over all entries of a square is the same in any order

        def wrong(whole: Graph, node: Node, edge: Edge = edge) -> Iterator[Access]:
            for access in accesses(whole, node):
                chosen = Edge(access.parent, node.name) == edge
                yield INDEX_PLANTS[plant](access) if chosen else access

        monkeypatch.setattr(links, "accesses", wrong)
        faults = wrong_links(graph, points, np.random.default_rng(1))
        assert {fault.edge for fault in faults} == {edge}, f"{edge}: {faults}"
        assert all(fault.place.endswith(", in index notation") for fault in faults)
        found += 1
    assert found or plant == "transposed"


ONE_OF_EACH_KIND = {
    "elementwise": ("s", "z", "s -> z"),
    "contraction": ("W1", "_s_1", "W1 -> contraction in s"),
    "reduction": ("o", "_loss_1", "o -> reduction in loss"),
    "view": ("o", "_loss_2", "o -> view in loss"),
}


@pytest.mark.parametrize("plant", ARRAY_PLANTS)
@pytest.mark.parametrize("kind", ONE_OF_EACH_KIND)
def test_the_whole_check_fails_and_names_the_link(kind: str, plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target, place = ONE_OF_EACH_KIND[kind]
    monkeypatch.setattr(ArrayNetwork, "_pull", planted(Edge(source, target), plant))
    report = check_graph(PERCEPTRON, samples=1)
    assert not report.passed
    assert {fault.edge for fault in report.faults if fault.edge} == {Edge(source, target)}
    behind = {"W1"} if kind == "contraction" else {"W1", "b1"}
    assert behind <= {row.name for row in report.rows if row.verdict is Verdict.MISMATCH}
    with pytest.raises(GradientMismatchError, match=place):
        report.raise_for_failure()


@pytest.mark.parametrize("spelling", ["derivatives", "accurate"])
@pytest.mark.parametrize("name", [name for name, each in FUNCTIONS.items() if len(each.required) == 1])
def test_a_wrong_entry_of_a_function_is_named(name: str, spelling: str) -> None:
    """The derivative that is printed, and the one that numbers are computed by, each off by a billionth."""
    entry, argument = FUNCTIONS[name], FUNCTIONS[name].arguments[0]
    nodes = f'z = "{name}(W @ x)"\na = "sum(z)"'
    graph = network("inputs = {x = [3]}", "parameters = {W = [4, 3]}", 'output = "a"', nodes=nodes)
    right = graph.functions.tree(getattr(entry, spelling).get(argument, "0"))
    if right == ZERO:
        return
    wrong = Mul((Number(1 + Fraction(1, 10**9)), right))
    table = _registered(replace(entry, **{spelling: {**getattr(entry, spelling), argument: wrong}}))
    whole, points = points_of(replace(graph, functions=table))
    faults = wrong_links(whole, points, np.random.default_rng(0))
    assert {fault.edge for fault in faults} == {Edge("_z_1", "z")}


def test_a_part_left_out_of_an_adjoint_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum over consumers is wrong where each consumer's rule is right."""
    right = ArrayNetwork.reverse

    def wrong(self: ArrayNetwork, of: str, seed: Any, magnitudes: bool = False) -> dict[str, Any]:
        adjoints = right(self, of, seed, magnitudes)
        return adjoints if magnitudes else {**adjoints, "z": adjoints["z"] * (1 + TINY)}

    monkeypatch.setattr(ArrayNetwork, "reverse", wrong)
    graph, points = points_of(PERCEPTRON)
    assert {fault.place.partition(",")[0] for fault in wrong_sums(graph, points)} == {
        "the adjoint of z",
        "the adjoint of s",
    }
    report = check_graph(PERCEPTRON)
    assert not report.passed


def test_a_wrong_index_form_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(TensorDerivation):
        def path_sum(self) -> Expr:
            tree = super().path_sum()
            return Mul((Number(2), tree)) if self.wrt == "W1" else tree

    monkeypatch.setattr(forms, "TensorDerivation", Wrong)
    report = check_graph(PERCEPTRON)
    assert {row.name for row in report.rows if row.verdict is Verdict.MISMATCH} == {"W1"}
    assert all(fault.place.startswith("form index of dloss/dW1[") for fault in report.faults)


def test_a_wrong_matrix_form_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: Any) -> tuple[MatrixEquation, ...]:
        return tuple(
            replace(each, right=Call("outer", (Name("delta_o"), Name("s")))) if each.node == "W2" else each
            for each in matrix_programme(*arguments)
        )

    monkeypatch.setattr(forms, "matrix_programme", wrong)
    report = check_graph(PERCEPTRON)
    assert {row.name for row in report.rows if row.verdict is Verdict.MISMATCH} == {"W2"}
    assert all(fault.place.startswith("form matrix of dloss/dW2[") for fault in report.faults)


def test_a_path_left_out_of_an_entrys_sum_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Derivation.tree

    def shorter(derivation: Derivation, form: str = "paths") -> Expr:
        tree = whole(derivation, form)
        return Add(tree.terms[1:]) if form == "paths" and isinstance(tree, Add) and len(tree.terms) > 2 else tree

    graph = network(
        "inputs = {x = [3]}", "parameters = {W = [4, 3], V = [4]}", 'output = "a"',
        nodes='z = "tanh(W @ x)"\nu = "V*z"\nv = "z*z"\nw = "sin(z)"\na = "sum(u + v + w)"',
    )  # fmt: skip
    monkeypatch.setattr(Derivation, "tree", shorter)
    report = check_graph(graph)
    assert any(fault.place.startswith("form paths of da/dW[") for fault in report.faults)


@pytest.mark.parametrize("single", [False, True])
def test_a_wrong_kernel_is_rejected(single: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(array: Any) -> Any:
        scale = 1e-3 if single else TINY
        return array * (1 + scale) if not single or array.dtype == np.float32 else array

    plant(monkeypatch, "call", in_gradient("W2", wrong))
    report = check_graph(PERCEPTRON)
    assert not report.passed
    assert report.faults and all("dloss/dW2" in fault.place for fault in report.faults)
    assert all(("single precision" in fault.place) or not single for fault in report.faults)


def test_differences_and_fifty_digits_see_what_the_complex_step_cannot() -> None:
    """A primitive whose complex form is as wrong as its derivative: only other number systems can tell."""
    entry = FUNCTIONS["atan"]
    assert entry.primitive is not None
    primitive = replace(
        entry.primitive, complex=lambda z: np.arctan(np.real(z)) + 1j * np.imag(z) * 1.01 / (1 + np.real(z) ** 2)
    )
    table = _registered(replace(entry, primitive=primitive, derivatives={"x": "1.01/(1 + x**2)"}))
    for width in (2, 60):
        graph = network(
            "inputs = {x = [3]}", f"parameters = {{W = [{width}, 3]}}", 'output = "a"', nodes='a = "sum(atan(W @ x))"'
        )
        report = check_graph(replace(graph, functions=table))
        (row,) = report.rows
        assert row.ratio < 32
        assert row.verdict is Verdict.MISMATCH
