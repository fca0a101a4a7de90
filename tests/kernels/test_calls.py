"""What a kernel may be called with, and what it says to the rest."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import (
    AbstractFunctionError,
    LimitError,
    MissingExtraError,
    NetworkError,
    UnknownNameError,
    ValuesError,
)
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.kernels.api.compile import MODES, Kernel, compile_kernel
from backpropsym.kernels.backends.names import MAX_KEYWORDS
from backpropsym.kernels.ir import values as kernel_values
from backpropsym.kernels.runtime import scalar_runtime
from tests.kernels.networks import chain, dense, lecture, lecture_values, network, numbers_of

VALUES = lecture_values()
EVERY_MODE = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module", params=MODES)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return compile_kernel(lecture("tanh"), request.param)


@pytest.mark.parametrize(
    "number",
    [
        2,
        True,
        np.float64(2.5),
        np.float32(0.5),
        np.int64(3),
        np.array(1.5),
        Fraction(1, 3),
        Decimal("0.1"),
        np.bool_(1),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["x1", "w11"])
def test_every_kind_of_number(kernel: Kernel, name: str, number: Any) -> None:
    value, gradients = kernel(**(VALUES | {name: number}))
    expected = kernel(**(VALUES | {name: float(number)}))
    assert (value, gradients) == expected
    assert type(value) is float
    assert {type(each) for each in gradients.values()} == {float}


def test_integers_only_give_floats() -> None:
    value, gradients = compile_kernel(network("", a="w*x"))(w=2, x=3)
    assert (value, gradients) == (6.0, {"w": 3.0})
    assert type(value) is type(gradients["w"]) is float


@pytest.mark.parametrize("batch", [[1.0, 2.0], (1, 2), np.array([1, 2]), np.array([1.0, 2.0]), range(1, 3)], ids=repr)
def test_every_kind_of_batch(kernel: Kernel, batch: Any) -> None:
    value, gradients = kernel(**(VALUES | {"x1": batch}))
    single = [kernel(**(VALUES | {"x1": each})) for each in (1.0, 2.0)]
    assert value == pytest.approx((single[0][0] + single[1][0]) / 2, rel=1e-14)
    assert type(value) is float
    for name, each in gradients.items():
        assert each == pytest.approx((single[0][1][name] + single[1][1][name]) / 2, rel=1e-13)
        assert type(each) is float


def test_a_batch_of_one_is_the_object(kernel: Kernel) -> None:
    batch = {name: np.array([VALUES[name]]) for name in ("x1", "x2", "y")}
    value, gradients = kernel(**(VALUES | batch))
    assert value == pytest.approx(kernel(**VALUES)[0], rel=1e-14)
    assert gradients == pytest.approx(kernel(**VALUES)[1], rel=1e-13)


@pytest.mark.parametrize(
    "size", [scalar_runtime.BLOCK - 1, scalar_runtime.BLOCK, scalar_runtime.BLOCK + 1, 2 * scalar_runtime.BLOCK + 7]
)
def test_a_long_batch_is_the_mean_over_its_parts(kernel: Kernel, size: int) -> None:
    x, half = np.random.default_rng(size).normal(size=size), size // 2
    value, gradients = kernel(**(VALUES | {"x1": x}))
    parts = [kernel(**(VALUES | {"x1": each})) for each in (x[:half], x[half:])]
    for found, (first, last) in [
        (value, [part[0] for part in parts]),
        *((gradients[name], [part[1][name] for part in parts]) for name in gradients),
    ]:
        assert found == pytest.approx((half * first + (size - half) * last) / size, rel=1e-12, abs=1e-15)


def test_arrays_are_never_modified() -> None:
    kernel = compile_kernel(network("", a="relu(x)", b="w*a + x"))
    x = np.array([-1.0, 2.0])
    x.flags.writeable = False
    kernel(x=x, w=2.0)
    assert x.tolist() == [-1.0, 2.0]


def test_single_precision_stays_single() -> None:
    kernel = compile_kernel(
        network("", parameters="w v", a="leaky_relu(w*x)", b="where(a > 0, 1, 2)*gelu(a) + exp(v/3)")
    )
    seen = []
    arrays = kernel.__globals__["_general"].__self__.arrays  # type: ignore[attr-defined]

    def spy(*arguments: Any) -> Any:
        value, gradients = arrays(*arguments)
        seen.extend([value, *gradients.values()])
        return value, gradients

    kernel.__globals__["_general"].__self__.__dict__["arrays"] = spy  # type: ignore[attr-defined]
    x = np.linspace(-1.0, 1.0, 7)
    single = kernel(x=x.astype(np.float32), w=np.float64(0.7), v=1)
    assert {each.dtype for each in seen} == {np.dtype(np.float32)}
    double = kernel(x=x, w=0.7, v=1)
    assert {each.dtype for each in seen[3:]} == {np.dtype(float)}
    assert single[0] == pytest.approx(double[0], rel=1e-6)
    assert single[0] != double[0]


def test_integers_and_lists_take_the_dtype_of_the_floating_arrays() -> None:
    kernel = compile_kernel(network("", inputs="x t", a="w*x*t"))
    single = np.array([0.1, 0.3], dtype=np.float32)
    expected = float(np.mean(single * np.float32(0.7) * single))
    assert kernel(x=single, t=[float(each) for each in single], w=0.7)[0] == pytest.approx(expected, rel=1e-7, abs=0.0)
    assert kernel(x=single, t=np.array([1, 2]), w=1)[0] == float(np.mean(single * np.array([1, 2], dtype=np.float32)))


def test_overflow_and_undefined_points_are_quiet() -> None:
    """The tests turn warnings into errors."""
    kernel = compile_kernel(network("", a="exp(w*x)"))
    assert kernel(x=1000.0, w=1.0) == kernel(x=np.array([1000.0, 1.0]), w=1.0) == (math.inf, {"w": math.inf})
    kernel = compile_kernel(network("", a="w*x**2", b="log(a) + x/w"))
    assert math.isnan(kernel(x=2.0, w=-1.0)[0])
    value, gradients = kernel(x=2.0, w=0.0)
    assert math.isnan(value) and math.isnan(gradients["w"])
    assert math.isnan(kernel(x=np.array([2.0, 1e200]), w=np.float64(-1.0))[0])
    assert math.isnan(kernel(x=math.nan, w=1.0)[0])
    assert math.isnan(kernel(x=np.array([1.0, math.nan]), w=1.0)[1]["w"])


def test_roots_of_negative_numbers_are_nan_and_not_complex() -> None:
    kernel = compile_kernel(network("", a="(w*x)**(1/3) + (w*x)**7"))
    assert math.isnan(kernel(x=-8.0, w=1.0)[0])
    assert kernel(x=8.0, w=1.0)[0] == pytest.approx(2.0 + 8.0**7)


@pytest.mark.parametrize(
    ("change", "message", "fix"),
    [
        ({"w1": 1.0}, "no input, target or parameter 'w1'", "did you mean w"),
        ({"zzzz": 1.0}, "no input, target or parameter 'zzzz'", "the names are: x1, x2, y, w11"),
        ({"s1": 1.0}, "no input, target or parameter 's1'", "fix:"),
        ({"_unknown": {}}, "no input, target or parameter '_unknown'", "fix:"),
        ({"w11": None}, "w11 is not a real number", "give w11=1.0"),
        ({"w11": "1.0"}, "w11 is not a real number: it has the type <U3", "give w11=1.0"),
        ({"x1": 1j}, "x1 is not a real number: it has the type complex128", "shape (n,)"),
        ({"x1": np.array([1j])}, "x1 is not a real number: it has the type complex128", "shape (n,)"),
        ({"x1": [[1.0], [2.0, 3.0]]}, "x1 is not a real number", "shape (n,)"),
        ({"x1": np.ones((3, 1))}, "x1 has the shape (3, 1)", "shape (n,)"),
        ({"x1": {}}, "x1 is not a real number", "shape (n,)"),
        ({"x1": 10**400}, "x1 is not a real number: int too large", "shape (n,)"),
        ({"x1": np.array(["a"])}, "x1 is not a real number: it has the type <U1", "shape (n,)"),
        (
            {"w11": np.ones(3)},
            "w11 has the shape (3,), and it is one number for all objects",
            "only inputs and targets",
        ),
        ({"x1": np.ones(3), "y": np.ones(2)}, "x1 has 3, y has 2", "the same length"),
        ({"x1": np.ones(1), "x2": np.ones(2)}, "x1 has 1, x2 has 2", "the same length"),
        ({"x1": np.ones(0)}, "x1 has no objects: its shape is (0,)", "at least one object"),
        ({"x1": ...}, "no value is given for x1", "give x1=1.0"),
    ],
    ids=repr,
)
def test_mistakes_of_a_call(kernel: Kernel, change: dict[str, Any], message: str, fix: str) -> None:
    with pytest.raises(ValuesError) as caught:
        kernel(**(VALUES | change))
    assert message in str(caught.value)
    assert fix in str(caught.value)
    assert len(caught.value.problems) == 1


def test_all_mistakes_are_told_at_once(kernel: Kernel) -> None:
    values = {name: value for name, value in VALUES.items() if name not in ("x2", "v11")}
    with pytest.raises(ValuesError) as caught:
        kernel(**(values | {"w111": 1.0, "y": "a"}))
    assert "no value is given for x2, v11" in str(caught.value)
    assert len(caught.value.problems) == 3


def test_a_kernel_with_many_names() -> None:
    """More names than a kernel takes as keywords of its own."""
    graph = dense(5, 2)
    kernel = compile_kernel(graph)
    assert len(kernel.names) > MAX_KEYWORDS
    values = numbers_of(graph, 1)
    assert kernel(**values)[1] == pytest.approx(compile_kernel(graph, "forward")(**values)[1], rel=1e-12)
    assert kernel(**(values | {"x0": 1})) == kernel(**(values | {"x0": 1.0}))
    batch = kernel(**(values | {"x0": np.array([values["x0"]] * 2)}))
    assert batch[1] == pytest.approx(kernel(**values)[1], rel=1e-12)
    for mistake in ({"_unknown": 1.0}, {"w0_0": 1.0}):
        with pytest.raises(ValuesError, match="no input, target or parameter"):
            kernel(**(values | mistake))
    values.pop("w0_0_0")
    with pytest.raises(ValuesError, match="no value is given for w0_0_0"):
        kernel(**values)


@pytest.mark.parametrize(("count", "rest"), [(1, ""), (20, ""), (21, ", ..."), (30, ", ...")])
def test_a_mistake_lists_twenty_names_at_most(count: int, rest: str) -> None:
    names = [f"w{number}" for number in range(count)]
    formula = " + ".join(names)
    kernel = compile_kernel(network("", parameters=" ".join(names), a=f"tanh({formula})"))
    with pytest.raises(ValuesError) as caught:
        kernel(**dict.fromkeys(names, 1.0), zzzz=1.0)
    assert str(caught.value).endswith(f"the names are: {', '.join(names[:20])}{rest}")


def test_declared_names_that_are_not_needed_are_accepted_and_ignored(kernel: Kernel) -> None:
    graph = network('targets = ["y"]', parameters="w idle", a="w*x")
    for mode in MODES:
        each = compile_kernel(graph, mode)
        assert each(x=2.0, w=3.0) == each(x=2.0, w=3.0, y="anything", idle=np.ones(3)) == (6.0, {"w": 2.0, "idle": 0.0})


def test_constants_are_built_in() -> None:
    kernel = compile_kernel(network("[constants]\nc = 2.0", a="c*w*x"))
    assert kernel(x=3.0, w=1.0) == (6.0, {"w": 6.0})
    with pytest.raises(ValuesError, match="no input, target or parameter 'c'"):
        kernel(x=3.0, w=1.0, c=1.0)


def test_a_kernel_says_what_it_is() -> None:
    kernel = compile_kernel(lecture())
    assert repr(kernel).startswith("<function kernel of loss with 10 gradients, mode reverse,")
    assert (
        list(inspect.signature(kernel).parameters)
        == list(kernel.names)
        == [*lecture_values()][:3] + [*("w11", "w12", "w21", "w22", "v11", "v12", "v21", "v22", "p11", "p21")]
    )
    assert (kernel.mode, kernel.accuracy, kernel.graph.objective) == ("reverse", "default", "loss")
    assert "one number an object" in (kernel.__doc__ or "")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"mode": "revers"}, "no mode is called 'revers'.*did you mean reverse"),
        ({"accuracy": "best"}, "no accuracy is called 'best'.*choose from: default, full"),
        ({"parameters": ["w1"]}, "no parameter is called 'w1'.*did you mean w"),
        ({"parameters": ["x1"]}, "no parameter is called 'x1'"),
    ],
    ids=repr,
)
def test_mistakes_of_compiling(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=f"(?s){message}"):
        compile_kernel(lecture(), **choice)


@EVERY_MODE
def test_abstract_functions_have_no_kernel(mode: str) -> None:
    for functions in ('f = "abstract"', 'g = "abstract"\nf = "x*g(x)"'):
        graph = network(f"[functions]\n{functions}", a="f(w*x)")
        with pytest.raises(AbstractFunctionError, match="(?s)is abstract.*under .functions., as in [fg] ="):
            compile_kernel(graph, mode)


def test_too_many_paths_for_the_path_sum() -> None:
    with pytest.raises(LimitError, match="paths"):
        compile_kernel(dense(4, 6), "paths")


def test_too_many_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_values, "MAX_VALUES", 100)
    with pytest.raises(LimitError, match="more than 100 operations"):
        compile_kernel(chain(100))


def test_too_many_tangents() -> None:
    with pytest.raises(LimitError, match="(?s)10,913 nodes for each of 10,240 parameters.*use mode reverse"):
        compile_kernel(dense(32, 10), "forward")


def test_functions_that_call_each_other_deeply() -> None:
    lines = ['f0 = "x + 1"', *(f'f{i} = "f{i - 1}(x)*x"' for i in range(1, 400))]
    graph = network("[functions]\n" + "\n".join(lines), a="w*x", b="f399(a)")
    with pytest.raises(LimitError, match="too deeply"):
        compile_kernel(graph)


def test_names_that_are_not_identifiers_never_reach_the_source() -> None:
    graph = Graph({"x=1):\n    evil()#": Node("x=1):\n    evil()#", Role.PARAMETER)}, "x=1):\n    evil()#")
    with pytest.raises(NetworkError, match="cannot be a name"):
        compile_kernel(graph)


def test_the_engine_numba_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingExtraError, match="needs Numba") as caught:
        compile_kernel(lecture(), engine="numba")
    assert "pip install" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "choice", "message"),
    [
        ("x[2] -> dense(1) -> mse", {"engine": "numba"}, "engine numba is for networks of scalars"),
        ("x[2] -> dense(1) -> mse", {"engine": "cuda"}, "no engine is called 'cuda'"),
    ],
)
def test_engines_that_a_network_cannot_have(text: str, choice: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        bp.parse(text).compile(**choice)


FAULTS = """
import resource
import numpy as np
import backpropsym as bp
nodes = "\\n".join(f'h{k} = "tanh(w*h{k - 1} + v*x)"' for k in range(1, 9))
text = f'inputs = ["x"]\\nparameters = ["w", "v"]\\noutput = "h8"\\n[nodes]\\nh0 = "x*w"\\n{nodes}\\n'
kernel, x = bp.loads(text).compile(), np.linspace(-1.0, 1.0, 200_000)
kernel(x=x, w=0.5, v=0.25)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    kernel(x=x, w=0.5, v=0.25)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_a_long_batch_asks_the_system_for_no_memory_again_and_again() -> None:
    """Pages that are handed back and asked for at every block cost more than the arithmetic."""
    found = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 20 * 100
