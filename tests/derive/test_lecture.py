"""The lecture's formulas, exactly as it writes them: rows L4 and L6 to L9."""

from __future__ import annotations

import pytest

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.registry import of_numbers
from backpropsym.formula.text import to_text
from backpropsym.network import loads
from backpropsym.spec.source import example_text
from tests.derive.networks import derive

LOSSES = {"(a - y)**2": "2*(a - y)", "mse(a, y)": "2*(a - y)", "L(a, y)": "L_prime(a, y)"}
KEPT = ("relu", "tanh", "abstract", "x*sigmoid(x)")


def lecture(of: str, wrt: str, f: str = "relu", loss: str = "(a - y)**2") -> Derivation:
    text = example_text("lecture")
    assert text.count('f = "relu"') == text.count('"(a - y)**2"') == 1
    text = text.replace('f = "relu"', f'f = "{f}"').replace('"(a - y)**2"', f'"{loss}"')
    if loss.startswith("L("):
        text = text.replace("[functions]", '[functions]\nL = "abstract"')
    return derive(loads(text).graph, of, wrt)


@pytest.mark.parametrize("f", KEPT)
def test_l6_one_link(f: str) -> None:
    derivation = lecture("a", "p11", f)
    assert [term.path for term in derivation.terms] == [("p11", "a")]
    assert {derivation.expression(form) for form in of_numbers() if form != "expanded"} == {"h1"}


@pytest.mark.parametrize("f", KEPT)
def test_l7_the_chain_rule_through_two_links(f: str) -> None:
    derivation = lecture("a", "v11", f)
    [term] = derivation.terms
    assert term.path == ("v11", "u1", "h1", "a")
    assert term.texts == ("z1", "f_prime(u1)", "p11")
    assert derivation.expression() == term.product == "z1*f_prime(u1)*p11"
    assert derivation.expression("backward") == "p11*f_prime(u1)*z1"


@pytest.mark.parametrize("f", KEPT)
def test_l8_the_sum_over_two_paths(f: str) -> None:
    derivation = lecture("a", "w11", f)
    assert derivation.count == 2
    assert [(term.path, term.texts, term.product) for term in derivation.terms] == [
        (
            ("w11", "s1", "z1", "u1", "h1", "a"),
            ("x1", "f_prime(s1)", "v11", "f_prime(u1)", "p11"),
            "x1*f_prime(s1)*v11*f_prime(u1)*p11",
        ),
        (
            ("w11", "s1", "z1", "u2", "h2", "a"),
            ("x1", "f_prime(s1)", "v12", "f_prime(u2)", "p21"),
            "x1*f_prime(s1)*v12*f_prime(u2)*p21",
        ),
    ]
    assert derivation.expression() == "x1*f_prime(s1)*v11*f_prime(u1)*p11 + x1*f_prime(s1)*v12*f_prime(u2)*p21"


@pytest.mark.parametrize("f", KEPT)
def test_l9_the_bricks(f: str) -> None:
    derivation = lecture("a", "w11", f)
    assert derivation.expression("factored") == "x1*f_prime(s1)*(v11*f_prime(u1)*p11 + v12*f_prime(u2)*p21)"
    assert derivation.expression("backward") == "(p11*f_prime(u1)*v11 + p21*f_prime(u2)*v12)*f_prime(s1)*x1"
    assert derivation.expression("forward") == "p11*f_prime(u1)*v11*f_prime(s1)*x1 + p21*f_prime(u2)*v12*f_prime(s1)*x1"
    s1, s2 = "w11*x1 + w21*x2", "w12*x1 + w22*x2"
    u1, u2 = (f"v1{j}*f({s1}) + v2{j}*f({s2})" for j in (1, 2))
    assert derivation.expression("expanded") == (
        f"x1*f_prime({s1})*v11*f_prime({u1})*p11 + x1*f_prime({s1})*v12*f_prime({u2})*p21"
    )


def test_l9_each_brick_is_computed_once() -> None:
    programme = lecture("loss", "w11").programme()
    assert [
        f"{programme.symbols[each.by]} = {to_text(programme.right_side(each))}" for each in programme.equations
    ] == [
        "dloss_dloss = 1",
        "dloss_da = 2*(a - y)",
        "dloss_dh2 = dloss_da*p21",
        "dloss_dh1 = dloss_da*p11",
        "dloss_du2 = dloss_dh2*f_prime(u2)",
        "dloss_du1 = dloss_dh1*f_prime(u1)",
        "dloss_dz1 = dloss_du1*v11 + dloss_du2*v12",
        "dloss_ds1 = dloss_dz1*f_prime(s1)",
        "dloss_dw11 = dloss_ds1*x1",
    ]


def test_l9_forward() -> None:
    programme = lecture("a", "w11").programme("forward")
    assert [
        f"{programme.symbols[each.of]} = {to_text(programme.right_side(each))}" for each in programme.equations
    ] == [
        "dw11_dw11 = 1",
        "ds1_dw11 = x1",
        "dz1_dw11 = f_prime(s1)*ds1_dw11",
        "du1_dw11 = v11*dz1_dw11",
        "du2_dw11 = v12*dz1_dw11",
        "dh1_dw11 = f_prime(u1)*du1_dw11",
        "dh2_dw11 = f_prime(u2)*du2_dw11",
        "da_dw11 = p11*dh1_dw11 + p21*dh2_dw11",
    ]


@pytest.mark.parametrize("f", KEPT)
@pytest.mark.parametrize("loss", LOSSES)
def test_l4_the_outer_factor_is_kept_apart(f: str, loss: str) -> None:
    derivation = lecture("loss", "w11", f, loss)
    assert derivation.outer is not None
    first, rest = derivation.outer
    assert (first.of, first.wrt, rest.of, rest.wrt) == ("loss", "a", "a", "w11")
    assert first.expression() == LOSSES[loss]
    assert rest.expression() == lecture("a", "w11", f, loss).expression()
    assert [term.texts[-1] for term in derivation.terms] == [LOSSES[loss]] * 2
    assert derivation.expression() == " + ".join(f"{term.product}*{LOSSES[loss]}" for term in rest.terms)


def test_the_outer_factor_needs_the_output_on_every_path() -> None:
    assert lecture("a", "w11").outer is None
    assert lecture("loss", "a").outer is None
    assert lecture("u1", "w11").outer is None
    assert lecture("loss", "y").outer is None


def test_functions_of_the_registry_are_written_out() -> None:
    text = example_text("lecture").replace("f(", "tanh(").replace('f = "relu"', "")
    derivation = derive(loads(text).graph, "a", "w11")
    assert derivation.expression() == (
        "x1*(1 - tanh(s1)**2)*v11*(1 - tanh(u1)**2)*p11 + x1*(1 - tanh(s1)**2)*v12*(1 - tanh(u2)**2)*p21"
    )
    text = example_text("lecture").replace("f(", "relu(").replace('f = "relu"', "")
    assert derive(loads(text).graph, "a", "v11").expression() == "z1*step(u1)*p11"


def test_any_node_by_any_node() -> None:
    assert lecture("a", "z1").expression() == "v11*f_prime(u1)*p11 + v12*f_prime(u2)*p21"
    assert lecture("u2", "w11").expression() == "x1*f_prime(s1)*v12"
    assert lecture("a", "x1").count == 4
    assert lecture("loss", "y").expression() == "-2*(a - y)"
    for form in of_numbers():
        assert lecture("a", "a").expression(form) == "1"
        assert lecture("w11", "a").expression(form) == "0"
        assert lecture("u1", "v12").expression(form) == "0"
