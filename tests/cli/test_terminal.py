"""The program as a process: what a terminal, a pipe and a script see of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backpropsym.cli.app import app
from backpropsym.cli.completion import complete_network, complete_node

HOSTILE = "[bold red]x[/bold red] \\u001b[31m\\u001b]0;owned\\u0007 \\u202egnp.exe :smile:"
NETWORK = f"""
title = "{HOSTILE}"
inputs = ["x"]
parameters = ["red", "bold"]
output = "a"
[nodes]
a = "red*x + bold"
"""


def run(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The program run by this interpreter."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return subprocess.run(
        [sys.executable, "-m", "backpropsym", *arguments],
        input=text.encode(),
        capture_output=True,
        env={**kept, "PYTHONUTF8": "1", **environment},
        timeout=120,
        check=False,
    )


def test_the_program_runs_as_a_module() -> None:
    done = run("derive", "lecture", "--wrt", "w11", "--json")
    assert done.returncode == 0
    assert done.stderr == b""
    assert json.loads(done.stdout)["count"] == 2


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["derive", "--help"]])
def test_help_and_version_load_no_mathematics(arguments: list[str]) -> None:
    code = (
        "import sys; from backpropsym.cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'sympy', 'numpy', 'networkx', 'ziamath'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_colour_is_for_terminals() -> None:
    assert b"\x1b" not in run("derive", "lecture", "--wrt", "w11").stdout
    coloured = run("derive", "lecture", "--wrt", "w11", FORCE_COLOR="1", COLORTERM="truecolor", TERM="xterm-256color")
    assert b"\x1b[38;2;213;94;0m" in coloured.stdout
    without = run("derive", "lecture", "--wrt", "w11", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color")
    assert b"38;" not in without.stdout


def test_output_that_cannot_show_unicode_gets_ascii() -> None:
    done = run("derive", "lecture", "--wrt", "w11", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"da/dw11 = sum over 2 paths" in done.stdout


def test_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m backpropsym summary deep | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=120, check=False)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["derive", "-", "--wrt", "red"],
        ["derive", "-", "--wrt", "red", "--format", "markdown"],
        ["summary", "-"],
        ["check", "-"],
        ["paths", "-", "--wrt", "red"],
        ["latex", "-", "--wrt", "red", "--standalone"],
        ["derive", "-", "--wrt", "[red]\x1b[31mx"],
    ],
)
def test_nothing_in_a_network_acts_on_the_terminal(arguments: list[str]) -> None:
    done = run(*arguments, text=NETWORK, FORCE_COLOR="1", TERM="xterm-256color", COLORTERM="truecolor")
    said = (done.stdout + done.stderr).decode()
    assert "\x1b]" not in said
    assert "\x1b[31m" not in said.replace("\x1b[1;31m", "")
    assert "\x07" not in said
    assert "\u202e" not in said
    assert "Traceback" not in said


def test_markup_in_a_title_is_shown_as_it_is() -> None:
    assert b"[bold red]x[/bold red]" in run("summary", "-", text=NETWORK).stdout
    assert b":smile:" in run("summary", "-", text=NETWORK).stdout


def test_a_hostile_file_name_is_shown_as_escapes(tmp_path: Path) -> None:
    name = str(tmp_path / "a\x1b[31m[red]b.toml")
    done = run("derive", name, "--wrt", "w", FORCE_COLOR="1", TERM="xterm-256color")
    assert done.returncode == 2
    assert b"\x1b[31m" not in done.stderr
    (tmp_path / "a\x1b[31m[red]b.toml").write_text(NETWORK, encoding="utf-8")
    done = run("derive", name, "--wrt", "red", FORCE_COLOR="1", TERM="xterm-256color")
    assert done.returncode == 0
    assert b"\x1b[31m" not in done.stdout + done.stderr
    assert b"[red]b.toml" in done.stdout


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "out.tex"
    file.write_text("before", encoding="utf-8")
    result = CliRunner().invoke(app, ["derive", "abstract", "--wrt", "w11", "--form", "numeric", "-o", str(file)])
    assert result.exit_code == 2
    assert file.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [file]
    folder = tmp_path / "folder.tex"
    folder.mkdir()
    result = CliRunner().invoke(app, ["derive", "lecture", "--wrt", "w11", "-o", str(folder)])
    assert result.exit_code == 2
    assert "cannot write" in result.stderr
    assert sorted(tmp_path.iterdir()) == [folder, file]


def test_completion_offers_networks_and_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Line:
        params = {"network": "lecture"}
        args: list[str] = []

    (tmp_path / "mine.toml").touch()
    (tmp_path / "nets").mkdir()
    (tmp_path / "other.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert complete_network("lec") == ["lecture"]
    assert complete_network("m") == ["mine.toml"]
    assert complete_network("nets") == ["nets/"]
    assert complete_node(Line(), "w1") == ["w11", "w12"]  # type: ignore[arg-type]
    Line.params = {"network": "missing"}
    assert complete_node(Line(), "w1") == []  # type: ignore[arg-type]


def test_the_shell_is_given_nodes_while_a_word_is_missing() -> None:
    code = "import sys; sys.argv = ['backpropsym']; from backpropsym.cli.app import main; main()"
    asked = {"COMP_WORDS": "backpropsym derive lecture --wrt w1", "COMP_CWORD": "4"}
    environment = {**os.environ, **asked, "_BACKPROPSYM_COMPLETE": "complete_bash"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, timeout=120, check=False)
    assert done.stdout.decode().split() == ["w11", "w12"]
