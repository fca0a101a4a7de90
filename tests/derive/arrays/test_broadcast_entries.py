"""The derivative of one entry by one entry, where axes of size 1 are repeated: each pair of entries, by numbers."""

from __future__ import annotations

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.evaluate import differences
from backpropsym.graph.unroll import entry_name

CASES = {
    "one matrix by several": ("w @ x", [1, 2, 2], [2, 2, 2]),
    "several matrices by one": ("x @ w", [1, 2, 2], [2, 2, 2]),
    "rows of one": ("w*x", [1, 2], [3, 2]),
    "columns of one": ("tanh(w) + x", [2, 1], [2, 3]),
    "fewer axes": ("w*x*x", [1], [2, 2]),
    "both repeated": ("w*x", [2, 1], [1, 3]),
    "repeated in a sum": ("sum(w*x, axis=0)", [1, 2], [3, 2]),
    "one of a stack": ("stack(w, w)*x", [1, 2], [2, 2, 2]),
}


@pytest.mark.parametrize("name", CASES)
def test_each_entry_by_each_entry(name: str) -> None:
    formula, w, x = CASES[name]
    nodes = f'h = "{formula}"\na = "sum(h*h)"'
    net = bp.loads(f'inputs = {{x = {x}}}\nparameters = {{w = {w}}}\noutput = "a"\n[nodes]\n{nodes}')
    random = np.random.default_rng(0)
    at = {"x": random.normal(size=x), "w": random.normal(size=w)}
    for leaf in at:
        right = differences.complex_step(net.graph, at, "h", [leaf])[leaf]
        for position in np.ndindex(*right.shape):
            of, wrt = position[: len(net.graph["h"].shape)], position[len(net.graph["h"].shape) :]
            found = net.derive(entry_name("h", of), wrt=entry_name(leaf, wrt))
            assert found.evaluate(**at) == pytest.approx(right[position], rel=1e-12, abs=1e-14), (of, wrt)
