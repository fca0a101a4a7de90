"""Derivatives in numbers: values, shares, batches, and numbers that are missing or wrong."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backpropsym.derive.derivation import Derivation
from backpropsym.errors import ValuesError
from backpropsym.network import example
from tests.derive.networks import derive, network

LECTURE = example("lecture").graph


def lecture(of: str = "a", wrt: str = "w11") -> Derivation:
    return derive(LECTURE, of, wrt)


def test_terms_add_up_and_shares_to_one() -> None:
    terms = list(lecture().numeric())
    assert [term.numbers for term in terms] == [(1.0, 1.0, 1.0, 1.0, 2.0), (1.0, 1.0, -0.5, 1.0, -1.0)]
    assert [term.value for term in terms] == [2.0, 0.5]
    assert [term.share for term in terms] == [0.8, 0.2]
    assert lecture().evaluate() == sum(term.value for term in terms)


def test_terms_of_opposite_signs_share_by_their_size() -> None:
    graph = network(["x"], ["w"], {"s": "3*w", "t": "-w", "a": "s + t"}, "a")
    terms = list(derive(graph, "a", "w").numeric({"w": 1.0, "x": 0.0}))
    assert [(term.value, term.share) for term in terms] == [(3.0, 0.75), (-1.0, 0.25)]


def test_where_all_paths_are_dead_there_are_no_shares() -> None:
    terms = list(lecture().numeric({"x1": -1.0, "x2": 0.0}))
    assert [term.value for term in terms] == [0.0, 0.0]
    assert all(math.isnan(term.share) for term in terms)


def test_the_strongest_come_first() -> None:
    derivation = lecture("a", "x1")
    terms = list(derivation.numeric({"x1": 2.0, "x2": 5.0}))
    ranked = list(derivation.numeric({"x1": 2.0, "x2": 5.0}, top=3))
    assert [term.value for term in ranked] == sorted((term.value for term in terms), key=abs, reverse=True)[:3]
    assert list(derivation.numeric(top=0)) == []
    assert len(list(derivation.numeric(top=99))) == 4


def test_values_come_from_the_call_before_the_network() -> None:
    assert lecture().evaluate() == 2.5
    assert lecture().evaluate(p11=3.0) == 3.5
    assert lecture().evaluate(p11=3.0, y=7) == 3.5, "a value that is not needed is allowed"
    assert lecture("a", "p11").evaluate(w11=1.0, v11=1.0) == pytest.approx(1.0 * 1.5 + 0.5 * 0.5)


@pytest.mark.parametrize(("name", "reason"), [("c", "a constant"), ("s", "computed")])
def test_only_free_numbers_are_given(name: str, reason: str) -> None:
    graph = network(["x"], ["w"], {"s": "w*x", "a": "c*s"}, "a", "[constants]\nc = 2.0\n")
    assert derive(graph, "a", "w").evaluate(x=3.0, w=1.0) == 6.0
    with pytest.raises(ValuesError, match=f"a number is given to {name}, which is {reason}"):
        derive(graph, "a", "w").evaluate(**{"x": 3.0, "w": 1.0, name: 100.0})


@pytest.mark.parametrize("name", ["self", "values", "name", "of", "wrt", "form"])
def test_any_name_may_have_a_value(name: str) -> None:
    graph = network([name], ["w"], {"a": f"w*{name}"}, "a")
    assert derive(graph, "a", "w").evaluate(**{name: 3.0, "w": 1.0}) == 3.0


def test_no_path_is_zero_and_itself_is_one() -> None:
    assert lecture("u1", "p11").evaluate() == 0.0
    assert lecture("a", "a").evaluate() == 1.0
    assert list(lecture("u1", "p11").numeric()) == []
    [term] = lecture("a", "a").numeric()
    assert (term.numbers, term.value, term.share) == ((), 1.0, 1.0)


NUMBERS: list[Any] = [2, 2.0, np.float32(2), np.int64(2), Fraction(2), np.array(2.0), np.array([2.0]), [2.0], (2,)]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_numbers_of_every_kind(value: Any) -> None:
    assert lecture().evaluate(p11=value) == 2.5
    assert isinstance(lecture().evaluate(p11=value), float)


WRONG: list[Any] = [None, "1.0", "x", 1j, [], {}, object(), [1, [2, 3]], ["1"], 10**400, [None], np.array(["a"])]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:20])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(ValuesError, match="the value of p11 is not a number"):
        lecture().evaluate(p11=value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [([], ", for it has no objects"), ("x", ": it has the type <U1"), (1j, ": it has the type complex128")],
)
def test_why_it_is_no_number(value: Any, reason: str) -> None:
    with pytest.raises(ValuesError, match=f"the value of p11 is not a number{reason}"):
        lecture().evaluate(p11=value)


def test_a_scalar_takes_no_matrix() -> None:
    with pytest.raises(ValuesError, match=r"p11 has the shape \(2, 2\)"):
        lecture().evaluate(p11=np.ones((2, 2)))


def test_batches_must_be_of_the_same_objects() -> None:
    assert lecture().evaluate(x1=[1.0, 2.0], x2=[1.0, 1.0]) == pytest.approx(
        (lecture().evaluate(x1=1.0, x2=1.0) + lecture().evaluate(x1=2.0, x2=1.0)) / 2
    )
    with pytest.raises(ValuesError, match="batches of different lengths: x1 has 2, x2 has 3|x2 has 3, x1 has 2"):
        lecture().evaluate(x1=[1.0, 2.0], x2=[1.0, 1.0, 1.0])


def test_terms_have_numbers_at_one_object() -> None:
    with pytest.raises(ValuesError, match="a batch was given"):
        list(lecture().numeric({"x1": [1.0, 2.0]}))


def test_missing_numbers_are_named() -> None:
    graph = network(["x", "u"], ["w", "v"], {"a": "w*x*u*v*v"}, "a")
    with pytest.raises(ValuesError) as caught:
        derive(graph, "a", "w").evaluate(x=1.0)
    [problem] = caught.value.problems
    assert sorted(problem.message.removeprefix("numbers are missing for ").split(", ")) == ["u", "v", "w"]
    assert problem.fix
    assert problem.fix.startswith("give them in a file with --at, as keywords, or in the network's [values]:")


def test_only_what_is_needed_is_asked_for() -> None:
    graph = network(["x", "q"], ["w"], {"a": "w*x", "b": "a*q"}, "b")
    assert derive(graph, "a", "w").evaluate(x=3.0, w=1.0) == 3.0


def test_overflow_and_division_by_zero_are_numbers_without_warnings() -> None:
    graph = network(["x"], ["w"], {"s": "exp(w)", "a": "s*s/x"}, "a")
    assert derive(graph, "a", "w").evaluate(x=1.0, w=1000.0) == math.inf
    assert math.isnan(derive(graph, "a", "x").evaluate(x=0.0, w=-1000.0))


def test_kinks_take_the_declared_side() -> None:
    graph = network(["x"], ["w"], {"s": "relu(w*x)", "t": "abs(w)", "a": "s + t + max(w, 0)"}, "a")
    assert derive(graph, "a", "w").evaluate(x=1.0, w=0.0) == 0.0 + 0.0 + 1.0
