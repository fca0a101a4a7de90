"""Sums of terms with what they share before brackets: the value stays, and so does what a person reads."""

from __future__ import annotations

import pytest

from backpropsym.derive.paths.index_composer import gathered
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.text import to_text
from backpropsym.ops.function_table import FunctionTable

SIGNATURES = FunctionTable().signatures


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["a*b", "a*c"], "a*(b + c)"),
        (["a*b", "-(a*c)"], "a*(b - c)"),
        (["-(a*b)", "a*c"], "a*(-b + c)"),
        (["a*b*c", "a*b*d", "a*b*e"], "a*b*(c + d + e)"),
        (["a*b*c", "a*c*b"], "a*(b*c + c*b)"),
        (["a*b", "a"], "a*(b + 1)"),
        (["2*a", "2*b"], "2*a + 2*b"),
        (["a*b", "c*b"], "a*b + c*b"),
        (["a*b"], "a*b"),
        (["-(a*b)"], "-a*b"),
    ],
)
def test_what_terms_begin_with_stands_once(terms: list[str], expected: str) -> None:
    assert to_text(gathered([parse_formula(term, SIGNATURES) for term in terms])) == expected
