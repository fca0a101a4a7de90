"""What a factored sum costs, counted by hand: factors of one cost nothing, wherever they stand."""

from __future__ import annotations

import pytest

import backpropsym as bp
from backpropsym.derive.analyses.operation_counts import factored_sum, path_sum


def derivation(*lines: str) -> bp.Derivation:
    nodes = "\n".join(f'{name} = "{formula}"' for name, formula in (line.split(" = ") for line in lines))
    return bp.loads(f'inputs = ["x", "b"]\noutput = "a"\n[nodes]\n{nodes}\n').derive("a", wrt="x")


@pytest.mark.parametrize(
    ("lines", "factored", "paths"),
    [
        (["a = x + b"], (0, 0), (0, 0)),
        (["h = exp(x)", "a = exp(h)"], (1, 0), (1, 0)),
        (["h = x + b", "a = exp(h)"], (0, 0), (0, 0)),
        (["e = exp(x)", "h = x + e", "a = h + b"], (0, 1), (0, 1)),
        (["e = exp(x)", "h = x + e", "a = exp(h)"], (1, 1), (1, 1)),
        (["u = x + b", "h = x + u", "a = exp(h)"], (1, 1), (0, 1)),
        (["u = exp(x)", "v = u + b", "h = x + v", "a = exp(h)"], (1, 1), (1, 1)),
        (["u = exp(x)", "v = exp(u)", "h = x + v", "a = exp(h)"], (2, 1), (2, 1)),
        (["u = x + b", "v = exp(u)", "h = x + v", "a = exp(h)"], (1, 1), (1, 1)),
        (["e = exp(x)", "h = x + e", "f = exp(h)", "k = h + f", "a = k + b"], (1, 2), (1, 3)),
    ],
)
def test_counts(lines: list[str], factored: tuple[int, int], paths: tuple[int, int]) -> None:
    counts = [
        (cost.multiplications, cost.additions)
        for cost in (factored_sum(derivation(*lines)), path_sum(derivation(*lines)))
        if cost
    ]
    assert counts == [factored, paths]
