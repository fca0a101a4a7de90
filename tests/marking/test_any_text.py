"""Whatever a person writes as a claim gets a verdict or an error of ours, in bounded time."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import backpropsym as bp
from backpropsym.errors import BackpropsymError, FormulaError
from backpropsym.marking.mark import Marker
from backpropsym.marking.verify import Verdict
from tests.hostile import TEXTS

ENTRIES = bp.loads(
    'inputs = {x = [3], s = []}\ntargets = {y = [2]}\nparameters = {W = [2, 3], b = [2]}\noutput = "z"\n'
    'loss = "sum((z - y)**2)*s"\n[nodes]\nz = "tanh(W @ x + b)"\n'
)
MARKERS = {
    "lecture": (Marker(bp.example("lecture").graph), "w11", None),
    "entry": (Marker(ENTRIES.graph), "W[1,2]", None),
    "entries": (Marker(ENTRIES.graph), "W[i,j]", None),
    "array": (Marker(ENTRIES.graph), "b", "z[0]"),
}
NAMES = [
    "x1",
    "w11",
    "v_{11}",
    "p₁₁",
    "f",
    "f'",
    "s1",
    "a",
    "k",
    "i",
    "j",
    "W",
    "x",
    "b",
    "z",
    "y",
    "s",
    "e",
    "pi",
    "n",
]
NUMBERS = ["0", "1", "2", "9", "1/2", "1e9", "1e-300", "0.5", "-1", "64", "99999999999999999999", "1e", ".", "²", "⁻¹"]
CALLS = [
    "sum(",
    "mean(",
    "norm(",
    "var(",
    "where(",
    "max(",
    "sigmoid(",
    "softmax(",
    "tanh'(",
    "relu''(",
    "grad(",
    "Sum(",
]
LATEX = [
    r"\sum_{k=0}^{9}",
    r"\sum_k",
    r"\sum_{i}",
    r"\frac{1}",
    r"\frac",
    r"\sqrt",
    r"\sqrt{",
    r"\cdot",
    r"\left(",
    r"\right)",
]
LATEX += [
    r"\partial",
    r"\sigma",
    r"\tanh^2",
    r"^{\prime}",
    r"\mathbf{W}",
    r"\text{x}",
    r"\delta_{ij}",
    r"\begin{cases}",
    "&",
    r"\\",
]
SIGNS = list("+-*/^_(){}[]|,=<>'!@%·−×∑∂′√∞δ ") + [
    "**",
    "<=",
    "==",
    "(k,0,9)",
    "(k,0,k)",
    "(x1,0,2)",
    "[0]",
    "[1,2]",
    "[i]",
    "[k]",
]
SIGNS += ["_{1,2}", "[-1]", "[i+1]", "[1.5]", "[9]", "axis=0", "axis=7", ")", ")", "}", "}"]

PIECES = st.lists(st.sampled_from([*NAMES, *NUMBERS, *CALLS, *LATEX, *SIGNS]), min_size=1, max_size=12)
CLAIMS = st.one_of(
    PIECES.map("".join),
    PIECES.map(" ".join),
    st.text(max_size=60),
    st.tuples(st.sampled_from(TEXTS), PIECES.map("".join)).map("".join),
)


def answered(kind: str, claim: str) -> None:
    marker, wrt, of = MARKERS[kind]
    with contextlib.suppress(BackpropsymError):
        assert isinstance(marker.verify(claim, wrt, of), Verdict)


@pytest.mark.parametrize("kind", MARKERS)
@settings(max_examples=120, deadline=None)
@given(claim=CLAIMS)
def test_any_claim_is_answered(kind: str, claim: str) -> None:
    answered(kind, claim)


def formulas(names: list[str]) -> st.SearchStrategy[str]:
    """Claims that are mostly in the language, for what comes after it is read."""
    leaves = st.sampled_from([*names, "0", "1", "2", "1/3", "1e-30", "1e30"])
    wraps = ["({0} + {1})", "{0}*{1}", "({0})/({1})", "({0})^2", "({0})^{{-1}}", "-({0})", "tanh({0})", "relu'({0})"]
    wraps += [r"\frac{{{0}}}{{{1}}}", "log({0})", "sqrt({0})", "exp({0})", "where({0} > {1}, {0}, 1)", "|{0}|"]
    wraps += [r"\sum_{{k=0}}^{{2}} ({0})", r"\sum_{{k=0}}^{{1}} ({0} + {1})", "({0})^{{1/2}}"]
    joined = st.sampled_from(wraps)
    return st.recursive(leaves, lambda inner: st.builds(str.format, joined, inner, inner), max_leaves=6)


@settings(max_examples=100, deadline=None)
@example(claim="exp(1e30)")
@given(claim=formulas(["x1", "w11", "f'(s1)", "p11", "h1", "a", "f(u2)"]))
def test_any_formula_about_numbers_is_answered(claim: str) -> None:
    answered("lecture", claim)


@settings(max_examples=100, deadline=None)
@given(claim=formulas(["x[2]", "x[k]", "W[1,k]", "z[1]", "y[i]", "b[0]", "s", "sum(x)", "norm(W[0,0])"]))
def test_any_formula_about_entries_is_answered(claim: str) -> None:
    answered("entry", claim)
    answered("entries", claim)


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        (r"\sum_{k=0}^{9} x1", False),
        (r"\sum_{k=1}^{1} x1*f'(s1)*(p11*f'(u1)*v11 + p21*f'(u2)*v12)", True),
        (r"\sum_{k=1}^{2} \frac{1}{2} x_1 f'(s_1) (p_{11} f'(u_1) v_{11} + p_{21} f'(u_2) v_{12})", True),
        (r"\sum_{k=1}^{0} x1", False),
    ],
)
def test_sums_over_an_index_in_a_network_of_numbers_are_added_up(claim: str, right: bool) -> None:
    assert MARKERS["lecture"][0].verify(claim, "w11").right is right


@pytest.mark.parametrize(
    "claim", [r"\sum_{k=0}^{999999999} x1", r"\sum_{k=0}^{x1} x1", r"\sum_{k=0}^{1/2} x1", r"\sum_k x1"]
)
def test_sums_of_too_many_or_no_terms_are_told(claim: str) -> None:
    with pytest.raises(FormulaError):
        MARKERS["lecture"][0].verify(claim, "w11")
