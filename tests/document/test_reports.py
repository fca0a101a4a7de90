"""Every report is written in every registered format."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from backpropsym.cli.app import app
from backpropsym.document.registry import formats
from tests.documents import compiled

WRONG_CLAIM = ("verify", "lecture", "--wrt", "w11", "--claim", "x1*f(s1)*v11*f'(u1)*p11 + 2*x1*f'(s1)*v12*f'(u2)*p21")
COMMANDS = {
    "summary": ("summary", "lecture"),
    "summary of arrays": ("summary", "convolution"),
    "paths": ("paths", "lecture", "--wrt", "w11", "--top", "2"),
    "analytics": ("paths", "lecture", "--wrt", "w11", "--stats"),
    "claim": WRONG_CLAIM,
    "check": ("check", "neuron", "--samples", "1", "--seconds", "0"),
    "functions": ("functions",),
    "costs": ("costs", "lecture"),
    "wiggle": ("wiggle", "neuron", "--init", "0"),
    "trace": ("trace", "neuron", "--init", "0"),
}
SEEN = {
    "latex": {"paths": r"\textcolor{bpPath2}{", "analytics": r"\rule{", "claim": r"\textbf{\text{wrong}}"},
    "typst": {"paths": "#text(fill: bpPath2)", "analytics": "#box(width: ", "claim": 'bold("wrong")'},
    "markdown": {"claim": "**wrong**: $", "check": "**passed**", "summary": r"s_{1} &= w_{11} \cdot x_{1}"},
    "html": {"paths": 'style="--path: #0072B2"', "claim": '<strong class="bad">wrong</strong>'},
    "text": {"claim": "wrong: ∂a/∂w₁₁\n", "summary": "\n  s1   = w11*x1 + w21*x2\n"},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_report_is_written_in_every_format(name: str, tmp_path: Path) -> None:
    printed = set()
    for format in formats().values():
        result = CliRunner().invoke(app, [*COMMANDS[name], "--format", format.name])
        assert result.exit_code == (1 if name == "claim" else 0), result.output
        assert result.stdout.strip()
        printed.add(result.stdout)
        assert SEEN.get(format.name, {}).get(name, "") in result.stdout
    assert len(printed) == len(formats())


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", COMMANDS)
def test_no_report_is_wider_than_its_page(name: str, tmp_path: Path) -> None:
    path = tmp_path / "report.tex"
    CliRunner().invoke(app, [*COMMANDS[name], "-o", str(path)])
    assert "Overfull" not in compiled(path.read_text(), tmp_path).log


@pytest.mark.parametrize("medium", formats())
@pytest.mark.parametrize(
    ("network", "of", "wrt", "words"),
    [
        ("lecture", "s1", "a", ("there is no path from", "is computed from")),
        ("x[2] -> dense(2, tanh) -> dense(1) -> mse", "y", "W1", ("there is no path from", "reaches")),
    ],
)
def test_a_page_says_why_a_derivative_is_zero(medium: str, network: str, of: str, wrt: str, words: list[str]) -> None:
    arguments = ["derive", network, "--of", of, "--wrt", wrt, "--format", medium]
    shown = CliRunner().invoke(app, arguments).stdout
    assert (medium == "json") != all(each in shown for each in words)


def test_the_suffix_of_a_file_names_the_format(tmp_path: Path) -> None:
    for format in formats().values():
        path = tmp_path / f"summary{format.suffixes[0]}"
        assert CliRunner().invoke(app, ["summary", "lecture", "-o", str(path)]).exit_code == 0
        printed = CliRunner().invoke(app, ["summary", "lecture", "--format", format.name]).stdout
        assert path.read_text() == printed


def test_a_page_for_a_browser_takes_no_text_for_markup() -> None:
    head = 'title = "<script>alert(1)</script>"\ninputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*x"\n'
    shown = CliRunner().invoke(app, ["summary", "-", "--format", "html"], input=head).stdout
    assert "&lt;script&gt;alert(1)" in shown and "<script" not in shown
