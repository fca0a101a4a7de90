"""Every view of a derivative of tensors gives the same numbers: arrays, complex steps, kernels, index form, paths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backpropsym.checks.check import check_graph
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.entry_derivation import EntryDerivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.evaluate.arithmetic import COMPLEX, evaluate
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.formula.tree import number, substitute
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import EntryReader, entry_name, unroll
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.networks import NETWORKS, numbers

STEP = 1e-100
MOST_ENTRIES = 4


def _graph(name: str) -> tuple[Graph, str]:
    text, of = NETWORKS[name]
    return parse_network(text), of


def _leaves(graph: Graph) -> list[str]:
    return list(graph.names(Role.PARAMETER, Role.INPUT))


def _adjoints(graph: Graph, of: str, values: dict[str, Any], batch: int | None = None) -> tuple[Any, dict[str, Any]]:
    network = ArrayNetwork(graph, values, batch)
    value = network.forward(of)
    return network, network.reverse(of, np.full_like(value, 1.0 / (batch or 1), dtype=float))


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_reverse_sweep_agrees_with_a_complex_step(name: str, batch: int | None) -> None:
    graph, of = _graph(name)
    values = numbers(graph, np.random.default_rng(0), batch)
    _, adjoints = _adjoints(graph, of, values, batch)
    for leaf in _leaves(graph):
        for position in list(np.ndindex(*np.shape(values[leaf])))[:12]:
            stepped = {key: np.array(value, dtype=complex) for key, value in values.items()}
            stepped[leaf][position] += 1j * STEP
            moved = ArrayNetwork(graph, stepped, batch, COMPLEX).forward(of)
            assert adjoints[leaf][position] == pytest.approx(np.mean(np.imag(moved)) / STEP, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_kernel_agrees_with_the_reverse_sweep(name: str, batch: int | None) -> None:
    graph, of = _graph(name)
    values = numbers(graph, np.random.default_rng(1), batch)
    before = {key: np.array(value) for key, value in values.items()}
    network, adjoints = _adjoints(graph, of, values, batch)
    free = {key: value for key, value in values.items() if graph[key].role is not Role.CONSTANT}
    value, gradients = compile_kernel(graph)(**free)
    assert value == pytest.approx(float(np.mean(network.values[of])), rel=1e-12)
    assert set(gradients) == set(graph.names(Role.PARAMETER))
    for leaf, gradient in gradients.items():
        assert np.shape(gradient) == graph[leaf].shape
        np.testing.assert_allclose(gradient, adjoints[leaf], rtol=1e-10, atol=1e-12)
    for key, array in values.items():
        np.testing.assert_array_equal(array, before[key])


@pytest.mark.parametrize("name", NETWORKS)
def test_index_form_and_unrolled_paths_agree_with_the_reverse_sweep(name: str) -> None:
    graph, of = _graph(name)
    values = numbers(graph, np.random.default_rng(2))
    network, adjoints = _adjoints(graph, of, values)
    entries = {
        entry_name(key, position): np.asarray(array)[position]
        for key, array in network.values.items()
        for position in np.ndindex(*np.shape(array))
    }
    unrolled = unroll(graph)
    local = LocalDerivatives(unrolled)
    free = [node.name for node in unrolled.nodes.values() if node.op is None and node.role is not Role.CONSTANT]
    given = {name: entries[name] for name in free if name in entries}
    for leaf in _leaves(graph):
        derivation = TensorDerivation(graph, of, leaf)
        for position in list(np.ndindex(*graph[leaf].shape))[:MOST_ENTRIES]:
            expected = pytest.approx(float(adjoints[leaf][position]), rel=1e-9, abs=1e-11)
            indices = dict(zip(derivation.indices, map(number, position), strict=True))
            concrete = EntryReader(graph).concrete(substitute(derivation.tree(), indices))
            assert float(evaluate(concrete, entries, graph.functions)) == expected
            assert Derivation(local, of, entry_name(leaf, position)).evaluate(**given) == expected


@pytest.mark.parametrize("name", ["perceptron", "convolutions", "softmax by hand"])
def test_paths_between_entries_are_those_of_the_unrolled_network(name: str) -> None:
    graph, of = _graph(name)
    local = LocalDerivatives(unroll(graph))
    leaf = graph.names(Role.PARAMETER)[0]
    position = (0,) * len(graph[leaf].shape)
    found = EntryDerivation(graph, (of, ()), (leaf, position))
    whole = Derivation(local, of, entry_name(leaf, position))
    assert found.count == whole.count > 0
    assert sorted(term.path for term in found.terms) == sorted(term.path for term in whole.terms)


def test_evaluate_gives_the_jacobian_with_the_axes_of_of_first() -> None:
    graph, _ = _graph("perceptron")
    values = numbers(graph, np.random.default_rng(3))
    jacobian = TensorDerivation(graph, "o", "W1").evaluate(**values)
    assert jacobian.shape == (2, 4, 3)
    for row in range(2):
        network = ArrayNetwork(graph, values)
        seed = np.zeros_like(network.forward("o"))
        seed[row] = 1.0
        np.testing.assert_allclose(jacobian[row], network.reverse("o", seed)["W1"], rtol=1e-12)


def test_evaluate_takes_the_mean_over_a_batch() -> None:
    graph, of = _graph("perceptron")
    values = numbers(graph, np.random.default_rng(4), batch=3)
    objects = [{k: v[i] if k in graph.batched else v for k, v in values.items()} for i in range(3)]
    derivation = TensorDerivation(graph, of, "W1")
    mean = np.mean([derivation.evaluate(**each) for each in objects], axis=0)
    np.testing.assert_allclose(derivation.evaluate(**values), mean, rtol=1e-12)


def test_the_derivative_by_an_input_that_is_not_used_is_an_array_of_zeros() -> None:
    """In the shape of one object, although a batch is given."""
    graph = parse_network(
        "inputs = {x = [3], z = [2]}\noutput = 'a'\nloss = 'l'\n[nodes]\na = 'sum(x)'\nl = 'a + sum(z)'\n"
    )
    values = {"x": np.ones((4, 3)), "z": np.ones((4, 2))}
    np.testing.assert_array_equal(TensorDerivation(graph, "a", "z").evaluate(**values), np.zeros(2))
    np.testing.assert_array_equal(TensorDerivation(graph, "l", "z").evaluate(**values), np.ones(2))


@pytest.mark.parametrize("name", NETWORKS)
def test_check_passes_on_correct_networks(name: str) -> None:
    report = check_graph(_graph(name)[0], samples=2)
    report.raise_for_failure()
    assert report.rows and all(row.ratio <= 32 for row in report.rows)


def test_check_rejects_a_wrong_rule_and_names_its_link(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ArrayNetwork._pull

    def wrong(self: ArrayNetwork, node: Any, adjoint: Any) -> list[tuple[str, Any]]:
        parts = right(self, node, adjoint)
        return [(parent, part * (1 + 1e-9) if node.name == "z" else part) for parent, part in parts]

    monkeypatch.setattr(ArrayNetwork, "_pull", wrong)
    report = check_graph(_graph("perceptron")[0])
    assert not report.passed
    assert {fault.place for fault in report.faults} == {"s -> z"}
    assert {row.name for row in report.rows if row.verdict == "MISMATCH"} == {"W1", "b1"}
