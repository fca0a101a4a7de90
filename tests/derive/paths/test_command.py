"""`paths --stats`, and what Python offers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app

SKIP = """
inputs = ["x"]
parameters = ["w", "v"]
output = "a"
[nodes]
s = "w*x"
z = "f(s)"
a = "v*z + s"
[functions]
f = "{function}"
"""


def run(*arguments: str, text: str | None = None) -> str:
    found = CliRunner().invoke(app, ["paths", *arguments], input=text, catch_exceptions=False)
    assert found.exit_code == 0, found.stderr
    return found.stdout


def test_the_lecture_in_words() -> None:
    text = run("lecture", "--wrt", "w11", "--stats")
    assert text.startswith("2 paths from w₁₁ to a\n")
    assert "strongest                w₁₁ → s₁ → z₁ → u₁ → h₁ → a: 2, 80.0 % of all" in text
    assert "alive                    2 of 2" in text


def test_the_lecture_as_data() -> None:
    data = json.loads(run("lecture", "--wrt", "w12", "--stats", "--json"))
    assert (data["of"], data["wrt"], data["count"], data["lengths"]) == ("a", "w12", 2, {"5": 2})
    assert data["alive"] + data["dead"] == 2


def test_without_numbers_there_is_the_structure_alone() -> None:
    for function in ("abstract", "tanh"):
        data = json.loads(run("-", "--wrt", "w", "--stats", "--json", text=SKIP.format(function=function)))
        assert data == {"of": "a", "wrt": "w", "count": 2, "lengths": {"2": 1, "3": 1}, "mean_length": 2.5}


def test_numbers_that_are_asked_for_must_be_complete(tmp_path: Path) -> None:
    (tmp_path / "at.toml").write_text("x = 1.0")
    (tmp_path / "net.toml").write_text(SKIP.format(function="tanh"))
    arguments = ["paths", str(tmp_path / "net.toml"), "--wrt", "w", "--stats", "--at", str(tmp_path / "at.toml")]
    found = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert found.exit_code == 2
    assert "numbers are missing for" in found.stderr


def test_no_path_and_a_node_by_itself() -> None:
    none = json.loads(run("lecture", "--wrt", "y", "--of", "a", "--stats", "--json"))
    assert (none["count"], none["lengths"], none["mean_length"], none["strongest"]) == (0, {}, None, None)
    itself = json.loads(run("lecture", "--wrt", "a", "--of", "a", "--stats", "--json"))
    assert (itself["count"], itself["lengths"], itself["value"]) == (1, {"0": 1}, 1.0)


def test_tensors_have_layer_paths_and_entries_have_numbers() -> None:
    net = bp.parse("x[3] -> dense(4, tanh) -> dense(2) -> mse")
    assert net.derive(wrt="W1").analytics().count == 1
    entry = net.derive(wrt="W1[1,2]")
    values = {name: value for name, value in net.init(0).items()} | {"x": [0.1, 0.2, 0.3], "y": [0.0, 1.0]}
    found = entry.analytics(values)
    assert found.count == 2
    assert found.numbers is not None
    assert found.numbers.value == pytest.approx(net.derive(wrt="W1").evaluate(**values)[1, 2])


def test_the_strongest_paths_of_an_entry_are_ranked_by_share(tmp_path: Path) -> None:
    net = "x[3] -> dense(4, tanh) -> dense(5) -> mse"
    weights = [[0.1, 0.2, 0.3, 0.4], [9, 9, 9, 9], [0.5, 0.5, 0.5, 0.5], [1, 1, 1, 1], [3, 3, 3, 3]]
    lines = [f"W2 = {weights}", "b2 = [0, 0, 0, 0, 0]", "x = [0.1, 0.2, 0.3]", "y = [0, 0, 0, 0, 0]"]
    lines += [f"W1 = {[[0.3, 0.2, 0.1]] * 4}", "b1 = [0, 0, 0, 0]"]
    (tmp_path / "at.toml").write_text("\n".join(lines))
    at = ["--at", str(tmp_path / "at.toml"), "--json"]
    data = json.loads(run(net, "--wrt", "W1[1,2]", "--top", "3", *at))
    assert [entry["path"][-2] for entry in data["paths"]] == ["s2[1]", "s2[4]", "s2[3]"]
    shares = [entry["share"] for entry in data["paths"]]
    assert shares == sorted(shares, reverse=True)


def test_paths_in_python() -> None:
    paths = bp.example("lecture").paths(wrt="w11")
    assert paths.count == len(list(paths)) == 2
    assert bp.example("lecture").paths("loss", wrt="w11").target == "loss"


def test_a_batch_has_no_one_strongest_path() -> None:
    net = bp.loads(SKIP.format(function="tanh"))
    with pytest.raises(bp.BackpropsymError, match="one object"):
        net.derive(wrt="w").analytics({"x": [1.0, 2.0], "w": 1.0, "v": 1.0})
