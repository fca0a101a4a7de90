"""Kernels against numerics: every registered function, random networks, scalars against batches."""

from __future__ import annotations

import math
import re
from operator import attrgetter

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.evaluate.arithmetic import ExactArithmetic, call
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.graph.graph import Graph
from backpropsym.kernels.api.compile import ACCURACIES, MODES, compile_kernel
from backpropsym.kernels.backends.dialects import ArrayDialect, ScalarDialect
from backpropsym.ops.function import FUNCTIONS, Function
from backpropsym.ops.function_table import FunctionTable
from tests.kernels.networks import (
    KINKED,
    SMOOTH,
    complex_step,
    graphs,
    lecture,
    lecture_values,
    network,
    numbers_of,
    one_function,
)

EVERY = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=attrgetter("name"))


def samples(function: Function, count: int) -> dict[str, np.ndarray]:
    """Points of the function's domain as inputs of its network, by name."""
    source = np.random.default_rng(len(function.name))
    return {f"x{i}": source.uniform(*interval, count) for i, interval in enumerate(function.domain)}


def needed(graph: Graph, values: dict) -> dict:
    """`values` without the names that the graph does not know."""
    return {name: value for name, value in values.items() if name in graph.nodes}


@EVERY
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_every_function_against_complex_steps(function: Function, mode: str, accuracy: str) -> None:
    graph = one_function(function)
    kernel = compile_kernel(graph, mode, accuracy)
    points = samples(function, 20)
    shifts = {f"p{i}": 0.0 for i in range(len(function.arguments))}
    for row in range(20):
        values = {name: float(column[row]) for name, column in points.items()} | shifts
        value, gradients = kernel(**values)
        assert value == pytest.approx(float(forward(graph, values)["out"]), rel=1e-14, abs=1e-15)
        for name in shifts:
            assert gradients[name] == pytest.approx(complex_step(graph, values, name), rel=1e-12, abs=1e-14), values


@EVERY
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_a_batch_is_the_mean_over_its_objects(function: Function, accuracy: str) -> None:
    kernel = compile_kernel(one_function(function), accuracy=accuracy)
    points = samples(function, 37)
    shifts = {f"p{i}": 0.0 for i in range(len(function.arguments))}
    single = [kernel(**{name: float(x[row]) for name, x in points.items()}, **shifts) for row in range(37)]
    value, gradients = kernel(**points, **shifts)
    assert value == pytest.approx(np.mean([each[0] for each in single]), rel=1e-13, abs=1e-15)
    for name in shifts:
        assert gradients[name] == pytest.approx(np.mean([each[1][name] for each in single]), rel=1e-12, abs=1e-14)


@EVERY
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_probes_are_finite_and_alike_for_numbers_and_arrays(function: Function, accuracy: str) -> None:
    """Without a warning: the tests turn warnings into errors."""
    kernel = compile_kernel(one_function(function), accuracy=accuracy)
    optional = [float(default) for default in function.defaults.values()]
    for probe in function.probes:
        numbers = [*probe, *optional][: len(function.arguments)]
        values = {f"x{i}": float(x) for i, x in enumerate(numbers)} | {f"p{i}": 0.0 for i in range(len(numbers))}
        value, gradients = kernel(**values)
        on_arrays = kernel(**{name: np.array([x]) if name.startswith("x") else x for name, x in values.items()})
        assert math.isfinite(value), probe
        assert all(map(math.isfinite, gradients.values())), probe
        assert on_arrays[0] == pytest.approx(value, rel=1e-13, abs=1e-300), probe
        assert on_arrays[1] == pytest.approx(gradients, rel=1e-13, abs=1e-300), probe


@EVERY
def test_what_is_undefined_or_beyond_range_is_alike_for_numbers_and_arrays(function: Function) -> None:
    kernel = compile_kernel(one_function(function))
    shifts = {f"p{i}": 0.0 for i in range(len(function.arguments))}
    for x in (0.0, -2.0, -1e308, 1e308, -math.inf, math.inf, math.nan):
        for y in (1.0, 0.0, -1.0, math.nan):
            values = {f"x{i}": x if i == 0 else y for i in range(len(shifts))}
            value, gradients = kernel(**values, **shifts)
            arrays = kernel(**{name: np.array([each]) for name, each in values.items()}, **shifts)
            assert value == pytest.approx(arrays[0], nan_ok=True), values
            assert gradients == pytest.approx(arrays[1], nan_ok=True), values


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "mish", "gelu", "elu", "selu", "celu"])
@pytest.mark.parametrize("x", [-30.0, -19.0, -8.0, -1e-9, 1e-9, 10.0, 19.0, 30.0])
def test_full_accuracy_where_functions_saturate(name: str, x: float) -> None:
    function = FUNCTIONS[name]
    graph = one_function(function)
    values = {f"x{i}": x if i == 0 else 1.0 for i in range(len(function.arguments))}
    kernel = compile_kernel(graph, accuracy="full")
    found = kernel(**values, **{f"p{i}": 0.0 for i in range(len(values))})[1]["p0"]
    with mpmath.workdps(80):
        exact = ExactArithmetic(mpmath)
        rest = (mpmath.mpf(1),) * (len(values) - 1)
        slope = mpmath.diff(lambda t: call(name, (t, *rest), FunctionTable(), exact), mpmath.mpf(x))
        assert abs(found - slope) <= 4e-14 * abs(slope), (found, slope)


def test_default_accuracy_uses_the_stored_value() -> None:
    graph = network("", z="tanh(w*x)")
    default, full = compile_kernel(graph), compile_kernel(graph, accuracy="full")
    assert "1.0 - z*z" in default.source
    assert "exp" not in default.source.split("def _arrays")[0]
    assert default(w=1.0, x=20.0)[1]["w"] == 0.0
    assert full(w=1.0, x=20.0)[1]["w"] == pytest.approx(80 * math.exp(-40.0), rel=1e-14)


@settings(deadline=None, max_examples=60)
@given(graph=graphs(), seed=st.integers(0, 2**32 - 1))
def test_random_networks(graph: Graph, seed: int) -> None:
    """reverse = forward = paths = complex steps, for numbers and for a batch with one input the same for all."""
    values = numbers_of(graph, seed)
    batch = dict(values)
    for name in ("x0", "y"):
        batch[name] = np.random.default_rng(seed).uniform(-1.5, 1.5, 5)
    kernels = {mode: compile_kernel(graph, mode) for mode in MODES}
    for point in (values, batch):
        expected = {name: complex_step(graph, point, name) for name in graph.nodes if name.startswith("w")}
        scale = max(1.0, *map(abs, expected.values()))
        for mode, kernel in kernels.items():
            _, gradients = kernel(**point)
            assert gradients == pytest.approx(expected, rel=1e-11, abs=1e-12 * scale), mode


@settings(deadline=None, max_examples=40)
@given(graph=graphs(functions=KINKED + SMOOTH[:2]), seed=st.integers(0, 2**32 - 1))
def test_random_networks_with_kinks(graph: Graph, seed: int) -> None:
    values = numbers_of(graph, seed)
    expected = compile_kernel(graph, "paths")(**values)
    for mode, accuracy in (("reverse", "default"), ("reverse", "full"), ("forward", "default")):
        found = compile_kernel(graph, mode, accuracy)(**values)
        assert found[0] == pytest.approx(expected[0], rel=1e-11, abs=1e-12)
        assert found[1] == pytest.approx(expected[1], rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "x*sigmoid(x)", "gelu", "prelu(x, 0.25)"])
def test_the_lecture_in_every_mode(activation: str) -> None:
    graph = lecture(activation)
    expected = {name: complex_step(graph, lecture_values(), name) for name in lecture_values() if name[0] in "wvp"}
    for mode in MODES:
        assert compile_kernel(graph, mode)(**lecture_values())[1] == pytest.approx(expected, rel=1e-13, abs=1e-15)


FORMULAS = [
    *(
        "w - (x - w)",
        "(w - x) - (x - w)",
        "w - (x + 1)",
        "-w + x",
        "-(w + x)**2",
        "2 - (-w)",
        "-(-w)*x",
        "-w*x - w",
        "3 - w",
    ),
    *(
        "x/(w*x)",
        "x/(w/x)",
        "(x/w)/(w/x)",
        "x*(w*x)",
        "x*w/x*w",
        "1/(w + x)",
        "(-w)**3",
        "-w**2",
        "(w*x)**(-2)",
        "w**5",
    ),
    *(
        "w**0.5",
        "w**(-0.5)",
        "w**2.5",
        "(w + x)**4",
        "abs(w - x)*w",
        "max(w, 1) - max(1, w*x)",
        "min(w, 2)*min(2, x - w)",
    ),
    *("max(w, x)*min(w, x)", "where(w > x, w, x)*2", "where(w - 1 <= x*2, w, where(w < 1, x, w*x)) + w", "sign(w)*w"),
    *("step(w - 1)*w", "exp(-w)*2 - 1e-3*w", "w*0.1 + x*1e22 + w*1e-22", "sqrt(w)/sqrt(x)", "w*sin(2)/cos(1)"),
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_arithmetic_keeps_its_meaning(formula: str) -> None:
    """Signs, brackets and folded numbers, against the tree's own evaluation and complex steps."""
    graph = network("", a=formula)
    for x, w in ((0.7, 1.3), (1.9, 0.4)):
        expected = float(forward(graph, {"x": x, "w": w})["a"]), complex_step(graph, {"x": x, "w": w}, "w")
        for mode in MODES:
            kernel = compile_kernel(graph, mode)
            for place in (x, np.array([x, x])):
                value, gradients = kernel(x=place, w=w)
                assert value == pytest.approx(expected[0], rel=1e-14, abs=1e-15)
                assert gradients["w"] == pytest.approx(expected[1], rel=1e-13, abs=1e-15)


@EVERY
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_the_convention_at_kinks(function: Function, accuracy: str) -> None:
    """Where a branch changes, the slope is the one that the entry's own formula gives."""
    graph = one_function(function)
    kernel = compile_kernel(graph, accuracy=accuracy)
    shifts = {f"p{i}": 0.0 for i in range(len(function.arguments))}
    rest = [0.0, 1.0, 1.0][: len(shifts)]
    for x in (-3.0, -1.0, 0.0, 1.0, 3.0, 6.0):
        values = {f"x{i}": x if i == 0 else rest[i] for i in range(len(shifts))} | shifts
        for name in shifts:
            expected = Derivation(LocalDerivatives(graph), "out", name).evaluate(**values)
            if math.isfinite(expected):
                assert kernel(**values)[1][name] == pytest.approx(expected, rel=1e-12, abs=1e-15), (x, name)


def test_symbols_that_look_alike_stay_apart() -> None:
    """d(a)/d(b_dc) and d(a_db)/d(c) would both be called da_db_dc."""
    nodes = {"a": "tanh(b_dc*x*c)", "a_db": "sin(a*c*b_dc)", "q": "cos(a_db)", "r": "a*a_db*q + exp(a*q)"}
    graph = network("", parameters="b_dc c", **nodes)
    found = compile_kernel(graph, "forward")(x=0.6, b_dc=0.8, c=1.2)
    assert found[1] == pytest.approx(compile_kernel(graph)(x=0.6, b_dc=0.8, c=1.2)[1], rel=1e-13)


def test_a_branch_that_is_not_taken_leaves_no_nan() -> None:
    graph = network("", a="where(x > 0, w*log(x), w)", b="a + relu(w)/sqrt(x + 2)")
    for mode in ("reverse", "forward"):
        kernel = compile_kernel(graph, mode)
        assert kernel(x=-1.0, w=2.0) == (4.0, {"w": 2.0})
        assert kernel(x=np.array([-1.0, 0.0]), w=2.0)[1]["w"] == pytest.approx(1.5 + 0.5 / math.sqrt(2.0))


def test_a_part_that_is_the_same_for_all_objects_is_computed_once() -> None:
    graph = network("", inputs="x", parameters="w v", q="exp(w)*v", a="q*x + v**2")
    kernel = compile_kernel(graph)
    x = np.array([1.0, 2.0, 6.0])
    value, gradients = kernel(x=x, w=0.5, v=2.0)
    assert value == pytest.approx(3 * 2 * math.exp(0.5) + 4)
    assert gradients == pytest.approx({"w": 6 * math.exp(0.5), "v": 3 * math.exp(0.5) + 4})
    assert "q = q_1*v  # ()  exp(w)*v\n" in kernel.source
    assert "a = q*x + v*v  # (n,)\n" in kernel.source


@pytest.mark.parametrize("mode", MODES)
def test_a_parameter_without_influence_has_gradient_zero(mode: str) -> None:
    graph = network("", parameters="w idle", a="w*x", b="a + 1")
    assert compile_kernel(graph, mode)(x=3.0, w=1.0) == (4.0, {"w": 3.0, "idle": 0.0})


@pytest.mark.parametrize("mode", MODES)
def test_an_objective_that_is_a_leaf_or_a_constant(mode: str) -> None:
    graph = lecture()
    bare = Graph(graph.nodes, "w11")
    assert compile_kernel(bare, mode, parameters=["w11", "w12"])(w11=3.0) == (3.0, {"w11": 1.0, "w12": 0.0})
    of_input = compile_kernel(Graph(graph.nodes, "x1"), mode, parameters=["w11"])
    assert of_input(x1=np.array([1.0, 3.0])) == (2.0, {"w11": 0.0})
    constant = network("[constants]\nc = 2.0", inputs="", parameters="", a="c*3")
    assert compile_kernel(constant, mode)() == (6.0, {})


def test_chosen_parameters_only() -> None:
    kernel = compile_kernel(lecture(), parameters=["v11"])
    assert kernel(**lecture_values())[1] == {"v11": 5.0}
    assert "_dw11" not in kernel.source


@EVERY
def test_templates_have_a_form_that_the_printer_can_bracket(function: Function) -> None:
    if function.primitive is None:
        return
    constant = (False,) * len(function.arguments)
    for dialect in (ScalarDialect(), ArrayDialect()):
        template = dialect.template(function.name, constant)
        whole = function.primitive.scalar if isinstance(dialect, ScalarDialect) else function.primitive.array
        assert whole.startswith("(") or re.fullmatch(r"[a-z0-9.]+\(\{0\}[^()]*\)", whole), whole
        assert len(template.uses) == len(function.arguments)
