"""Looks: every theme can be read, black and white tells paths apart by their dashes, files are checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import backpropsym as bp
from backpropsym.document.palette import PALETTE
from backpropsym.picture.content.highlighted_paths import MAX_HIGHLIGHTED
from backpropsym.picture.formats.svg import svg
from backpropsym.picture.look.theme_file import ThemeError, theme
from backpropsym.picture.look.themes import LIGHT, PRINT, THEMES, contrast
from backpropsym.picture.scene import DASHES, HighlightedPath, LinkId, looks
from tests.picture.pictures import highlights
from tests.picture.scenes import lecture


def saved(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("look", THEMES.values(), ids=lambda look: look.name)
def test_every_text_of_every_theme_can_be_read(look: object) -> None:
    assert look in THEMES.values()
    for ink in (look.ink, look.quiet, look.link_label, look.adjoint):  # type: ignore[attr-defined]
        assert contrast(ink, look.background) >= 4.5  # type: ignore[attr-defined]
    for colour in PALETTE:
        assert contrast(look.text(colour), look.background) >= 4.5  # type: ignore[attr-defined]


def test_high_contrast_is_higher() -> None:
    look = THEMES["contrast"]
    assert all(contrast(ink, look.background) >= 7 for ink in (look.ink, look.quiet, look.link_label, look.adjoint))
    assert all(contrast(look.path_colour(colour), look.background) >= 5 for colour in PALETTE)


@pytest.mark.parametrize("name", THEMES)
def test_a_path_that_carries_nothing_is_pale_but_seen(name: str) -> None:
    look = THEMES[name]
    drawn = bp.example("lecture").draw(wrt="w11", values={"w11": -3.0}, theme=name)
    strokes = [highlight.colour for highlight in highlights(drawn.svg)]
    in_tex = re.findall(r"\\definecolor\{bpPath\d+Faded\}\{HTML\}\{(\w+)\}", drawn.tikz)
    assert strokes == [f"#{colour}" for colour in in_tex]
    assert len(strokes) == 2
    for highlight, stroke in zip(drawn.scene.highlights, strokes, strict=True):
        assert 2.0 <= contrast(stroke, look.background) < contrast(look.path_colour(highlight.colour), look.background)


def test_black_and_white_has_no_colour_and_a_dash_pattern_a_path() -> None:
    drawn = highlights(svg(lecture(), PRINT))
    assert {highlight.colour for highlight in drawn} == {"#000000"}
    assert len({highlight.dash for highlight in drawn}) == len(drawn)
    link = (LinkId("x1", "s1"),)
    patterns = {HighlightedPath(number, (), link, "", "").dash for number in range(1, MAX_HIGHLIGHTED + 1)}
    assert len(patterns) == MAX_HIGHLIGHTED == len(DASHES)


def test_as_many_paths_as_a_picture_shows_have_colours_of_their_own() -> None:
    for look in (LIGHT, THEMES["dark"], THEMES["contrast"]):
        assert len({look.path_colour(colour) for colour in PALETTE}) == len(PALETTE) >= MAX_HIGHLIGHTED
    link = (LinkId("x1", "s1"),)
    drawn = [
        HighlightedPath(number, (), link, "", "", look=at)
        for number, at in enumerate(looks([1, 9, 17, *range(20, 81)]), 1)
    ]
    assert len({highlight.colour for highlight in drawn[:8]}) == 8
    assert len({(highlight.colour, highlight.dash) for highlight in drawn}) == 64


def test_a_file_changes_a_theme(tmp_path: Path) -> None:
    text = 'base = "dark"\nink = "#ffffff"\ntrail_width = 6\npaths = ["#ffcc00"]\n[boxes.input]\nfill = "#203040"\n'
    found = theme(saved(tmp_path, text))
    assert (found.name, found.ink, found.trail_width) == ("mine", "#FFFFFF", 6.0)
    assert found.path_colour(PALETTE[0]) == "#FFCC00"
    assert found.path_colour(PALETTE[1]) == THEMES["dark"].path_colour(PALETTE[1])
    assert found.boxes["input"].fill == "#203040"
    assert found.boxes["input"].outline == THEMES["dark"].boxes["input"].outline
    assert "#FFCC00" in svg(lecture(), found)


def test_an_empty_file_is_the_light_theme(tmp_path: Path) -> None:
    found = theme(saved(tmp_path, ""))
    assert svg(lecture(), found).count(LIGHT.ink) == svg(lecture()).count(LIGHT.ink)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('inc = "#000000"', "inc is not a key of a theme"),
        ('ink = "red"', "ink is not a colour"),
        ("ink = '#000000\" onload=\"alert(1)'", "ink is not a colour"),
        ("trail_width = 1e9", "trail_width is not a size"),
        ("trail_width = nan", "trail_width is not a size"),
        ("trail_width = true", "trail_width is not a size"),
        ("paths = ['#000000', 1]", "paths is not a list"),
        ("paths = " + str(["#000000"] * (len(PALETTE) + 1)), "paths is not a list"),
        ("boxes = 1", "boxes is not a table"),
        ('[boxes.inputs]\nfill = "#000000"', "did you mean input"),
        ('[boxes.input]\nfill = "url(#x)"', "boxes.input.fill is not a colour"),
        ("[boxes.input]\ndash = [0]", "no dash pattern"),
        ("[boxes.input]\nshape = 1", "boxes.input.shape is not known"),
        ('base = "drak"', "did you mean dark"),
        ("ink = ", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
    ],
)
def test_mistakes_in_a_file_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ThemeError, match=message):
        theme(saved(tmp_path, text))


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(ThemeError) as caught:
        theme(saved(tmp_path, 'ink = "red"\nquiet = 3\nbox_font = "big"\n'))
    assert len(caught.value.problems) == 3


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ThemeError, match="cannot read"):
        theme(str(tmp_path / "nowhere.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ThemeError, match="not UTF-8"):
        theme(str(tmp_path / "bytes.toml"))
    (tmp_path / "large.toml").write_text("#" * 200_000)
    with pytest.raises(ThemeError, match="at most"):
        theme(str(tmp_path / "large.toml"))
