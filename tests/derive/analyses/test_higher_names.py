"""Derivatives of any order are written as those of the first node, in every medium."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.document.derivation.report import latex
from backpropsym.document.notation.names import Notation
from backpropsym.network import Network
from tests.documents import compiled

SCALAR = 'inputs = ["x"]\nparameters = ["u", "v", "w"]\noutput = "a"\n[nodes]\nh = "tanh(u*v*x)"\na = "exp(h*w)*v"\n'
ARRAY = "x[2] -> dense(2, tanh) -> dense(1) -> mse"
FORMS = ("paths", "factored", "backward", "forward")
SYMBOL = re.compile(r"(?<![A-Za-z_])d+a(?:_d\w+|\}_|\"\)_|</mi>)")
"""A node's plain name, such as da_du or da with the index du, where it should be written as a derivative."""


@pytest.fixture(params=["text", "latex", "typst", "markdown", "html"])
def medium(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def written(path: Path, medium: str, wrt: tuple[str, ...], form: str, *options: str) -> str:
    """What `derive` prints."""
    by = [part for name in wrt for part in ("--wrt", name)]
    arguments = ["derive", str(path), *by, "--form", form, "--format", medium, *options]
    found = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert found.exit_code == 0, found.stderr
    return found.stdout


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.toml"
    path.write_text(SCALAR)
    return path


@pytest.mark.parametrize("wrt", [("u", "v", "w"), ("u", "u", "u"), ("u", "v", "u", "w")])
@pytest.mark.parametrize("form", FORMS)
def test_no_document_shows_the_plain_name_of_a_derivative(
    wrt: tuple[str, ...], form: str, medium: str, file: Path
) -> None:
    assert not SYMBOL.findall(written(file, medium, wrt, form))


def test_the_title_in_the_terminal(file: Path) -> None:
    first = {names: written(file, "text", names, "paths").split(" = ")[0] for names in (("u", "v", "w"), ("u",) * 4)}
    assert first == {("u", "v", "w"): "∂³a/∂w∂v∂u", ("u", "u", "u", "u"): "∂⁴a/∂u⁴"}
    assert written(file, "text", ("u", "v", "w"), "paths", "--ascii").startswith("d3a/dwdvdu = ")
    backward = written(file, "text", ("u", "v", "w"), "backward")
    assert "∂³a/∂(∂²a/∂v∂u)∂v∂u " in backward


def described(net: Network) -> list[str]:
    notation = Notation.of(net.graph)
    return [notation.unicode(name) for name in net.graph.nodes if notation.stands_for_derivative(name)]


def test_nodes_of_repeated_gradient_networks_never_look_alike() -> None:
    net = bp.loads(SCALAR)
    for name in ("u", "v", "u"):
        net = net.gradient_graph(wrt=name)
        looks = described(net)
        assert looks
        assert len(set(looks)) == len(looks)
        assert all(look.startswith("∂") and "a/∂" in look for look in looks)


def test_entries_of_arrays() -> None:
    net = bp.parse(ARRAY)
    first, second, third = "W1[0,0]", "W1[0,0]", "W2[0,1]"
    derivation = net.derive("loss", wrt=(first, second, third))
    notation = Notation.of(derivation.graph)
    found = notation.derivative(derivation.of, derivation.wrt)
    assert found.unicode == "∂³loss/∂W₂[0,1]∂W₁[0,0]²"
    assert found.ascii == "d3loss/dW2[0,1]dW1[0,0]dW1[0,0]"


def test_a_derivative_by_a_node_that_is_gone_is_still_described() -> None:
    """The second network keeps no node that holds the first derivative, and describes it all the same."""
    nets = [bp.loads(SCALAR)]
    nets += [nets[-1].gradient_graph(wrt="u")]
    nets += [nets[-1].gradient_graph(wrt="w")]
    assert nets[1].graph.output not in nets[2].graph.nodes
    assert all(before.graph.output in after.graph.derivatives for before, after in pairwise(nets[1:]))
    by_node = nets[1].derive(wrt=next(name for name in nets[1].graph.derivatives if name != nets[1].graph.output))
    assert "/∂(∂a/∂h)∂u" in Notation.of(by_node.graph).derivative(by_node.of, by_node.wrt).unicode


@pytest.mark.needs("pdflatex")
def test_a_fourth_derivative_compiles_in_latex(tmp_path: Path) -> None:
    derivation = bp.loads(SCALAR).derive(wrt=("u", "v", "u", "v"))
    compiled(latex(derivation, "backward", standalone=True), tmp_path)


def test_third_derivatives_compile_in_typst(file: Path) -> None:
    compiler = pytest.importorskip("typst")
    text = written(file, "typst", ("u", "v", "u"), "backward")
    assert bytes(compiler.compile(text.encode(), format="pdf")).startswith(b"%PDF")


def test_no_command_is_named_that_would_list_the_paths_of_another_derivative(file: Path) -> None:
    assert "backpropsym paths" in written(file, "text", ("v",), "paths", "--limit", "1")
    text = written(file, "text", ("u", "v"), "paths", "--limit", "1")
    assert "--limit N lists more" in text
    assert "backpropsym paths" not in text
