"""An index that runs over a part of an axis, below it a reshape: what is outside of the part must stay outside."""

from __future__ import annotations

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.evaluate.differences import complex_step
from backpropsym.evaluate.reference import Reference
from tests.stream.compare import agrees
from tests.stream.printed import stated

SLICES = ("0:1", "0:2", "1:3", "2:", ":", "::2", "1::2", "::-1", "2:0:-1", "-1:")


@pytest.mark.parametrize("moved", ["flatten(u)", "reshape(u, 4)", "reshape(transpose(u), 4)", "reshape(u, 4, 1)[:, 0]"])
@pytest.mark.parametrize("part", SLICES)
def test_printed_derivatives_of_a_part_of_reshaped_entries(moved: str, part: str) -> None:
    net = bp.loads(
        'parameters = {u = [2, 2]}\noutput = "h"\n[nodes]\n'
        f'p = "{moved}"\ng = "p[{part}]"\nz = "sin(g)"\nh = "sum(z*z)"\n'
    )
    graph, leaves = net.graph, {"u": np.array([[0.3, -1.1], [0.7, 2.0]])}
    right = complex_step(graph, leaves, "h", ["u"])["u"]
    values = {name: Reference(graph, leaves).array(name) for name in graph.nodes}
    compared = 0
    for form in ("index", "matrix"):
        for what, got, expected in stated(tensor_data(TensorDerivation(graph, "h", "u"), form), graph, values, right):
            assert agrees(got, expected, 1e-12), what
            compared += 1
    assert compared >= 4
