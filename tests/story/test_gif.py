"""The animated GIF: every picture lights the paths of its step in their very colours, long enough to be read."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import pytest
from PIL import Image

from backpropsym.errors import LimitError, MissingExtraError
from backpropsym.picture.look.themes import THEMES
from backpropsym.story.decks import gif as slides_gif
from backpropsym.story.decks.frames import HEIGHT, WIDTH
from backpropsym.story.steps import Step, Story
from tests.story.decks import deck

Pixels = frozenset[tuple[int, ...]]


def pictures(gif: bytes) -> list[tuple[int, Pixels]]:
    """For each picture how long it is shown, in milliseconds, and the colours of its upper half."""
    found = []
    with Image.open(io.BytesIO(gif)) as image:
        assert image.size == (WIDTH, HEIGHT)
        assert image.info["loop"] == 0
        for place in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(place)
            upper = image.convert("RGB").crop((0, 0, WIDTH, HEIGHT // 2))
            found.append((image.info["duration"], frozenset(each for _, each in upper.getcolors(1 << 20) or ())))
    return found


def wrong(story: Story, found: Sequence[Pixels]) -> set[int]:
    """The places of the pictures in which a path is lit that is not of the step, or not lit that is."""
    colours = {
        highlight.number: tuple(bytes.fromhex(story.theme.path_colour(highlight.colour)[1:]))
        for highlight in story.scene.highlights
    }
    return {
        place
        for place, (step, seen) in enumerate(zip(story.steps, found, strict=True))
        for number, colour in colours.items()
        if (colour in seen) != any(colours[lit] == colour for lit in step.highlights)
    }


@pytest.mark.parametrize("name", ["lecture", "skip", "neuron", "convolution", "nothing"])
def test_each_picture_lights_the_paths_of_its_step_for_as_long_as_it_takes_to_read(name: str) -> None:
    found = deck(name)
    shown = pictures(found.gif())
    assert wrong(found.story, [seen for _, seen in shown]) == set()
    assert [time for time, _ in shown] == [10 * round(100 * slides_gif.seconds(step)) for step in found.story.steps]


@pytest.mark.parametrize("theme", THEMES)
def test_in_every_theme_the_paths_keep_their_colours(theme: str) -> None:
    found = deck("lecture", theme=theme, steps=["paths", "sum"])
    assert wrong(found.story, [seen for _, seen in pictures(found.gif())]) == set()


def test_pictures_in_another_order_are_seen() -> None:
    found = deck("lecture")
    seen = [each for _, each in pictures(found.gif())]
    assert wrong(found.story, [*seen[:2], seen[3], seen[2], *seen[4:]]) == {2, 3}


def test_a_palette_without_the_flat_colours_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slides_gif, "FLAT", 0)
    monkeypatch.setattr(slides_gif, "COLOURS", 8)
    found = deck("lecture")
    assert wrong(found.story, [seen for _, seen in pictures(found.gif())])


def test_more_to_read_is_shown_longer() -> None:
    steps = deck("lecture").story.steps
    times = [slides_gif.seconds(step) for step in steps]
    assert all(slides_gif.SHORTEST <= time <= slides_gif.LONGEST for time in times)
    assert len(set(times)) > 2

    def length(step: Step) -> int:
        return len(step.formulas)

    assert slides_gif.seconds(max(steps, key=length)) > slides_gif.seconds(min(steps, key=length))


def test_what_is_missing_or_too_much_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slides_gif, "MAX_STEPS", 3)
    with pytest.raises(LimitError, match="7 pictures"):
        deck("lecture").gif()
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match="pillow"):
        deck("lecture", steps=["sum"]).gif()


def test_the_largest_deck_can_be_a_gif() -> None:
    """Even the one with pictures of some hundred links; two pictures that are the same would be one."""
    found = deck("deep")
    assert len(pictures(found.gif())) == len(found)
