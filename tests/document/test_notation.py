"""Names as mathematics, in each medium, and never two alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpropsym.document.notation.names import GREEK, Notation, latex_name, unicode_name
from backpropsym.ops.function_table import FunctionTable

identifiers = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,10}", fullmatch=True) | st.sampled_from(
    ["w11", "w_11", "w_1_1", "w1_1", "alpha1", "alpha_1", "alpha", "lambda_", "lambda_1", "lambda1", "x_", "x__1"]
)


@pytest.mark.parametrize(
    ("name", "latex", "unicode"),
    [
        ("x", "x", "x"),
        ("w11", "w_{11}", "w₁₁"),
        ("w_1_1", "w_{1,1}", "w₁,₁"),
        ("W1", "W_{1}", "W₁"),
        ("alpha", r"\alpha", "α"),
        ("beta2", r"\beta_{2}", "β₂"),
        ("Gamma_10", r"\Gamma_{10}", "Γ₁₀"),
        ("lambda_", r"\lambda", "λ"),
        ("w_ij", "w_{ij}", "wᵢⱼ"),
        ("h_max", r"h_{\mathrm{max}}", "hₘₐₓ"),
        ("x_beta", r"x_{\beta}", "x_beta"),
        ("W_Q", "W_{Q}", "W_Q"),
        ("loss", r"\mathrm{loss}", "loss"),
        ("dense_out", r"\mathrm{dense}_{\mathrm{out}}", "dense_out"),
        ("conv2", r"\mathrm{conv}_{2}", "conv₂"),
        ("h2o", r"\mathrm{h2o}", "h2o"),
        ("x__1", r"\mathrm{x\_\_1}", "x__1"),
        ("w_", r"\mathrm{w\_}", "w_"),
        ("E", "E", "E"),
        ("np", r"\mathrm{np}", "np"),
        ("y_hat", r"\hat{y}", "ŷ"),
        ("y1_hat", r"\hat{y}_{1}", "ŷ₁"),
        ("y_hat_i", r"\hat{y}_{i}", "ŷᵢ"),
        ("x_bar", r"\bar{x}", "x_bar"),
        ("h_tilde", r"\tilde{h}", "h_tilde"),
        ("sigma_hat_2", r"\hat{\sigma}_{2}", "sigma_hat_2"),
        ("price_hat", r"\widehat{\mathrm{price}}", "price_hat"),
        ("hat", r"\mathrm{hat}", "hat"),
        ("n_in", r"n_{\mathrm{in}}", "nᵢₙ"),
        ("w_out_in", r"w_{\mathrm{out}\ \mathrm{in}}", "wₒᵤₜ,ᵢₙ"),
        ("x_test_ij", r"x_{\mathrm{test},ij}", "x_test_ij"),
        ("age_of_use", r"\mathrm{age}_{\mathrm{of}\ \mathrm{use}}", "age_of_use"),
    ],
)
def test_names(name: str, latex: str, unicode: str) -> None:
    assert latex_name(name) == latex
    assert unicode_name(name) == unicode


def test_every_greek_letter_has_its_command_and_its_sign() -> None:
    for name, letter in GREEK.items():
        assert latex_name(name) == f"\\{name}"
        assert unicode_name(name) == letter


@pytest.mark.parametrize(("first", "second"), [("w11", "w_11"), ("alpha1", "alpha_1"), ("w1_2", "w_1_2")])
def test_two_names_that_would_look_alike_are_both_plain(first: str, second: str) -> None:
    notation = Notation([first, second, "x1"])
    assert notation.unicode(first) == first
    assert notation.unicode(second) == second
    assert notation.latex(first) != notation.latex(second)
    assert notation.unicode("x1") == "x₁"


def test_names_that_differ_in_their_indices_keep_them() -> None:
    notation = Notation(["w11", "w_1_1"])
    assert notation.unicode("w11") == "w₁₁"
    assert notation.unicode("w_1_1") == "w₁,₁"


@given(st.sets(identifiers, max_size=30))
def test_no_two_names_look_alike(names: set[str]) -> None:
    notation = Notation(names)
    assert len({notation.latex(name) for name in names}) == len(names)
    assert len({notation.unicode(name) for name in names}) == len(names)


@given(identifiers)
def test_latex_has_balanced_braces_and_no_bare_underscore_pair(name: str) -> None:
    text = latex_name(name)
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0
        if letter == "_" and text[position - 1] != "\\":
            assert text[position + 1] == "{"
    assert depth == 0
    assert text.isascii()


def test_functions_use_the_symbols_of_their_entries() -> None:
    notation = Notation(["x"])
    assert notation.function("sigmoid")[:2] == (r"\sigma", "σ")
    assert notation.function("relu").latex == r"\operatorname{ReLU}"
    assert notation.function("tanh").latex == r"\tanh"
    assert notation.function("leaky_relu")[:2] == (r"\operatorname{leaky\_relu}", "leaky_relu")


def test_derivatives_of_functions_have_primes() -> None:
    table = FunctionTable()
    prime = table.derivative("tanh", "x").name
    slope = table.derivative("leaky_relu", "slope").name
    notation = Notation(["x"], table)
    assert notation.function(prime) == (r"\tanh'", "tanh′", "tanh_prime", 'op("tanh")\'')
    assert notation.function(slope).latex == r"\operatorname{leaky\_relu}'_{\mathrm{slope}}"


def test_e_stands_for_eulers_number_only_where_no_node_has_that_name() -> None:
    assert Notation(["x"]).writes_e()
    assert not Notation(["e"]).writes_e()


def test_derivatives_can_stand_as_names() -> None:
    notation = Notation(["a", "w11"]).with_derivatives({"da_dw11": ("a", "w11")})
    assert notation.symbol("da_dw11").unicode == "∂a/∂w₁₁"
    assert notation.symbol("da_dw11").latex == r"\frac{\partial a}{\partial w_{11}}"


LEVELS = {"da_dw": ("a", "w"), "dda_dw_dv": ("da_dw", "v"), "ddda_dw_dv_dw": ("dda_dw_dv", "w")}


@pytest.mark.parametrize(
    ("of", "by", "unicode", "ascii", "latex", "typst"),
    [
        (
            "dda_dw_dv",
            "u",
            "∂³a/∂u∂v∂w",
            "d3a/dudvdw",
            r"\frac{\partial^{3} a}{\partial u \, \partial v \, \partial w}",
            "(∂^(3) a)/(∂u thin ∂v thin ∂w)",
        ),
        (
            "dda_dw_dv",
            "w",
            "∂³a/∂w²∂v",
            "d3a/dwdvdw",
            r"\frac{\partial^{3} a}{\partial w^{2} \, \partial v}",
            "(∂^(3) a)/(∂w^(2) thin ∂v)",
        ),
        (
            "ddda_dw_dv_dw",
            "W1[0,1]",
            "∂⁴a/∂W₁[0,1]∂w²∂v",
            "d4a/dW1[0,1]dwdvdw",
            r"\frac{\partial^{4} a}{\partial W_{1}[0,1] \, \partial w^{2} \, \partial v}",
            "(∂^(4) a)/(∂W_(1) [ 0 , 1 ] thin ∂w^(2) thin ∂v)",
        ),
        (
            "a",
            "da_dw",
            "∂a/∂(∂a/∂w)",
            "da/d(da/dw)",
            r"\frac{\partial a}{\partial \left(\frac{\partial a}{\partial w}\right)}",
            "(∂a)/(∂ ( (∂a)/(∂w) ))",
        ),
        (
            "dda_dw_dv",
            "dda_dw_dv",
            "∂³a/∂(∂²a/∂v∂w)∂v∂w",
            "d3a/d(d2a/dvdw)dvdw",
            r"\frac{\partial^{3} a}{\partial \left(\frac{\partial^{2} a}{\partial v \, \partial w}\right)"
            r" \, \partial v \, \partial w}",
            "(∂^(3) a)/(∂ ( (∂^(2) a)/(∂v thin ∂w) ) thin ∂v thin ∂w)",
        ),
    ],
)
def test_a_derivative_of_derivatives_is_one_of_the_first_node(
    of: str, by: str, unicode: str, ascii: str, latex: str, typst: str
) -> None:
    notation = Notation(["a", "u", "v", "w", "W1[0,1]"]).with_derivatives(LEVELS)
    assert notation.derivative(of, by) == (latex, unicode, ascii, typst)
