"""Standard streams that are closed, full, or of a terminal that knows few letters: errors of ours, no traceback."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import backpropsym as bp
from backpropsym.cli.streams import closest

TITLE = "Сеть из лекции, naïve λ 网络"
NETWORK = f"""
title = "{TITLE}"
inputs = ["x"]
parameters = ["w"]
output = "a"
[nodes]
a = "tanh(w*x)"
[values]
x = 1.0
w = 0.5
"""
PRINTING = ("summary N", "kernel N", "derive N --wrt w --format markdown", "trace N --format latex", "examples")


def run(command: str, folder: Path, redirected: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command on the network of this file, in a shell that redirects its streams."""
    network = folder / "network.toml"
    network.write_text(NETWORK, encoding="utf-8")
    line = f"'{sys.executable}' -m backpropsym {command.replace('N', 'network.toml', 1)} {redirected}"
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.run(
        ["sh", "-c", line],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": root, **environment},
        cwd=folder,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", PRINTING)
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_letters_that_a_terminal_lacks_are_spelled(encoding: str, command: str, tmp_path: Path) -> None:
    done = run(command, tmp_path, PYTHONUTF8="0", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode(encoding)
    if "N" in command and "latex" not in command:
        assert "Set iz lektsii, na" in shown
        assert shown.isascii() == (encoding == "ascii")
    if command.startswith("kernel"):
        ast.parse(shown)


@pytest.mark.parametrize("command", PRINTING[:3])
@pytest.mark.parametrize(("redirected", "reason"), [(">&-", "it is closed"), (">/dev/full", "No space left on device")])
def test_output_that_cannot_be_written_is_told(command: str, redirected: str, reason: str, tmp_path: Path) -> None:
    done = run(command, tmp_path, redirected)
    assert done.returncode == 2
    assert done.stderr.decode() == f"error: cannot write to standard output: {reason}\n  fix: name a file with -o\n"


def test_what_goes_to_a_file_needs_no_output(tmp_path: Path) -> None:
    assert run("kernel N -o out.py", tmp_path, ">&- 2>&- <&-").returncode == 0
    assert "Value and gradients" in (tmp_path / "out.py").read_text(encoding="utf-8")
    assert run("summary N", tmp_path, "2>&-").returncode == 0


@pytest.mark.parametrize("command", ["summary -", "trace N --at -"])
def test_input_that_is_closed_is_told(command: str, tmp_path: Path) -> None:
    done = run(command, tmp_path, "<&-")
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: standard input is closed\n")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Щука и Ёж", "Shchuka i Ezh"),
        ("café ﬁ x₁²", "cafe fi x12"),
        ("αβ → ∂", "alphabeta -> d"),
        ("网a", "?a"),
        ("", ""),
    ],
)
def test_the_closest_characters(text: str, plain: str) -> None:
    assert closest(text) == plain
    assert closest("plain text") == "plain text"


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "-" + "9" * 400, "1e99999", "nan", "true"])
@pytest.mark.parametrize(
    "line", ["link_width = {}", "[boxes.input]\ndash = [{}]", "base = {}", "ink = {}", "paths = [{}]"]
)
def test_a_theme_with_a_number_out_of_all_bounds_is_refused(line: str, number: str, tmp_path: Path) -> None:
    theme = tmp_path / "theme.toml"
    theme.write_text(line.format(number))
    with pytest.raises(bp.BackpropsymError):
        bp.example("neuron").draw(theme=str(theme))
