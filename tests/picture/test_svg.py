"""The SVG says what the scene says: valid, safe, the same every time, each path over its own links."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import pytest

import backpropsym as bp
from backpropsym.document.palette import PALETTE
from backpropsym.picture.formats.svg import svg
from backpropsym.picture.layout.layout import lay_out
from backpropsym.picture.look.themes import DARK, LIGHT, THEMES
from backpropsym.picture.scene import Box, HighlightedPath, Link, LinkId, Scene
from backpropsym.spec.source import examples
from tests.picture.pictures import SVG, boxes, distance, highlights, links, parsed, visited
from tests.picture.scenes import chain, dense, lecture, scene, single, skips

SCENES = {
    "lecture": lecture(),
    "plain": lecture(highlighted=False),
    "dense": dense(4, 8, 8, 1),
    "skips": skips(),
    "chain": chain(20),
    "single": single(),
}
HOSTILE = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "]]><script>",
    "\"' onload='alert(1)' \"",
    "&lt;script&gt;&#60;",
    "javascript:alert(1)",
    "a\x00\x1b[31m\u202eb\ud800",
    "<!--",
    r"\href{javascript:alert(1)}{x}",
    r"\text{</g><script>alert(1)</script>}",
]
LINK = "{http://www.w3.org/1999/xlink}href"
ALLOWED = {"svg", "title", "desc", "defs", "g", "path", "rect", "circle", "polygon", "use"}


@pytest.mark.parametrize("name", SCENES)
def test_the_file_is_valid_accessible_and_runs_nothing(name: str) -> None:
    text = svg(SCENES[name])
    root = parsed(text)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= ALLOWED
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    assert root.get("role") == "img"
    title, description = root.attrib["aria-labelledby"].split()
    assert {title, description} <= set(ids)
    for use in root.iter(f"{SVG}use"):
        assert use.attrib["{http://www.w3.org/1999/xlink}href"].removeprefix("#") in ids


@pytest.mark.parametrize("theme", THEMES)
def test_every_highlighted_path_has_its_colour_and_runs_over_its_own_boxes(theme: str) -> None:
    text = svg(lecture(), THEMES[theme])
    drawn = highlights(text)
    assert [highlight.path for highlight in drawn] == ["w11-s1-z1-u1-h1-a", "w11-s1-z1-u2-h2-a"]
    assert [highlight.title for highlight in drawn] == [
        "Path 1: w11 → s1 → z1 → u1 → h1 → a",
        "Path 2: w11 → s1 → z1 → u2 → h2 → a",
    ]
    for highlight, colour in zip(drawn, PALETTE, strict=False):
        assert highlight.colour == THEMES[theme].path_colour(colour)
        assert visited(highlight.line, boxes(text)) == highlight.path.split("-")[1:]


def test_a_path_of_another_highlighted_path_is_told_from_its_own() -> None:
    """Reading the picture back tells paths apart, so the test above can fail."""
    text = svg(lecture())
    first, second = highlights(text)
    assert visited(first.line, boxes(text)) != second.path.split("-")[1:]


@pytest.mark.parametrize("name", ["skips", "chain"])
def test_highlighted_paths_that_start_at_boxes_run_from_there(name: str) -> None:
    text = svg(SCENES[name])
    for highlight in highlights(text):
        assert visited(highlight.line, boxes(text)) == highlight.path.split("-")


def test_a_path_of_a_weight_starts_at_its_label() -> None:
    layout = lay_out(lecture(), LIGHT)
    label = layout.labels[LinkId("x1", "s1")]
    for stroke in layout.strokes.values():
        assert label.rect.grown(1).left < stroke[0][0] < label.rect.grown(1).right
        assert label.rect.top < stroke[0][1] < label.rect.bottom


def test_highlighted_paths_on_one_link_run_side_by_side() -> None:
    layout = lay_out(lecture(), LIGHT)
    first, second = (highlight.line for highlight in highlights(svg(lecture())))
    rects = boxes(svg(lecture()))
    middle = ((rects["s1"].right + rects["z1"].left) / 2, rects["s1"].centre[1])
    near = [line for line in (first, second) if distance(middle, line) < 10]
    assert len(near) == 2
    gap = distance(middle, first) + distance(middle, second)
    assert gap > layout.lanes.width * 1.2


def test_many_highlighted_paths_on_one_link_never_coincide() -> None:
    ends = [f"n{i}" for i in range(8)]
    roles = {"x": "input", "s": "value"} | dict.fromkeys(ends, "value") | {"a": "output"}
    lines = [("x", "s", "w")] + [("s", end, "") for end in ends] + [(end, "a", "") for end in ends]
    found = scene(roles, lines, [(f"w s {end} a", "1") for end in ends])  # type: ignore[arg-type]
    layout = lay_out(found, LIGHT)
    offsets = [layout.lanes.offset(LinkId("x", "s"), highlight.number) for highlight in found.highlights]
    assert offsets == sorted(offsets)
    assert all(abs(a - b) > layout.lanes.width for a, b in combinations(offsets, 2))
    assert layout.lanes.span(LinkId("x", "s")) < 46


def test_colour_is_never_the_only_cue() -> None:
    drawn = highlights(svg(lecture()))
    assert len({highlight.dash for highlight in drawn}) == len(drawn)
    root = parsed(svg(lecture()))
    tags = [group for group in root.iter(f"{SVG}g") if group.get("class") == "tag"]
    assert sorted(tag.attrib["data-number"] for tag in tags) == ["1", "1", "2", "2"]


def test_thirty_five_highlighted_paths_differ_in_colour_or_dash() -> None:
    looks = {
        (highlight.colour, highlight.dash)
        for highlight in (HighlightedPath(i, ("a",), (), "", "") for i in range(1, 36))
    }
    assert len(looks) == 35


def test_no_highlighted_paths_means_no_legend_and_nothing_pale() -> None:
    text = svg(lecture(highlighted=False))
    assert 'class="legend"' not in text
    assert LIGHT.quiet not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    hostile = Scene(
        title=text,
        description=text,
        boxes=(Box("a", 0, text, text, "input", text, text), Box("b", 1, text, text, "output")),
        links=(Link("a", "b", text, text),),
        highlights=(HighlightedPath(1, (text, text), (LinkId("a", "b"),), text, text, value=text),),
        derivative=text,
        total=text,
        note=text,
    )
    found = svg(hostile)
    root = parsed(found)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= ALLOWED
    for element in root.iter():
        assert not any(key.startswith("on") for key in element.attrib)
        assert "javascript" not in element.get("{http://www.w3.org/1999/xlink}href", "")
    assert found.isprintable() or all(c.isprintable() or c == "\n" for c in found)
    assert "\u202e" not in found


def test_the_bytes_are_the_same_in_every_run() -> None:
    imports = "from tests.picture.scenes import lecture; from backpropsym.picture.formats.svg import svg"
    code = f"{imports}; print(svg(lecture()))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_two_pictures_in_one_page_share_no_id() -> None:
    def ids(text: str) -> set[str]:
        return {element.attrib["id"] for element in parsed(text).iter() if "id" in element.attrib}

    assert not ids(svg(lecture())) & ids(svg(skips()))
    assert not ids(svg(lecture())) & ids(svg(lecture(), DARK))


def test_more_than_150_labels_are_left_out_except_where_a_path_begins() -> None:
    big = dense(13, 12)
    first = big.links[0]
    highlight = HighlightedPath(1, ("w", first.target), (first.id,), "w", "x", from_label=True)
    layout = lay_out(replace(big, highlights=(highlight,)), LIGHT)
    assert set(layout.labels) == {first.id}


def test_every_link_is_drawn() -> None:
    assert set(links(svg(skips()))) == {f"{link.source}-{link.target}" for link in skips().links}


@pytest.mark.parametrize("name", examples())
def test_pictures_of_examples_are_valid_and_accessible(name: str) -> None:
    """Well-formed, without scripts, every id once and every reference to one of them, titled and described."""
    net = bp.example(name)
    root = parsed(net.draw("loss", wrt=next(iter(net.parameters))).svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= ALLOWED
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    used = {element.attrib[LINK] for element in root.iter() if LINK in element.attrib}
    assert used <= {f"#{each}" for each in ids}
    assert root.get("role") == "img"
    assert set(root.get("aria-labelledby", "").split()) <= set(ids)
    assert root.findtext(f"{SVG}title")
    assert (root.findtext(f"{SVG}desc") or "").startswith("The derivative of loss by ")


def test_five_thousand_links_are_drawn() -> None:
    assert len(links(svg(dense(50, 50, 50)))) == 5_000
