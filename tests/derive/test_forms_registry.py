"""The registry of forms: an entry is derived, printed in every medium and checked; a name without one is an error."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest

import backpropsym as bp
from backpropsym.cli.registries import forms
from backpropsym.derive.forms.registry import FORMS, Form, define
from backpropsym.document.derivation.report import report
from backpropsym.document.registry import names
from backpropsym.errors import UnknownNameError
from backpropsym.formula.tree import Expr, Mul, Number
from backpropsym.graph.graph import Role

NUMBERS = "lecture"
ARRAYS = "x[3] -> dense(2, tanh) -> dense(1) -> mse"
MEDIA = names()


def doubled(tree: Expr) -> Expr:
    """A formula with twice the value."""
    return Mul((Number(Fraction(2)), tree))


@pytest.fixture
def registry() -> Iterator[None]:
    """Forms that are defined in a test are gone after it."""
    before = dict(FORMS)
    yield
    FORMS.clear()
    FORMS.update(before)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("medium", MEDIA)
def test_a_form_that_is_added_is_printed_in_every_medium(medium: str) -> None:
    define(Form("twice", lambda number: doubled(number.factored()), lambda arrays: doubled(arrays.path_sum())))
    for net, wrt in ((bp.load(NUMBERS), "w11"), (bp.parse(ARRAYS), "W1")):
        derivation = net.derive(wrt=wrt)
        text = report(derivation, "twice", medium)
        assert text != report(derivation, "paths", medium)
        assert "2" in text
    assert bp.load(NUMBERS).derive(wrt="w11").expression("twice").startswith("2*(x1*")
    assert bp.parse(ARRAYS).derive(wrt="W1").expression("twice").startswith("2*Sum(")


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("wrong", [False, True])
def test_check_evaluates_a_form_that_is_added(wrong: bool) -> None:
    define(Form("it", *[lambda each: doubled(each.path_sum()) if wrong else each.path_sum()] * 2))
    for net in (bp.load("neuron"), bp.parse(ARRAYS)):
        found = bp.check(net, seed=0)
        assert found.passed != wrong
        assert ("form it" in str(found)) == wrong


@pytest.mark.parametrize("network", [NUMBERS, ARRAYS])
@pytest.mark.parametrize("medium", MEDIA)
def test_a_name_without_an_entry_is_an_error(network: str, medium: str) -> None:
    net = bp.parse(network) if "->" in network else bp.load(network)
    wrt = net.graph.names(Role.PARAMETER)[0]
    with pytest.raises(UnknownNameError, match="no form is called 'it'"):
        report(net.derive(wrt=wrt), "it", medium)
    with pytest.raises(UnknownNameError, match="no form is called 'it'"):
        net.derive(wrt=wrt).expression("it")


def test_the_command_line_knows_the_registered_forms() -> None:
    assert set(forms()) == set(FORMS)
