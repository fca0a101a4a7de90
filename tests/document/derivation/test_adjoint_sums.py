"""The sums over entries on backward slides, as printed, in numbers: they are the gradients of the kernel."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.document.derivation.adjoint_sums import adjoint_sum
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.mathematics import written
from backpropsym.document.writers.unicode import UnicodeWriter
from backpropsym.graph.graph import Graph, Role
from tests.stream.generate import seeded

_SUM = re.compile(r"∑ (\w)<(\d+) ")
_SWITCH = re.compile(r"\[(0 ≤ [^\]]+)\] ")


def printed(graph: Graph, wrt: str) -> dict[str, tuple[tuple[str, ...], str]]:
    """By node, the free indices and the right side of each step that is printed entry by entry."""
    programme = matrix_programme(graph, "loss", [wrt])
    writer = UnicodeWriter(Notation.of(graph))
    steps = ((each.node, adjoint_sum(graph, each, programme)) for each in programme)
    return {node: (tuple(found.indices), written(found.right, writer)) for node, found in steps if found}


def evaluated(text: str, arrays: Mapping[str, Any], position: Mapping[str, int]) -> float:
    """A printed sum at one position of its free indices."""
    body, _, where = text.partition("  where ")
    sums = [(index, int(size)) for index, size in _SUM.findall(body)]
    conditions = [*_SWITCH.findall(body), *filter(None, where.split(", "))]
    product = _SWITCH.sub("", _SUM.sub("", body))
    total = 0.0
    for at in itertools.product(*(range(size) for _, size in sums)):
        known = {**arrays, **position, **dict(zip([index for index, _ in sums], at, strict=True))}
        if all(eval(code(each), {}, known) for each in conditions):
            total += float(eval(code(product), {}, known))
    return total


def code(text: str) -> str:
    """A printed formula as Python reads it."""
    below = str.maketrans("ₛ₀₁₂₃₄₅₆₇₈₉", "s0123456789")
    return text.translate(below).replace("·", "*").replace("−", "-").replace("≤", "<=")


def arrays_of(net: bp.Network, values: Mapping[str, Any]) -> dict[str, Any]:
    """Every node and every adjoint in numbers, by the name that is printed."""
    symbols = Notation.of(net.graph)
    told = net.trace(values)
    found = {**values, **{step.node: step.value for step in told.forward}}
    found |= {f"delta_{step.node}": step.adjoint for step in told.backward}
    return {code(symbols.unicode(name)): np.asarray(value) for name, value in found.items()}


CONVOLUTIONS = ["stride=2,padding=1", "stride=2", "padding=2,dilation=2", "stride=(2,1),padding=(0,1)"]


@pytest.mark.parametrize("options", CONVOLUTIONS)
def test_printed_sums_are_the_gradients_of_the_kernel(options: str) -> None:
    source = f"x[2,6,6] -> conv2d(2,3,{options}) -> tanh -> conv2d(2,2,padding=1) -> flatten -> dense(1) -> mse"
    net = bp.parse(source)
    values = {**net.init(seed=0), "x": np.random.default_rng(0).normal(size=(2, 6, 6)), "y": np.array([0.3])}
    wanted = {**bp.compile(net)(**values)[1], "tanh1": net.derive("loss", wrt="tanh1").evaluate(**values)}
    arrays = arrays_of(net, values)
    found = printed(net.graph, "W1") | printed(net.graph, "W2")
    assert found.keys() == {"W1", "W2", "tanh1"}
    for node, (indices, text) in found.items():
        short = _SUM.sub(lambda each: f"∑ {each[1]}<1 ", text)
        worked, planted = (
            [evaluated(each, arrays, dict(zip(indices, at, strict=True))) for at in np.ndindex(wanted[node].shape)]
            for each in (text, short)
        )
        np.testing.assert_allclose(worked, wanted[node].ravel(), rtol=1e-9, atol=1e-12)
        assert not np.allclose(planted, wanted[node].ravel()), "sums that end too soon must be seen"


def test_convolutions_are_told_as_sums_wherever_a_person_reads_them(tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "picture.svg"
    told = CliRunner().invoke(app, ["trace", "convolution"]).output
    for command in (["explore", "convolution", "-o", str(page)], ["draw", "convolution", "-o", str(picture)]):
        assert CliRunner().invoke(app, command).exit_code == 0
    assert "δ_K[i,j]   ∑ k<4 ∑ l<3 im[k + i,l + j] · δₒᵤₜ[k,l]" in told
    for text in (told, page.read_text(encoding="utf-8"), picture.read_text(encoding="utf-8")):
        assert "einsum" not in text


@pytest.mark.parametrize("seed", [5, 66, 71, 113])
def test_steps_inside_layers_have_equations_of_their_own_and_no_sums(seed: int) -> None:
    case = seeded(seed)
    graph = case.net.graph.sized(case.sizes)
    programme = matrix_programme(graph, case.output, graph.names(Role.PARAMETER, Role.INPUT))
    steps = [each for each in programme if each.node not in graph.named.nodes]
    assert steps, "the network has a layer whose steps have no names"
    assert [adjoint_sum(graph, each, programme) for each in steps] == [None] * len(steps)
