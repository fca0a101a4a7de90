"""What is drawn on slides can be read from the back of a room: letters of at least 14/960 of the width."""

from __future__ import annotations

import pytest

import backpropsym as bp
from backpropsym.picture.formats.raster import size
from backpropsym.picture.look.media import FLOOR
from backpropsym.story.decks.frames import EDGE, PICTURE, WIDTH, Frames, scaled
from tests.picture.measure import faults

LEAST = 14 / 960 * WIDTH
NETWORKS = {
    "layers": ("x[3] -> dense(4, tanh) -> dense(2) -> mse", "W1[0,0]"),
    "residual": (
        "x[8] -> dense(8, relu) -> 3*residual(dense(8, relu) -> dense(8)) -> dense(2) -> cross_entropy",
        "W1",
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_picture_on_every_slide_can_be_read(name: str) -> None:
    text, wrt = NETWORKS[name]
    frames = Frames(bp.parse(text).slides(wrt=wrt).story)
    assert faults(frames.story.drawing) == []
    for step in frames.story.steps:
        picture = frames.picture(step)
        scale, (wide, high) = scaled(picture), size(picture)
        assert FLOOR * scale >= LEAST * 0.999
        assert scale * wide <= WIDTH - 2 * EDGE
        assert scale * high <= PICTURE


def test_all_neurons_of_a_small_network_stand_on_its_slides() -> None:
    text, wrt = NETWORKS["layers"]
    story = bp.parse(text).slides(wrt=wrt).story
    assert {box.id for box in story.scene.boxes} >= {f"s1[{i}]" for i in range(4)} | {f"x[{i}]" for i in range(3)}
    assert any("Parameters that are on no path are left out" in str(part) for part in story.steps[0].caption)


def test_what_fits_no_slide_is_drawn_with_small_letters() -> None:
    deck = bp.parse(
        "image[1,28,28] -> conv2d(6, 5) -> max_pool(2) -> conv2d(16, 5) -> max_pool(2) -> flatten -> dense(3) -> mse"
    )
    assert deck.slides(wrt="W1").story.drawing.medium is None
