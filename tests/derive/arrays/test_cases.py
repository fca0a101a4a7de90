"""Every op, layer and loss over axes, in every option, over random shapes: all views of its derivative agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backpropsym.checks.check import check_graph
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.evaluate.arithmetic import COMPLEX, evaluate
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.formula.tree import Call, number, substitute, walk
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import EntryReader, entry_name, unroll
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.sequences import SEQUENCES
from tests.peers.cases import BY_FORMULA, CASES, Case, batched_network, drawn_shapes, drawn_values, network

STEP = 1e-100
MOST_ENTRIES = 3
MOST_TERMS = 3000


def drawn(case: Case, seed: int) -> tuple[Graph, dict[str, Any], np.random.Generator]:
    """The case at random shapes, numbers for its leaves, and what they were drawn by."""
    random = np.random.default_rng(seed)
    shapes = drawn_shapes(case, random)
    graph = network(case, shapes)
    weights = random.normal(size=graph["weights"].shape)
    return graph, {**drawn_values(case, shapes, random), "weights": weights}, random


def some(shape: tuple[int, ...], random: np.random.Generator) -> list[tuple[int, ...]]:
    positions = list(np.ndindex(*shape))
    return [positions[index] for index in random.permutation(len(positions))[:MOST_ENTRIES]]


@pytest.mark.parametrize("name", BY_FORMULA)
def test_all_views_of_the_derivative_agree(name: str) -> None:
    """Complex step, reverse sweep, kernel, index form in numbers, and the sum over unrolled paths term by term."""
    graph, values, random = drawn(BY_FORMULA[name], 11)
    arrays = ArrayNetwork(graph, values)
    adjoints = arrays.reverse("total", np.ones_like(arrays.forward("total")))
    value, gradients = compile_kernel(graph)(**values)
    assert value == pytest.approx(float(arrays.values["total"]), rel=1e-12, abs=1e-13)
    numbers = {
        entry_name(key, position): np.asarray(array)[position]
        for key, array in arrays.values.items()
        for position in np.ndindex(*np.shape(array))
    }
    unrolled = unroll(graph)
    local = LocalDerivatives(unrolled)
    given = {key: each for key, each in numbers.items() if key in unrolled.nodes and unrolled[key].op is None}
    for leaf in graph.names(Role.PARAMETER):
        np.testing.assert_allclose(gradients[leaf], adjoints[leaf], rtol=1e-10, atol=1e-12)
        derivation = TensorDerivation(graph, "total", leaf)
        for position in some(np.shape(values[leaf]), random):
            expected = pytest.approx(float(adjoints[leaf][position]), rel=1e-10, abs=1e-12)
            stepped = {key: np.array(each, dtype=complex) for key, each in values.items()}
            stepped[leaf][position] += 1j * STEP
            assert np.imag(ArrayNetwork(graph, stepped, None, COMPLEX).forward("total")) / STEP == expected
            indices = dict(zip(derivation.indices, map(number, position), strict=True))
            concrete = EntryReader(graph).concrete(substitute(derivation.tree(), indices))
            assert float(evaluate(concrete, numbers, graph.functions)) == expected
            entry = Derivation(local, "total", entry_name(leaf, position))
            assert entry.count <= MOST_TERMS
            assert sum(term.value for term in entry.numeric(given)) == expected


@pytest.mark.parametrize("name", BY_FORMULA)
def test_check_passes(name: str) -> None:
    graph, values, _ = drawn(BY_FORMULA[name], 12)
    report = check_graph(graph, samples=1, at=values)
    report.raise_for_failure()
    assert len(report.kernels) == 4


@pytest.mark.parametrize("name", BY_FORMULA)
def test_kernel_of_a_batch_is_the_mean_over_its_objects(name: str) -> None:
    case, random = BY_FORMULA[name], np.random.default_rng(13)
    shapes = drawn_shapes(case, random)
    graph = batched_network(case, shapes)
    kernel = compile_kernel(graph)
    objects = []
    for _ in range(3):
        values = {**drawn_values(case, shapes, random), "weights": random.normal(size=graph["weights"].shape)}
        objects.append({name: values.get(name.removesuffix("_in"), 0.0) for name in graph.names(Role.INPUT)})
    own = {name: np.zeros(graph[name].shape) for name in graph.names(Role.PARAMETER)}
    single = [kernel(**each, **own) for each in objects]
    batch = {name: np.stack([each[name] for each in objects]) for name in objects[0]}
    value, gradients = kernel(**batch, **own)
    assert value == pytest.approx(np.mean([each for each, _ in single]), rel=1e-12, abs=1e-13)
    arrays = ArrayNetwork(graph, {**batch, **own}, 3)
    adjoints = arrays.reverse("total", np.full_like(arrays.forward("total"), 1 / 3))
    for leaf in own:
        expected = np.mean([found[leaf] for _, found in single], axis=0)
        np.testing.assert_allclose(gradients[leaf], expected, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(adjoints[leaf], expected, rtol=1e-10, atol=1e-12)


def test_every_op_stands_in_a_case_with_each_of_its_options() -> None:
    used: dict[str, set[str]] = {}
    for case in CASES:
        used.setdefault(case.name, set()).update(case.options)
    for text in SEQUENCES.values():
        for formula in parse_network(text).written.values():
            for part in walk(formula):
                if isinstance(part, Call):
                    used.setdefault(part.function, set()).update(dict(part.options))
    missing = {
        name: sorted(
            {*op.signature.options, *(FUNCTIONS[name].defaults if name in FUNCTIONS else ())} - used.get(name, set())
        )
        for name, op in COMPOSITIONS.items()
    }
    assert {name: options for name, options in missing.items() if options or name not in used} == {}
