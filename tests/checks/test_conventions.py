"""Conventions at kinks are found in functions that are defined by others."""

from __future__ import annotations

import pytest

from backpropsym.checks.conventions import declared_conventions
from backpropsym.spec.toml import parse_network

TEXT = """
inputs = ["x"]
output = "a"
[functions]
f = "relu"
g = "f(x) + tanh(x)"
[nodes]
a = "{formula}"
"""


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("relu(x)", ["relu'(0) = 0"]),
        ("f(x)", ["f'(0) = 0"]),
        ("g(x)", ["f'(0) = 0"]),
        ("tanh(x)", []),
        ("elu(g(x))", ["elu'(0) = alpha", "f'(0) = 0"]),
    ],
)
def test_conventions_of_a_formula(formula: str, expected: list[str]) -> None:
    graph = parse_network(TEXT.replace("{formula}", formula))
    node = graph["a"].formula
    assert node is not None
    assert sorted(declared_conventions(graph, node)) == expected
