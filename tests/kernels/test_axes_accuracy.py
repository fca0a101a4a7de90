"""Every op, layer and loss over axes, near zero and far from it, against differences in many digits of its entries.

The judge is the network of entries, made from the index definitions, in mpmath; the kernel shares no code with it.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from backpropsym.checks.arrays.finite_differences import some_entries
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.arrays.unrolled import unrolled
from backpropsym.evaluate.number_systems import Switching
from backpropsym.kernels.api.compile import compile_kernel
from tests.peers.cases import BY_FORMULA, drawn_shapes, drawn_values, network

UNITS = 32
JUDGED = 1e-60
"""The judge's digits reach derivatives of so much, or of so much of the value."""
MOST_ENTRIES = 2


@pytest.mark.parametrize(("factor", "accuracy"), [(1.0, "default"), (30.0, "full"), (1000.0, "full")])
@pytest.mark.parametrize("formula", BY_FORMULA)
def test_gradients_are_right_to_their_last_digits(formula: str, factor: float, accuracy: str) -> None:
    """To a few units in the last place of the sum of absolute path products, as far as the numbers given say.

    A relative error of eps in an exponent of a thousand is one of a thousand eps in its exponential.
    """
    case, random = BY_FORMULA[formula], np.random.default_rng(0)
    shapes = drawn_shapes(case, random)
    values = drawn_values(case, shapes, random)
    graph = network(case, shapes)
    for name in values:
        if name not in case.constant and name not in case.values:
            values[name] = values[name] * factor
    values["weights"] = random.normal(size=graph["weights"].shape)
    value, gradients = compile_kernel(graph, accuracy=accuracy)(**values)
    entries = unrolled(graph)
    assert entries is not None, "the cases are small"
    point = ArrayPoint(graph, values, Switching(graph.functions))
    assert math.isfinite(value)
    for name, gradient in gradients.items():
        assert np.shape(gradient) == graph[name].shape
        assert np.all(np.isfinite(gradient))
        for at in some_entries(graph[name].shape, MOST_ENTRIES, random):
            size = float(np.broadcast_to(point.magnitudes[name], graph[name].shape)[at])
            if size < JUDGED * max(1.0, abs(value)) or point.crosses(name):
                continue
            alone = np.zeros(graph[name].shape)
            alone[at] = 1.0
            exact, _ = entries.slope(point, name, alone)
            assert (
                math.isnan(exact)
                or abs(np.asarray(gradient)[at] - exact) <= UNITS * factor * np.finfo(float).eps * size
            )
