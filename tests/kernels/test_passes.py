"""Passes over programs of arrays: executed plainly, each keeps every value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.kernels.ir.array_operations import BATCH
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Program
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from backpropsym.kernels.passes.pipeline import PASSES, Pass
from backpropsym.kernels.passes.rebuilding import Rebuilding
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.networks import numbers
from tests.kernels.plain import executed
from tests.kernels.random_rows import random_rows, recurrent

PROGRAMS: dict[str, Callable[[np.random.Generator], str]] = {
    "recurrent": recurrent,
    "rows of equal sizes": lambda random: random_rows(random, equal=True),
    "rows of different sizes": lambda random: random_rows(random, equal=False),
}
SEEDS = range(12)


def _lowered(graph: Graph, by_value: bool = True) -> tuple[ArrayLowering, Program]:
    """A network as a program of its value and its gradients."""
    lowering = ArrayLowering(graph, by_value)
    return lowering, lowering.reverse(graph.names(Role.PARAMETER))


def _passed(one: Pass, program: Program, values: ArrayValues) -> Rebuilding:
    """A program after one pass."""
    rebuilding = Rebuilding(program, values, one(program, values))
    rebuilding.program, rebuilding.values = rebuilding.run()
    return rebuilding


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_pass_keeps_every_value(seed: int, make: Callable[[np.random.Generator], str]) -> None:
    """Before and after, executed plainly: an axis taken for another of the same size gives other numbers."""
    graph, batch = parse_network(make(np.random.default_rng(seed))), 3
    leaves = numbers(graph, np.random.default_rng(seed + 50), batch)
    for by_value in (True, False):
        lowering, program = _lowered(graph, by_value)
        before = executed(program, lowering.values, leaves, {BATCH: batch})
        _is_the_reverse_sweep(graph, leaves, batch, program, before)
        values = lowering.values
        for one in PASSES:
            passed = _passed(one, program, values)
            program, values = passed.program, passed.values
            after = executed(program, values, leaves, {BATCH: batch})
            for position, value in before.items():
                place = passed.moved[position]
                if place in after:
                    message = f"{one.__name__}: {position}"
                    np.testing.assert_allclose(after[place], value, rtol=1e-9, atol=1e-12, err_msg=message)
            before = after


READS = {
    "chosen by data": ("x = [3, 4], c = []", 'z = "x[0, c]*w[0] + cross_entropy(tanh(x @ w), c)"'),
    "chosen by an array": ("x = [3, 4], c = [3]", '"z[i]" = "x[i, c[i]]*w[c[i]]"'),
    "counted from data": ("x = [3, 4], c = []", '"z[i]" = "x[i, 2*c + 1]*w[c + 1]"'),
    "repeated": ("x = [2, 2]", 'z = "upsample(x, 2) @ w"'),
    "between zeros": ("x = [2, 4]", 'z = "conv_transpose1d(x, reshape(w, 2, 1, 2), stride=2, padding=1)"'),
    "outside of a pool": ("x = [6]", 'z = "max_pool1d(x, 2, stride=2, padding=1)*w"'),
    "constants": ("x = [2]", 'z = "x*k + w[0]"'),
}


@pytest.mark.parametrize(("inputs", "node"), READS.values(), ids=READS)
def test_reads_executed_place_by_place_are_the_reverse_sweep(inputs: str, node: str) -> None:
    head = f'inputs = {{{inputs}}}\nparameters = {{w = [4]}}\nconstants = {{k = [-0.0, 2]}}\noutput = "a"\n'
    graph = parse_network(f'{head}[nodes]\n{node}\na = "sum(z*z)"\n')
    leaves = numbers(graph, np.random.default_rng(0), 3)
    lowering, program = _lowered(graph)
    _is_the_reverse_sweep(graph, leaves, 3, program, executed(program, lowering.values, leaves, {BATCH: 3}))


def _is_the_reverse_sweep(
    graph: Graph, leaves: Mapping[str, Any], batch: int, program: Program, executed_values: Mapping[int, Any]
) -> None:
    network = ArrayNetwork(graph, leaves, batch)
    value = network.forward(graph.objective)
    adjoints = network.reverse(graph.objective, np.full_like(value, 1.0 / np.size(value), dtype=float))
    np.testing.assert_allclose(executed_values[program.value], np.mean(value), rtol=1e-10)
    for name, position in program.gradients.items():
        expected = adjoints.get(name, np.zeros(np.shape(leaves[name])))
        found = np.broadcast_to(executed_values[position], expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_random_programs_give_every_pass_something_to_do() -> None:
    counts: Counter[str] = Counter()
    for make in PROGRAMS.values():
        for seed in SEEDS:
            lowering, program = _lowered(parse_network(make(np.random.default_rng(seed))))
            values = lowering.values
            for one in PASSES:
                passed = _passed(one, program, values)
                program, values = passed.program, passed.values
                counts[one.__name__] += bool(passed.replacements)
    assert all(counts[one.__name__] >= 3 for one in PASSES), counts


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
def test_derivatives_begin_with_the_same_value_after_each_pass(make: Callable[[np.random.Generator], str]) -> None:
    lowering, program = _lowered(parse_network(make(np.random.default_rng(0))))
    values = lowering.values
    for one in PASSES:
        passed = _passed(one, program, values)
        assert passed.program.backward == passed.moved[program.backward], one.__name__
        program, values = passed.program, passed.values


def _forward(nodes: Mapping[str, str]) -> str:
    """The forward part of a kernel that reads rows of an input."""
    head = 'inputs = {x = [5, 4]}\nparameters = {W = [2, 4], U = [2, 2], b = [2]}\noutput = "a"\n[nodes]\n'
    lines = [f'{name} = "{formula}"' for name, formula in nodes.items()]
    source = compile_kernel(parse_network(head + "\n".join(lines))).source
    return source[source.index("# forward") : source.index("# derivatives")]


@pytest.mark.parametrize(("rows", "calls"), [((0, 1, 2, 3, 4), 1), ((0, 1, 3), 2), ((0, 2, 4), 3)])
def test_a_function_of_rows_is_called_once_for_neighbours(rows: tuple[int, ...], calls: int) -> None:
    source = _forward({"a": f"sum({'*'.join(f'tanh(x[{row}])' for row in rows)})"})
    assert source.count("_np.tanh(") == calls


def test_a_bias_is_added_to_all_steps_at_once() -> None:
    steps = {f"h{step}": f"tanh(W@x[{step}] + U@h{step - 1} + b)" for step in range(1, 5)}
    source = _forward({"h0": "tanh(W@x[0] + b)", **steps, "a": "sum(h4)"})
    assert source.count(", b, out=") == 1
