"""The language of claims: formulas, LaTeX and Unicode give the same tree; hostile text gives a bounded error."""

import random

import pytest

import backpropsym as bp
from backpropsym.errors import FormulaError
from backpropsym.formula.claims.indices import Asked
from backpropsym.formula.claims.parse import parse_claim
from backpropsym.formula.claims.scanner import MAX_CHARACTERS
from backpropsym.formula.text import to_text
from backpropsym.marking.verify import vocabulary
from tests.marking.networks import lecture

WORDS = vocabulary(lecture("sigmoid"), Asked("w11", ()))
TENSORS = vocabulary(bp.parse("x[3] -> dense(4, tanh) -> dense(2) -> mse").graph, Asked("W1", (("i", 4), ("j", 3))))
AWKWARD = """
inputs = ["x_in", "e", "sigma"]
parameters = ["w_1_1", "beta2", "f"]
output = "a"
[nodes]
s_out = "w_1_1*x_in + beta2*e"
a = "tanh(s_out)*sigma + f"
"""

SAME = [
    ("f_prime(s1)", ["f'(s1)", "f'(s_1)", r"f^{\prime}(s_1)", r"f^\prime \left( s_{1} \right)", "f′(s₁)", "f’(s1)"]),
    (
        "x1*v11",
        ["x1 v11", "x_1v_{11}", r"x_1 \cdot v_{1,1}", "x₁·v₁₁", r"\mathrm{x}_1 \times v_{11}", "x_{1}\\,v_{1 1}"],
    ),
    ("x1*f_prime(s1)*v11", ["x1*f'(s1)*v11", "x_1f'(s_1)v_{11}", "x₁ f′(s₁) v₁₁", r"$x_1 f'(s_1) v_{11}$"]),
    ("f_prime(s1)**2", ["f'(s1)**2", "f'(s1)^2", "f'(s_1)^{2}", "f′(s₁)²"]),
    ("tanh(s1)**2", ["tanh(s1)**2", r"\tanh^2(s_1)", r"\tanh^{2} s_1", r"\left(\tanh s_1\right)^2"]),
    ("sigmoid(s1)", ["sigmoid(s1)", r"\sigma(s_1)", "σ(s₁)", r"\operatorname{sigmoid}(s_1)"]),
    (
        "1/(1 + exp(-s1))",
        [r"\frac{1}{1 + e^{-s_1}}", "1/(1 + exp(-s1))", r"\frac1{1+\exp(-s_1)}", r"\dfrac{1}{1+e^{-s_1}}"],
    ),
    ("(a - y)*2", ["(a - y)*2", "(a−y)·2", r"\bigl(a - y\bigr) \cdot 2", "[a - y] 2"]),
    (
        "p11*f(u1)",
        [r"\frac{\partial a}{\partial v_{11}} = p_{11} f(u_1)", "da/dv11 = p11*f(u1)", "∂a/∂v₁₁ = p₁₁ f(u₁)"],
    ),
    ("-x1**2", ["-x1**2", "-x_1^2", "−x₁²"]),
    ("x1/x2*y", ["x1/x2*y", "x1/x2 y"]),
    ("sqrt(x1)", ["sqrt(x1)", r"\sqrt{x_1}"]),
    ("abs(x1)", ["abs(x1)", "|x_1|", r"\left|x_1\right|", r"\lvert x_1 \rvert"]),
    ("where(s1 > 0, 1, 0)", ["where(s1 > 0, 1, 0)"]),
    ("log(x1)", [r"\ln(x_1)", "log(x1)", r"\log x_1"]),
    ("2*x1*p11", [r"2 \textcolor{red}{x_1} p_{11}", "2x_1p_{11}", "2 x1 p11"]),
    ("x1**(-2)", ["x1**-2", "x_1^{-2}", "x1**(-2)"]),
    ("x1**(1/2)", ["x1**(1/2)", r"x_1^{1/2}", r"x_1^{\frac{1}{2}}"]),
    ("2/(exp(s1) + exp(-s1))", ["sech(s1)", r"\operatorname{sech}(s_1)"]),
]


@pytest.mark.parametrize(("expected", "spellings"), SAME, ids=[expected for expected, _ in SAME])
def test_all_spellings_give_one_tree(expected: str, spellings: list[str]) -> None:
    assert {spelling: to_text(parse_claim(spelling, WORDS)) for spelling in spellings} == dict.fromkeys(
        spellings, expected
    )


@pytest.mark.parametrize(
    "claim",
    [
        "y_hat*u1_tilde*theta_bar",
        r"\hat{y} \tilde{u}_1 \bar{\theta}",
        r"\hat y \tilde{u_1} \overline{\theta}",
        "ŷ·ũ₁·theta_bar",
        r"\widehat{y}\,\widetilde u_{1}\,\bar\theta",
    ],
)
def test_what_stands_above_a_letter_is_part_of_its_name(claim: str) -> None:
    net = bp.loads(
        'inputs = ["y_hat"]\nparameters = ["u1_tilde", "theta_bar"]\noutput = "a"\n'
        '[nodes]\na = "y_hat*u1_tilde*theta_bar"\n'
    )
    words = vocabulary(net.graph, Asked("y_hat", ()))
    assert to_text(parse_claim(claim, words)) == "y_hat*u1_tilde*theta_bar"


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("W1[2,0]", "W1[2,0]"),
        ("W1_{2,0}", "W1[2,0]"),
        ("W^{(1)}_{20}", "W1[2,0]"),
        ("(W_{1})_{2,0}", "W1[2,0]"),
        ("W_1[2,0]", "W1[2,0]"),
        ("x_j*tanh'((s_1)_{i})", "x[j]*tanh_prime(s1[i])"),
        ("sum(W2[k,i]*y[k], (k, 0, 1))", "sum(W2[k,i]*y[k], (k, 0, 1))"),
        (r"\sum_{k} W^{(2)}_{ki} y_k", "sum(W2[k,i]*y[k], (k, 0, 1))"),
        (r"\sum_{k=0}^{1} (W_2)_{k,i} y_k + x_j", "sum(W2[k,i]*y[k], (k, 0, 1)) + x[j]"),
    ],
)
def test_entries_and_sums_of_tensors(claim: str, expected: str) -> None:
    assert to_text(parse_claim(claim, TENSORS)) == expected


def test_names_that_look_like_something_else() -> None:
    words = vocabulary(bp.loads(AWKWARD).graph, Asked("w_1_1", ()))
    for claim, expected in {
        "w_{11} x_in": "w_1_1*x_in",
        r"w_{1,1} x_{\text{in}}": "w_1_1*x_in",
        r"\beta_2 e^2": "beta2*e**2",
        r"\sigma \cdot f": "sigma*f",
        r"\mathrm{s\_out}": "s_out",
        r"\tanh'(s_{\mathrm{out}})": "tanh_prime(s_out)",
    }.items():
        assert to_text(parse_claim(claim, words)) == expected


WRONG = {
    "": "empty",
    "   ": "empty",
    "p11*": "ends too early",
    "q11": "no node is called 'q11'",
    "sigmod(x1)": "no function is called 'sigmod'",
    "f'(s1": "expected ')'",
    "f'(s1, s2)": "takes 1 argument",
    "x1**9999": "too large",
    "x1**x2": "not a constant",
    "((x1**60)**60)**60": "powers of powers",
    "1e999999999": "a number of",
    "1" * 50: "a number of",
    "2 3": "a number follows a number",
    "0**-1": "zero to a negative power",
    "x1 +* x2": "not expected",
    "__import__('os').system('true')": "not expected",
    "x1.__class__": "not expected",
    "lambda: x1": "no node is called 'lambda'",
    r"\input{/etc/passwd}": "no node is called 'input'",
    r"\write18{true}": "no node is called 'write'",
    "w_{1": "does not end",
    "f''''''(s1)": "primes",
    "x1[0]": "not expected",
    "é": "cannot stand in a claim",
    "x1\x00": "cannot stand in a claim",
    "x1\u202e": "cannot stand in a claim",
    "(" * 5_000: "levels of brackets",
    "-" * 5_000 + "x1": "not expected",
    "x1**" * 500 + "2": "levels of brackets",
    "{" * 300 + "x1": "levels of brackets",
    r"\frac" * 300: "levels of brackets",
    r"\tanh" * 5_000 + "x1": "levels of brackets",
    r"\sqrt" * 5_000 + "x1": "levels of brackets",
    r"\sum_k" * 5_000 + "x1": "levels of brackets",
    "x1+" * 20_000 + "x1": "characters",
    "+".join(["x1"] * 12_000): "parts",
    "sum(x1, (k, 0, 9))": "no function is called 'sum'",
    "where(s1, 1, 0)": "comparison",
}


@pytest.mark.parametrize("claim", WRONG, ids=[repr(claim[:20]) for claim in WRONG])
def test_what_is_no_formula_gives_an_error_with_its_place(claim: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_claim(claim, WORDS)
    problem = caught.value.problems[0]
    assert WRONG[claim] in problem.message
    assert problem.fix and problem.where is not None


def test_random_text_gives_a_tree_or_an_error_and_nothing_else() -> None:
    drawn = random.Random(7)
    alphabet = list("x1wvfs()[]{}^_'*+-/\\,. =|e₁²σ") + ["\\frac", "\\sum_", "f'(", "v_{11}", "**", "\\left", "where("]
    for _ in range(3_000):
        text = "".join(drawn.choices(alphabet, k=drawn.randint(1, 40)))
        try:
            parse_claim(text, WORDS)
        except FormulaError as error:
            assert str(error)


def test_a_claim_is_bounded_before_anything_is_built() -> None:
    with pytest.raises(FormulaError, match=f"{MAX_CHARACTERS:,}"):
        parse_claim("x1*" * MAX_CHARACTERS, WORDS)


@pytest.mark.parametrize(
    "claim",
    [
        "exp(exp(exp(exp(exp(x1 + 9)))))",
        "((2**60)**1)**-1*exp(exp(1e3))",
        "1/(x1 - x1)",
        "log(-exp(x1))",
        "sqrt(-x1**2)",
    ],
)
def test_numbers_beyond_bounds_make_a_claim_wrong_not_slow(claim: str) -> None:
    assert not bp.Network(graph=lecture("sigmoid")).verify(claim, wrt="p11").right
