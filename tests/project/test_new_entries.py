"""A new function, op, layer, loss or backend is one entry: it is compiled, checked and offered without another line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.checks.comparison_result import Outcome
from backpropsym.cli.app import app
from backpropsym.cli.completion import complete_engine
from backpropsym.evaluate import differences
from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import Call
from backpropsym.kernels.backends.dialects import ScalarDialect
from backpropsym.kernels.backends.registry import BACKENDS, Backend
from backpropsym.kernels.backends.registry import define as define_backend
from backpropsym.kernels.backends.statements import body
from backpropsym.kernels.backends.task import Run, Task
from backpropsym.ops.compose import compose
from backpropsym.ops.function import FUNCTIONS, Function, define
from backpropsym.ops.lowering import COMPOSITIONS, Lowering, Value
from backpropsym.spec.layers import layer_names, registered


@pytest.fixture
def entries() -> Iterator[None]:
    """A function of numbers, a layer and a loss that nobody else knows."""
    functions, compositions = dict(FUNCTIONS), dict(COMPOSITIONS)
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
    for registry, before in ((FUNCTIONS, functions), (COMPOSITIONS, compositions)):
        registry.clear()
        registry.update(before)


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


@dataclass(frozen=True)
class _Listing:
    """The statements of a kernel, one a line."""

    whole: str


def _listing(task: Task) -> _Listing:
    code = body(task.scalar_program, ScalarDialect(), task.graph.nodes)
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


def test_a_backend_is_compiled_by_checked_and_offered(backend: Backend) -> None:
    net = bp.example("lecture")
    kernel = bp.compile(net, engine=backend.name)
    assert kernel.engine == backend.name and kernel.source.splitlines()[0].startswith("s1 = ")
    value, gradients = kernel(**net.values)
    assert value == pytest.approx(bp.compile(net)(**net.values)[0])
    assert gradients == pytest.approx(bp.compile(net)(**net.values)[1])
    shown = CliRunner().invoke(app, ["kernel", "lecture", "--engine", backend.name])
    assert shown.stdout.strip() == kernel.source
    assert complete_engine("list") == [backend.name]
    with pytest.raises(bp.BackpropsymError, match="did you mean listing"):
        bp.compile(net, engine="listings")
    report = net.check(thorough=True)
    (compared,) = (each for each in report.comparisons if backend.name in each.name)
    assert report.passed and compared.outcome is Outcome.AGREES
