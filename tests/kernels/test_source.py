"""The text of kernels: names, titles, size, and modules that stand alone."""

from __future__ import annotations

import ast
import builtins
import linecache
import math
import re
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

from backpropsym.errors import OutputError
from backpropsym.graph.graph import Graph
from backpropsym.kernels.api.compile import MODES, compile_kernel
from backpropsym.kernels.backends.javascript import script
from backpropsym.kernels.runtime.error_function import erf_array, erfc_array
from backpropsym.spec.toml import parse_network
from tests.kernels.networks import chain, dense, lecture, lecture_values, network, numbers_of

HOSTILE_TITLES = [
    '"""\nimport os\nos.abort()\n"""',
    "\\",
    'ends with a quote"',
    "'''",
    '\\"""',
    "line\nbreak\r\f\x0b\x00\x1b[31m",
    "\u2028\u202e\ufeff{0}%s\\N{BULLET}\\x41",
    "\udc80 lone surrogate",
    "# -*- coding: utf-7 -*-",
    "",
    "Сеть из лекции",
]


def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A saved kernel run as a program, with nothing of this environment but Python itself."""
    command = [sys.executable, "-I", *options, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=path.parent)


@pytest.mark.parametrize("title", HOSTILE_TITLES, ids=ascii)
def test_a_title_is_only_a_text(title: str, tmp_path: Path) -> None:
    kernel = compile_kernel(Graph(lecture().nodes, "a", "loss", title, lecture().functions))
    tree = ast.parse(kernel.source)
    plain = ast.parse(compile_kernel(lecture()).source)
    assert [ast.dump(each) for each in tree.body[1:]] == [ast.dump(each) for each in plain.body[1:]]
    docstring = ast.get_docstring(tree, clean=False) or ""
    assert docstring.startswith("Value and gradients of loss: ")
    assert all(character.isprintable() or character == "\n" for character in docstring)
    kernel.save(tmp_path / "grad.py")
    assert (tmp_path / "grad.py").read_text(encoding="utf-8") == kernel.source


NAMES = [
    *("np", "math", "exp", "abs", "print", "kernel", "value", "values", "gradients", "float", "type", "mean", "x"),
    *("locals", "KeyError", "ValueError", "E", "I", "S", "N", "Q", "O", "beta", "gamma", "lambda_", "match", "case"),
    *("type", "self", "given", "arrays", "real", "dloss_dnp", "dloss_dmath", "loss_1", "da_dexp", "a_1", "n", "len"),
]


@pytest.mark.parametrize("mode", MODES)
def test_every_name_is_an_ordinary_name(mode: str) -> None:
    parameters = list(dict.fromkeys(NAMES))
    terms = {f"t{i}": f"tanh({name}*u/8)" for i, name in enumerate(parameters)}
    graph = network('targets = ["y"]\nloss = "(a - y)**2"', "u", " ".join(parameters), **terms, a=" + ".join(terms))
    kernel = compile_kernel(graph, mode)
    values = numbers_of(graph, 3)
    value, gradients = kernel(**values)
    inner = {name: values[name] * values["u"] / 8 for name in parameters}
    outer = sum(map(math.tanh, inner.values())) - values["y"]
    assert value == pytest.approx(outer**2)
    expected = {name: 2 * outer * (1 - math.tanh(q) ** 2) * values["u"] / 8 for name, q in inner.items()}
    assert gradients == pytest.approx(expected, rel=1e-12)
    batch = kernel(**(values | {"u": np.array([values["u"]] * 3)}))
    assert batch[1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["np", "KeyError", "print", "kernel", "dloss_da", "mean"])
def test_a_name_that_the_kernel_might_use_itself(name: str, tmp_path: Path) -> None:
    graph = network('targets = ["y"]\nloss = "(a - y)**2"', "x", name, a=f"tanh({name}*x)")
    kernel = compile_kernel(graph)
    expected = 2 * (math.tanh(0.5) - 1) * (1 - math.tanh(0.5) ** 2)
    assert kernel(**{name: 0.5, "x": 1.0, "y": 1.0})[1] == pytest.approx({name: expected})
    kernel.save(tmp_path / "grad.py")
    assert run(tmp_path / "grad.py").returncode == 0


def test_own_functions_may_have_the_names_of_registered_ones() -> None:
    functions = '[functions]\n"step" = "2*x"\n"tanh" = "x**2"\nrelu = "3*x"'
    graph = network(functions, a="step(w) + tanh(w) + relu(w) + hard_tanh(w*x) + gelu_tanh(w)")
    reverse, witness = compile_kernel(graph), compile_kernel(graph, "paths")
    for w in (0.3, -2.0):
        found, expected = reverse(x=1.0, w=w), witness(x=1.0, w=w)
        assert found[0] == pytest.approx(expected[0])
        assert found[1] == pytest.approx(expected[1])


def test_generated_functions_use_no_global_that_a_user_could_name() -> None:
    for graph in (lecture("gelu"), dense(5, 2)):
        tree = ast.parse(compile_kernel(graph).source)
        functions = [
            each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name in ("kernel", "_arrays")
        ]
        assert len(functions) == 2
        for function in functions:
            names = [each.id for each in ast.walk(function) if isinstance(each, ast.Name)]
            stored = {
                each.id for each in ast.walk(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
            stored |= {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}
            assert {name for name in names if name not in stored and not name.startswith("_")} == set()
            assert not stored & set(dir(builtins))


def test_shapes_stand_in_comments() -> None:
    source = compile_kernel(lecture("sigmoid")).source
    assert re.search(r"    s1 = w11\*x1 \+ w21\*x2  # \(n,\)\n", source)
    assert re.search(r"        z1 = .*  # f\(s1\)\n", source)


@pytest.mark.parametrize(("formula", "brought"), [("tanh(w*x)", 0), ("erfc(w*x)", 1), ("gelu(w*x)", 1)])
def test_javascript_brings_the_error_function_where_it_is_called(formula: str, brought: int) -> None:
    """JavaScript's Math has none."""
    graph = parse_network(f'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "{formula}"\n')
    source = script(graph, "a", ["w"])
    assert source.startswith("function network(given) {\n") and "\n}\n" in source
    assert source.count("function erfc(") == brought == int("erfc(" in source)


def test_nothing_is_computed_twice() -> None:
    """tanh' uses the stored tanh; sigmoid' shares its exponential with sigmoid."""
    scalar = compile_kernel(lecture("tanh")).source.split("def _arrays")[0]
    assert scalar.count("_tanh(") == 4
    scalar = compile_kernel(lecture("sigmoid"), accuracy="full").source.split("def _arrays")[0]
    assert scalar.count("_exp(") == 4


def test_a_number_among_arrays_is_computed_once() -> None:
    """tanh(w) and its slope are used for two sums over the objects each."""
    text = 'inputs = {x = [3]}\nparameters = {w = []}\noutput = "a"\n[nodes]\na = "sum(x)*tanh(w) + sum(x*x)*tanh(w)"\n'
    source = compile_kernel(parse_network(text)).source
    body = source[source.index("    # forward") : source.index("return ", source.index("    # derivatives"))]
    assert (body.count("_np.tanh("), body.count("1.0 - ")) == (1, 1)


def test_a_slope_multiplies_what_reaches_it_factor_by_factor() -> None:
    """So that slopes share what they begin with, and a quotient divides instead of multiplying by a reciprocal."""
    functions = '[functions]\ncubic = "3*x**2"\nlength = "log(x)"\n'
    source = compile_kernel(network(functions, "c", "u v w", z="cubic(u) + cubic(v)", a="c*z + c*length(w)")).source
    assert source.count("*6.0") == 2, "once for numbers, once for arrays"
    assert '"w": c/w' in source


def test_tracebacks_show_the_line() -> None:
    kernel = compile_kernel(network("", a="w*x", b="a*3"))
    filename = kernel.__code__.co_filename  # type: ignore[attr-defined]
    assert linecache.getline(filename, kernel.__code__.co_firstlineno).startswith("def kernel(")  # type: ignore[attr-defined]
    arrays = kernel.__globals__["_general"].__self__.arrays  # type: ignore[attr-defined]
    try:
        arrays(np, float, 1, None, None)
    except TypeError as error:
        assert "a = w*x" in "".join(traceback.format_exception(error))
    else:
        pytest.fail("None cannot be multiplied")


def test_sources_of_dropped_kernels_are_dropped() -> None:
    kernel = compile_kernel(network("", a="w*x"))
    filename = kernel.__code__.co_filename  # type: ignore[attr-defined]
    assert filename in linecache.cache
    del kernel
    __import__("gc").collect()
    assert filename not in linecache.cache


@pytest.mark.parametrize("graph", [chain(10_000), dense(32, 10)], ids=["chain of 10,000", "10,240 links"])
def test_large_networks(graph: Graph) -> None:
    kernel = compile_kernel(graph)
    assert max(map(len, kernel.source.splitlines())) < 300
    values = {name: value * 0.1 for name, value in numbers_of(graph, 0).items()}
    value, gradients = kernel(**values)
    assert math.isfinite(value)
    name = next(iter(gradients))
    batch = kernel(
        **{each: np.array([value, value]) if each.startswith("x") else value for each, value in values.items()}
    )
    assert batch[0] == pytest.approx(value, rel=1e-12)
    assert batch[1] == pytest.approx(gradients, rel=1e-9, abs=1e-15)
    step = 1e-6
    above, below = (kernel(**(values | {name: values[name] + side}))[0] for side in (step, -step))
    assert gradients[name] == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-9)


def test_a_node_of_many_terms_is_split() -> None:
    names = [f"w{i}" for i in range(120)]
    total = " + ".join(names)
    kernel = compile_kernel(network("", parameters=" ".join(names), a=total, b="a*x"))
    assert max(map(len, kernel.source.splitlines())) < 200
    assert kernel(x=2.0, **dict.fromkeys(names, 0.5)) == (120.0, dict.fromkeys(names, 2.0))


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "x*sigmoid(x)", "elu"])
def test_a_saved_module_checks_itself(activation: str, tmp_path: Path) -> None:
    path = tmp_path / "grad.py"
    compile_kernel(lecture(activation)).save(path)
    result = run(path, "-W", "error")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "passed" in result.stdout
    assert "a batch of 3 objects agrees" in result.stdout


def test_a_large_saved_module_checks_itself(tmp_path: Path) -> None:
    compile_kernel(dense(6, 3)).save(tmp_path / "grad.py")
    result = run(tmp_path / "grad.py")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('"w11": dloss_ds1*x1', '"w11": dloss_ds1*x1*1.00001', "WRONG  w11"),
        ('"w11": dloss_ds1 @ x1', '"w11": dloss_ds1 @ x2', "DISAGREES"),
        ("dloss_da = 2.0*", "dloss_da = -2.0*", "WRONG  p11"),
    ],
)
def test_a_saved_module_rejects_planted_errors(right: str, wrong: str, told: str, tmp_path: Path) -> None:
    source = compile_kernel(lecture("tanh")).source
    assert right in source
    (tmp_path / "grad.py").write_text(source.replace(right, wrong), encoding="utf-8")
    result = run(tmp_path / "grad.py")
    assert result.returncode == 1
    assert told in result.stdout


def test_a_saved_module_needs_nothing_for_numbers(tmp_path: Path) -> None:
    """Without site-packages there is no NumPy."""
    compile_kernel(lecture("gelu")).save(tmp_path / "grad.py")
    expected = compile_kernel(lecture("gelu"))(**lecture_values())
    calls = [lecture_values(), lecture_values() | {"x1": 1}]
    program = f"import grad\nfor values in {calls}: assert grad.kernel(**values) == {expected}"
    command = [sys.executable, "-S", "-E", "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "no NumPy here" in run(tmp_path / "grad.py", "-S").stdout


def test_a_saved_module_is_called_like_a_kernel(tmp_path: Path) -> None:
    kernel = compile_kernel(lecture("gelu"))
    kernel.save(tmp_path / "grad.py")
    namespace: dict = {"__name__": "grad"}
    exec((tmp_path / "grad.py").read_text(encoding="utf-8"), namespace)
    saved = namespace["kernel"]
    for change in ({}, {"x1": [1.0, 2.0]}, {"x1": 1}, {"w11": 1e300, "x1": 1e300}):
        np.testing.assert_equal(saved(**(lecture_values() | change)), kernel(**(lecture_values() | change)))
    with pytest.raises(ValueError, match="no value is given for x1, x2"):
        saved(w11=1.0)


def test_saving_is_whole_or_not_at_all(tmp_path: Path) -> None:
    kernel = compile_kernel(network("", a="w*x"))
    for path in (tmp_path, tmp_path / "missing" / "grad.py", tmp_path / "nul\0"):
        with pytest.raises(OutputError, match="cannot write"):
            kernel.save(path)
    kernel.save(str(tmp_path / "grad.py"))
    assert [each.name for each in tmp_path.iterdir()] == ["grad.py"]
    assert stat.S_IMODE((tmp_path / "grad.py").stat().st_mode) & 0o600 == 0o600
    with pytest.raises(OutputError, match="mode=.reverse."):
        compile_kernel(network("", a="w*x"), "paths").save(tmp_path / "paths.py")


def test_error_functions_of_arrays() -> None:
    x = np.concatenate([np.linspace(-6.0, 27.0, 20_001), [0.46875, -0.46875, 4.0, -4.0, 0.0, -0.0, 1e-300, 1e300]])
    expected = np.array([math.erf(each) for each in x]), np.array([math.erfc(each) for each in x])
    np.testing.assert_allclose(erf_array(x), expected[0], rtol=1e-15)
    np.testing.assert_allclose(erfc_array(x), expected[1], rtol=2e-15, atol=1e-320)
    edge = np.array([np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(erf_array(edge), [1.0, -1.0, np.nan])
    np.testing.assert_array_equal(erfc_array(edge), [0.0, 2.0, np.nan])
    assert erf_array(np.float32([0.5, 2.0])).dtype == np.float32
    assert erf_array(np.float64(0.5)) == pytest.approx(math.erf(0.5), rel=1e-15)
    assert np.signbit(erf_array(-0.0))


def test_erfc_of_float32_is_right_to_the_last_bits() -> None:
    random = np.random.default_rng(0)
    edges = np.array([0.0, -0.0, 1e-30, 9.19, 10.05, 11.9, 12.0, 1000.0, np.inf])
    x = np.concatenate([random.uniform(-12.0, 12.0, 40_000), random.standard_normal(40_000) * 1e-3, edges, -edges])
    x = x.astype(np.float32)
    expected = np.array([math.erfc(float(each)) for each in x])
    found = erfc_array(x)
    assert found.dtype == np.float32
    steps = np.abs(found - expected) / np.spacing(expected.astype(np.float32))
    assert steps.max() <= 4.0
    assert steps.mean() <= 0.5
    assert np.isnan(erfc_array(np.array([np.nan], np.float32))).all()
    out = np.empty_like(x)
    assert erfc_array(x, out) is out
    np.testing.assert_array_equal(out, found)
    columns = np.empty((2, 3, x.size // 6), np.float32).transpose(2, 0, 1)
    moved = x[: columns.size].reshape(2, x.size // 6, 3).transpose(1, 0, 2)
    np.testing.assert_array_equal(erfc_array(moved, columns), erfc_array(np.ascontiguousarray(moved)))
    assert erfc_array(np.array([1, 2])).dtype == float, "numbers that are whole have an erfc that is not"
