"""Elimination: every order gives the derivatives, the costs are those of the forms, and best is best."""

from __future__ import annotations

import itertools
import json
import random

import pytest
import sympy as sp
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.cli.costs import Order
from backpropsym.derive.analyses.array_costs import tensor_costs
from backpropsym.derive.analyses.elimination import MAX_SEARCHED, ORDERS, Linearised, eliminate
from backpropsym.derive.analyses.operation_counts import gradient_costs
from backpropsym.derive.local.link_numbers import local_numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import UnknownNameError
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import unroll
from tests.derive.networks import network

EXAMPLES = ("lecture", "skip", "neuron", "prelu")
POINT = {"x1": 0.3, "x2": -0.7, "w1": 0.9, "w2": -1.1}


def random_graph(seed: int) -> Graph:
    """Up to six nodes between two inputs, two parameters and two outputs, some links of one."""
    drawn = random.Random(seed)
    names, nodes = ["x1", "x2", "w1", "w2"], {}
    for j in range(drawn.randint(3, 8)):
        first, second, third = (drawn.choice([*names, *list(nodes)[-3:] * 3]) for _ in range(3))
        forms = ("{a}*{b} + {c}", "tanh({a}) + {b}", "{a}*{b}*{c}", "sin({a})", "{a} + {b} + {c}", "{a} - {b}*{b}")
        nodes[f"n{j}"] = drawn.choice(forms).format(a=first, b=second, c=third)
    last = list(nodes)[-1]
    return network(["x1", "x2"], ["w1", "w2"], nodes, last)


def ends(graph: Graph) -> tuple[list[str], list[str]]:
    nodes = [name for name, node in graph.nodes.items() if node.op is not None]
    return nodes[-2:], ["x1", "x2", "w1", "w2"]


def numbers_of(local: LocalDerivatives, graph: Graph) -> dict[Edge, float]:
    links = [Edge(parent, name) for name, node in graph.nodes.items() for parent in node.parents]
    return {link: float(value) for link, value in local_numbers(local, links, forward(graph, POINT)).items()}


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("order", ORDERS)
def test_every_order_gives_the_derivatives(order: str, seed: int) -> None:
    graph = random_graph(seed)
    local, (of, wrt) = LocalDerivatives(graph), ends(graph)
    found = eliminate(local, of, wrt, order).evaluate(numbers_of(local, graph))
    for target, source in itertools.product(of, wrt):
        if (other := of[0]) != target and graph.between(other, target):
            continue  # the last output is computed from the one before: what is left is the link between the two
        expected = bp.Network(graph=graph).derive(target, wrt=source).evaluate(**POINT)
        assert found.get(Edge(source, target), 0.0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_best_is_the_best_of_all_permutations(seed: int) -> None:
    graph = random_graph(seed)
    local, (of, wrt) = LocalDerivatives(graph), ends(graph)
    inner = Linearised(local, of, wrt).inner
    costs = []
    for nodes in itertools.permutations(inner):
        left = Linearised(local, of, wrt)
        steps = [left.eliminate(node)[0] for node in nodes]
        costs.append((sum(each.multiplications for each in steps), sum(each.additions for each in steps)))
    found = eliminate(local, of, wrt)
    assert found.exact
    assert (found.cost.multiplications, found.cost.additions) == min(costs)


def test_some_graph_has_an_order_better_than_both_directions() -> None:
    """Else the search would prove nothing: two inputs, two outputs, and one node in the middle of two fans."""
    nodes = {"s": "w1*x1 + w2*x2", "z": "tanh(s)", "a": "z*w1", "b": "z*w2"}
    graph = network(["x1", "x2"], ["w1", "w2"], nodes, "b")
    local = LocalDerivatives(graph)
    cost = {order: eliminate(local, ["a", "b"], ["x1", "x2"], order).cost.multiplications for order in ORDERS}
    assert cost["best"] <= min(cost["reverse"], cost["forward"])
    chain = {"u": "x1*x2", "v": "tanh(u)", "q": "sin(v)", "a": "q*w1", "b": "q*w2"}
    local = LocalDerivatives(network(["x1", "x2"], ["w1", "w2"], chain, "b"))
    cost = {order: eliminate(local, ["a", "b"], ["x1", "x2"], order).cost.multiplications for order in ORDERS}
    assert cost["best"] == cost["markowitz"] < min(cost["reverse"], cost["forward"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_both_directions_cost_what_the_programmes_cost(name: str) -> None:
    net = bp.example(name)
    of, wrt = net.graph.objective, list(net.parameters)
    costs = gradient_costs(net.local, of, wrt)
    assert eliminate(net.local, [of], wrt, "reverse").cost == costs["backward"]
    best = eliminate(net.local, [of], wrt)
    assert best.exact
    assert best.cost.multiplications <= costs["backward"].multiplications <= costs["paths"].multiplications


def test_the_lecture_by_hand() -> None:
    """Four products at a, one at each activation, four at each u, two at each s; backprop is the best order."""
    net = bp.example("lecture")
    found = eliminate(net.local, ["loss"], list(net.parameters), "reverse")
    assert [(step.node, step.cost.multiplications) for step in found.steps] == [
        ("a", 4), ("h2", 1), ("h1", 1), ("u2", 4), ("u1", 4), ("z2", 1), ("z1", 1), ("s2", 2), ("s1", 2),
    ]  # fmt: skip
    assert found.steps[0].added == tuple(Edge(name, "loss") for name in ("p11", "h1", "p21", "h2"))
    assert set(found.steps[4].merged) == {Edge("z1", "loss"), Edge("z2", "loss")}
    assert set(found.links) == {Edge(name, "loss") for name in net.parameters}
    assert eliminate(net.local, ["loss"], list(net.parameters)).cost == found.cost


def test_totals_run_and_what_is_removed_was_there() -> None:
    net = bp.example("lecture")
    for order in ORDERS:
        found = eliminate(net.local, ["loss"], list(net.parameters), order)
        there = set(Linearised(net.local, ["loss"], list(net.parameters)).links())
        multiplications = additions = 0
        for step in found.steps:
            assert set(step.removed) <= there and not set(step.added) & there and set(step.merged) <= there
            there = (there - set(step.removed)) | set(step.added)
            multiplications += step.cost.multiplications
            additions += step.cost.additions
            assert (step.total.multiplications, step.total.additions) == (multiplications, additions)
        assert there == set(found.links)


def test_a_large_network_gets_the_cheapest_that_is_known_and_says_so() -> None:
    net = bp.example("deep")
    wrt = list(net.parameters)
    found = {order: eliminate(net.local, ["loss"], wrt, order) for order in ORDERS}
    assert len(found["best"].steps) > MAX_SEARCHED and not found["best"].exact
    assert found["best"].cost.multiplications == min(each.cost.multiplications for each in found.values())
    assert found["reverse"].cost == gradient_costs(net.local, "loss", wrt)["backward"]


def test_an_unknown_order_is_refused() -> None:
    net = bp.example("lecture")
    with pytest.raises(UnknownNameError, match="markowits"):
        eliminate(net.local, ["a"], ["w11"], "markowits")
    assert set(Order) == set(ORDERS)


DENSE = """
inputs = {{x = [{d}]}}
parameters = {{W = [{h}, {d}], b = [{h}], V = [{k}, {h}], c = [{k}], q = [{k}]}}
output = "a"
[nodes]
s = "W @ x + b"
z = "tanh(s)"
u = "V @ z + c"
g = "sigmoid(u)"
a = "sum(q*g)"
"""


def test_formulas_of_symbolic_widths_are_the_numbers_of_every_width() -> None:
    symbolic = tensor_costs(bp.loads(DENSE.format(d='"d"', h='"h"', k='"k"')).graph)
    d, h, k = sp.symbols("d h k", integer=True, positive=True)
    for widths in ((2, 3, 4), (5, 1, 2), (3, 3, 3)):
        numbers = tensor_costs(bp.loads(DENSE.format(**dict(zip("dhk", widths, strict=True)))).graph)
        for form, formulas in symbolic.items():
            values = dict(zip((d, h, k), widths, strict=True))
            assert formulas.multiplications.subs(values) == numbers[form].multiplications
            assert formulas.additions.subs(values) == numbers[form].additions
    assert symbolic["value"].multiplications == d * h + h * k + k


@pytest.mark.parametrize("widths", [(2, 3, 4), (4, 5, 2)])
def test_the_formula_of_backprop_is_what_the_neurons_count(widths: tuple[int, int, int]) -> None:
    """The same network neuron by neuron, counted by another algorithm; the first sweep's q*g has no loss after it."""
    d, h, k = widths
    graph = bp.loads(DENSE.format(d=d, h=h, k=k)).graph
    scalars = unroll(graph)
    wrt = [name for name in scalars.nodes if name[0] in "WbVcq"]
    counted = gradient_costs(LocalDerivatives(scalars), "a", wrt)["backward"]
    costs = tensor_costs(graph)["backward"]
    # Entry by entry, a = sum(q*g) is one node with the seed 1; as tensors, its sum hands 2*k products on.
    assert costs.multiplications - counted.multiplications == 2 * k
    assert costs.additions == counted.additions


@pytest.mark.parametrize(("function", "added"), [("sum", "n - 1"), ("max", "0"), ("min", "0")])
def test_an_extreme_is_chosen_and_not_added_up(function: str, added: str) -> None:
    """Neither in the value nor in its tangents, one for each of the n parameters."""
    net = bp.loads(f'parameters = {{w = ["n"]}}\noutput = "a"\n[nodes]\na = "{function}(w)"\n')
    costs, n = tensor_costs(net.graph), sp.Symbol("n", integer=True, positive=True)
    additions = sp.sympify(added, {"n": n})
    assert costs["value"].additions == additions
    assert costs["forward"].additions == sp.expand(n * additions)


@pytest.mark.parametrize(("formula", "factors"), [("w @ w", 2), ("einsum('i,i,i->', w, w, w)", 3)])
def test_a_factor_that_stands_in_a_product_several_times(formula: str, factors: int) -> None:
    """Its tangent, and its adjoint, are a sum with one part for each time."""
    net = bp.loads(f'parameters = {{w = ["n"]}}\noutput = "a"\n[nodes]\na = "{formula}"\n')
    costs, n = tensor_costs(net.graph), sp.Symbol("n", integer=True, positive=True)
    others = factors - 1
    assert (costs["value"].multiplications, costs["value"].additions) == (others * n, n - 1)
    tangent = costs["forward"].multiplications, costs["forward"].additions
    assert tangent == (factors * others * n**2, sp.expand(n * (factors * n - 1))), "one for each of the n parameters"
    adjoint = costs["backward"].multiplications, costs["backward"].additions
    assert adjoint == (factors * (others - 1) * n, others * n), "the derivative of the objective by itself is one"


def test_the_command_tells_counts_and_steps() -> None:
    def run(*arguments: str) -> str:
        found = CliRunner().invoke(app, ["costs", *arguments], catch_exceptions=False)
        assert found.exit_code == 0, found.stderr
        return found.stdout

    text = run("lecture")
    assert (
        "backward                 20           2" in text and "best                     20           2   proven" in text
    )
    assert json.loads(run("lecture", "--json"))["forms"]["best"] == {
        "multiplications": 20, "additions": 2, "exact": True
    }  # fmt: skip
    assert "+ z₁ → loss" in run("lecture", "--order", "reverse")
    steps = json.loads(run("lecture", "--order", "markowitz", "--json"))["steps"]
    assert len(steps) == 9 and steps[-1]["total"]["multiplications"] == 22
    digits = json.loads(run("x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy", "--json"))["forms"]
    assert digits["value"]["multiplications"] == 784 * 1000 + 1000 * 10
    refused = CliRunner().invoke(app, ["costs", "x[2] -> dense(2) -> mse", "--order", "best"], catch_exceptions=False)
    assert refused.exit_code == 2 and "--level neurons" in refused.stderr
