"""Every script in examples/ runs, and does what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import backpropsym as bp

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
ARGUMENTS = {"dense.py": ["3", "2", "1"], "learning.py": ["20"], "pictures.py": ["out"]}


def run(script: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / script, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_runs_and_prints(script: Path, tmp_path: Path) -> None:
    assert run(script.name, tmp_path, *ARGUMENTS.get(script.name, []))


def test_every_script_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "examples.md").read_text()
    assert [script.name for script in SCRIPTS if f"`{script.name}`" not in text] == []


def test_build_prints_one_path_and_both_gradients(tmp_path: Path) -> None:
    printed = run("build.py", tmp_path)
    assert "g -> k -> a" in printed
    assert "dloss/dw" in printed and "dloss/dg" in printed


def test_pictures_writes_one_svg_a_parameter(tmp_path: Path) -> None:
    run("pictures.py", tmp_path, "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["w11.svg", "w12.svg", "w21.svg", "w22.svg"]


def test_descent_lowers_the_loss_and_says_why_it_stopped(tmp_path: Path) -> None:
    printed = run("descent.py", tmp_path)
    before, after = (float(printed.split()[index]) for index in (1, 3))
    assert after < before / 10
    assert "stopped: the parameters moved by less than" in printed


def test_a_wider_layer_comes_nearer_and_a_shift_costs_answers(tmp_path: Path) -> None:
    printed = run("learning.py", tmp_path, "1000").splitlines()
    errors = [float(line.split()[1]) for line in printed[1:7]]
    assert max(errors[3:]) < errors[2] < min(errors[:2]) / 10
    shares = {line[:15].strip(): [float(each[:-1]) for each in line.split()[-2:]] for line in printed[9:]}
    assert all(straight > 85 > 75 > moved for straight, moved in shares.values())


@pytest.mark.parametrize(("widths", "links"), [((2, 1), 2), ((8, 16, 16, 1), 400), ((3, 120, 4), 3 * 120 + 120 * 4)])
def test_dense_writes_a_network_with_one_parameter_a_link(widths: tuple[int, ...], links: int, tmp_path: Path) -> None:
    file = tmp_path / "dense.toml"
    file.write_text(run("dense.py", tmp_path, *map(str, widths)))
    net = bp.load(file)
    assert not net.graph.warnings
    assert len(net.parameters) == links
    hidden_and_out = [widths[k] for k in range(2, len(widths))]
    expected = 1
    for width in hidden_and_out:
        expected *= width
    assert net.derive(wrt="w1_1_1").count == expected


def test_dense_is_the_same_every_time_and_wrote_the_bundled_network(tmp_path: Path) -> None:
    bundled = ROOT / "backpropsym" / "examples" / "deep.toml"
    assert run("dense.py", tmp_path, "8", "16", "16", "1") == bundled.read_text()
