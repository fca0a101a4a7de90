"""The sheet: the whole story on a page or two, the same in every format."""

from __future__ import annotations

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.document.notation.names import Notation, unicode_name
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.lines import Breakable
from backpropsym.errors import NetworkError, OutputError
from backpropsym.formula.tree import Mul, Name
from backpropsym.spec.source import examples
from backpropsym.story.handout.content import MAX_WIDTH, Formulas, Handout, Heading, Picture, Table
from backpropsym.story.handout.latex import sheet_latex
from backpropsym.story.handout.markdown import sheet_markdown
from backpropsym.story.handout.page import sheet_html, sheet_pdf
from backpropsym.story.handout.parts import displays, drawn, with_next
from backpropsym.story.handout.sheet import FORMATS
from backpropsym.story.steps import EQUALS, NOTHING, Line, LinePart, Maths, plain
from backpropsym.story.story import line_width
from tests.documents import compiled
from tests.picture.pictures import highlights

GATED = """
title = "A gated unit with a skip link"
inputs = ["x1", "x2", "x3"]
targets = ["y"]
parameters = ["w11", "w12", "w21", "w22", "w31", "w32", "b1", "b2", "g1", "g2", "c", "p1", "p2", "r"]
output = "a"
loss = "(a - y)**2"
[nodes]
s1 = "w11*x1 + w21*x2 + w31*x3 + b1"
s2 = "w12*x1 + w22*x2 + w32*x3 + b2"
z1 = "tanh(s1)"
z2 = "tanh(s2)"
g = "sigmoid(g1*x1 + g2*x2 + c)"
h1 = "g*z1"
h2 = "(1 - g)*z2"
a = "p1*h1 + p2*h2 + r*x3"
"""

NAMES = [*examples(), GATED, "x[2] -> dense(3, tanh) -> dense(1) -> mse"]
HOSTILE = "</title><script>alert(1)</script> \\input{/etc/passwd} | $x$ `a` #let"


def sheet(name: str, **options: object) -> Handout:
    net = bp.loads(name) if "\n" in name else bp.parse(name) if "->" in name else bp.example(name)
    return net.handout(**options).handout  # type: ignore[arg-type]


def formulas(found: Handout) -> str:
    return "\n".join(line.plain for part in found.parts if isinstance(part, Formulas) for line in part.lines)


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", NAMES)
def test_every_sheet_compiles_to_two_pages_at_most(name: str, tmp_path: Path) -> None:
    found = sheet(name)
    done = compiled(sheet_latex(found), tmp_path)
    assert done.pages <= 2
    assert "Overfull" not in done.log
    pdf = tmp_path / "sheet.pdf"
    pdf.write_bytes(sheet_pdf(found))
    told = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True).stdout
    count = re.search(r"Pages:\s+(\d+)", told)
    assert count is not None
    assert int(count[1]) <= 2


@pytest.mark.parametrize("name", NAMES)
def test_every_section_is_there(name: str) -> None:
    found = sheet(name)
    headings = [plain(part.prose) for part in found.parts if isinstance(part, Heading)]
    assert [headings[0], headings[1], headings[-1]] == ["Forward pass", "Backward pass: every gradient", "Check"]
    assert [picture.name for picture in found.pictures] == ["network", "paths"]
    (table,) = (part for part in found.parts if isinstance(part, Table))
    assert {row[-1] for row in table.rows} == {"OK"}


@pytest.mark.parametrize("name", ["lecture", "neuron", "skip", "prelu", "convolution", "digits"])
def test_every_gradient_is_written(name: str) -> None:
    net = bp.example(name)
    written = formulas(net.handout().handout)
    for parameter in net.parameters:
        assert re.search(rf"^∂loss/∂{plain_name(parameter)}(\[[a-z](,[a-z])*\])? = ", written, re.MULTILINE), parameter


def test_a_network_with_fourteen_parameters_is_told_whole() -> None:
    found = sheet(GATED)
    written = formulas(found)
    for name in bp.loads(GATED).graph.nodes.values():
        left = f"∂loss/∂{unicode_name(name.name)} = "
        assert (left in written) == (name.name not in ("x1", "x2", "x3", "y", "loss"))
    (table,) = (part for part in found.parts if isinstance(part, Table))
    assert len(table.rows) == 14
    assert "more" not in written


def test_of_more_than_two_pages_hold_the_first_are_shown() -> None:
    assert re.findall(r"and (\d+) more", formulas(sheet("deep")))


def plain_name(name: str) -> str:
    return re.escape(unicode_name(name))


def test_the_gradients_of_the_lecture_are_those_of_the_backward_pass() -> None:
    written = formulas(sheet("lecture"))
    assert "∂loss/∂a = 2 · (a − y)" in written
    assert "∂loss/∂z₁ = ∂loss/∂u₁ · v₁₁ + ∂loss/∂u₂ · v₁₂" in written
    assert "∂loss/∂w₁₁ = ∂loss/∂s₁ · x₁" in written
    assert written.count("∂loss/∂z₁ = ") == 1


def test_the_shown_parameter_is_chosen_or_has_the_most_paths() -> None:
    default = [picture for picture in sheet("lecture").pictures][1]
    assert len(default.drawing.scene.highlights) == 2
    (network, chosen) = sheet("lecture", wrt="p21").pictures
    assert [highlight.names for highlight in chosen.drawing.scene.highlights] == [("p21", "a", "loss")]
    assert network.drawing.scene.highlights == ()


def test_numbers_stand_with_the_formulas() -> None:
    written = formulas(sheet("lecture", values={}))
    assert "z₁ = f(s₁) = 1" in written
    assert "∂loss/∂w₁₁ = ∂loss/∂s₁ · x₁ = 6.25" in written


def test_the_pictures_light_their_paths() -> None:
    network, paths = sheet("lecture").pictures
    assert highlights(drawn(network)) == []
    scene = paths.drawing.scene
    assert [each.path for each in highlights(drawn(paths))] == [
        "-".join(highlight.names) for highlight in scene.highlights
    ]
    assert isinstance(paths, Picture)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_command_writes_every_format(suffix: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["handout", "neuron", "-o", str(tmp_path / f"sheet{suffix}")])
    assert done.exit_code == 0, done.output
    beside = {"sheet-network.svg", "sheet-paths.svg"} if suffix == ".md" else set()
    assert {path.name for path in tmp_path.iterdir()} == {f"sheet{suffix}"} | beside


def test_markdown_shows_the_pictures_beside_it() -> None:
    text = sheet_markdown(sheet("lecture"), "my sheet")
    assert re.findall(r"\]\(<([^>]*)>\)", text) == ["my sheet-network.svg", "my sheet-paths.svg"]
    assert text.count("$$") % 2 == 0
    assert r"\textcolor" not in text


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


@pytest.mark.needs("pdflatex")
def test_a_hostile_title_is_text_in_every_format(tmp_path: Path) -> None:
    net = bp.loads(f"title = '''{HOSTILE}'''\ninputs=['x']\nparameters=['w']\noutput='a'\n[nodes]\na='w*x'\n")
    found = net.handout().handout
    page = Tags()
    page.feed(sheet_html(found))
    assert "script" not in page.found
    done = compiled(sheet_latex(found), tmp_path)
    assert "passwd" not in done.log
    assert sheet_pdf(found).startswith(b"%PDF-")
    assert "<script>" not in sheet_markdown(found, "x").replace(r"\<script\>", "")


def test_the_same_bytes_every_time() -> None:
    for write in (sheet_latex, sheet_html, sheet_pdf):
        assert write(sheet("skip")) == write(sheet("skip"))


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"end the name in one of \.pdf, \.tex, \.md, \.html"):
        bp.example("neuron").handout().save(tmp_path / "sheet.doc")
    with pytest.raises(NetworkError, match="has no parameters"):
        bp.loads("inputs=['x']\nparameters=[]\noutput='a'\n[nodes]\na='x*x'\n").handout()


TALL = """
title = "As tall as a page"
inputs = ["x1", "x2"]
targets = ["y"]
parameters = ["w_of_the_first_input_of_all", "w_of_the_second_input", "b_of_the_neuron", "w_of_the_output"]
output = "a"
loss = "mse(a, y)"
[nodes]
s = "w_of_the_first_input_of_all*x1 + w_of_the_second_input*x2 + b_of_the_neuron"
z = "tanh(s)"
a = "w_of_the_output*z"
"""


@pytest.mark.needs("poppler")
@pytest.mark.parametrize("taller", range(0, 9, 2))
def test_the_table_of_the_check_stands_whole_below_its_words(taller: int, tmp_path: Path) -> None:
    """Wherever the page ends: with more and more nodes before it, some push it over the end of the first page."""
    more = "".join(f'c{n} = "sin({f"c{n - 1}" if n else "z"})"\n' for n in range(taller))
    text = TALL.replace("w_of_the_output*z", f"w_of_the_output*{f'c{taller - 1}' if taller else 'z'}") + more
    (path,) = bp.loads(text).handout().save(tmp_path / "sheet.pdf")
    told = [page for page in pages(path) if "passed:" in page]
    assert len(told) == 1
    assert told[0].count(" OK") >= 4


ENDS_NO_PAGE = re.compile(r"path by path$|paths? leads? from|computed once:$|^Check$|pass$")
"""A heading, or words on what comes next."""


def pages(pdf: Path) -> list[str]:
    """The text of each page."""
    told = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    return told.rstrip("\f\n").split("\f")


@pytest.mark.needs("poppler", "pdflatex")
@pytest.mark.parametrize("name", ["deep", "lecture", "prelu"])
def test_no_page_ends_with_a_heading_or_a_lead(name: str, tmp_path: Path) -> None:
    for page in pages(compiled(sheet_latex(sheet(name)), tmp_path).pdf):
        assert not ENDS_NO_PAGE.search(page.strip().splitlines()[-1].strip())


@pytest.mark.needs("poppler")
def test_a_picture_on_the_next_page_takes_its_words_along(tmp_path: Path) -> None:
    (path,) = bp.example("deep").handout().save(tmp_path / "sheet.pdf")
    first, second = pages(path)
    assert "path by path" not in first
    assert "16 paths lead from" in second


def test_bricks_stay_together_and_terms_with_their_picture() -> None:
    found = sheet("lecture")
    (bricks,) = (part for part in found.parts if isinstance(part, Formulas) and part.together)
    assert len(bricks.lines) == 3
    kept = [part for part, sticky in with_next(found) if sticky]
    assert [part.name for part in kept if isinstance(part, Picture)] == ["paths"]
    page = sheet_html(found)
    assert page.count("<figure class=lead>") == page.count("<div class=together>") == 1
    assert sheet_latex(found).count(r"\begin{minipage}") == 1


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("kind", ["tex", "pdf"])
def test_of_two_pages_the_second_starts_with_the_paths(kind: str, tmp_path: Path) -> None:
    if kind == "tex":
        pdf = compiled(sheet_latex(sheet("lecture")), tmp_path).pdf
    else:
        pdf = tmp_path / "sheet.pdf"
        pdf.write_bytes(sheet_pdf(sheet("lecture")))
    command = ["pdftotext", "-f", "2", "-l", "2", "-layout", str(pdf), "-"]
    second = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert second.lstrip().startswith("By w")


def test_long_equations_are_broken_and_a_sum_is_one_display() -> None:
    names = [f"weight_{at}" for at in range(12)]
    left, plus = Maths(r"\partial a", "da"), Maths("+", "+")
    writer = LatexWriter(Notation(names))
    long = Maths(Breakable(writer.marked(Mul(tuple(map(Name, names))))), "long")
    separate = (Line(left, EQUALS, (LinePart(long),)), Line(left, EQUALS, (LinePart(Maths("b", "b")),)))
    (first,), (second,) = displays(separate)
    assert len(first) > 1 and len(second) == 1
    assert all(line_width(line) <= MAX_WIDTH for line in first)
    total = (separate[0], *(Line(NOTHING, plus, (LinePart(Maths("c", "c")),)) for _ in range(30)))
    ((column,),) = displays(total)
    assert len(column) > 30
