"""Every op, layer and loss over axes: tangents against finite differences, and forward against reverse."""

from __future__ import annotations

import numpy as np
import pytest

from backpropsym.graph.graph import Role
from backpropsym.kernels.api.compile import compile_kernel
from tests.derive.arrays.test_cases import drawn
from tests.peers.cases import BY_FORMULA


@pytest.mark.parametrize("name", BY_FORMULA)
def test_tangents_cotangents_and_second_derivatives_of_every_case(name: str) -> None:
    case = BY_FORMULA[name]
    graph, values, random = drawn(case, 11)
    kernel = compile_kernel(graph)
    leaves = graph.names(Role.INPUT, Role.PARAMETER)
    moving = [leaf for leaf in leaves if leaf not in case.constant]
    direction = {leaf: random.normal(size=np.shape(values[leaf])) for leaf in moving}
    gradients = kernel.gradients(values, moving)[1]
    slope = sum(float(np.sum(gradients[leaf] * direction[leaf])) for leaf in moving)
    assert kernel.jvp(values, direction)["total"] == pytest.approx(slope, rel=1e-10, abs=1e-11)
    ahead, behind = (
        {**values, **{leaf: values[leaf] + sign * 1e-6 * direction[leaf] for leaf in moving}} for sign in (1, -1)
    )
    assert slope == pytest.approx((kernel(**ahead)[0] - kernel(**behind)[0]) / 2e-6, rel=1e-5, abs=1e-6)
    curved = kernel.hvp(values, direction, moving)
    after, before = (kernel.gradients(each, moving)[1] for each in (ahead, behind))
    for leaf in moving:
        numeric = (np.asarray(after[leaf]) - before[leaf]) / 2e-6
        scale = max(1.0, float(np.max(np.abs(numeric), initial=0.0)))
        np.testing.assert_allclose(curved[leaf], numeric, rtol=1e-4, atol=3e-6 * scale)
