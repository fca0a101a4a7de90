"""Pictures for a medium come out at its width, with no text smaller than can be read there."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

import backpropsym as bp
from backpropsym.picture.formats.raster import size
from backpropsym.picture.layout.geometry import cross
from backpropsym.picture.layout.rows import in_rows
from backpropsym.picture.layout.sheet import SUBJECT, FitError
from backpropsym.picture.look.media import FLOOR, MEDIA, POINTS, medium
from backpropsym.picture.scene import Scene
from tests.documents import compiled
from tests.picture.scenes import chain, lecture, skips

RESNET = "x[8] -> dense(8, relu) -> 2*residual(dense(8, relu) -> dense(8)) -> dense(2) -> cross_entropy"


def declared(svg: str) -> tuple[str, str]:
    found = re.search(r'<svg [^>]*width="([^"]*)" height="([^"]*)"', svg)
    assert found
    return found[1], found[2]


@pytest.mark.parametrize(
    ("fit", "width"), [("slide", "960"), ("column", "84mm"), ("page", "160mm"), ("readme", "830"), ("3.3in", "3.3in")]
)
@pytest.mark.parametrize("text", [RESNET, "x[3] -> dense(4, tanh) -> dense(2) -> mse"])
def test_a_picture_comes_out_at_the_width_of_its_medium(text: str, fit: str, width: str) -> None:
    drawing = bp.parse(text).draw(wrt="W1", fit=fit)
    assert declared(drawing.svg)[0] == width
    assert drawing.sheet.excess <= 1
    assert FLOOR * drawing.sheet.scale * POINTS[medium(fit).unit] >= medium(fit).smallest * (1 - 1e-9)


def test_a_slide_is_filled_and_the_network_is_its_subject() -> None:
    drawing = bp.parse("x[3] -> dense(4, tanh) -> dense(2) -> mse").draw(wrt="W1[0,0]", fit="slide")
    assert declared(drawing.svg) == ("960", "540")
    assert drawing.sheet.legend is not None
    assert drawing.sheet.legend.height / drawing.sheet.size[1] < 1 - SUBJECT
    assert {box.id for box in drawing.scene.boxes} >= {f"s1[{i}]" for i in range(4)}


def page_width(path: Path) -> float:
    """The width of a PDF, in points."""
    told = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Page size: +([0-9.]+) x", told)
    assert found
    return float(found[1])


@pytest.mark.needs("pdflatex", "poppler")
def test_every_format_has_the_width(tmp_path: Path) -> None:
    pytest.importorskip("typst")
    drawing = bp.example("lecture").draw(wrt="w11", fit="84mm")
    page = tmp_path / "page.pdf"
    page.write_bytes(drawing.pdf())
    assert page_width(page) == pytest.approx(84 * POINTS["mm"], abs=0.1)
    wide = int.from_bytes(drawing.png()[16:20], "big")
    assert wide == pytest.approx(300 * 84 / 25.4, abs=1)
    assert page_width(compiled(drawing.tikz, tmp_path).pdf) == pytest.approx(84 * POINTS["mm"], abs=0.5)


def test_a_picture_without_a_medium_keeps_its_pixels() -> None:
    drawing = bp.example("lecture").draw(wrt="w11")
    assert declared(drawing.svg) == tuple(f"{length:g}" for length in size(drawing.svg))
    assert drawing.sheet.scale == 1


@pytest.mark.parametrize("scene", [lecture(), skips(), chain(6)], ids=["lecture", "skips", "chain"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_rows_repeat_the_boxes_from_which_links_go_on(scene: Scene, at: int) -> None:
    rows = in_rows(scene, (at,))
    again = {box.id for box in rows.scene.boxes if box.again}
    assert {box.id for box in rows.scene.boxes} - again == {box.id for box in scene.boxes}
    for link in rows.scene.links:
        assert rows.row[link.source] == rows.row[link.target] or link.id in rows.returns
    whole = {(link.source.partition("@")[0], link.target) for link in rows.scene.links if link.id not in rows.returns}
    assert whole == {tuple(link.id) for link in scene.links}
    for highlight in rows.scene.highlights:
        assert all(before.target == after.source for before, after in pairwise(highlight.links))


def test_lines_to_a_further_row_do_not_cross_each_other() -> None:
    layout = bp.example("lecture").draw(wrt="w11", fit="column").sheet.layout
    back = [line for link, line in layout.routes.items() if "@" in link.target]
    assert len(back) == 2
    assert not any(cross(*one, *other) for one in pairwise(back[0]) for other in pairwise(back[1]))
    for highlight in layout.scene.highlights:
        steps = pairwise(layout.strokes[highlight.number])
        assert all(abs(a[0] - b[0]) + abs(a[1] - b[1]) < 500 for a, b in steps)


def test_wide_layers_are_folded_and_long_terms_are_fewer() -> None:
    net = bp.parse("x[4] -> dense(8, tanh) -> dense(8, tanh) -> dense(1) -> mse")
    drawing = net.draw(wrt="W1", level="neurons", fit="slide")
    assert 0 < len(drawing.scene.highlights) < 8
    assert "of 8 paths" in drawing.scene.note


def test_what_does_not_fit_says_what_to_do() -> None:
    with pytest.raises(FitError, match="does not fit 20mm: it is .* times as large") as caught:
        bp.parse("image[1,28,28] -> conv2d(6, 5) -> flatten -> dense(3) -> cross_entropy").draw(wrt="W1", fit="20mm")
    assert "the smallest type is 7 points" in str(caught.value)
    assert "--fit page" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slid", "cannot be fitted to 'slid'"),
        ("84", "cannot be fitted to '84'"),
        ("84 parsec", "cannot be fitted to '84 parsec'"),
        ("1mm", "cannot be 1mm wide"),
        ("9000cm", "cannot be 9000cm wide"),
    ],
)
def test_what_is_no_medium_is_refused(text: str, message: str) -> None:
    with pytest.raises(bp.BackpropsymError, match=message):
        bp.example("lecture").draw(fit=text)


def test_the_documentation_lists_every_medium() -> None:
    text = (Path(__file__).parents[2] / "docs" / "gallery.md").read_text()
    for each in MEDIA.values():
        assert f"| `{each.name}` | {each.width:g} {each.unit}" in text
