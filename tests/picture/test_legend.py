"""Legends keep to their room: paths are broken at arrows, terms at signs, and nothing is lost."""

from __future__ import annotations

import pytest

import backpropsym as bp
from backpropsym.document.writers.lines import Breakable
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.formats.raster import size
from backpropsym.picture.layout.layout import lay_out
from backpropsym.picture.layout.legend import LEAST_ROOM, Legend, legend
from backpropsym.picture.layout.legend_lines import in_lines
from backpropsym.picture.layout.sheet import MARGIN
from backpropsym.picture.look.themes import LIGHT
from backpropsym.picture.look.typeset import typeset

FONT = LIGHT.legend_font


def unrolled(steps: int) -> Drawing:
    """A recurrent network of numbers, whose terms are long and whose picture may be narrow."""
    net = bp.Network("unrolled")
    u, w = net.parameter("u"), net.parameter("w")
    h = net.input("h0")
    for step in range(1, steps + 1):
        h = net.node(f"h{step}", bp.tanh(u * net.input(f"x{step}") + w * h))
    net.output = h
    return net.draw(wrt="w")


@pytest.fixture(scope="module")
def long() -> Drawing:
    return unrolled(4)


def set_in(drawing: Drawing, room: float) -> Legend:
    found = legend(drawing.scene, drawing.theme, room)
    assert found is not None
    return found


def glyphs(found: Legend) -> int:
    return sum(len(text.formula.marks) for text in found.texts)


@pytest.mark.parametrize("room", [900, 620, 470])
def test_a_legend_keeps_to_its_room(long: Drawing, room: float) -> None:
    assert set_in(long, 10_000).width > room
    assert set_in(long, room).width <= room


@pytest.mark.parametrize("room", [900, 620, 470])
def test_lines_lose_nothing_and_do_not_overlap(long: Drawing, room: float) -> None:
    broken = set_in(long, room)
    assert glyphs(broken) == glyphs(set_in(long, 10_000))
    spans = [
        (t.left, t.baseline - t.formula.ascent * t.font, t.left + t.formula.width * t.font, t.baseline)
        for t in broken.texts
    ]
    for i, (left, top, right, bottom) in enumerate(spans):
        assert top >= 0 and bottom <= broken.height
        for other in spans[:i]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


def test_a_legend_with_room_stays_in_one_line_a_path(long: Drawing) -> None:
    wide = set_in(long, 10_000)
    assert set_in(long, wide.width) == wide
    heights = {round(middle, 1) for _, middle in wide.samples}
    assert len(heights) == len(long.scene.highlights)


def test_no_picture_is_wider_for_its_legend(long: Drawing) -> None:
    layout = lay_out(long.scene, long.theme)
    assert size(long.svg)[0] <= max(layout.bounds.width, LEAST_ROOM) + 2 * MARGIN + 1


def test_a_later_line_starts_with_its_sign() -> None:
    term = Breakable("a_1 \ue000 \\cdot b_1 \ue000 \\cdot c_1 \ue000 \\cdot d_1")
    lines = in_lines(term, 0.6 * typeset(term).width * FONT, FONT, term)
    assert len(lines) == 2
    assert lines[1].marks[0].name == typeset(r"\cdot").marks[0].name  # type: ignore[union-attr]


def test_what_cannot_be_broken_stays_whole() -> None:
    assert in_lines("a_1 \\cdot b_1", 5.0, FONT, "") == [typeset("a_1 \\cdot b_1", "")]


def test_a_formula_too_long_to_be_set_is_set_in_lines() -> None:
    term = Breakable("\ue000 \\cdot ".join(rf"\operatorname{{f}}(s_{{{i}}})" for i in range(60)))
    lines = in_lines(term, 600.0, FONT, term)
    assert len(lines) > 3
    assert max(line.width for line in lines) * FONT <= 600
