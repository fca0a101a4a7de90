"""Entries read by slices, by fixed positions and by positions from data have the numbers of the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.evaluate.differences import exact_differences
from backpropsym.network import Network

NETWORKS = {
    "two slices": ("{x = [2]}", "{W = [4, 2]}", 's = "W @ x"', "sigmoid(s[0:2])*tanh(s[2:4])"),
    "strides": ("{x = [2]}", "{W = [5, 2]}", 's = "W @ x"', "s[0:4:2]*s[1:5:2] + s[::-1][0:2]"),
    "matrix slices": ("{x = [3, 4]}", "{W = [2, 3]}", 's = "W @ x"', "tanh(s[:, 0:2])*s[:, 2:4]"),
    "GLU": ("{x = [2]}", "{W = [6, 2], b = [6]}", 's = "W @ x + b"', "s[0:3]*sigmoid(s[3:6])"),
    "gather": ("{x = [3]}", "{W = [3]}", 's = "W*x"', "gather(s, (2, 0))"),
    "one entry": ("{x = [3]}", "{W = [3, 3]}", 's = "W @ x"', "concat(s[1:2], s)"),
}


def network(name: str) -> tuple[Network, dict[str, Any]]:
    """A network whose output reads entries of s, and numbers for it."""
    inputs, parameters, node, output = NETWORKS[name]
    net = bp.loads(
        f'inputs = {inputs}\nparameters = {parameters}\noutput = "h"\nloss = "sum(h*h)"\n'
        f'[nodes]\n{node}\nh = "{output}"\n'
    )
    random = np.random.default_rng(1)
    shapes = {**net.inputs, **net.parameters}
    return net, {leaf: random.normal(size=tuple(map(int, shape))) for leaf, shape in shapes.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_entry_of_every_leaf(name: str) -> None:
    net, values = network(name)
    for of in ("loss", "h"):
        truth = exact_differences(net.graph, values, of, list(values))
        last = tuple(int(size) - 1 for size in net.graph[of].shape)
        target = f"{of}[{','.join(map(str, last))}]" if last else of
        for leaf, slopes in truth.items():
            for place in np.ndindex(values[leaf].shape):
                entry = f"{leaf}[{','.join(map(str, place))}]"
                derivation = net.derive(target, wrt=entry)
                assert derivation.evaluate(**values) == pytest.approx(slopes[last + place], rel=1e-9, abs=1e-12), entry
                terms = sum(term.value for term in derivation.numeric(values))
                assert terms == pytest.approx(slopes[last + place], rel=1e-9, abs=1e-12), entry


@pytest.mark.parametrize("name", NETWORKS)
def test_the_trace_and_the_check(name: str) -> None:
    net, values = network(name)
    traced = net.trace(values).gradient
    for leaf, slopes in exact_differences(net.graph, values, "loss", list(net.parameters)).items():
        np.testing.assert_allclose(traced[leaf], slopes, rtol=1e-9, atol=1e-12)
    assert net.check(1).passed


def test_positions_that_other_nodes_pass_on_are_drawn_whole_and_inside() -> None:
    net = bp.loads(
        'inputs = {y = [2]}\nparameters = {T = [3]}\noutput = "l"\n[nodes]\ny1 = "y[1]"\nz = "reshape(y, 2, 1)"\n'
        'l = "T[y1]**2 + sum(gather(T, z))"\n'
    )
    assert net.check(seed=0).passed
    assert net.check(seed=1).passed


def test_the_command_gives_numbers_of_entries() -> None:
    text = (
        'inputs = {x=[2]}\nparameters = {W=[4,2]}\noutput = "h"\nloss = "sum(h*h)"\n[nodes]\ns = "W@x"\n'
        'h = "sigmoid(s[0:2])*tanh(s[2:4])"\n'
    )
    arguments = ["derive", "-", "--of", "loss", "--wrt", "W[3,1]", "--form", "numeric", "--init", "0"]
    found = CliRunner().invoke(app, arguments, input=text, catch_exceptions=False)
    assert found.exit_code == 0
    assert "∂loss/∂W[3,1] = 0.0891572" in found.output


@pytest.mark.parametrize("function", ["sum", "mean", "max"])
def test_an_index_is_given_once(function: str) -> None:
    with pytest.raises(bp.BackpropsymError, match=f"{function} runs over the index i twice"):
        bp.loads(f'parameters = {{x = [3]}}\noutput = "l"\n[nodes]\nl = "{function}(x[i]**2, (i, 0, 2), (i, 0, 1))"\n')
