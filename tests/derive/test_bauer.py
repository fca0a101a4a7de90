"""Bauer's formula on random networks: every form is the same number, and SymPy's derivative of the whole."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.programme import adjoints
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.scalar_evaluation import forward, given_values
from backpropsym.formula.algebra import add
from backpropsym.formula.tree import ONE, names
from backpropsym.graph.graph import Graph, Role
from tests.derive.networks import PLAIN, POINTS, dags, derive, leaves, network, whole

FORMS = ("paths", "factored", "expanded", "backward", "forward")
SETTINGS = settings(max_examples=40, deadline=None)


def _values(graph: Graph, point: dict[str, float]) -> dict[str, np.float64]:
    return forward(graph, given_values(graph, point, leaves(graph)))


def _derivations(graph: Graph) -> list[Derivation]:
    """By every leaf, and by two nodes in the middle."""
    local = LocalDerivatives(graph)
    middle = [name for name in graph.nodes if graph[name].role is Role.VALUE][:2]
    return [Derivation(local, graph.output, name) for name in [*leaves(graph), *middle]]


def _magnitude(derivation: Derivation, point: dict[str, float]) -> float:
    """The sum over paths of the absolute products, and of what rounds inside each local derivative."""
    return sum(abs(term.value) for term in derivation.numeric(point)) + 1e-3


@SETTINGS
@given(dags(), POINTS)
def test_all_forms_are_the_same_number(graph: Graph, point: dict[str, float]) -> None:
    values = _values(graph, point)
    assume(all(math.isfinite(value) and abs(value) < 1e6 for value in values.values()))
    for derivation in _derivations(graph):
        expected = derivation.evaluate(**point)
        tolerance = 1e-12 * _magnitude(derivation, point)
        for form in FORMS:
            tree = derivation.tree(form)
            known = {name: values[name] for name in leaves(graph)} if form == "expanded" else values
            assert float(evaluate(tree, known, graph.functions)) == pytest.approx(expected, rel=1e-12, abs=tolerance)
        assert sum(term.value for term in derivation.numeric(point)) == pytest.approx(expected, abs=tolerance)


@SETTINGS
@given(dags(), POINTS)
def test_they_are_sympys_derivative_of_the_whole(graph: Graph, point: dict[str, float]) -> None:
    values = _values(graph, point)
    assume(all(math.isfinite(value) and abs(value) < 1e4 for value in values.values()))
    local = LocalDerivatives(graph)
    for name in ("w1", "x1"):
        derivation = Derivation(local, graph.output, name)
        composed = whole(graph, graph.output, name)
        assume(sp.count_ops(composed) < 1_500)
        expected = _number(_by_sympy(composed, name), point)
        tolerance = 1e-12 * _magnitude(derivation, point)
        assert derivation.evaluate(**point) == pytest.approx(expected, rel=1e-11, abs=tolerance)


@SETTINGS
@given(dags(), POINTS)
def test_a_node_in_the_middle_is_a_variable_of_its_own(graph: Graph, point: dict[str, float]) -> None:
    values = _values(graph, point)
    assume(all(math.isfinite(value) and abs(value) < 1e4 for value in values.values()))
    middle = next(name for name in graph.nodes if graph[name].role is Role.VALUE)
    composed = whole(graph, graph.output, middle)
    assume(sp.count_ops(composed) < 1_500)
    derivation = derive(graph, graph.output, middle)
    slope = 1.0 if middle == graph.output else _number(_by_sympy(composed, middle), values)
    assert derivation.evaluate(**point) == pytest.approx(slope, rel=1e-11, abs=1e-12 * _magnitude(derivation, point))


def _by_sympy(composed: sp.Expr, name: str) -> sp.Expr:
    """SymPy's derivative; a network too deep for its recursion has no witness here."""
    try:
        return sp.diff(composed, sp.Symbol(name, real=True))
    except RecursionError:
        reject()


def _number(expr: sp.Expr, values: dict[str, float]) -> float:
    numbers = {sp.Symbol(name, real=True): sp.Float(float(value), 40) for name, value in values.items()}
    return float(sp.N(expr.subs(numbers), 30))


@SETTINGS
@given(dags(), POINTS)
def test_the_texts_are_read_by_sympy(graph: Graph, point: dict[str, float]) -> None:
    """Node names as symbols, functions by their names, derivatives of own functions as f_prime(...)."""
    values = _values(graph, point)
    assume(all(math.isfinite(value) and abs(value) < 1e4 for value in values.values()))
    derivation = derive(graph, graph.output, "w1")
    numbers = {name: sp.Float(float(value), 30) for name, value in values.items()}
    x, y = sp.symbols("x y", real=True)
    primes = {
        "f_prime": sp.Lambda(x, sp.diff(PLAIN["f"](x), x)),
        "where": lambda condition, then, otherwise: then if condition else otherwise,
    }
    expected = derivation.evaluate(**point)
    for form in FORMS:
        read = sp.parse_expr(derivation.expression(form), local_dict={**PLAIN, **primes, **numbers})
        assert float(read) == pytest.approx(expected, rel=1e-10, abs=1e-11 * _magnitude(derivation, point))
    for term in derivation.terms:
        product = sp.parse_expr(term.product, local_dict={**PLAIN, **primes, **numbers})
        parts = [sp.parse_expr(text, local_dict={**PLAIN, **primes, **numbers}) for text in term.texts]
        assert float(product) == pytest.approx(math.prod(map(float, parts)), rel=1e-12, abs=1e-15)


@SETTINGS
@given(dags())
def test_each_path_is_a_term(graph: Graph) -> None:
    for derivation in _derivations(graph):
        simple = nx.DiGraph(graph.networkx)
        expected = sorted(map(tuple, nx.all_simple_paths(simple, derivation.wrt, derivation.of)))
        if derivation.wrt == derivation.of:
            expected = [(derivation.of,)]
        found = [term.path for term in derivation.terms]
        assert sorted(found) == expected
        assert derivation.count == len(found)
        for term in derivation.terms:
            assert len(term.derivatives) == len(term.path) - 1
            for target, each in zip(term.path[1:], term.derivatives, strict=True):
                assert set(names(each)) <= set(graph[target].parents)


@SETTINGS
@given(dags(), POINTS)
def test_one_backward_programme_gives_every_derivative(graph: Graph, point: dict[str, float]) -> None:
    values = dict(_values(graph, point))
    assume(all(math.isfinite(value) and abs(value) < 1e6 for value in values.values()))
    local = LocalDerivatives(graph)
    programme = adjoints(local, graph.output)
    reached = graph.ancestors(graph.output)
    assert {equation.by for equation in programme.equations} == set(reached)
    for equation in programme.equations:
        number = evaluate(programme.right_side(equation), values, graph.functions)
        symbol = programme.symbols[equation.by]
        assert symbol not in values
        values[symbol] = number
        derivation = Derivation(local, graph.output, equation.by)
        tolerance = 1e-12 * _magnitude(derivation, point)
        assert float(number) == pytest.approx(derivation.evaluate(**point), rel=1e-12, abs=tolerance)


@SETTINGS
@given(dags(), POINTS)
def test_the_forward_programme_gives_the_derivative_of_every_node(graph: Graph, point: dict[str, float]) -> None:
    values = dict(_values(graph, point))
    assume(all(math.isfinite(value) and abs(value) < 1e6 for value in values.values()))
    local = LocalDerivatives(graph)
    programme = Derivation(local, graph.output, "w1").programme("forward")
    for equation in programme.equations:
        number = evaluate(programme.right_side(equation), values, graph.functions)
        values[programme.symbols[equation.of]] = number
        derivation = Derivation(local, equation.of, "w1")
        tolerance = 1e-12 * _magnitude(derivation, point)
        assert float(number) == pytest.approx(derivation.evaluate(**point), rel=1e-12, abs=tolerance)


@settings(max_examples=30, deadline=None)
@given(dags(), st.lists(POINTS, min_size=2, max_size=4))
def test_a_batch_gives_the_mean_over_objects(graph: Graph, points: list[dict[str, float]]) -> None:
    fixed = {name: points[0][name] for name in ("w1", "w2", "w3")}
    each = [{**point, **fixed} for point in points]
    batch = {name: np.array([point[name] for point in each]) for name in ("x1", "x2")}
    derivation = derive(graph, graph.output, "w1")
    singles = [derivation.evaluate(**point) for point in each]
    assume(all(math.isfinite(single) and abs(single) < 1e6 for single in singles))
    assert derivation.evaluate(**batch, **fixed) == pytest.approx(np.mean(singles), rel=1e-10, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(dags(), POINTS, st.data())
def test_a_wrong_local_derivative_changes_every_form(
    graph: Graph, point: dict[str, float], data: st.DataObject
) -> None:
    """What is planted on a link is seen by all forms alike: none derives on its own."""
    values = _values(graph, point)
    assume(all(math.isfinite(value) and abs(value) < 1e6 for value in values.values()))
    right = derive(graph, graph.output, "w1")
    assume(right.count)
    link = data.draw(st.sampled_from(right.links()))
    wrong = Derivation(LocalDerivatives(graph, {link: add([right.local[link], ONE])}), graph.output, "w1")
    numbers = right.numbers(point)
    through = sum(
        math.prod(float(numbers[each]) for each in _links(term.path) if each != link)
        for term in right.terms
        if link in _links(term.path)
    )
    expected = right.evaluate(**point) + through
    tolerance = 1e-11 * (_magnitude(wrong, point) + _magnitude(right, point))
    assert wrong.evaluate(**point) == pytest.approx(expected, abs=tolerance)
    for form in ("paths", "factored", "backward", "forward"):
        number = float(evaluate(wrong.tree(form), values, graph.functions))
        assert number == pytest.approx(expected, abs=tolerance)


def _links(path: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(path, path[1:], strict=False))


def test_equal_terms_stay_apart() -> None:
    """SymPy makes 2*x of x + x; two paths stay two terms in every form but its own."""
    graph = network(["x"], ["w"], {"s": "w*x", "t": "w*x", "a": "s + t"}, "a")
    derivation = derive(graph, "a", "w")
    assert derivation.count == 2
    assert [term.product for term in derivation.terms] == ["x", "x"]
    assert {derivation.expression(form) for form in FORMS} == {"x + x"}
    assert str(derivation.sympy()) == "2*x"
    assert [term.share for term in derivation.numeric({"x": 3.0, "w": 1.0})] == [0.5, 0.5]


def test_factors_stay_in_the_order_of_the_path() -> None:
    graph = network(["z", "y"], ["b"], {"s": "b*z", "t": "s*y", "a": "t*b"}, "a")
    assert [term.texts for term in derive(graph, "a", "b").terms] == [("z", "y", "b"), ("t",)]
    assert derive(graph, "a", "b").expression() == "z*y*b + t"
    assert derive(graph, "a", "b").expression("expanded") == "z*y*b + b*z*y"


def test_a_parent_used_twice_is_one_link() -> None:
    graph = network(["x"], ["w"], {"s": "w*x", "a": "s*s + tanh(s)"}, "a")
    derivation = derive(graph, "a", "w")
    assert derivation.count == 1
    assert derivation.expression() == "x*(2*s + (1 - tanh(s)**2))"
