"""Numbers and arrays are lowered alike: one object without axes, a batch with an axis of objects."""

from __future__ import annotations

import numpy as np
import pytest

from backpropsym.graph.graph import Role
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.kernels.ir.array_operations import BATCH
from backpropsym.kernels.ir.program import Kind
from backpropsym.kernels.ir.verifier import verification, verify
from backpropsym.kernels.lowering.lower import lower
from tests.kernels.networks import lecture, lecture_values
from tests.kernels.plain import executed

FUNCTIONS = ("relu", "tanh", "sigmoid", "gelu", "softplus")
MODES = ("reverse", "forward")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_object_of_numbers_is_arithmetic_alone(function: str, mode: str) -> None:
    graph = lecture(function)
    program = lower(graph, mode, graph.names(Role.PARAMETER), batch=False)[1]
    assert all(item.kind is not Kind.OPERATION and not item.batched for item in program.items)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_batch_of_numbers_is_the_mean_over_its_objects(function: str, mode: str) -> None:
    graph, one = lecture(function), lecture_values()
    lowering, program = lower(graph, mode, graph.names(Role.PARAMETER))
    with verification():
        verify("lowering", program, lowering.values, {name: () for name in program.gradients})
    batch = {name: np.array([one[name], -0.5, 2.0]) for name in graph.names(Role.INPUT, Role.TARGET)}
    found = executed(program, lowering.values, {**one, **batch}, {BATCH: 3})
    kernel = compile_kernel(graph, mode)
    objects = [kernel(**one | {name: float(column[row]) for name, column in batch.items()}) for row in range(3)]
    assert found[program.value] == pytest.approx(np.mean([value for value, _ in objects]), rel=1e-13)
    for name, position in program.gradients.items():
        expected = np.mean([gradients[name] for _, gradients in objects])
        assert found[position] == pytest.approx(expected, rel=1e-12, abs=1e-15), name


def test_what_computes_batches_is_lowered_when_it_is_needed() -> None:
    kernel = compile_kernel(lecture("tanh"))
    task = kernel.func.__globals__["_limits"].__self__.text.task
    assert "batch_program" not in vars(task)
    assert "def _arrays(" in kernel.source
    assert "batch_program" in vars(task)
