"""A new function, op, reduction, layer, loss, backend, form, semiring, format or command is one entry."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.checks.comparison_result import Outcome
from backpropsym.cli.app import app, register
from backpropsym.cli.arguments import NetworkArgument, load_network
from backpropsym.cli.registries import complete_engine
from backpropsym.derive.forms.registry import FORMS, Form, of_arrays
from backpropsym.derive.paths.semiring import Semiring
from backpropsym.document import formats as document_formats
from backpropsym.document import registry
from backpropsym.document.derivation.report import report
from backpropsym.evaluate import differences
from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import Call, number
from backpropsym.kernels.backends.dialects import ScalarDialect
from backpropsym.kernels.backends.registry import BACKENDS, Backend
from backpropsym.kernels.backends.registry import define as define_backend
from backpropsym.kernels.backends.statements import body
from backpropsym.kernels.backends.task import Run, Task
from backpropsym.ops.compose import compose
from backpropsym.ops.function import FUNCTIONS, Function, define
from backpropsym.ops.layers.reductions import define as define_reduction
from backpropsym.ops.lowering import COMPOSITIONS, Lowering, Value
from backpropsym.ops.reducer import REDUCERS, Reducer
from backpropsym.picture.drawing import FORMATS
from backpropsym.spec.layers import layer_names, registered

DOCS = Path(__file__).resolve().parents[2] / "docs"


def run(*arguments: str) -> str:
    """What a command prints, errors included."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments).output


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that makes the tables of the documentation."""
    spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def entries() -> Iterator[None]:
    """A function of numbers, a layer and a loss that nobody else knows."""
    define(Function(name="bump", formula="x/(1 + x**2)", source="a test"))

    @compose("squared", "x", shapes="any", source="a test", layer=True, follows=True)
    def squared(lowering: Lowering, call: Call) -> Value:
        """The square of every entry."""
        return lowering.combine(lambda x: mul([x, x]), lowering.value(call.arguments[0]))

    @compose("agreement", "prediction", "target", shapes="any, the same → ()", source="a test", target="entries")
    def agreement(lowering: Lowering, call: Call) -> Value:
        """The sum of squares of the prediction, weighted by the target."""
        values = [lowering.value(part) for part in call.arguments]
        whole = lowering.combine(lambda o, y: mul([o, o, y]), *values)
        return lowering.reduce("sum", whole, tuple(range(len(whole.shape))))

    yield
    del FUNCTIONS["bump"], COMPOSITIONS["squared"], COMPOSITIONS["agreement"]


@pytest.mark.usefixtures("entries")
def test_an_architecture_of_new_entries_is_derived_compiled_and_checked() -> None:
    net = bp.parse("x[3] -> dense(4, bump) -> dense(2, squared) -> squared -> agreement")
    assert {"squared"} <= {*layer_names()}
    assert "agreement" in registered("target")
    random = np.random.default_rng(0)
    leaves = {name: random.normal(size=node.shape) for name, node in net.graph.nodes.items() if node.op is None}
    right = differences.complex_step(net.graph, leaves, "loss", net.parameters)
    _, gradients = bp.compile(net)(**leaves)
    for name in net.parameters:
        np.testing.assert_allclose(gradients[name], right[name], rtol=1e-10)
        np.testing.assert_allclose(net.derive("loss", wrt=name).evaluate(**leaves), right[name], rtol=1e-10)
    net.check(seconds=60).raise_for_failure()


@pytest.mark.usefixtures("entries")
def test_new_entries_are_offered_where_a_name_is_wrong() -> None:
    for wrong, right in (("sqaured", "squared"), ("agreemnt", "agreement"), ("bumpp", "bump")):
        with pytest.raises(bp.BackpropsymError, match=f"did you mean {right}"):
            bp.parse(f"x[3] -> dense(4) -> {wrong}")


def _power_mean(array: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return np.sqrt(np.mean(array * array, axis=axis, keepdims=keepdims))


@pytest.fixture
def reduction() -> Iterator[str]:
    """A reduction that nobody else knows."""
    define_reduction(
        Reducer("rms", "The root of the mean square", _power_mean, "sqrt(mean(x**2))", "x/y", averaged=True)
    )
    yield "rms"
    del REDUCERS["rms"], COMPOSITIONS["rms"]


REDUCING = """
inputs = {x = [3, 4]}
output = "o"
[parameters]
w = [4]
v = [3]
[nodes]
u = "x*w"
h = "rms(u, axis=1)"
o = "sum(h*v) + rms(u + 1)"
"""


def test_a_new_reduction_is_derived_printed_compiled_checked_and_offered(
    reduction: str, tmp_path: Path, tables: ModuleType
) -> None:
    (tmp_path / "net.toml").write_text(REDUCING)
    net = bp.load(tmp_path / "net.toml")
    derivation = net.derive("o", wrt="w")
    assert "(u[j,i] + 1)/rms(u + 1)" in report(derivation, "paths", "text")
    assert r"\operatorname{rms}(u + 1" in report(derivation, "matrix", "latex")
    assert "sqrt(Sum((u[k,l] + 1)**2, (k, 0, 2), (l, 0, 3))/12)" in derivation.expression("index")
    random = np.random.default_rng(0)
    leaves = {name: random.normal(size=node.shape) for name, node in net.graph.nodes.items() if node.op is None}
    right = differences.complex_step(net.graph, leaves, "o", net.parameters)
    _, gradients = bp.compile(net)(**leaves)
    for name in net.parameters:
        np.testing.assert_allclose(gradients[name], right[name], rtol=1e-10)
        np.testing.assert_allclose(net.derive("o", wrt=name).evaluate(**leaves), right[name], rtol=1e-10)
    assert net.check(samples=1, seconds=60).passed
    assert net.verify(
        "sum(v[i]*x[i,0]*u[i,0]/(4*h[i]), (i, 0, 2)) + sum(x[i,0]*(u[i,0] + 1)/12/rms(u + 1), (i, 0, 2))", wrt="w[0]"
    ).right
    assert bp.parse("x[3] -> dense(4) -> rms").check(samples=1, seconds=60).passed
    assert "| `rms(x, axis=)` | The root of the mean square over all axes" in tables.table("ops reductions")
    assert "| `rms(x, axes(1))` | the root of the mean square over all axes" in tables.table("words")
    with pytest.raises(bp.BackpropsymError, match=f"did you mean {reduction}"):
        bp.parse("x[3] -> dense(4) -> rmss")


@pytest.mark.usefixtures("reduction")
def test_a_new_reduction_of_numbers_is_compiled_to_straight_python() -> None:
    net = bp.Network()
    net.input("x")
    net.parameter("w")
    net.node("o", "3*rms(x*w)")
    net.output = "o"
    assert bp.compile(net)(x=2.0, w=-1.5) == (9.0, {"w": -6.0})
    assert net.check(samples=1, seconds=60).passed


@pytest.mark.parametrize("formulas", [{"derivative": "1.001*x/y"}, {"definition": "sqrt(sum(x**2)/(n + 1))"}])
def test_a_wrong_new_reduction_fails_the_check(
    reduction: str, monkeypatch: pytest.MonkeyPatch, formulas: dict[str, str]
) -> None:
    monkeypatch.setitem(REDUCERS, reduction, replace(REDUCERS[reduction], **formulas))
    assert not bp.parse("x[3] -> dense(4) -> rms").check(samples=1, seconds=60).passed


@dataclass(frozen=True)
class _Listing:
    """The statements of a kernel, one a line."""

    whole: str


def _listing(task: Task) -> _Listing:
    code = body(task.object_program, ScalarDialect(), task.graph)
    statements = [f"{each.target} = {each.expression}" for each in (*code.forward, *code.backward)]
    results = ", ".join(f"{name!r}: {text}" for name, text in code.gradients.items())
    return _Listing("\n".join([*statements, f"results = {code.value}, {{{results}}}"]))


def _interpreted(task: Task, text: _Listing) -> Run:
    def one(**point: float) -> Any:
        scope = {"_exp": math.exp, "_tanh": math.tanh, **point}
        exec(text.whole, scope)
        return scope["results"]

    def kernel(**given: Any) -> Any:
        count = max((len(value) for value in given.values() if np.ndim(value)), default=1)
        columns = {name: np.broadcast_to(value, count).tolist() for name, value in given.items()}
        values, gradients = zip(
            *(one(**{n: each[row] for n, each in columns.items()}) for row in range(count)), strict=True
        )
        return float(np.mean(values)), {name: float(np.mean([g[name] for g in gradients])) for name in gradients[0]}

    return kernel


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A backend that nobody else knows."""
    entry = Backend("listing", "statements one a line", _listing, _interpreted, arrays=False)
    define_backend(entry)
    yield entry
    del BACKENDS[entry.name]


def test_a_backend_is_compiled_by_checked_and_offered(backend: Backend, tables: ModuleType) -> None:
    net = bp.example("lecture")
    kernel = bp.compile(net, engine=backend.name)
    assert kernel.engine == backend.name and kernel.source.splitlines()[0].startswith("s1 = ")
    value, gradients = kernel(**net.values)
    assert value == pytest.approx(bp.compile(net)(**net.values)[0])
    assert gradients == pytest.approx(bp.compile(net)(**net.values)[1])
    assert run("kernel", "lecture", "--engine", backend.name).strip() == kernel.source
    assert complete_engine("list") == [backend.name]
    assert "|listing" in run("kernel", "--help") and "| `listing` | statements one a line |" in tables.table("engines")
    with pytest.raises(bp.BackpropsymError, match="did you mean listing"):
        bp.compile(net, engine="listings")
    report = net.check(thorough=True)
    (compared,) = (each for each in report.comparisons if backend.name in each.name)
    assert report.passed and compared.outcome is Outcome.AGREES


@pytest.mark.usefixtures("entries")
def test_new_functions_and_ops_stand_in_the_tables_of_the_documentation(tables: ModuleType) -> None:
    assert "| `bump(x)` | `x/(1 + x**2)` |" in tables.table("activations")
    assert "| `squared(x)` | The square of every entry. | any |" in tables.table("ops others")
    assert "| `agreement(prediction, target)` |" in tables.table("ops others")
    assert "bump" in run("functions")


def test_a_new_form_is_derived_printed_checked_and_offered(monkeypatch: pytest.MonkeyPatch, tables: ModuleType) -> None:
    monkeypatch.setitem(FORMS, "halves", Form("halves", lambda derivation: derivation.path_sum()))
    net = bp.example("neuron")
    assert net.derive(wrt="w1").expression("halves") == net.derive(wrt="w1").expression("paths")
    for medium in ("text", "latex", "markdown", "typst", "json"):
        assert run("derive", "neuron", "--wrt", "w1", "--form", "halves", "--format", medium).count("error") == 0
    assert all("halves" in (row.forms or ()) for row in net.check(seconds=60).rows)
    assert "|halves" in run("derive", "--help")
    assert "|halves" in tables.table("commands").replace("\\", "")
    assert "'halves'" in run("derive", "neuron", "--wrt", "w1", "--form", "halfs")


def test_a_wrong_new_form_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMS, "doubled", Form("doubled", lambda derivation: mul([number(2), derivation.path_sum()])))
    assert not bp.example("neuron").check(seconds=60).passed


def test_a_new_semiring_sums_over_paths() -> None:
    widest = Semiring("the widest of the narrowest links", 0.0, math.inf, max, min)
    derivation = bp.example("lecture").derive(wrt="w11")
    sizes = {link: abs(number) for link, number in derivation.numbers_at_one_object().items()}
    paths = [[sizes[link] for link in zip(path, path[1:], strict=False)] for path in derivation.space]
    assert derivation.space.sweep(widest, sizes.__getitem__)["w11"] == max(map(min, paths))


OUTLINE = '''"""Pages as an outline of lines."""

from backpropsym.document.layouts.simple import simple
from backpropsym.document.model import Row, Table
from backpropsym.document.registry import Format, define
from backpropsym.document.writers.mathematics import plain
from backpropsym.document.writers.unicode import AsciiWriter


def outline(page, layout):
    writer, lines = AsciiWriter(page.notation), [page.title]
    for part in page.parts:
        for item in simple(part):
            if isinstance(item, Row):
                lines.append(f"- {plain(item.left, writer)} is {plain(item.right, writer)}")
            elif isinstance(item, Table):
                lines += ["- " + " / ".join(plain(cell, writer) for cell in row) for row in (item.heads, *item.rows)]
            else:
                lines.append(plain(item, writer))
    return "\\n".join(lines) + "\\n"


define(Format("outline", (".outline",), outline))
'''


@pytest.fixture
def document_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A format of documents in one file."""
    (tmp_path / "outline.py").write_text(OUTLINE)
    monkeypatch.setattr(document_formats, "__path__", [*document_formats.__path__, str(tmp_path)])
    yield "outline"
    registry.FORMATS.pop("outline")
    del sys.modules["backpropsym.document.formats.outline"]


def test_a_new_document_format_writes_derivations_and_reports_and_is_offered(
    document_format: str, tmp_path: Path, tables: ModuleType
) -> None:
    text = run("derive", "lecture", "--wrt", "w11", "--format", document_format)
    assert "- 2 / w11 -> s1 -> z1 -> u2 -> h2 -> a / x1 * f_prime(s1) * v12 * f_prime(u2) * p21\n" in text
    assert "Here f = relu, f'(0) = 0.\n" in text
    assert "- h1 / f(u1) / f(1.25) / 1.25\n" in run("trace", "lecture", "--format", document_format)
    assert "- parameters / 10: w11" in run("summary", "lecture", "--format", document_format)
    assert "/ claimed   2\n" in run("verify", "lecture", "--wrt", "w11", "--claim", "2", "--format", document_format)
    assert "1. Write da/d" in run("quiz", "lecture", "--kind", "derive", "--format", document_format)
    for form in FORMS:
        assert run("derive", "neuron", "--wrt", "w1", "--form", form, "--format", document_format).startswith("One ")
    net = bp.example("convolution")
    for form in of_arrays():
        assert "- dloss/dK" in report(net.derive("loss", wrt="K"), form, document_format)
    path = tmp_path / "w11.outline"
    assert run("derive", "lecture", "--wrt", "w11", "-o", str(path)).startswith("wrote")
    assert path.read_text() == text
    assert "|outline|" in run("trace", "--help")
    assert "|outline" in tables.commands()
    assert "nothing is written as 'outlin'" in run("derive", "lecture", "--wrt", "w11", "--format", "outlin")
    assert "did you mean outline" in run("derive", "lecture", "--wrt", "w11", "--format", "outlin")


def test_a_new_picture_format_is_written_and_offered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tables: ModuleType
) -> None:
    monkeypatch.setitem(FORMATS, ".names", lambda drawing: " ".join(box.id for box in drawing.scene.boxes).encode())
    bp.example("neuron").draw().save(tmp_path / "one.names")
    run("draw", "neuron", "-o", str(tmp_path / "two.names"))
    run("wiggle", "neuron", "-o", str(tmp_path / "three.names"))
    assert {path.read_text().split()[0] for path in tmp_path.iterdir()} == {"x1"}
    assert len(list(tmp_path.iterdir())) == 3
    for shown in (
        run("draw", "--help"),
        run("wiggle", "--help"),
        run("draw", "neuron", "-o", "a.b"),
        tables.commands(),
    ):
        assert ".names" in shown


def test_a_new_command_runs_and_is_listed(monkeypatch: pytest.MonkeyPatch, tables: ModuleType) -> None:
    monkeypatch.setattr(app, "registered_commands", list(app.registered_commands))

    def title(network: NetworkArgument) -> None:
        """Print what NETWORK is called."""
        typer.echo(load_network(network).title)

    register(title)
    assert run("title", "lecture") == "The network of the lecture\n"
    assert "Print what NETWORK is called." in run("--help")
    assert "## title\n\nPrint what NETWORK is called.\n" in tables.commands()
