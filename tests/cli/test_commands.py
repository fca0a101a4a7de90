"""Every command: its help, its output, its exit code, and where it writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym import __version__
from backpropsym.cli.app import app
from backpropsym.cli.arguments import Level
from backpropsym.cli.kernel import Mode
from backpropsym.cli.paths import By
from backpropsym.cli.registries import forms
from backpropsym.derive.forms.registry import FORMS, of_numbers
from backpropsym.document.registry import formats, names
from backpropsym.graph.levels import LEVELS
from backpropsym.kernels.api.compile import MODES

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
DOCS = Path(__file__).parents[2] / "docs" / "commands.md"
BROKEN = """
inputs = ["x1"]
parameters = ["w1"]
output = "a"
[nodes]
s = "w1*x2"
a = "tan(s)"
"""
WRONG_KEYS = """
inputs = ["x"]
parameters = ["w", "unused"]
output = "a"
[nodes]
a = "w*x"
"""


def run(*arguments: str, text: str | None = None) -> Any:
    """The result of a command line."""
    return CliRunner().invoke(app, list(arguments), input=text, catch_exceptions=False)


def test_options_offer_what_the_library_knows() -> None:
    assert set(forms()) == set(FORMS)
    assert tuple(Mode) == MODES
    assert names() == tuple(sorted(formats()))
    assert set(Level) == set(LEVELS)
    assert set(By) == {"share", "length"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_docs(command: str) -> None:
    found = run(command, "--help")
    assert found.exit_code == 0
    assert "Usage" in found.stdout
    assert f"## {command}\n" in DOCS.read_text(encoding="utf-8")


def test_the_program_has_help_and_a_version() -> None:
    overview = run("--help").stdout
    assert all(command in overview for command in COMMANDS)
    assert run("--version").stdout == f"backpropsym {__version__}\n"


def test_derive_prints_the_explicit_sum() -> None:
    found = run("derive", "lecture", "--wrt", "w11")
    assert found.exit_code == 0
    assert found.stdout == (
        "∂a/∂w₁₁ = sum over 2 paths                          f = relu, f′(0) = 0\n"
        "\n"
        "  1   w₁₁ → s₁ → z₁ → u₁ → h₁ → a      x₁ · f′(s₁) · v₁₁ · f′(u₁) · p₁₁\n"
        "  2   w₁₁ → s₁ → z₁ → u₂ → h₂ → a      x₁ · f′(s₁) · v₁₂ · f′(u₂) · p₂₁\n"
        "\n"
        "  bricks   x₁ f′(s₁) (v₁₁ f′(u₁) p₁₁ + v₁₂ f′(u₂) p₂₁)\n"
        "  next     backpropsym draw lecture --wrt w11 -o w11.svg     see the two paths\n"
        "           backpropsym check lecture                         prove it\n"
    )


@pytest.mark.parametrize("form", of_numbers())
def test_derive_in_every_form_as_json(form: str) -> None:
    found = json.loads(run("derive", "lecture", "--wrt", "w11", "--form", form, "--json").stdout)
    assert (found["of"], found["wrt"], found["form"], found["count"]) == ("a", "w11", form, 2)
    assert len(found["terms"]) == 2


def test_the_suffix_chooses_the_format(tmp_path: Path) -> None:
    starts = {".txt": "∂a", ".tex": "% In the preamble", ".md": "## The network", ".json": "{"}
    for suffix, start in starts.items():
        file = tmp_path / f"out{suffix}"
        found = run("derive", "lecture", "--wrt", "w11", "-o", str(file))
        assert found.exit_code == 0
        assert found.stdout == ""
        assert file.read_text(encoding="utf-8").startswith(start)
    assert sorted(tmp_path.iterdir()) == sorted(tmp_path / f"out{suffix}" for suffix in starts)


def test_numbers_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "at.toml").write_text("w11 = -5.0\n", encoding="utf-8")
    found = run("derive", "lecture", "--wrt", "w11", "--form", "numeric", "--at", str(tmp_path / "at.toml"))
    assert "∂a/∂w₁₁ = 0" in found.stdout


def test_a_network_can_come_from_standard_input() -> None:
    text = run("examples", "--copy", "lecture").stdout
    found = run("derive", "-", "--wrt", "p11", "--json", text=text)
    assert json.loads(found.stdout)["expression"] == "h1"


def test_paths_are_counted_and_listed() -> None:
    assert run("paths", "lecture", "--wrt", "w11", "--count").stdout == "2\n"
    counted = json.loads(run("paths", "lecture", "--wrt", "w11", "--count", "--json").stdout)
    assert counted == {"of": "a", "wrt": "w11", "count": 2}
    assert run("paths", "lecture", "--wrt", "w11").stdout == (
        "2 paths from w₁₁ to a\n\n"
        "  1   w₁₁ → s₁ → z₁ → u₁ → h₁ → a   5 links\n"
        "  2   w₁₁ → s₁ → z₁ → u₂ → h₂ → a   5 links\n"
    )


def test_the_strongest_paths_come_first(tmp_path: Path) -> None:
    found = json.loads(run("paths", "lecture", "--wrt", "w22", "--top", "1", "--json").stdout)
    assert found["paths"] == [{"path": ["w22", "s2", "z2", "u2", "h2", "a"], "length": 5, "value": -3.0, "share": 0.6}]
    assert (found["value"], found["dead"]) == (-1.0, 0)
    (tmp_path / "at.toml").write_text("w11 = -5.0\n", encoding="utf-8")
    dead = run("paths", "lecture", "--wrt", "w11", "--at", str(tmp_path / "at.toml"), "--ascii").stdout
    assert dead.startswith("2 paths from w11 to a; da/dw11 = 0; 2 dead\n")


def test_the_shortest_paths_come_first() -> None:
    found = json.loads(run("paths", "skip", "--wrt", "w", "--top", "3", "--by", "length", "--json").stdout)
    assert [path["length"] for path in found["paths"]] == [4, 5, 7]
    assert "value" not in found


def test_check_passes_on_the_bundled_networks() -> None:
    found = run("check", "lecture", "--seed", "1")
    assert found.exit_code == 0
    assert "passed: 10 OK" in found.stdout
    data = json.loads(run("check", "neuron", "--json").stdout)
    assert data["passed"] is True
    assert {row["wrt"] for row in data["rows"]} == {"w1", "w2", "b"}


def test_check_fails_with_one_on_a_wrong_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    from backpropsym.derive.local.links import Edge, LocalDerivatives
    from backpropsym.formula.tree import Name, number
    from backpropsym.network import Network

    planted = {Edge("p11", "a"): Name("h2"), Edge("w11", "s1"): number(3)}
    monkeypatch.setattr(Network, "local", property(lambda net: LocalDerivatives(net.graph, planted)))
    found = run("check", "lecture")
    assert found.exit_code == 1
    assert "p11 -> a" in found.stdout
    assert "w11 -> s1" in found.stdout


@pytest.mark.parametrize(("suffix", "start"), [(".svg", "<"), (".dot", ""), (".html", "<!")])
def test_draw_writes_the_picture(suffix: str, start: str, tmp_path: Path) -> None:
    file = tmp_path / f"w11{suffix}"
    found = run("draw", "lecture", "--wrt", "w11", "--of", "loss", "--level", "ops", "--theme", "dark", "-o", str(file))
    assert found.exit_code == 0
    assert file.read_text(encoding="utf-8").startswith(start)
    assert "w11" in file.read_text(encoding="utf-8")


def test_latex_is_a_fragment_or_a_document() -> None:
    fragment = run("latex", "lecture", "--wrt", "w11").stdout
    assert "documentclass" not in fragment
    assert r"\begin{align*}" in fragment
    document = run("latex", "lecture", "--wrt", "w11", "--form", "factored", "--standalone").stdout
    assert document.startswith(r"\documentclass")
    assert r"\section*{The network of the lecture}" in document


def test_kernel_writes_a_module(tmp_path: Path) -> None:
    file = tmp_path / "grad.py"
    assert run("kernel", "lecture", "-o", str(file)).exit_code == 0
    compile(file.read_text(encoding="utf-8"), str(file), "exec")
    assert run("kernel", "lecture", "--mode", "forward").stdout != file.read_text(encoding="utf-8")


def test_summary_tells_parameters_paths_and_costs() -> None:
    found = json.loads(run("summary", "lecture", "--json").stdout)
    assert found["parameter_count"] == 10
    assert found["paths"]["w11"] == 2
    assert found["operations"]["backward"]["multiplications"] < found["operations"]["paths"]["multiplications"]
    shown = run("summary", "lecture").stdout
    assert "  parameters   10: w11, w12" in shown
    assert "f = relu(x), f′(0) = 0" in shown


def test_functions_lists_the_registry() -> None:
    from backpropsym.ops.function import FUNCTIONS

    found = json.loads(run("functions", "--json").stdout)
    assert {entry["name"] for entry in found} == set(FUNCTIONS)
    relu = next(entry for entry in found if entry["name"] == "relu")
    assert relu["formula"] == "max(x, 0)"
    assert relu["derivatives"] == {"x": "step(x)"}
    assert relu["kink"] == "relu'(0) = 0"
    assert "Nair and Hinton" in run("functions").stdout


def test_examples_can_be_copied(tmp_path: Path) -> None:
    assert "lecture" in run("examples").stdout
    file = tmp_path / "mine.toml"
    assert run("examples", "--copy", "lecture", "-o", str(file)).exit_code == 0
    assert run("derive", str(file), "--wrt", "w11").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["derive", "lecture", "--wrt", "w19"], "error: no node is called 'w19'\n  fix: did you mean w"),
        (["derive", "lecture", "--wrt", "qqqq"], "fix: the parameters are: w11, "),
        (["summary", "x[3] => dense(2)"], "fix: join them by ->: 'x[3] -> dense(2)'"),
        (["derive", "lektur", "--wrt", "w11"], "fix: did you mean lecture?"),
        (["derive", "lecture", "--wrt", "w11", "--at", "none.toml"], "there is no file none.toml"),
        (["derive", "abstract", "--wrt", "w11", "--form", "numeric"], "numbers are missing"),
        (["derive", "lecture", "--wrt", "w11", "-o", "no/where.tex"], "create the folder first"),
        (["derive", "lecture", "--wrt", "w11", "-o", "w11.pdf"], ".json, .tex, .md, .txt, .typ"),
        (["draw", "lecture", "-o", "x.gif"], "suffix"),
        (["draw", "lecture", "--wrt", "w11", "--theme", "lite", "-o", "x.svg"], "light"),
        (["draw", "lecture", "--wrt", "w11", "--path", "9", "-o", "x.svg"], "no path 9"),
        (["draw", "lecture", "--wrt", "w11", "--path", "1-9", "-o", "x.svg"], "has 2 paths; there is no path 3"),
        (["draw", "lecture", "--wrt", "w11", "--path", "2-1", "-o", "x.svg"], "'2-1' is no number of a path"),
        (["kernel", "abstract"], "abstract"),
        (["examples", "--copy", "lectur"], "did you mean lecture"),
        (["derive", "lecture"], "--wrt"),
        (["derive", "lecture", "--wrt", "w11", "--form", "pats"], "pats"),
        (["derive", "lecture", "--wrt", "w11", "--form", "bricks"], "--form factored"),
        (["nothing"], "nothing"),
    ],
)
def test_mistakes_end_with_two_and_a_message(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = run(*arguments)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert message in found.stderr
    assert "Traceback" not in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_paths_are_chosen_by_numbers_and_ranges(tmp_path: Path) -> None:
    file = tmp_path / "deep.svg"
    assert run("draw", "deep", "--wrt", "x1", "--path", "250, 3,5-6", "-o", str(file)).exit_code == 0
    found = re.findall(r'class="trail"[^>]*data-number="(\d+)"', file.read_text(encoding="utf-8"))
    assert found == ["250", "3", "5", "6"]


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    found = run("derive", "-", "--wrt", "w1", text=BROKEN)
    assert found.exit_code == 2
    assert found.stderr.count("error: ") == 2
    assert re.search(r"standard input:6 .*w1\*x2", found.stderr)


def test_warnings_go_to_standard_error() -> None:
    found = run("derive", "-", "--wrt", "w", "--json", text=WRONG_KEYS)
    assert found.exit_code == 0
    assert "unused" in found.stderr
    assert json.loads(found.stdout)["count"] == 1


def test_numbers_come_from_standard_input_too() -> None:
    found = run("derive", "lecture", "--wrt", "w11", "--form", "numeric", "--at", "-", text="x1 = 2.0\n")
    assert found.exit_code == 0
    assert found.stdout.startswith("∂a/∂w₁₁ = 4,")


def test_an_entry_is_told_with_the_output_of_its_network() -> None:
    found = run("derive", "x[3] -> dense(2)", "--of", "s1[1]", "--wrt", "W1[1,0]", "--json")
    assert json.loads(found.stdout)["output"] == "s1"


def test_the_next_picture_is_of_the_level_that_was_asked_for() -> None:
    shown = run("derive", "lecture", "--wrt", "w11", "--level", "ops").stdout
    assert "backpropsym draw lecture --wrt w11 --level ops -o w11.svg" in shown
    assert "--level" not in run("derive", "lecture", "--wrt", "w11").stdout


DIGITS = "x[4] -> dense(3, tanh) -> dense(2) -> cross_entropy"


@pytest.mark.parametrize(
    "words",
    [
        ("trace", DIGITS),
        ("wiggle", DIGITS),
        ("derive", DIGITS, "--wrt", "W1", "--form", "numeric"),
        (
            "derive",
            "x[5] -> embedding(3, 2) -> flatten -> dense(1) -> bce_with_logits",
            "--wrt",
            "W2",
            "--form",
            "numeric",
        ),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_numbers_given_nowhere_are_drawn(words: tuple[str, ...]) -> None:
    """The same for the same seed, and told where they come from."""
    first, again, other = (run(*words, "--init", seed) for seed in ("3", "3", "4"))
    assert first.exit_code == again.exit_code == other.exit_code == 0
    assert first.stdout == again.stdout != other.stdout
    assert first.stderr.startswith("random, seed 3: the numbers of W1")
    assert run(*words).exit_code == 2


def test_drawn_numbers_complete_those_given(tmp_path: Path) -> None:
    """Parameters are those of `init`, and numbers of the network or of --at stay."""
    at = tmp_path / "at.toml"
    at.write_text("x = [1.0, 2.0, 3.0, 4.0]\ny = 1\n")
    found = json.loads(
        run("derive", DIGITS, "--wrt", "b2", "--form", "numeric", "--at", str(at), "--init", "5", "--json").stdout
    )
    net = bp.parse(DIGITS)
    wanted = net.derive(wrt="b2").evaluate(x=[1.0, 2.0, 3.0, 4.0], y=1, **net.init(5))
    assert found["value"] == pytest.approx(wanted.tolist())
    lecture = run("derive", "lecture", "--wrt", "w11", "--form", "numeric", "--init", "3")
    assert lecture.stdout == run("derive", "lecture", "--wrt", "w11", "--form", "numeric").stdout
    assert run("trace", "x[n] -> dense(2) -> cross_entropy", "--init", "3").exit_code == 2


def test_what_a_plot_lacks_is_told(tmp_path: Path) -> None:
    assert "a plot is of one function" in run("functions", "-o", str(tmp_path / "f.svg")).stderr
    assert ".svg" in run("functions", "relu", "-o", str(tmp_path / "f.gif")).stderr
    assert not list(tmp_path.iterdir())


def test_all_and_one_exclude_each_other() -> None:
    both, neither = run("latex", "lecture", "--all", "--wrt", "w11"), run("latex", "lecture")
    assert "--all derives by every parameter" in both.stderr
    assert "give the name to derive by" in neither.stderr


def test_what_a_medium_leaves_out_is_told_beside_the_file(tmp_path: Path) -> None:
    network = "x[4] -> dense(8, tanh) -> dense(8, tanh) -> dense(1) -> mse"
    picture = str(tmp_path / "a.tex")
    done = run("draw", network, "--wrt", "W1[0,0]", "--fit", "slide", "-o", picture)
    assert done.stderr.startswith(f"wrote {picture}: the first 2 of 8 paths")
    assert run("draw", "lecture", "--wrt", "w11", "--fit", "page", "-o", picture).stderr == f"wrote {picture}\n"
