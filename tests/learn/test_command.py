"""backpropsym train, as people and scripts call it."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app

DENSE = "x[64] -> dense(16, relu) -> dense(10) -> cross_entropy"


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, ["train", *arguments])
    assert result.exit_code == exit_code, result.output
    return result.stdout


def test_the_lecture_network_learns_its_own_object() -> None:
    found = json.loads(run("lecture", "--rate", "0.01", "--json"))
    assert found["stop"] == "small step"
    assert found["history"][-1]["moved"] < 1e-6 <= found["history"][-2]["moved"]
    value, _ = bp.compile(bp.example("lecture"))(**{**bp.example("lecture").values, **found["parameters"]})
    assert value == pytest.approx(found["checkpoints"][-1]["train"]["objective"], rel=1e-9)
    assert value < 1e-9


def test_digits_are_learned_and_tested(tmp_path: Path) -> None:
    path = tmp_path / "learned.npz"
    text = run(DENSE, "--data", "digits", "--batch", "32", "--steps", "800", "--rate", "0.2", "-o", str(path))
    assert "32 of 1,438 objects a step" in text
    found = json.loads(run(DENSE, "--data", "digits", "--at", str(path), "--steps", "1", "--json"))
    assert found["checkpoints"][0]["test"]["right"] > 0.8
    assert found["checkpoints"][0]["train"]["right"] > found["checkpoints"][0]["test"]["right"]
    net = bp.parse(DENSE)
    with np.load(path) as learned:
        assert {name: array.shape for name, array in learned.items()} == dict(net.parameters)


def test_weights_as_toml_go_back_in(tmp_path: Path) -> None:
    path = tmp_path / "learned.toml"
    run("lecture", "--rate", "0.01", "-o", str(path))
    again = json.loads(run("lecture", "--rate", "0.01", "--at", str(path), "--json"))
    assert again["checkpoints"][0]["train"]["objective"] < 1e-9
    assert len(again["history"]) < 5


def test_a_report_is_written_as_its_suffix_says(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    run("lecture", "--steps", "3", "-o", str(path))
    assert "| step | loss |" in path.read_text()
    run("x[64] -> dense(10) -> cross_entropy", "--data", "digits", "--steps", "1", "-o", str(path))
    assert "%$" not in path.read_text()


def test_a_descent_that_diverges_ends_with_1(tmp_path: Path) -> None:
    path = tmp_path / "line.toml"
    path.write_text('parameters = ["w"]\noutput = "a"\n[nodes]\na = "w**2"\n[values]\nw = 1.0\n')
    assert "Diverged" in run(str(path), "--rate", "10", "--steps", "10000", exit_code=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lecture", "--data", "nowhere.npz"], "there is no file nowhere.npz"),
        (["lecture", "--rate", "0"], "the rate 0 makes no step downhill"),
        (["lecture", "--rate", "nan"], "the rate nan"),
        (["lecture", "--tolerance", "nan"], "the tolerance nan"),
        (["lecture", "-o", "learned.xyz"], "end it in .npz, .toml, .json, .md, .txt"),
        (["lecture", "-o", "learned.tex"], "suffix"),
        (["lecture", "-o", "nowhere/learned.npz"], "there is no folder nowhere"),
    ],
)
def test_mistakes_are_told(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["train", *arguments])
    assert result.exit_code == 2
    assert message in result.output
