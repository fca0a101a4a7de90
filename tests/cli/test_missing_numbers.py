"""Where numbers are missing, a command names the places that it has for them, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from backpropsym.cli.app import app

LAYERS = "x[2] -> dense(2, tanh) -> dense(1) -> mse"
NUMERIC = ("--wrt", "W1", "--of", "loss", "--form", "numeric")


def fix_of(*arguments: str) -> str:
    found = CliRunner().invoke(app, list(arguments))
    assert found.exit_code == 2
    return next(line.strip() for line in found.stderr.splitlines() if line.startswith("  fix: "))


@pytest.mark.parametrize(
    ("command", "options", "drawn"),
    [("trace", (), True), ("wiggle", (), True), ("derive", NUMERIC, True), ("latex", NUMERIC, False)],
)
def test_an_architecture_has_no_values_of_its_own(command: str, options: tuple[str, ...], drawn: bool) -> None:
    fix = fix_of(command, LAYERS, *options)
    assert fix.startswith("fix: give them in a file with --at: x of shape (2), ")
    assert fix.endswith("; or draw them: --init 0") == drawn
    assert "keywords" not in fix
    assert "[values]" not in fix


def test_what_is_advised_works() -> None:
    assert CliRunner().invoke(app, ["trace", LAYERS, "--init", "0"]).exit_code == 0


def test_a_network_file_has_values(tmp_path: Path) -> None:
    path = tmp_path / "net -> 1.toml"
    path.write_text('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*x"\n')
    assert fix_of("trace", str(path)) == (
        "fix: give them in a file with --at or in the network's [values]: x = 1.0, w = 1.0; or draw them: --init 0"
    )


def test_training_names_no_values_of_an_architecture(tmp_path: Path) -> None:
    assert fix_of("train", LAYERS) == "fix: give them with the data (--data FILE), for all objects alike with --at"
    path = tmp_path / "net.toml"
    path.write_text('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*x"\n')
    assert fix_of("train", str(path)).endswith(", or in the network's [values]")
