"""Deep, wide and branching networks: forms are short, programmes, or refused with the way around; never a crash."""

from __future__ import annotations

import itertools
import math

import pytest

from backpropsym.derive.derivation import Derivation, count_text
from backpropsym.derive.forms.registry import FORMS, Form, of_numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import BackpropsymError, LimitError, UnknownNameError
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Expr, Name, Neg, depth, number
from backpropsym.graph.graph import Graph
from tests.derive.networks import chain, derive, layers, network, residual

CHAIN = chain(10_000)
LADDER = residual(50)


@pytest.mark.parametrize("form", of_numbers())
def test_a_chain_of_ten_thousand_in_every_form(form: str) -> None:
    derivation = derive(CHAIN, "s9999", "w0")
    if form in ("factored", "expanded"):
        with pytest.raises(LimitError) as caught:
            derivation.expression(form)
        assert "--form backward" in str(caught.value.problems[0].fix)
        return
    text = derivation.expression(form)
    assert text.count("f_prime(") == 10_000
    assert all(f"w{index}" in text for index in (1, 5_000, 9_999))


def test_a_chain_of_ten_thousand_in_numbers() -> None:
    values = {name: 1.01 if name.startswith("w") else 0.3 for name in CHAIN.nodes if CHAIN[name].op is None}
    derivation = derive(CHAIN, "s9999", "w0")
    at = 0.3
    for _ in range(10_000):
        at = math.tanh(1.01 * at)
    value = derivation.evaluate(**values)
    [term] = derivation.numeric(values)
    assert len(term.numbers) == 10_000
    assert value == pytest.approx(term.value, rel=1e-10)
    assert term.share == pytest.approx(1.0)
    assert derivation.node_values(values)["s9999"] == pytest.approx(at, rel=1e-9)
    assert len(derivation.programme("backward").equations) == len(derivation.programme("forward").equations)


STEPS = ("{p}/(2 + {p})", "-{p}", "where({p} > 0, {p}, 2*{p})", "{p} + tanh({p})*w{i}", "({p} + 1)**2", "g({p}, w{i})")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("form", of_numbers())
def test_long_chains_of_other_steps(step: str, form: str) -> None:
    graph = chain(500, step.replace("g(", "prelu("))
    try:
        text = derive(graph, graph.output, "x").expression(form)
    except BackpropsymError as error:
        assert error.problems[0].fix
        return
    assert text


def test_a_residual_chain_of_2_to_the_50_paths_is_short_when_factored() -> None:
    derivation = derive(LADDER, "r50", "x")
    assert derivation.count == 2**50
    text = derivation.expression("factored")
    assert text.startswith("2*(1 + (1 - tanh(r0)**2)*w0)*") or text.startswith("2*((1 - tanh(r0)**2)*w0 + 1)*")
    assert len(text) < 50 * 40
    values = {name: 0.1 for name in LADDER.nodes if LADDER[name].op is None}
    r, expected = 0.2, 2.0
    for _ in range(50):
        expected *= 1 + 0.1 * (1 - math.tanh(r) ** 2)
        r += 0.1 * math.tanh(r)
    assert derivation.evaluate(**values) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("form", ["paths", "expanded", "numeric"])
def test_what_lists_every_path_refuses_too_many(form: str) -> None:
    with pytest.raises(LimitError) as caught:
        derive(LADDER, "r50", "x").expression(form)
    [problem] = caught.value.problems
    assert problem.message == "dr50/dx has 1,125,899,906,842,624 paths"
    assert problem.details == ("at most 1,000 are written out as one sum",)
    assert problem.fix == "ask for --form backward, or list the strongest: backpropsym paths ... --top 10"


def test_terms_of_very_many_are_listed_lazily() -> None:
    graph = layers(10, 31)
    derivation = derive(graph, "a", "x")
    assert derivation.count == 10**31
    terms = list(itertools.islice(derivation.terms, 3))
    assert [len(term.path) for term in terms] == [33] * 3
    values = {name: 0.5 for name in graph.nodes if graph[name].op is None}
    strongest = list(derivation.numeric(values, top=3))
    assert len({each.term.path for each in strongest}) == 3
    assert [each.value for each in strongest] == [0.5**31] * 3
    assert strongest[0].share == pytest.approx(1e-31)
    assert derivation.evaluate(**values) == pytest.approx(5.0**31)
    assert repr(derivation) == "Derivation(da/dx, about 10^31 paths)"


def test_one_equation_a_node_however_many_paths() -> None:
    graph = layers(10, 31)
    for direction in ("backward", "forward"):
        programme = derive(graph, "a", "x").programme(direction)
        assert len(programme.equations) == 1 + 310 + 1
        assert max(len(to_text(programme.right_side(each))) for each in programme.equations) < 400


def test_what_cannot_be_factored_short_is_refused() -> None:
    with pytest.raises(LimitError, match="20,000 parts|100 levels of brackets") as caught:
        derive(layers(10, 31), "a", "x").expression("factored")
    assert caught.value.problems[0].fix == "ask for --form backward: it has one equation a node"


def ladder(length: int) -> Graph:
    """Two rails with rungs: no node is on every path, and brackets nest at every step."""
    nodes = {"l0": "x", "r0": "tanh(x)"}
    for i in range(length):
        nodes |= {f"l{i + 1}": f"tanh(l{i})", f"r{i + 1}": f"r{i}*l{i + 1}"}
    nodes["a"] = f"l{length} + r{length}"
    return network(["x"], [], nodes, "a")


@pytest.mark.parametrize("form", of_numbers())
@pytest.mark.parametrize("length", [3, 40, 150])
def test_nested_brackets_are_written_or_refused(form: str, length: int) -> None:
    derivation = derive(ladder(length), "a", "x")
    assert derivation.count == length + 2
    try:
        assert derivation.expression(form)
    except LimitError as error:
        assert length > 3
        assert "backward" in str(error.problems[0].fix)


@pytest.mark.parametrize("form", ["expanded", "factored"])
def test_a_form_that_doubles_at_every_node_is_refused_before_it_is_built(form: str) -> None:
    nodes = {"n0": "x*x"} | {f"n{i}": f"n{i - 1}*n{i - 1} + n{i - 1}" for i in range(1, 5_000)}
    derivation = derive(network(["x"], [], nodes, "n4999"), "n4999", "x")
    with pytest.raises(LimitError) as caught:
        derivation.expression(form)
    assert caught.value.problems[0].fix
    assert len(str(caught.value)) < 500


def test_unknown_names_and_forms() -> None:
    graph = chain(3)
    with pytest.raises(UnknownNameError, match="did you mean s2"):
        derive(graph, "s22", "w0")
    with pytest.raises(UnknownNameError, match="no node is called 'w9'"):
        derive(graph, "s2", "w9")
    with pytest.raises(UnknownNameError) as caught:
        derive(graph, "s2", "w0").tree("factord")
    assert caught.value.problems[0].fix == "did you mean factored?"
    with pytest.raises(BackpropsymError, match="no form is called 'zzz'"):
        derive(graph, "s2", "w0").expression("zzz")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1, "1"), (1234567, "1,234,567"), (10**30, "about 10^30"), (10**5000, "about 10^5000")],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_counts_for_people(count: int, text: str) -> None:
    assert count_text(count) == text


def test_a_symbol_of_a_programme_never_has_the_name_of_a_node() -> None:
    graph = network(["x"], ["w"], {"da_ds": "w*x", "s": "da_ds + w", "a": "s*da_ds"}, "a")
    programme = derive(graph, "a", "w").programme()
    assert not set(programme.symbols.values()) & set(graph.nodes)
    assert len(set(programme.symbols.values())) == len(programme.symbols)


def test_local_derivatives_are_shared_and_can_be_replaced() -> None:
    graph = chain(3, "2*{p}")
    local = LocalDerivatives(graph, {Edge("s0", "s1"): number(5)})
    assert Derivation(local, "s2", "x").evaluate(x=1.0) == 20.0
    assert LocalDerivatives(graph).of("x") == {}


def test_a_form_of_few_parts_and_many_levels_is_refused() -> None:
    """Either is too much: a chain of 120 has 7,000 parts, and nests as deep as it is long."""
    formulas = {f"h{index}": f"tanh(h{index - 1})" for index in range(1, 121)}
    graph = network(["x"], ["h0"], formulas, "h120")
    with pytest.raises(LimitError, match="100 levels"):
        derive(graph, "h120", "h0").expression("expanded")


def test_a_form_of_as_many_levels_as_allowed_is_written_and_one_of_more_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """No form of ours comes so far, for those that nest have limits of their own; one that is added may."""
    levels = 150

    def nested(derivation: object) -> Expr:
        tree: Expr = Name("x")
        for _ in range(levels - 1):
            tree = Neg(tree)
        return tree

    monkeypatch.setitem(FORMS, "nested", Form("nested", nested))
    derivation = derive(chain(3), "s2", "x")
    assert depth(derivation.tree("nested")) == levels
    levels += 1
    with pytest.raises(LimitError, match="the nested form nests 151 levels deep"):
        derivation.tree("nested")
