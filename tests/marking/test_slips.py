"""Each kind of slip, planted in a right answer, is found and told by its name, its path and its factors."""

import random
from collections.abc import Callable
from typing import NamedTuple

import pytest

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.paths.path_space import Path
from backpropsym.formula.tree import Add, Call, Expr, Mul, Name, Neg, number
from backpropsym.marking.claim_context import ClaimContext
from backpropsym.marking.slips import Kind
from tests.marking.networks import FUNCTIONS, derivation, examiner, graph_of, weight_of
from tests.marking.rewritings import LANGUAGES, Rewriter, written


class Plant(NamedTuple):
    """A wrong answer: its terms, and where and what the slip is."""

    terms: list[Expr]
    path: Path | None
    found: Expr | None = None
    expected: Expr | None = None


Planter = Callable[[Derivation, random.Random], Plant]


def factors(derived: Derivation) -> list[list[Expr]]:
    return [list(term.tree.factors) for term in derived.terms if isinstance(term.tree, Mul)]


def products(rows: list[list[Expr]]) -> list[Expr]:
    return [Mul(tuple(row)) if len(row) > 1 else row[0] for row in rows]


def primes(row: list[Expr]) -> list[int]:
    return [place for place, factor in enumerate(row) if isinstance(factor, Call)]


def replaced(derived: Derivation, at: int, place: int, by: Expr | None) -> Plant:
    """The answer with one factor of one term replaced, or left out."""
    rows = factors(derived)
    expected = rows[at][place]
    rows[at][place : place + 1] = [] if by is None else [by]
    return Plant(products(rows), list(derived.space)[at], by, expected)


def missing_path(derived: Derivation, drawn: random.Random) -> Plant:
    rows, paths = factors(derived), list(derived.space)
    at = drawn.randrange(len(rows))
    return Plant(products([row for place, row in enumerate(rows) if place != at]), paths[at])


def extra_path(derived: Derivation, drawn: random.Random) -> Plant:
    """A path of the neighbour weight's derivative."""
    other = {"w11": "w12", "w23": "w24"}[derived.wrt]
    stranger = drawn.choice([term.tree for term in Derivation(derived.local, derived.of, other).terms])
    return Plant([*products(factors(derived)), stranger], None)


def missing_factor(derived: Derivation, drawn: random.Random) -> Plant:
    rows = factors(derived)
    at = drawn.randrange(len(rows))
    return replaced(derived, at, drawn.randrange(len(rows[at])), None)


def extra_factor(derived: Derivation, drawn: random.Random) -> Plant:
    rows = factors(derived)
    at, extra = drawn.randrange(len(rows)), Name(drawn.choice(["x2", "z1", "s2"]))
    rows[at].append(extra)
    return Plant(products(rows), list(derived.space)[at], extra)


def wrong_factor(derived: Derivation, drawn: random.Random) -> Plant:
    rows = factors(derived)
    at = drawn.randrange(len(rows))
    last = len(rows[at]) - 1
    wrong = "p11" if derived.wrt == "w11" and rows[at][last] != Name("p11") else "x2"
    return replaced(derived, at, last, Name(wrong))


def transposed(derived: Derivation, drawn: random.Random) -> Plant:
    places = [
        (at, place, factor)
        for at, row in enumerate(factors(derived))
        for place, factor in enumerate(row)
        if isinstance(factor, Name)
        and factor.name[0] == "v"
        and _turned(factor) in map(Name, derived.graph.nodes)
        and _turned(factor) != factor
    ]
    at, place, factor = drawn.choice(places)
    return replaced(derived, at, place, _turned(factor))


def _turned(factor: Name) -> Name:
    return Name(factor.name[0] + factor.name[:0:-1])


def function_for_derivative(derived: Derivation, drawn: random.Random) -> Plant:
    rows = factors(derived)
    at = drawn.randrange(len(rows))
    place = drawn.choice(primes(rows[at]))
    call = rows[at][place]
    assert isinstance(call, Call)
    value = next(name for name, node in derived.graph.nodes.items() if node.formula == Call("f", call.arguments))
    plant = replaced(derived, at, place, Call("f", call.arguments))
    return plant._replace(found=Name(value))


def wrong_argument(derived: Derivation, drawn: random.Random) -> Plant:
    rows = factors(derived)
    at = drawn.randrange(len(rows))
    place = primes(rows[at])[-1]
    argument = rows[at][place].arguments[0].name  # type: ignore[attr-defined]
    other = drawn.choice([name for name in derived.graph.nodes if name[0] == argument[0] and name != argument])
    return replaced(derived, at, place, Call("f_prime", (Name(other),)))


def sign(derived: Derivation, drawn: random.Random) -> Plant:
    terms = products(factors(derived))
    at = drawn.randrange(len(terms))
    terms[at] = Neg(terms[at])
    return Plant(terms, list(derived.space)[at])


def constant_factor(derived: Derivation, drawn: random.Random) -> Plant:
    rows = factors(derived)
    at = drawn.randrange(len(rows))
    rows[at].insert(0, number(2))
    return Plant(products(rows), list(derived.space)[at])


PLANTERS: dict[Kind, Planter] = {
    Kind.MISSING_PATH: missing_path,
    Kind.EXTRA_PATH: extra_path,
    Kind.MISSING_FACTOR: missing_factor,
    Kind.EXTRA_FACTOR: extra_factor,
    Kind.WRONG_FACTOR: wrong_factor,
    Kind.TRANSPOSED: transposed,
    Kind.FUNCTION: function_for_derivative,
    Kind.ARGUMENT: wrong_argument,
    Kind.SIGN: sign,
    Kind.CONSTANT: constant_factor,
}


@pytest.mark.parametrize("network", ["lecture", "dense"])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", Kind)
def test_a_planted_slip_is_told(kind: Kind, function: str, network: str) -> None:
    """Rewritten with identities besides; claims multiplied out beyond recognition have a test of their own."""
    graph, wrt = graph_of(network, function), weight_of(network)
    marks, derived = examiner(network, function, wrt), derivation(network, function, wrt)
    for seed in range(4):
        plant = PLANTERS[kind](derived, random.Random(seed))
        rewriter = Rewriter(graph, function, seed)
        tree = Add(tuple(plant.terms)) if len(plant.terms) > 1 else plant.terms[0]
        claim = written(rewriter.rewritten(tree) if seed % 2 else tree, graph, LANGUAGES[seed % len(LANGUAGES)])
        verdict = marks.verify(claim)
        assert not verdict.right, claim
        assert [slip.kind for slip in verdict.slips] == [kind], (claim, verdict.slips)
        slip = verdict.slips[0]
        assert slip.path == plant.path
        if plant.found is not None:
            assert slip.found == plant.found
        if plant.expected is not None:
            assert slip.expected == plant.expected
        assert verdict.example is not None and verdict.example[0] != verdict.example[1]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.EXTRA_PATH])
@pytest.mark.parametrize("function", ["tanh", "sigmoid"])
def test_a_slip_in_a_claim_that_is_multiplied_out_is_told_by_its_numbers(kind: Kind, function: str) -> None:
    import sympy as sp

    marks, derived = examiner("lecture", function, "w11"), derivation("lecture", function, "w11")
    prime = {"tanh": lambda s: 1 - sp.Symbol(s.name.translate(VALUES)) ** 2, "sigmoid": _sigmoid_prime}[function]
    plant = PLANTERS[kind](derived, random.Random(3))
    text = written(Add(tuple(plant.terms)) if len(plant.terms) > 1 else plant.terms[0], derived.graph, "plain")
    value = {"f": lambda s: sp.Symbol(s.name.translate(VALUES)), "f_prime": prime}
    claim = str(sp.expand(sp.sympify(text, value)))
    verdict = marks.verify(claim)
    assert not verdict.right
    assert [(slip.kind, slip.path) for slip in verdict.slips] == [(kind, plant.path)], claim


VALUES = str.maketrans({"s": "z", "u": "h"})


def _sigmoid_prime(s: object) -> object:
    import sympy as sp

    z = sp.Symbol(s.name.translate(VALUES))  # type: ignore[attr-defined]
    return z * (1 - z)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_slip_that_all_terms_share_is_one_slip_in_each(function: str) -> None:
    marks = examiner("lecture", function, "w11")
    verdict = marks.verify("x1*f(s1)*(v11*f'(u1)*p11 + v12*f'(u2)*p21)")
    assert [slip.kind for slip in verdict.slips] == [Kind.FUNCTION] * 2
    assert len({slip.nature for slip in verdict.slips}) == 1
    assert [slip.path for slip in verdict.slips] == list(verdict.derivation.space)


def test_several_slips_are_all_told() -> None:
    marks = examiner("lecture", "tanh", "w11")
    verdict = marks.verify("-x1*(1 - z1**2)*v11*f'(u1)*p11 + x1*f'(s1)*v21*(1 - h2^2)*p21")
    assert {(slip.kind, slip.path) for slip in verdict.slips} == {
        (Kind.SIGN, ("w11", "s1", "z1", "u1", "h1", "a")),
        (Kind.TRANSPOSED, ("w11", "s1", "z1", "u2", "h2", "a")),
    }


def test_what_no_slip_explains_is_wrong_without_an_explanation() -> None:
    verdict = examiner("lecture", "tanh", "w11").verify("exp(x1*x2) + sin(w11)")
    assert not verdict.right
    assert not any(slip.kind in (Kind.TRANSPOSED, Kind.FUNCTION, Kind.ARGUMENT) for slip in verdict.slips)


def test_slips_in_the_lecture_agree_with_the_derivation_itself() -> None:
    """The right term told with every slip is one of the derivation's terms."""
    context, derived = ClaimContext(graph_of("lecture", "tanh"), "a", "w11"), derivation("lecture", "tanh", "w11")
    right = {term.path: context.numbers(term.tree) for term in derived.terms}
    for kind, planter in PLANTERS.items():
        plant = planter(derived, random.Random(5))
        verdict = examiner("lecture", "tanh", "w11").verify(
            written(Add((*plant.terms, number(0))), derived.graph, "plain")
        )
        for slip in verdict.slips:
            if slip.path is not None and slip.right is not None:
                gaps = zip(context.numbers(slip.right), right[slip.path], strict=True)
                assert all(abs(mine - theirs) < 1e-40 for mine, theirs in gaps), kind
