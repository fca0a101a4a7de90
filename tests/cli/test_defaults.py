"""What the help says that a command takes where an option is left out is what it takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperOption
from typer.testing import CliRunner

from backpropsym.cli.app import app
from backpropsym.cli.registries import filled
from backpropsym.derive.derivation import MAX_TERMS
from backpropsym.document.registry import format_of
from backpropsym.document.reports import matrices
from backpropsym.picture.content.highlighted_paths import MAX_HIGHLIGHTED
from backpropsym.picture.content.shown_rows import FEW, MAX_ROWS

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
NODES = {"output": "a", "loss": "loss"}
FILES = {"draw": ".svg", "slides": ".html", "explore": ".html"}
MORE = {
    "verify": ("--claim", "w11", "--wrt", "w11"),
    **dict.fromkeys(("derive", "paths", "latex", "slides"), ("--wrt", "w11")),
}


def help_of(command: str, option: str) -> str:
    return next(filled(entry.help) for entry in COMMANDS[command].params if option in entry.opts)


def result(command: str, folder: Path, *options: str) -> str:
    """What a command prints or writes for the lecture's network, which has a scalar output and a loss."""
    file = folder / f"out{FILES.get(command, '.txt')}"
    given = [command, "lecture", *MORE.get(command, ()), *options, *(["-o", str(file)] if command in FILES else [])]
    found = CliRunner().invoke(app, given)
    assert found.exit_code in (0, 1), found.stderr
    return file.read_text(encoding="utf-8") if command in FILES else found.stdout


@pytest.mark.parametrize("command", [name for name in COMMANDS if any("--of" in p.opts for p in COMMANDS[name].params)])
def test_what_is_derived_by_default(command: str, tmp_path: Path) -> None:
    said = re.search(r"left out,? the (output|loss)", help_of(command, "--of"))
    assert said
    with_wrt = ("--wrt", "w11") if command == "draw" else ()
    expected = result(command, tmp_path, *with_wrt, "--of", NODES[said[1]])
    assert result(command, tmp_path, *with_wrt) == expected
    others = set(NODES.values()) - {NODES[said[1]]}
    assert expected not in {result(command, tmp_path, *with_wrt, "--of", other) for other in others}


def test_the_picture_without_wrt_is_that_of_the_loss(tmp_path: Path) -> None:
    assert "or the loss where the output has axes or --wrt is left out" in help_of("draw", "--of")
    assert result("draw", tmp_path, "--init", "0") == result("draw", tmp_path, "--init", "0", "--of", "loss")


@pytest.mark.parametrize("command", ["derive", "paths", "hessian"])
def test_an_output_with_axes_is_not_what_is_derived(command: str) -> None:
    call = [command, "x[2] -> dense(2) -> cross_entropy", "--wrt", "b1[0]" if command == "hessian" else "b1"]
    texts = [CliRunner().invoke(app, [*call, *of]).stdout for of in ((), ("--of", "loss"))]
    assert texts[0] == texts[1] != ""


def test_numbers_in_the_help_are_those_of_the_code() -> None:
    text, html = (f"{format_of(name).limit:,}" for name in ("text", "html"))
    for command in ("derive", "paths"):
        assert f"left out {text} in the terminal, {html} in Markdown and HTML" in help_of(command, "--limit")
    for command in ("hessian", "jacobian"):
        assert f"left out {matrices.LIMIT}, in JSON {MAX_TERMS:,}" in help_of(command, "--limit")
    assert f"up to {MAX_ROWS}, else {FEW}" in help_of("draw", "--rows")
    assert MAX_HIGHLIGHTED == 8
    assert "more than eight" in help_of("draw", "--path")


SAID = re.compile(r"left out|[Ee]lse|instead|draw the numbers|none are shown|network's own values")
ACTS = {"--copy", "--claim", "--claims", "--frames", "--order", "--output", "--init", "--data", "--times"}
"""Options that do something which is not done without them."""


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_says_what_is_taken_where_an_option_is_left_out(command: str) -> None:
    silent = [
        option.opts
        for option in COMMANDS[command].params
        if isinstance(option, TyperOption) and not option.is_flag and not option.required and option.default is None
        if not SAID.search(option.help or "") and not set(option.opts) & ACTS
    ]
    assert silent == ([["--wrt"]] if command == "verify" else [])
