"""TikZ: what pdflatex makes of it, and that each path runs along its own nodes in its own colour."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import backpropsym as bp
from backpropsym.picture.formats.tikz import tikz, tikz_document
from backpropsym.picture.layout.geometry import beside, curve
from backpropsym.picture.layout.sheet import sheet
from backpropsym.picture.layout.splines import spline
from backpropsym.picture.look.themes import LIGHT, THEMES
from backpropsym.picture.scene import Box, HighlightedPath, Link, LinkId, Scene
from tests.documents import compiled, images
from tests.picture.scenes import lecture, skips
from tests.story.decks import DECKS, network

NODE = re.compile(r"\\node\[([^\]]*)\] \(([^)]*)\) at \(([-\d.]+), ([-\d.]+)\)")


def courses(picture: str) -> dict[int, list[str]]:
    """The named nodes that each path visits, by its number."""
    found = {}
    for number, course in re.findall(r"\\draw(?:<[^>]*>)?\[path (\d+)\] (.*);", picture):
        found[int(number)] = [name for name in re.findall(r"\(([A-Za-z][^)]*)\)", course)]
    return found


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", DECKS)
def test_every_bundled_picture_compiles_to_one_page(name: str, tmp_path: Path) -> None:
    source, of, wrt = DECKS[name]
    drawing = network(source).draw(of, wrt=wrt)
    done = compiled(drawing.tikz, tmp_path)
    assert done.pages == 1
    assert "Overfull" not in done.log


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_compiles(theme: str, tmp_path: Path) -> None:
    compiled(network("skip").draw(wrt="w", theme=theme, values={}).tikz, tmp_path)


@pytest.mark.parametrize("name", DECKS)
def test_each_path_visits_the_nodes_of_its_term(name: str) -> None:
    source, of, wrt = DECKS[name]
    drawing = network(source).draw(of, wrt=wrt)
    found = courses(tikz(drawing.scene))
    assert found.keys() == {highlight.number for highlight in drawing.scene.highlights}
    for highlight in drawing.scene.highlights:
        assert found[highlight.number] == [re.sub(r"\W+|_", "-", name).strip("-") for name in highlight.names]


def test_a_path_has_the_colour_of_the_picture() -> None:
    document = tikz_document(sheet(lecture(), LIGHT))
    for highlight in lecture().highlights:
        assert rf"\definecolor{{bpPath{highlight.number}}}{{HTML}}{{{highlight.colour[1:]}}}" in document
        assert f"path {highlight.number}/.style={{trail=bpPath{highlight.number}" in document


@pytest.mark.needs("pdflatex", "poppler")
def test_the_drawn_page_shows_each_path_where_it_runs(tmp_path: Path) -> None:
    """Read from the pixels: path 1 stays in the upper half, path 2 goes down to u2 and h2."""
    (page,) = images(compiled(tikz_document(sheet(lecture(), LIGHT)), tmp_path).pdf, 100)
    upper, lower = page.rows("#D55E00"), page.rows("#0072B2")
    assert max(upper) < 0.6 * page.height
    assert max(lower) > 0.6 * page.height


def test_the_picture_is_short_and_has_named_nodes() -> None:
    text = tikz(lecture())
    assert len(text.splitlines()) < 60
    named = {name for _, name, _, _ in NODE.findall(text)}
    assert named == {box.id for box in lecture().boxes}
    assert r"\draw[path 1] (w11) to[lane=-1.56] (s1) to[lane=-1.56] (z1) to (u1) to (h1) to (a);" in text


def test_the_nodes_stand_as_in_the_svg() -> None:
    """The same columns and rows: a centimetre is 60 pixels, and y runs upwards."""
    places = {name: (float(x), float(y)) for _, name, x, y in NODE.findall(tikz(lecture()))}
    assert places["x1"][0] == places["x2"][0] < places["s1"][0] < places["z1"][0] < places["a"][0]
    assert places["s1"][1] == -places["s2"][1] > 0


def test_links_that_skip_columns_are_smooth_curves() -> None:
    text = tikz(skips())
    curved = [line for line in text.splitlines() if ".. controls" in line and "link" in line]
    assert curved
    assert max(map(len, curved)) < 250


def test_a_sampled_curve_is_found_again() -> None:
    control = ((0.0, 0.0), (40.0, 10.0), (60.0, 50.0), (100.0, 60.0))
    (piece,) = spline(curve(*control))
    for found, wanted in zip(piece, control, strict=True):
        assert found == pytest.approx(wanted, abs=0.8)


def test_straight_runs_are_joined_and_kept() -> None:
    run = ((0.0, 0.0), (10.0, 0.0), (30.0, 0.0))
    assert spline(run) == [(run[0], run[0], run[2], run[2])]
    bow = curve((30.0, 0.0), (50.0, 0.0), (60.0, 40.0), (90.0, 40.0))
    pieces = spline((*run, *bow[1:]))
    assert [piece[0] for piece in pieces] == [(0.0, 0.0), (30.0, 0.0)]
    assert beside(run, 0.0) == run


HOSTILE = "\\input{/etc/passwd}\n\\end{document} % $x$ é→"


@pytest.mark.needs("pdflatex")
def test_hostile_names_stay_in_comments_and_out_of_commands(tmp_path: Path) -> None:
    scene = Scene(
        HOSTILE,
        HOSTILE,
        (Box("a);\\evil(", 0, "a", HOSTILE, "input"), Box("a-evil", 1, "b", HOSTILE, "output")),
        (Link("a);\\evil(", "a-evil"),),
        (HighlightedPath(1, ("a", "b"), (LinkId("a);\\evil(", "a-evil"),), "a", "b"),),
    )
    document = tikz_document(sheet(scene, LIGHT))
    assert all(line.startswith("%") for line in document.splitlines() if "passwd" in line)
    assert "evil'" in document
    done = compiled(document, tmp_path)
    assert "passwd" not in done.log


@pytest.mark.parametrize("name", ["lecture", "skip", "prelu", "deep"])
def test_no_line_breaks_inside_the_name_of_a_node(name: str) -> None:
    """At the level of ops names have hyphens, at which text may otherwise be wrapped."""
    text = tikz(bp.example(name).draw(level="ops").scene)
    known = set(re.findall(r"\\node\[.*\] \(([^)]+)\) at", text))
    runs = re.findall(r"foreach \\from/\\to in \{([^}]*)\}", text)
    ends = {end for run in runs for pair in run.split(",") for end in pair.strip().split("/")}
    assert ends
    assert ends <= known


@pytest.mark.needs("pdflatex")
def test_the_operations_of_a_network_compile_to_one_page(tmp_path: Path) -> None:
    assert compiled(bp.example("lecture").draw(wrt="w11", level="ops").tikz, tmp_path).pages == 1
