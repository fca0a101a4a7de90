"""The numerics of the check, each against something known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from backpropsym.checks.edges import edge_numerics, kinks_on_paths, ratio, reverse_sweep
from backpropsym.checks.exact import ExactPoint
from backpropsym.checks.finite_differences import Jobs, Objective, extrapolated
from backpropsym.checks.of_numbers import OfNumbers
from backpropsym.checks.plan import Plan
from backpropsym.checks.sample_points import Points, find_points
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.derive.paths.path_space import PathSpace, edges
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.number_systems import BranchRecorder, Spread, SpreadArithmetic, Switching
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.formula.parse import parse_formula
from backpropsym.formula.tree import Name
from backpropsym.ops.function_table import FunctionTable
from backpropsym.spec.source import example_text
from backpropsym.spec.toml import parse_network
from tests.checks.networks import random_network

TABLE = FunctionTable()
LECTURE = parse_network(example_text("lecture"))


def spread_of(formula: str, x: float) -> float:
    tree = parse_formula(formula, TABLE.signatures)
    return float(evaluate(tree, {"x": Spread(np.float64(x), 1.0)}, TABLE, SpreadArithmetic()).spread)


@pytest.mark.parametrize(
    ("formula", "x", "size"),
    [
        ("3*x", 2.0, 3.0),
        ("x - x", 2.0, 2.0),
        ("x*x - 4*x", 2.0, 8.0),
        ("x**3", -2.0, 12.0),
        ("1/x - x", 2.0, 1.25),
        ("-sin(x) + x", 0.0, 2.0),
        ("where(x > 0, x, -2*x)", -1.0, 2.0),
        ("exp(x)*exp(-x)", 1.5, 2.0),
    ],
)
def test_a_spread_adds_up_what_cancels_in_the_derivative(formula: str, x: float, size: float) -> None:
    assert spread_of(formula, x) == pytest.approx(size, rel=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_the_reverse_sweep_is_the_sum_of_magnitudes_over_paths(seed: int) -> None:
    graph = random_network(seed)
    random = np.random.default_rng(seed)
    within = graph.ancestors(graph.objective)
    factors = {Edge(p, n): random.standard_normal(2) for n in sorted(within) for p in graph[n].parents}
    totals = reverse_sweep(graph, graph.objective, factors)
    for name in within:
        space = PathSpace(graph, name, graph.objective)
        explicit = sum((np.prod([abs(factors[each]) for each in edges(path)], axis=0) for path in space), np.zeros(2))
        expected = np.ones(2) if name == graph.objective else explicit
        assert totals[name] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("function", "slope"), [(np.exp, math.e), (np.sin, math.cos(1)), (lambda x: x**5, 5.0), (lambda x: 1 / x, -1.0)]
)
@pytest.mark.parametrize("sided", [False, True])
def test_extrapolated_differences_reach_the_slope(
    function: Callable[[float], float], slope: float, sided: bool
) -> None:
    steps = 0.1 * 2.0 ** -np.arange(8)
    ends = [(function(1 + h) - function(1 - h)) / (2 * h) for h in steps]
    one_sided = [(function(1 + h) - function(1)) / h for h in steps]
    value, error = extrapolated(np.array([one_sided if sided else ends]), 2.0 if sided else 4.0)
    assert value[0] == pytest.approx(slope, rel=1e-12)
    assert error[0] <= 1e-9


def test_the_complex_step_is_exact_where_the_real_step_is_not() -> None:
    graph = parse_network('inputs=["x"]\nparameters=["w"]\noutput="a"\n[nodes]\ns="w*x"\na="tanh(s)*exp(s)"')
    values = {name: np.asarray(value).reshape(1) for name, value in forward(graph, {"x": 1.5, "w": 0.7}).items()}
    objective = Objective(graph, "a", values)
    jobs = Jobs(["w"], np.array([0]))
    s = 1.05
    expected = 1.5 * math.exp(s) * (1 - math.tanh(s) ** 2 + math.tanh(s))
    assert objective.complex_steps(jobs)[0][0] == pytest.approx(expected, rel=4e-16)
    slopes = objective.differences(jobs, np.array([expected]))
    assert slopes.value[0] == pytest.approx(expected, rel=1e-11)
    assert slopes.clean[0] and not slopes.touching[0]


@pytest.mark.parametrize("distance", [1e-1, 1e-2, 1e-3, 1e-4, -1e-3])
def test_the_step_stays_shorter_than_the_distance_to_the_kink(distance: float) -> None:
    """Of a bent function only the branch of the base point counts, however near the bend is."""
    graph = parse_network('parameters=["w"]\ninputs=["x"]\noutput="a"\n[nodes]\na="where(w > x, exp(w), 5*w**2)"')
    values = {"w": np.array([1.0]), "x": np.array([1.0 - distance])}
    values["a"] = np.array([math.e if distance > 0 else 5.0])
    slopes = Objective(graph, "a", values).differences(Jobs(["w"], np.array([0])), np.array([1.0]))
    assert slopes.clean[0]
    assert slopes.value[0] == pytest.approx(math.e if distance > 0 else 10.0, rel=1e-8)


@pytest.mark.parametrize(
    ("formula", "left", "right"),
    [
        ("abs(w)", -1.0, 1.0),
        ("where(w > 0, 1 + w, 2*w)", 2.0, math.inf),
        ("where(w > 0, w - 1, 2*w)", 2.0, -math.inf),
        ("where(w < 0, 2*w + 1, w)", -math.inf, 1.0),
    ],
)
def test_slopes_of_both_sides_are_infinite_at_a_jump(formula: str, left: float, right: float) -> None:
    """On the side where the objective is not what it is at 0."""
    graph = parse_network(f'parameters = ["w"]\noutput = "a"\n[nodes]\na = "{formula}"\n')
    values = forward(graph, {"w": np.array([0.0])})
    slopes = Objective(graph, "a", values).differences(Jobs(["w"], np.array([0])), np.array([1.0]))
    assert (slopes.left[0], slopes.right[0]) == pytest.approx((left, right), rel=1e-9)


def test_branches_are_compared_with_the_reference_column() -> None:
    recorder = BranchRecorder(2, np.array([0, 0, 0]), np.array([1, 2]))
    recorder.note(np.array([[1.0, 2.0, -1.0], [0.0, 1.0, -1.0]]))
    assert recorder.same.tolist() == [[True, True, False], [True, False, False]]
    assert recorder.touching.tolist() == [False, True]


@pytest.mark.parametrize(
    ("formula", "branching"),
    [
        ("relu(x)", True),
        ("sigmoid(x)", False),
        ("where(x > 0, x, 1)", True),
        ("gelu(x)", False),
        ("exp(x)", False),
        ("huber(x, 1)", True),
        ("hard_tanh(x)", True),
    ],  # fmt: skip
)
def test_a_function_branches_by_its_definition_not_by_its_stable_spelling(formula: str, branching: bool) -> None:
    assert Switching(TABLE).branches(parse_formula(formula, TABLE.signatures)) is branching


def test_a_dead_neuron_hides_the_kink_behind_it() -> None:
    """With s1 < 0 no path from w11 reaches the kink at u1 = 0; the one from v11 ends there with z1 = 0."""
    points = find_points(LECTURE, {"w11": -1.0, "w21": -1.0, "v21": 0.0}, 1, np.random.default_rng(0))
    assert points.values["u1"][0] == 0.0
    assert points.edges.kink["h1"][0]
    crossing = kinks_on_paths(LECTURE, "loss", points.edges)
    assert not crossing["w11"][0]
    assert not crossing["v11"][0]
    assert crossing["u1"][0]


def test_the_ratio_of_what_is_not_a_number_is_infinite() -> None:
    found = ratio(np.array([1.0, math.nan, 2.0]), np.array([1.0, 1.0, math.inf]), np.array([1.0, 1.0, 1.0]))
    assert found.tolist() == [0.0, math.inf, math.inf]


def test_fifty_digits_agree_where_double_precision_cancels() -> None:
    """At s = 1e-9 the sum 1 - cos(s) has no digit left; the formula of its derivative is right all the same."""
    graph = parse_network('inputs=["x"]\nparameters=["w"]\noutput="a"\n[nodes]\ns="w*x"\na="(1 - cos(s))/s**2"')
    exact = ExactPoint(LocalDerivatives(graph), "a", {"w": 1e-9, "x": 1.0})
    assert float(exact.slope({"w": 1.0})) == pytest.approx(-1e-9 / 12, rel=1e-12)
    assert exact.gradient_gap("w", 1.0) < 1e-40
    edge = Edge("s", "a")
    assert exact.edge_gap(edge, exact.local[edge], 1.0) < 1e-40


def test_steps_in_fifty_digits_are_shorter_than_the_smallest_value() -> None:
    graph = parse_network('parameters=["w"]\ninputs=[]\noutput="a"\n[nodes]\nh="exp(-w)"\na="sqrt(h**2 + h**2)"')
    exact = ExactPoint(LocalDerivatives(graph), "a", {"w": 300.0})
    assert float(exact.slope({"w": 1.0})) == pytest.approx(-math.sqrt(2) * math.exp(-300), rel=1e-12)


def test_edges_of_a_wide_neuron_are_those_of_its_terms() -> None:
    names = [f"w{index}" for index in range(40)]
    formula = " + ".join(f"{name}*x" for name in names) + " - 2*x"
    graph = parse_network(f'inputs=["x"]\nparameters={names}\noutput="s"\n[nodes]\ns="{formula}"')
    leaves = {name: np.linspace(1, 2, 5) + index for index, name in enumerate([*names, "x"])}
    values = forward(graph, leaves)
    numerics = edge_numerics(graph, ["s"], values)
    assert numerics.slope[Edge("w7", "s")] == pytest.approx(values["x"], rel=1e-15)
    total = sum(values[name] for name in names)
    assert numerics.slope[Edge("x", "s")] == pytest.approx(total - 2, rel=1e-14)
    assert numerics.size[Edge("x", "s")] == pytest.approx(total + 2, rel=1e-14)


@pytest.mark.parametrize("factor", [1, 30, 1000])
def test_the_step_is_shortened_until_the_difference_settles(factor: int) -> None:
    graph = parse_network(f'inputs = ["x"]\noutput = "a"\n[nodes]\na = "tanh({factor}*x - {factor})"\n')
    x = 1.0 + 0.3 / factor
    values = forward(graph, {"x": np.array([x])})
    slope = factor / math.cosh(0.3) ** 2
    differences = Objective(graph, "a", values).differences(Jobs(["x"], np.array([0])), np.array([slope]))
    assert differences.value[0] == pytest.approx(slope, rel=1e-9)


def test_fifty_digits_judge_at_the_point_that_is_suspicious() -> None:
    """w instead of 2*w is right at w = 0 and wrong elsewhere."""
    graph = parse_network('inputs = []\nparameters = ["w"]\noutput = "y"\n[nodes]\ny = "w**2"')
    values = {"w": np.array([0.0, 3.0, 0.0]), "y": np.array([0.0, 9.0, 0.0])}
    points = Points(values, edge_numerics(graph, ["y"], values), 0, np.arange(3), ())
    local = LocalDerivatives(graph, {Edge("w", "y"): Name("w")})
    comparison, _, _ = OfNumbers(local, points, Plan(), np.random.default_rng(0)).compare(Plan())
    assert comparison.wrong.tolist() == [False, True, False]
