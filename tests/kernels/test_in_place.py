"""What kernels compute where it is needed: parts of a joined array in it, and pools place by place."""

from __future__ import annotations

import pytest

from backpropsym.kernels.compile import compile_kernel
from backpropsym.spec.toml import parse_network


def statements(formula: str, shape: list[int]) -> str:
    """The forward part of a kernel."""
    text = f'inputs = {{x = {shape}}}\noutput = "a"\n[nodes]\na = "sum({formula})"\n'
    source = compile_kernel(parse_network(text)).source
    return source[source.index("    # forward") : source.index("    # derivatives")]


@pytest.mark.parametrize("formula", ["concat(tanh(x), exp(x))**3", "concat(tanh(x), sin(x), exp(x))**3"])
def test_what_is_joined_is_not_copied(formula: str) -> None:
    assert "_np.concatenate" not in statements(formula, [3])


@pytest.mark.parametrize(
    ("formula", "operation"),
    [
        ("max_pool1d(x, 2)**2", "_np.maximum("),
        ("avg_pool1d(x, 2)**2", "_np.add("),
        ("max_pool1d(x, 3, stride=1)**2", "_np.maximum("),
    ],
)
def test_a_pool_compares_places_and_lays_out_no_windows(formula: str, operation: str) -> None:
    source = statements(formula, [2, 6])
    assert operation in source
    assert "_read(" not in source and "as_strided" not in source and "reduce(x" not in source
