"""Files: every suffix, written whole or not at all; DOT and pages that nothing can be injected into."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from backpropsym.errors import LimitError, MissingExtraError, OutputError, UnknownNameError
from backpropsym.picture.drawing import FORMATS, Drawing
from backpropsym.picture.formats import raster
from backpropsym.picture.formats.dot import dot
from backpropsym.picture.formats.mermaid import mermaid
from backpropsym.picture.look.theme_file import theme
from backpropsym.picture.look.themes import THEMES, contrast
from backpropsym.picture.scene import Box, HighlightedPath, Link, LinkId, Scene
from tests.picture.scenes import lecture

STARTS = {
    ".svg": b"<svg ",
    ".png": b"\x89PNG",
    ".pdf": b"%PDF-",
    ".tex": b"% The network",
    ".dot": b"digraph",
    ".html": b"<!DOCTYPE html>",
    ".mmd": b"---\ntitle",
    ".md": b"```mermaid\n",
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_suffix_is_written(suffix: str, tmp_path: Path) -> None:
    if suffix in (".png", ".pdf"):
        pytest.importorskip("typst")
    path = tmp_path / f"picture{suffix}"
    path.write_text("old")
    assert Drawing(lecture()).save(str(path)) == path
    assert path.read_bytes().startswith(STARTS[suffix])
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_suffix_names_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(
        OutputError, match=r"fix: end the name in one of \.svg, \.png, \.pdf, \.tex, \.dot, \.mmd, \.md, \.html"
    ):
        Drawing(lecture()).save(tmp_path / "picture.gif")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        Drawing(lecture()).save(tmp_path / "nowhere" / "picture.svg")


def test_a_place_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "picture.svg").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        Drawing(lecture()).save(tmp_path / "picture.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.svg"]


def test_without_typst_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtraError, match=re.escape('pip install "backpropsym[pdf]"')):
        Drawing(lecture()).save(tmp_path / "picture.png")
    assert list(tmp_path.iterdir()) == []


def test_raster_images_have_the_size_of_the_picture() -> None:
    pytest.importorskip("typst")
    drawing = Drawing(lecture())
    width, height = raster.size(drawing.svg)
    image = drawing.png()
    assert (int.from_bytes(image[16:20]), int.from_bytes(image[20:24])) == (2 * width, 2 * height)
    assert drawing.pdf() == drawing.pdf()
    with pytest.raises(LimitError, match="more than 100,000,000"):
        drawing.png(scale=100)


def test_a_notebook_shows_the_svg() -> None:
    drawing = Drawing(lecture())
    assert drawing._repr_svg_() == drawing.svg
    bundle = drawing._repr_mimebundle_()
    assert bundle["image/svg+xml"] == drawing.svg
    assert bundle["text/plain"].startswith("The network of the lecture: ")


def hostile(text: str) -> Scene:
    return Scene(
        text,
        text,
        (Box("a", 0, "a", text, "input", about=text), Box("b", 1, "b", text, "output")),
        (Link("a", "b", text, text),),
        (HighlightedPath(1, (text, text), (LinkId("a", "b"),), text, text),),
    )


@pytest.mark.parametrize(
    "text",
    ['"]; evil [label="x', "<<b>html</b>>", "\\N \\G", "a:b:c", "x\n}\nevil", '"', "]]><script>alert(1)</script>"],
)
def test_dot_takes_names_as_text(text: str) -> None:
    plain = dot(hostile("plain")).splitlines()
    found = dot(hostile(text)).splitlines()
    assert len(found) == len(plain)
    if shutil.which("dot"):
        done = subprocess.run(["dot", "-Tplain"], input=dot(hostile(text)), capture_output=True, text=True, check=True)
        kinds = [line.split()[0] for line in done.stdout.splitlines()]
        assert kinds.count("node") == 2
        assert kinds.count("edge") == 1


def test_dot_has_an_edge_for_each_highlighted_path_in_its_colour() -> None:
    edges = [line for line in dot(lecture()).splitlines() if "->" in line]
    assert len(edges) == len(lecture().links) + 2
    assert sum("#D55E00" in edge for edge in edges) == sum("#0072B2" in edge for edge in edges) == 5


@pytest.mark.parametrize(
    "text",
    ['"]; evil', "<script>alert(1)</script>", "a-->b", "end", "x\n  click n0 call evil()", "%%{init: {}}%%", "#quot;"],
)
def test_mermaid_takes_names_as_text(text: str) -> None:
    """Every name stands inside quotes, in which only characters without meaning are left."""
    plain, found = mermaid(hostile("plain")).splitlines(), mermaid(hostile(text)).splitlines()
    assert len(found) == len(plain)
    quoted = [line.split('"')[1] for line in found if line.count('"') == 2][1:]
    assert len(quoted) == 3
    assert all(re.fullmatch(r"(#\d+;|[A-Za-z0-9 ,.()\[\]+\-*/=:'])*", each) for each in quoted)
    assert all(line.count('"') in (0, 2) for line in found)


def test_mermaid_has_a_line_for_each_highlighted_path_in_its_colour() -> None:
    text = mermaid(lecture())
    lines = [line for line in text.splitlines() if "-->" in line]
    looks = [line for line in text.splitlines() if "linkStyle" in line]
    assert len(lines) == len(looks) == len(lecture().links) + 2
    assert sum("#D55E00" in look for look in looks) == sum("#0072B2" in look for look in looks) == 5


def test_a_page_has_a_policy_and_runs_nothing() -> None:
    class Reader(HTMLParser):
        tags: list[str]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append(tag)
            assert not any(key.startswith("on") for key, _ in attrs)

    reader = Reader()
    reader.tags = []
    text = Drawing(hostile("</title><script>alert(1)</script>")).html
    reader.feed(text)
    assert "script" not in reader.tags
    assert reader.tags.count("title") >= 2
    assert "Content-Security-Policy" in text
    assert "default-src 'none'" in text


def test_themes_are_found_by_name_and_can_be_read() -> None:
    assert theme("dark") is THEMES["dark"]
    with pytest.raises(UnknownNameError, match="did you mean light"):
        theme("lihgt")
    for look in THEMES.values():
        for ink in (look.ink, look.quiet, look.link_label):
            assert contrast(ink, look.background) >= 4.5
        for highlight in lecture().highlights:
            assert contrast(look.text(highlight.colour), look.background) >= 4.5
            assert contrast(look.path_colour(highlight.colour), look.background) >= 3
