"""The JSON that scripts read: the contract's keys, and texts that SymPy reads."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
import sympy as sp

from backpropsym.derive.forms.registry import of_numbers
from backpropsym.document.derivation.data import data
from backpropsym.document.derivation.report import report
from backpropsym.document.registry import formats
from backpropsym.document.writers.json_text import json_text
from backpropsym.errors import UnknownNameError
from backpropsym.network import Network, load, loads


def parsed(text: str, net: Network) -> sp.Expr:
    """`text` as SymPy reads it, every name a symbol."""
    names: dict[str, object] = {name: sp.Symbol(name) for name in net.graph.nodes}
    names |= {name: sp.Function(name) for name in ("f_prime", "f", "L_prime_a")}
    return sp.parse_expr(text, local_dict=names)


@pytest.mark.parametrize("f", ["relu", "tanh", "abstract"])
def test_l8_as_data(lecture: Callable[..., Network], f: str) -> None:
    found = data(lecture(f).derive(wrt="w11"))
    assert {key: found[key] for key in ("of", "wrt", "form", "count")} == {
        "of": "a",
        "wrt": "w11",
        "form": "paths",
        "count": 2,
    }
    assert found["terms"] == [
        {
            "path": ["w11", "s1", "z1", "u1", "h1", "a"],
            "factors": ["x1", "f_prime(s1)", "v11", "f_prime(u1)", "p11"],
            "product": "x1*f_prime(s1)*v11*f_prime(u1)*p11",
        },
        {
            "path": ["w11", "s1", "z1", "u2", "h2", "a"],
            "factors": ["x1", "f_prime(s1)", "v12", "f_prime(u2)", "p21"],
            "product": "x1*f_prime(s1)*v12*f_prime(u2)*p21",
        },
    ]
    assert found["expression"] == "x1*f_prime(s1)*v11*f_prime(u1)*p11 + x1*f_prime(s1)*v12*f_prime(u2)*p21"


@pytest.mark.parametrize(("wrt", "product"), [("p11", "h1"), ("v11", "z1*f_prime(u1)*p11")])
def test_l6_and_l7_as_data(lecture: Callable[..., Network], wrt: str, product: str) -> None:
    (term,) = data(lecture().derive(wrt=wrt))["terms"]
    assert term["product"] == product


@pytest.mark.parametrize(("loss", "factor"), [("square", "2*(a - y)"), ("abstract", "L_prime(a, y)")])
def test_l4_as_data(lecture: Callable[..., Network], loss: str, factor: str) -> None:
    found = data(lecture("relu", loss).derive("loss", wrt="w11"))
    assert [term["path"][-2:] for term in found["terms"]] == [["a", "loss"]] * 2
    assert [term["factors"][-1] for term in found["terms"]] == [factor] * 2
    assert found["outer"][0] == {"of": "loss", "wrt": "a", "expression": factor}
    assert found["outer"][1]["of"] == "a"


@pytest.mark.parametrize("form", of_numbers())
def test_every_form_has_the_keys_and_parses(form: str) -> None:
    net = load("lecture")
    found = json.loads(json_text(data(net.derive(wrt="w11"), form)))
    assert {"of", "wrt", "form", "count", "terms", "expression"} <= set(found)
    expected = parsed(data(net.derive(wrt="w11"))["expression"], net)
    if form != "expanded":
        assert sp.expand(parsed(found["expression"], net) - expected) == 0
    for term in found["terms"]:
        product = sp.Mul(*(parsed(factor, net) for factor in term["factors"]))
        assert sp.expand(product - parsed(term["product"], net)) == 0


def test_a_programme_lists_its_equations() -> None:
    found = data(load("lecture").derive(wrt="w11"), "backward")
    assert found["equations"][0] == {"of": "a", "wrt": "a", "symbol": "da_da", "expression": "1"}
    assert found["equations"][-1]["expression"] == "da_ds1*x1"


def test_numbers_are_numbers_or_null() -> None:
    found = json.loads(json_text(data(load("lecture").derive(wrt="w11"), "numeric")))
    assert found["value"] == sum(term["value"] for term in found["terms"]) == 2.5
    assert [term["share"] for term in found["terms"]] == [0.8, 0.2]
    dead = data(load("lecture").derive(wrt="w11"), "numeric", {"w11": -5.0})
    assert [term["share"] for term in dead["terms"]] == [None, None]


def test_a_sum_that_is_too_long_is_counted_and_begun() -> None:
    nodes = ['h0 = "a1*x"', 'g0 = "b1*x"']
    nodes += [f'{name}{n} = "h{n - 1} + g{n - 1}"' for n in range(1, 40) for name in "hg"]
    text = 'inputs = ["x"]\nparameters = ["a1", "b1"]\noutput = "o"\n[nodes]\no = "h39 + g39"\n'
    found = data(loads(text + "\n".join(nodes)).derive(wrt="x"), limit=3)
    assert found["count"] == 2**40
    assert len(found["terms"]) == 3
    assert found["expression"] is None


def test_integers_of_any_length_are_written() -> None:
    digits = sys.get_int_max_str_digits()
    assert json_text({"count": 10**6_000}).count("0") == 6_000
    assert sys.get_int_max_str_digits() == digits


def test_json_has_no_word_for_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"value": float("nan")})


@pytest.mark.parametrize("medium", sorted(formats()))
@pytest.mark.parametrize("form", of_numbers())
def test_every_form_in_every_medium(form: str, medium: str) -> None:
    written = report(load("skip").derive("loss", wrt="w"), form, medium)
    assert written.endswith("\n")
    assert "w" in written


def test_an_unknown_medium_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="did you mean markdown"):
        report(load("skip").derive(wrt="w"), "paths", "markdwn")
