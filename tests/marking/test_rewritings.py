"""A right answer is accepted however it is written."""

import pytest
import sympy as sp

from tests.marking.networks import FUNCTIONS, SMOOTH, derivation, examiner, graph_of, weight_of
from tests.marking.rewritings import LANGUAGES, Rewriter, written

EACH = 25


@pytest.mark.parametrize("network", ["lecture", "dense"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_random_rewritings_of_right_answers_are_accepted(network: str, function: str) -> None:
    graph, wrt = graph_of(network, function), weight_of(network)
    marks, derived = examiner(network, function, wrt), derivation(network, function, wrt)
    for seed in range(EACH):
        form = ("paths", "factored", "backward", "forward")[seed % 4]
        tree = Rewriter(graph, function, seed).rewritten(derived.tree(form))
        claim = written(tree, graph, LANGUAGES[seed % len(LANGUAGES)])
        verdict = marks.verify(claim)
        assert verdict.right, (form, claim, verdict.example)
        assert verdict.points >= 50


@pytest.mark.parametrize("function", SMOOTH)
@pytest.mark.parametrize("change", [sp.expand, sp.factor, sp.cancel, lambda e: e.rewrite(sp.exp), sp.simplify])
def test_what_sympy_makes_of_it_is_accepted(function: str, change: object) -> None:
    derived = derivation("lecture", function, "w11")
    claim = str(change(sp.sympify(derived.expression("paths"), {"f_prime": _prime(function)})))  # type: ignore[operator]
    assert examiner("lecture", function, "w11").verify(claim).right, claim


def _prime(function: str) -> object:
    return {"tanh": lambda s: 1 - sp.tanh(s) ** 2, "sigmoid": lambda s: sp.exp(-s) / (1 + sp.exp(-s)) ** 2}[function]


@pytest.mark.parametrize("function", SMOOTH)
def test_the_expanded_form_in_inputs_and_parameters_is_accepted(function: str) -> None:
    for network, wrt in (("lecture", "w11"), ("lecture", "v21"), ("dense", "v35"), ("dense", "p3")):
        graph, derived = graph_of(network, function), derivation(network, function, wrt)
        claim = written(derived.tree("expanded"), graph, "plain")
        assert examiner(network, function, wrt).verify(claim).right


@pytest.mark.parametrize("wrt", ["w11", "v12", "p21", "x1", "s1"])
def test_the_loss_is_accepted_with_its_outer_factor_in_any_spelling(wrt: str) -> None:
    inner = derivation("lecture", "tanh", wrt).expression("factored")
    marks = examiner("lecture", "tanh", wrt, "loss")
    for outer in ("2*(a - y)", "(2*a - 2*y)", "-2*(y - a)", "2*(p11*h1 + p21*h2 - y)"):
        assert marks.verify(f"{outer}*({inner})").right
    assert not marks.verify(f"(a - y)*({inner})").right
