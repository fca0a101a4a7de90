"""Quizzes: reproducible, proved before they are given out, and a planted mistake in a solution is refused."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.derive.analyses.sensitivity import Verdict
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.document.registry import Layout, format_of
from backpropsym.errors import GradientMismatchError
from backpropsym.formula.tree import Name, Neg
from backpropsym.quiz.exercises import Bricks, Compute, Count, Dead, Derive, Exercise, complex_step
from backpropsym.quiz.make import Quiz, make_quiz
from backpropsym.quiz.sheets import quiz_page
from backpropsym.spec.random_network import layered, random_network
from tests.documents import compiled

KINDS = ("derive", "dead", "compute", "bricks", "count")
MEDIA = ("text", "markdown", "latex", "typst", "json")
HOSTILE = r"\input{/etc/passwd} <b> `rm` 100% _x_ # $"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def quiz_report(quiz: Quiz, medium: str = "text", ascii: bool = False) -> str:
    """A quiz as it is printed, a whole document where the format has one."""
    format, page = format_of(medium), quiz_page(quiz)
    return format.document(page, Layout(), False) if format.document else format.write(page, Layout(ascii))


def exercise(kind: str, seed: int = 1) -> Exercise:
    return make_quiz(bp.example("lecture").graph, 1, seed, [kind]).exercises[0]


@pytest.mark.parametrize("seed", range(12))
def test_networks_made_by_chance_are_read_and_are_small(seed: int) -> None:
    assert random_network(seed) == random_network(seed)
    net = bp.loads(random_network(seed))
    assert set(net.values) == {*net.inputs, *net.targets, *net.parameters}
    assert all(float(value) * 4 == round(float(value) * 4) for value in net.values.values())
    assert len(net.parameters) <= 20
    assert net.check(samples=1, seed=seed).passed


def test_networks_of_given_widths() -> None:
    net = bp.loads(layered((4, 8, 8, 1), "tanh", seed=1))
    assert (len(net.inputs), len(net.parameters)) == (4, 4 * 8 + 8 * 8 + 8)
    assert "w_1_10" in bp.loads(layered((1, 10, 1))).parameters
    for widths in ((2, 1), (2, 2, 2), (1, 2, 2, 2, 2, 2, 1)):
        with pytest.raises(ValueError, match="hidden layers"):
            layered(widths)


@pytest.mark.parametrize("seed", range(8))
def test_all_kinds_come_in_turn_and_are_proved(seed: int) -> None:
    quiz = make_quiz(bp.loads(random_network(seed)).graph, 10, seed)
    kinds = [each.kind for each in quiz.exercises]
    assert len(kinds) == 10
    assert set(kinds) >= {"derive", "compute", "bricks", "count"}
    for each in quiz.exercises:
        each.verify()


@pytest.mark.parametrize("medium", MEDIA)
def test_the_same_seed_gives_the_same_sheets(medium: str) -> None:
    first, second = (quiz_report(make_quiz(bp.example("lecture").graph, 5, 7), medium) for _ in range(2))
    assert first == second
    assert first != quiz_report(make_quiz(bp.example("lecture").graph, 5, 8), medium)


def test_exercises_of_a_kind_differ_where_they_can() -> None:
    quiz = make_quiz(bp.example("lecture").graph, 4, 1, ["derive"])
    assert len({each.derivation.wrt for each in quiz.exercises if isinstance(each, Derive)}) > 2


@pytest.mark.parametrize("kind", ["derive", "bricks"])
@pytest.mark.parametrize("network", ["lecture", "abstract"])
def test_a_wrong_local_derivative_is_refused(kind: str, network: str) -> None:
    """The sum over paths is built on a planted sign."""
    found = make_quiz(bp.example(network).graph, 1, 2, [kind]).exercises[0]
    assert isinstance(found, Derive)
    good = found.derivation
    link = Edge(good.space.nodes[-2], good.of)
    planted = LocalDerivatives(found.graph, {link: Neg(good.local[link])})
    with pytest.raises(GradientMismatchError):
        replace(found, derivation=Derivation(planted, good.of, good.wrt)).verify()


def test_a_factor_too_few_is_refused() -> None:
    found = exercise("derive")
    assert isinstance(found, Derive)
    good = found.derivation
    first = Edge(*good.space.nodes[:2])
    planted = LocalDerivatives(found.graph, {first: Name("y")})
    with pytest.raises(GradientMismatchError):
        replace(found, derivation=Derivation(planted, good.of, good.wrt)).verify()


def test_wrong_numbers_are_refused() -> None:
    found = exercise("compute")
    assert isinstance(found, Compute)
    assert found.trace.descent is not None
    for name, wrong in (("value_before", 1e6), ("gradient", {found.wrt: 1e6}), ("after", {found.wrt: 1e6})):
        trace = replace(found.trace, descent=replace(found.trace.descent, **{name: wrong}))
        with pytest.raises(GradientMismatchError):
            replace(found, trace=trace).verify()


def test_wrong_verdicts_are_refused() -> None:
    found = exercise("dead")
    assert isinstance(found, Dead)
    for at, row in enumerate(found.wiggles.rows):
        wrong = Verdict.CUT if row.verdict is Verdict.MOVES else Verdict.MOVES
        rows = list(found.wiggles.rows)
        rows[at] = replace(row, verdict=wrong)
        with pytest.raises(GradientMismatchError):
            replace(found, wiggles=replace(found.wiggles, rows=tuple(rows))).verify()
    assert {row.verdict for row in found.wiggles.rows} == {Verdict.CUT, Verdict.MOVES}


def test_a_wrong_count_is_refused() -> None:
    found = exercise("count")
    assert isinstance(found, Count)
    wrong = Derivation(found.derivation.local, found.derivation.of, found.derivation.wrt)
    wrong.space.__dict__["count"] = found.derivation.count + 1
    with pytest.raises(GradientMismatchError):
        replace(found, derivation=wrong).verify()


def test_complex_steps_are_independent_of_the_derivation() -> None:
    net = bp.loads(layered((2, 2, 1), "tanh", seed=1))
    values = {name: float(value) for name, value in net.values.items()}
    for name in net.parameters:
        expected = net.derive("loss", wrt=name).evaluate()
        assert complex_step(net.graph, "loss", name, values) == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_abstract_networks_have_the_exercises_without_numbers() -> None:
    quiz = make_quiz(bp.example("abstract").graph, 6, 0)
    assert {each.kind for each in quiz.exercises} == {"derive", "bricks", "count"}
    with pytest.raises(bp.BackpropsymError, match="no such exercise"):
        make_quiz(bp.example("abstract").graph, 1, 0, ["compute"])


def test_tensors_are_asked_neuron_by_neuron() -> None:
    quiz = make_quiz(bp.parse("x[2] -> dense(2, relu) -> dense(1) -> mse").graph, 5, 3)
    assert "W1[0,0]" in quiz_report(quiz, "json")
    with pytest.raises(bp.BackpropsymError, match="pen and paper"):
        make_quiz(bp.example("digits").graph, 1, 0)


def test_mistakes_are_said_in_words() -> None:
    graph = bp.example("lecture").graph
    with pytest.raises(bp.BackpropsymError, match="no exercises are called"):
        make_quiz(graph, 1, 0, ["guess"])
    for count in (0, 1000):
        with pytest.raises(bp.BackpropsymError, match="exercises are asked for"):
            make_quiz(graph, count, 0)
    assert run("quiz", "nothing").exit_code == 2
    lonely = bp.loads('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*x"\n').graph
    assert len(make_quiz(lonely, 5, 0).exercises) == 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("medium", MEDIA)
def test_every_kind_in_every_medium(kind: str, medium: str) -> None:
    net = bp.example("lecture")
    written = quiz_report(make_quiz(net.graph, 2, 5, [kind]), medium, ascii=True)
    assert written.isascii() or medium in ("markdown", "typst")
    if medium == "json":
        data = json.loads(written)
        assert [each["kind"] for each in data["exercises"]] == [kind, kind]
        assert all(each["question"] and each["solution"] for each in data["exercises"])
    else:
        assert "Exercises: " in written
        assert "Solutions: " in written
        assert written.index("Exercises: ") < written.index("Solutions: ")


def test_a_hostile_title_stays_words() -> None:
    net = bp.Network(HOSTILE)
    x, w = net.input("x"), net.parameter("w")
    net.output = net.node("a", bp.tanh(w * x))
    quiz = make_quiz(net.graph, 3, 0)
    assert r"\input{" not in quiz_report(quiz, "latex")
    assert "<b>" not in quiz_report(quiz, "markdown")


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("source", ["lecture", "random", "abstract", "skip"])
def test_sheets_compile(source: str, tmp_path: Path) -> None:
    found = run("quiz", source, "--count", "6", "--seed", "4", "-o", str(tmp_path / "sheet.tex"))
    assert found.exit_code == 0, found.stderr
    sheet = compiled((tmp_path / "sheet.tex").read_text(encoding="utf-8"), tmp_path)
    assert sheet.pages >= 2, "solutions are on a sheet of their own"


@pytest.mark.parametrize("source", ["lecture", "abstract", "skip"])
def test_sheets_compile_in_typst(source: str) -> None:
    compiler = pytest.importorskip("typst")
    found = run("quiz", source, "--count", "6", "--seed", "4", "--format", "typst")
    assert bytes(compiler.compile(found.stdout.encode(), format="pdf")).startswith(b"%PDF")


def test_the_command_writes_by_suffix_and_kind(tmp_path: Path) -> None:
    for suffix in (".md", ".txt", ".json"):
        assert run("quiz", "random", "--seed", "1", "-o", str(tmp_path / f"sheet{suffix}")).exit_code == 0
    data = json.loads(run("quiz", "lecture", "--kind", "count", "--count", "2", "--json").stdout)
    assert [each["kind"] for each in data["exercises"]] == ["count", "count"]


def test_choices_do_not_depend_on_the_state_of_other_random_numbers() -> None:
    texts = []
    for state in (1, 2):
        random.seed(state)
        np.random.seed(state)
        texts.append(quiz_report(make_quiz(bp.example("lecture").graph, 5, 3)))
    assert texts[0] == texts[1]


def test_bricks_are_the_factored_form() -> None:
    found = exercise("bricks")
    assert isinstance(found, Bricks)
    assert found.derivation.expression("factored").count("(") >= 1
