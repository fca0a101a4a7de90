"""`--digits` wherever numbers are printed; data for scripts keep all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backpropsym.cli.app import app

COMMANDS = (
    ("derive", "neuron", "--wrt", "w1", "--form", "numeric"),
    ("derive", "convolution", "--wrt", "K", "--form", "numeric"),
    ("trace", "neuron"),
    ("trace", "x[2] -> dense(2, tanh) -> mse", "--init", "1"),
    ("wiggle", "neuron"),
    ("paths", "neuron", "--wrt", "w1", "--top", "3"),
    ("latex", "neuron", "--wrt", "w1", "--form", "numeric"),
    ("jacobian", "neuron", "--wrt", "w1"),
    ("hessian", "neuron", "--wrt", "w1", "--wrt", "w2"),
)


def longest(text: str) -> int:
    """The most digits of a number with a point in it, zeros before the first other one aside."""
    numbers = re.findall(r"(?<![\w.])\d+\.\d+", text)
    return max(len(number.replace(".", "").lstrip("0")) for number in numbers)


def run(*arguments: str) -> str:
    found = CliRunner().invoke(app, list(arguments))
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("medium", ["text", "latex", "html"])
def test_numbers_have_as_many_digits_as_are_asked_for(command: tuple[str, ...], medium: str) -> None:
    if command[0] == "latex" and medium != "latex":
        return
    written = () if command[0] == "latex" else ("--format", medium)
    few, many = (shares_aside(run(*command, *written, "--digits", digits)) for digits in ("2", "11"))
    assert longest(few) <= 2
    assert longest(many) in (10, 11)


def shares_aside(text: str) -> str:
    """Without shares in percent, which have one decimal, and what is no number of the computation."""
    text = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(
        r"[\d.]+(?:\\,)?\s?\\?%|rule\{[^}]*\}\{[^}]*\}|6\.28318530717958\d|[\d.]+(?:pt|ex|em|rem)\b", "", text
    )
    return re.sub(r"(?m)^.*(?:stretch|definecolor|rate 0).*$", "", text)


def test_data_for_scripts_keep_every_digit() -> None:
    command = ("derive", "deep", "--wrt", "x1", "--form", "numeric", "--json")
    assert json.loads(run(*command, "--digits", "2")) == json.loads(run(*command))


def test_a_handout_has_the_digits_that_are_asked_for(tmp_path: Path) -> None:
    values = tmp_path / "values.toml"
    values.write_text("x1 = 0.123456789\n")
    texts = []
    for digits in ("2", "9"):
        path = tmp_path / f"{digits}.md"
        run("handout", "lecture", "--at", str(values), "--digits", digits, "-o", str(path))
        texts.append(path.read_text(encoding="utf-8").split("## Check")[0])
    assert "= 0.56" in texts[0] and "0.561" not in texts[0]
    assert "= 0.561728395" in texts[1]


@pytest.mark.parametrize("digits", ["0", "18", "x"])
def test_other_digits_are_refused(digits: str) -> None:
    assert CliRunner().invoke(app, ["trace", "neuron", "--digits", digits]).exit_code == 2
