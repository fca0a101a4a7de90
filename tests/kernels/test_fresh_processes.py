"""What comes out of a pickle works in a process that has imported nothing else of the package."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpropsym as bp

NET = bp.loads(
    """
    inputs = {x = [3]}
    parameters = {w = [3]}
    output = "L"

    [nodes]
    m = "mean(w*x) + var(x*w) + max(w) + logsumexp(w*x) + sum(layer_norm(w))"
    L = "m*m"
    """
)
VALUES = {"x": np.array([1.0, 2.0, 3.0]), "w": np.array([0.1, 0.2, 0.3])}
KERNEL = NET.compile()
CALLS: dict[str, tuple[Any, str]] = {
    "network": (NET, "found.compile()(**values)"),
    "graph": (NET.graph, "__import__('backpropsym.graph.unroll', fromlist=['unroll']).unroll(found)"),
    "kernel": (KERNEL, "found(**values)"),
    "product": (KERNEL.hvp, "found(values, {'w': values['w']}, ('w',))"),
    "derivation": (NET.derive(wrt="w"), "found.evaluate(**values), found.expression('matrix')"),
    "second derivatives": (NET.hessian("L", "w"), "found.evaluate(**values)"),
}


@pytest.mark.parametrize("name", CALLS)
def test_it_works_in_a_fresh_process(name: str, tmp_path: Path) -> None:
    found, call = CALLS[name]
    path = tmp_path / "it"
    path.write_bytes(pickle.dumps((found, VALUES)))
    program = f"import pickle; found, values = pickle.load(open({str(path)!r}, 'rb')); {call}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
