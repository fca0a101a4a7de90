"""What `latex` can be asked for: no colours, no dots, fewer terms, every gradient at once, fewer digits."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.document.derivation.gradients_page import gradients_page
from backpropsym.document.formulas import EntryQuotient, Formula, IndexSum, Quotient
from backpropsym.document.model import Derived, Programme
from backpropsym.errors import NetworkError, NotScalarError
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.formula.tree import Name
from tests.documents import compiled

NETWORKS = ("lecture", "skip", "x[3] -> dense(2, tanh) -> layer_norm -> dense(2) -> cross_entropy")


def test_plain_has_no_colours_and_no_numbers_of_paths() -> None:
    derivation = bp.example("lecture").derive(wrt="w11")
    for form in ("paths", "numeric", "expanded"):
        text = derivation.latex(form, {}, plain=True)
        assert "color" not in text and r"\tag" not in text and r"\to" not in text and "(1)" not in text
        assert "xcolor" in derivation.latex(form, {})
    assert r"x_{1} \cdot f'(s_{1}) \cdot v_{11}" in derivation.latex(plain=True)


def test_juxtaposed_products_have_room_in_place_of_dots_but_between_numbers() -> None:
    derivation = bp.example("lecture").derive("loss", wrt="w11")
    text = derivation.latex(juxtaposed=True)
    assert r"x_{1} \, f'(s_{1}) \, v_{11}" in text
    assert r"\cdot" not in text
    assert r"\cdot" in derivation.latex("numeric", {}, juxtaposed=True), "1 1 is eleven"
    powers = bp.loads('output = "a"\nparameters = ["w"]\ninputs = ["x"]\n[nodes]\na = "(w*2)**3*x*4"\n').derive(wrt="w")
    assert not re.search(r"\d \\, \d", powers.latex("expanded", juxtaposed=True))


def test_a_limit_lists_so_many_terms_and_says_how_many_more_there_are() -> None:
    derivation = bp.example("deep").derive(wrt="x1")
    text = derivation.latex(limit=3)
    assert text.count(r"\tag*") == 3
    assert r"\text{ (253 more of 256 paths)}" in text
    numeric = derivation.latex("numeric", {}, limit=3)
    assert r"\text{253 weaker of 256 paths, together }" in numeric
    sums = re.findall(r"\\frac\{.*?\}\{.*?\} &= (.*) = (-?[\d.]+)", numeric)
    added, total = sums[-1]
    assert sum(float(part.strip("()")) for part in added.split(" + ")) == pytest.approx(float(total), rel=1e-4)
    assert r"\vdots" in derivation.latex("backward", limit=3)


def test_digits_are_those_that_are_asked_for() -> None:
    derivation = bp.example("deep").derive(wrt="x1")
    few, many = (derivation.latex("numeric", {}, limit=1, digits=digits) for digits in (2, 9))
    assert max(map(len, re.findall(r"0\.0*(\d+)", few))) == 2
    assert max(map(len, re.findall(r"0\.0*(\d+)", many))) == 9


@pytest.mark.parametrize("name", NETWORKS)
def test_every_gradient_is_computed_by_the_programme_as_it_stands(name: str) -> None:
    net = bp.load(name)
    (derived,) = gradients_page(net.graph, net.graph.objective).parts
    assert isinstance(derived, Derived) and isinstance(derived.body, Programme)
    ends = [row.left for row in derived.body.rows if isinstance(row.left, Quotient) and row.left.by in net.parameters]
    assert sorted(end.by for end in ends) == sorted(net.parameters)
    lefts = [row.left for row in derived.body.rows]
    assert len(set(lefts)) == len(lefts), "each adjoint once"
    if not net.graph.scalar:
        return
    values = {**{k: 0.5 for k in net.graph.nodes}, **net.graph.values}
    leaves = {name: values[name] for name in (*net.inputs, *net.targets, *net.parameters)}
    known = {**leaves, **{step.node: float(step.value) for step in net.trace(leaves).forward}}
    wanted = bp.compile(net)(**leaves)[1]
    for row in derived.body.rows:
        assert isinstance(row.left, Quotient) and isinstance(row.right, Formula)
        symbol = f"d{row.left.of}_d{row.left.by}"
        known[symbol] = evaluate(row.right.tree, known, net.graph.functions)
        if row.left.by in net.parameters:
            np.testing.assert_allclose(known[symbol], wanted[row.left.by], rtol=1e-12)


def test_gradients_of_a_convolution_are_sums_over_entries() -> None:
    net = bp.parse("x[1,4,4] -> conv2d(1, 2) -> flatten -> dense(1) -> mse")
    (derived,) = gradients_page(net.graph, "loss").parts
    assert isinstance(derived, Derived) and isinstance(derived.body, Programme)
    rows = {row.left.by.base: row.right for row in derived.body.rows if isinstance(row.left, EntryQuotient)}
    assert isinstance(rows[Name("W1")], IndexSum)


def test_gradients_of_what_has_none_are_refused() -> None:
    net = bp.loads('output = "a"\ninputs = ["x"]\n[nodes]\na = "x**2"\n')
    with pytest.raises(NetworkError, match="depends on no parameter"):
        net.latex()
    with pytest.raises(NotScalarError):
        bp.parse(NETWORKS[2]).latex("s1")


@pytest.mark.needs("pdflatex")
def test_the_command_takes_them_all_and_what_it_writes_compiles(tmp_path: Path) -> None:
    runner = CliRunner()
    for number, options in enumerate(
        (["--all", "--juxtapose", "--plain"], ["--wrt", "w11", "--limit", "1", "--from", "1"])
    ):
        path = tmp_path / f"{number}.tex"
        found = runner.invoke(app, ["latex", "lecture", *options, "--standalone", "-o", str(path)])
        assert found.exit_code == 0, found.output
        assert "Overfull" not in compiled(path.read_text(), tmp_path).log
    for wrong in ([], ["--all", "--wrt", "w11"], ["--all", "--from", "2"], ["--all", "--form", "index"]):
        assert runner.invoke(app, ["latex", "lecture", *wrong]).exit_code == 2


def test_steps_inside_layers_are_defined_beside_all_gradients() -> None:
    net = bp.loads(
        "inputs = {x = [3, 2]}\nparameters = {W = [2, 2]}\noutput = 'l'\n"
        "[nodes]\nq = 'x @ W'\nz = 'attention(q, q, x)'\nl = 'sum(z*z)'\n"
    )
    told = net.latex()
    equations, _, facts = told.partition("Here")
    steps = set(re.findall(r"z_\{\w+\}", equations))
    assert steps
    assert all(rf"${step} =" in facts for step in steps)
