"""Wrong and odd calls of every command end in an answer or in an error of ours, never in a traceback."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from backpropsym.cli.app import app

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
INTERACTIVE = ("tutor", "serve", "quiz")
"""They wait for a person, or for a browser."""

LEFT_OUT = ("--help", "--web", "--open", "--watch", "--thorough")
NETWORKS = ("lecture", "neuron", "abstract", "x[2] -> dense(2, tanh) -> dense(1) -> mse", "x[0] -> mse", "x -> -> relu")
NETWORKS = (*NETWORKS, "", "missing.toml", ".")
NAMES = ("w11", "W1", "W1[0,0]", "W1[9,9]", "loss", "x1", "nope", "", "-1", "a b", "λ", "w[", "*", "s1", "z1,z2")
NUMBERS = ("0", "1", "3", "-1", "nan", "inf", "1e400", "2,3", "x=1", "W=[[1,2],[3]]", "{", "a=b=c", "1/0", "'", "0.5")
WORDS = (
    "text",
    "json",
    "latex",
    "paths",
    "matrix",
    "index",
    "numeric",
    "backward",
    "plain",
    "light",
    "true",
    "reverse",
)
FILES = ("o.svg", "o.tex", "o.html", "o.json", "o.md", "o.xyz", "dir/x.svg", ".")
CALLS_OF_A_COMMAND = 6
OF_THE_PERSON = 2
"""The exit code of a mistake in a call."""


def odd_call(name: str, drawn: random.Random) -> list[str]:
    """A command with a value, right or wrong, for each argument and for some options."""
    parameters = COMMANDS[name].params
    call = [name]
    for argument in (each for each in parameters if each.param_type_name == "argument"):
        call.append(drawn.choice(NETWORKS if argument.name in ("network", "net") else NETWORKS + NAMES))
    options = [each for each in parameters if each.param_type_name == "option"]
    for option in drawn.sample(options, min(len(options), drawn.choice((0, 1, 2)))):
        written = drawn.choice(option.opts)
        if written in LEFT_OUT:
            continue
        flag = getattr(option, "is_flag", False)
        values = FILES if "out" in (option.name or "") else NUMBERS + NAMES + WORDS
        call += [written] if flag else [written, drawn.choice(values)]
    return call


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - set(INTERACTIVE)))
def test_an_odd_call_ends_in_an_answer_or_in_an_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn = random.Random(name)
    for _ in range(CALLS_OF_A_COMMAND):
        call = odd_call(name, drawn)
        result = CliRunner().invoke(app, call)
        assert result.exception is None or isinstance(result.exception, SystemExit), (call, result.exception)
        assert result.exit_code in (0, 1, OF_THE_PERSON), call
        if result.exit_code == OF_THE_PERSON:
            assert "error" in result.stderr.lower(), call
            assert "Traceback" not in result.output, call
