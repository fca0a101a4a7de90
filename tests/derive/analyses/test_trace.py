"""Both passes number by number: against the derivation, PyTorch's formulas by hand, and differences."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.derive.analyses.trace import Trace
from backpropsym.document.registry import Layout, write
from backpropsym.document.reports.trace import trace_page
from backpropsym.formula.tree import names
from backpropsym.learn.starting_values import random_numbers
from backpropsym.network import Network
from backpropsym.spec.random_network import layered
from tests.documents import compiled

NETWORKS = {
    "lecture": lambda: bp.example("lecture"),
    "skip": lambda: bp.example("skip"),
    "prelu": lambda: bp.example("prelu"),
    "relu 4-8-8-1": lambda: bp.loads(layered((4, 8, 8, 1), "relu", seed=3)),
    "tanh 4-8-8-1": lambda: bp.loads(layered((4, 8, 8, 1), "tanh", seed=4)),
}
DENSE = "x[3] -> dense(4, tanh) -> dense(2) -> cross_entropy"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def trace_report(found: Trace, medium: str = "text", limit: int | None = None, ascii: bool = False) -> str:
    """A trace as it is printed."""
    return write(trace_page(found, limit), medium, Layout(ascii))


def dense() -> tuple[Network, dict[str, Any]]:
    net = bp.parse(DENSE)
    return net, {"x": [1.0, -0.5, 2.0], "y": 1, **net.init(seed=2)}


@pytest.mark.parametrize("name", NETWORKS)
def test_adjoints_are_the_sums_of_their_bricks_and_the_derivatives(name: str) -> None:
    net = NETWORKS[name]()
    found = net.trace()
    known = {found.of: 1.0}
    for step in found.backward:
        for brick in step.bricks:
            assert brick.adjoint == known[brick.user], "a brick is an adjoint found before"
            assert brick.product == brick.adjoint * brick.factor
        if step.bricks:
            assert step.adjoint == pytest.approx(math.fsum(brick.product for brick in step.bricks), rel=1e-12)
        known[step.node] = step.adjoint
        assert step.adjoint == pytest.approx(net.derive(found.of, wrt=step.node).evaluate(), rel=1e-12, abs=1e-300)
    assert set(net.parameters) == set(found.gradient) <= set(known)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_step_is_the_lectures_own(name: str) -> None:
    net = NETWORKS[name]()
    step = net.trace(rate=0.01).descent
    assert step is not None
    for each, before in step.before.items():
        assert step.after[each] == before - 0.01 * step.gradient[each]
    value, _ = net.compile()(**{**net.values, **step.after})
    assert step.value_after == pytest.approx(value, rel=1e-12)
    assert net.compile()(**net.values)[0] == pytest.approx(step.value_before, rel=1e-12)


def test_the_lectures_rows_by_hand() -> None:
    found = bp.example("lecture").trace(of="a")
    value = {step.node: step.value for step in found.forward}
    assert [value[name] for name in ("s1", "s2", "z1", "z2", "u1", "u2", "h1", "h2", "a")] == [
        1.0,
        0.5,
        1.0,
        0.5,
        1.25,
        0.25,
        1.25,
        0.25,
        2.25,
    ]
    assert found.gradient["p11"] == value["h1"]
    assert found.gradient["v11"] == 2.0 * 1.0 * value["z1"]
    assert found.gradient["w11"] == 2.0 * 1.0 * 1.0 * 1.0 * 1.0 + -1.0 * 1.0 * -0.5 * 1.0 * 1.0


def test_tensors_follow_the_same_passes() -> None:
    net, values = dense()
    found = net.trace(values, rate=0.5)
    x, y = np.array(values["x"]), int(values["y"])
    z = np.tanh(values["W1"] @ x + values["b1"])
    o = values["W2"] @ z + values["b2"]
    share = np.exp(o) / np.exp(o).sum()
    delta = share - np.eye(2)[y]
    back = (values["W2"].T @ delta) * (1 - z**2)
    expected = {"b2": delta, "W2": np.outer(delta, z), "b1": back, "W1": np.outer(back, x)}
    for name, number in expected.items():
        np.testing.assert_allclose(found.gradient[name], number, rtol=1e-12)
    assert found.descent is not None
    assert found.descent.value_before == pytest.approx(-np.log(share[y]))
    assert found.descent.value_after < found.descent.value_before


def test_a_network_without_parameters_is_followed_to_its_inputs() -> None:
    found = bp.loads('inputs = ["x"]\noutput = "a"\n[nodes]\na = "x**2"\n[values]\nx = 3\n').trace()
    assert found.descent is None
    assert {step.node: step.adjoint for step in found.backward} == {"a": 1.0, "x": 6.0}
    assert "descent" not in trace_report(found)


@pytest.mark.parametrize("medium", ["text", "latex", "markdown", "json"])
@pytest.mark.parametrize("name", ["lecture", "dense"])
def test_every_medium_shows_every_node(medium: str, name: str) -> None:
    net, values = dense() if name == "dense" else (bp.example(name), {})
    found = net.trace(values)
    written = trace_report(found, medium)
    if medium == "json":
        data = json.loads(written)
        assert [row["node"] for row in data["forward"]] == [step.node for step in found.forward]
        assert data["step"]["after"] == found.descent.value_after
        assert set(data["step"]["parameters"]) == set(net.parameters)
    else:
        assert f"{found.descent.value_after:.6g}" in written


def test_a_step_that_is_too_long_is_said_to_be() -> None:
    assert "It has grown" in trace_report(bp.example("lecture").trace(rate=0.1))
    assert "It has grown" not in trace_report(bp.example("lecture").trace(rate=0.001))


def test_rows_are_limited_on_request() -> None:
    written = trace_report(bp.example("lecture").trace(), limit=3)
    assert "7 more rows are not listed" in written


def test_ascii_is_ascii_and_hostile_titles_are_words() -> None:
    net = bp.Network("<b> \\input{x} | `rm` _*")
    x, w = net.input("x"), net.parameter("w")
    net.output = net.node("a", w * x)
    found = net.trace({"x": 1.0, "w": 2.0})
    assert trace_report(found, ascii=True).isascii()
    assert "<b>" not in trace_report(found, "markdown")


def test_mistakes_are_said_in_words(tmp_path: Path) -> None:
    found = run("trace", "abstract", "--at", str(tmp_path / "none.toml"))
    assert found.exit_code == 2
    assert run("trace", DENSE).exit_code == 2
    with pytest.raises(bp.BackpropsymError, match="one object"):
        bp.example("lecture").trace({"x1": [1.0, 2.0]})
    net, values = dense()
    with pytest.raises(bp.BackpropsymError, match="one object"):
        net.trace({**values, "x": np.ones((5, 3))})
    with pytest.raises(bp.BackpropsymError, match="has axes"):
        net.trace(values, of="s2")
    with pytest.raises(bp.BackpropsymError, match="no node is called"):
        net.trace(values, of="nothing")


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", ["lecture", "dense"])
def test_latex_compiles(name: str, tmp_path: Path) -> None:
    net, values = dense() if name == "dense" else (bp.example("lecture"), {})
    np.savez(tmp_path / "at.npz", **values)
    source = DENSE if name == "dense" else name
    found = run("trace", source, "--at", str(tmp_path / "at.npz"), "-o", str(tmp_path / "trace.tex"))
    assert found.exit_code == 0
    text = (tmp_path / "trace.tex").read_text(encoding="utf-8")
    compiled(text, tmp_path)
    assert "Overfull" not in compiled(text, tmp_path).log, "at the second run, which knows the widths of the first"


def test_what_is_not_finite_is_shown_as_it_is() -> None:
    text = 'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\ns = "w*x"\na = "1/s"\n[values]\nx = 0\nw = 1\n'
    found = bp.loads(text).trace()
    assert json.loads(trace_report(found, "json"))["forward"][-1]["value"] is None
    assert "inf" in trace_report(found)
    assert "1/0" in trace_report(found)


def test_only_what_the_traced_node_depends_on_is_traced() -> None:
    nodes = 'h = "w*x1"\nk = "x1*x2"\na = "h + v*k"'
    net = bp.loads(f'inputs = ["x1", "x2", "x3"]\nparameters = ["w", "v"]\noutput = "a"\n[nodes]\n{nodes}')
    at = {"x1": 2.0, "x2": 3.0, "x3": 5.0, "w": 0.5, "v": 4.0}
    by_parameters, by_inputs = net.trace(at, of="h"), net.trace(at, of="k")
    assert [step.node for step in by_parameters.backward] == ["h", "w"]
    assert by_parameters.gradient == {"w": 2.0}
    assert sorted(step.node for step in by_inputs.backward) == ["k", "x1", "x2"]
    assert by_inputs.descent is None


def test_numbers_beside_arrays_are_followed_link_by_link() -> None:
    """Numbers and arrays differ by node: what depends on numbers alone is a sum over links."""
    head = 'output = "a"\n[inputs]\nx = [2]\nt = []\n[parameters]\nw = [2]\np = []\n'
    net = bp.loads(f'{head}[nodes]\ns = "p*t"\na = "tanh(s)*(w @ x)"\n')
    found = net.trace({"t": 2.0, "p": 3.0}, of="s")
    assert [(brick.user, brick.factor) for step in found.backward for brick in step.bricks] == [("s", 2.0)]
    assert not any(step.bricks for step in net.trace({"t": 2.0, "p": 3.0, "w": [1, 1], "x": [1, 2]}).backward)


@pytest.mark.parametrize("source", ["lecture", DENSE, "x[4] -> dense(3) -> layer_norm -> dense(1) -> mse"])
def test_formulas_use_only_adjoints_told_before_by_their_symbols(source: str) -> None:
    net = bp.parse(source) if "->" in source else bp.example(source)
    values = random_numbers(net.graph, 1, ())
    told: set[str] = set()
    for step in net.trace(values).backward:
        assert {name for name in names(step.right) if name not in net.graph.nodes} <= told
        told.add(step.symbol)
