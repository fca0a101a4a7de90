"""Pictures of the steps: each lights its own paths, all of one size, alone or one after the other in one file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from backpropsym.cli.app import app
from backpropsym.document.palette import PALETTE
from backpropsym.errors import OutputError, UnknownNameError
from backpropsym.picture.look.themes import LIGHT
from backpropsym.story.decks.animation import SECONDS, animation
from backpropsym.story.decks.frames import HEIGHT, WIDTH, Frames
from backpropsym.story.decks.slides import FORMATS
from backpropsym.story.formula_blocks import block
from backpropsym.story.steps import EQUALS, NOTHING, Line, LinePart, Maths, plain
from tests.documents import images
from tests.picture.pictures import highlights
from tests.story.decks import DECKS, deck

SHOWN = """at => {
    for (const each of document.getAnimations()) { each.pause(); each.currentTime = at; }
    return [...document.querySelectorAll('g[data-kind]')]
        .filter(group => getComputedStyle(group).visibility === 'visible')
        .map(group => [group.dataset.kind, [...group.querySelectorAll('g.trail')].map(trail => trail.dataset.path)]);
}"""


@pytest.mark.parametrize("name", DECKS)
def test_each_picture_lights_the_paths_of_its_step(name: str) -> None:
    story = deck(name).story
    colours = {highlight.number: ("-".join(highlight.names), highlight.colour) for highlight in story.scene.highlights}
    for step, slide in zip(story.steps, Frames(story).slides(), strict=True):
        assert [(each.path, each.colour) for each in highlights(slide)] == [
            colours[number] for number in step.highlights
        ]
        root = ElementTree.fromstring(slide)
        assert (root.get("width"), root.get("height")) == (str(WIDTH), str(HEIGHT))
        assert "<script" not in slide
        identifiers = re.findall(r' id="([^"]+)"', slide)
        assert len(identifiers) == len(set(identifiers))


def test_a_wrong_colour_would_be_seen() -> None:
    """The check above, on a picture in which two paths have changed places."""
    story = deck("lecture").story
    step = next(step for step in story.steps if step.kind == "paths")
    wrong = next(other for other in story.steps if other.kind == "paths" and other != step)
    found = highlights(Frames(story).picture(wrong))
    assert [(each.path, each.colour) for each in found] != [("-".join(story.scene.highlights[0].names), PALETTE[0])]


def test_the_layout_is_the_same_at_every_step() -> None:
    frames = Frames(deck("skip", values={}).story)
    places = set()
    for step in frames.story.steps:
        root = ElementTree.fromstring(frames.picture(step))
        links = [path.get("d") for path in root.iter("{http://www.w3.org/2000/svg}path") if path.get("data-link")]
        places.add((root.get("viewBox"), tuple(links)))
    assert len(places) == 1


def test_formulas_are_set_in_the_colours_of_their_paths() -> None:
    pieces = (LinePart(Maths("x", "x"), 2), LinePart(Maths("y", "y"), 1, active=False), LinePart(Maths("z", "z")))
    found = block(((Line(NOTHING, EQUALS, pieces),),), LIGHT)
    assert [text.colour for text in found.texts][2:] == [LIGHT.text(PALETTE[1]), LIGHT.pale, LIGHT.ink]
    lefts = [text.left for text in found.texts][2:]
    assert lefts == sorted(lefts)
    assert max(text.left + text.formula.width * text.font for text in found.texts) <= found.width + 1e-9


@pytest.mark.parametrize("name", ["lecture", "digits", "nothing"])
def test_the_animation_shows_one_step_after_the_other(name: str, browser: Browser, tmp_path: Path) -> None:
    story = deck(name).story
    path = tmp_path / "steps.svg"
    path.write_text(animation(Frames(story)), encoding="utf-8")
    paths = {highlight.number: "-".join(highlight.names) for highlight in story.scene.highlights}
    page = browser.new_page()
    page.goto(path.as_uri())
    for place in [*range(len(story.steps)), 0]:
        step = story.steps[place]
        found = page.evaluate(SHOWN, 1000 * SECONDS * (place + 0.5) + 1000 * SECONDS * len(story.steps))
        assert found == [[step.kind, [paths[number] for number in step.highlights]]]
    page.close()


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_bytes_in_every_process(suffix: str, tmp_path: Path) -> None:
    """Sets of texts come in another order under another seed of their hashes; no file may show it."""
    written = []
    for seed in ("1", "2"):
        path = tmp_path / f"deck{seed}{suffix}"
        words = [sys.executable, "-m", "backpropsym", "slides", "neuron", "--wrt", "w1", "-o", str(path)]
        subprocess.run(words, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True)
        written.append(path.read_bytes())
    assert written[0] == written[1]


def test_without_motion_the_whole_sum_is_shown(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "steps.svg"
    path.write_text(animation(Frames(deck("lecture").story)), encoding="utf-8")
    page = browser.new_page(reduced_motion="reduce")
    page.goto(path.as_uri())
    assert [kind for kind, _ in page.evaluate(SHOWN, 0)] == ["sum"]
    page.close()


@pytest.mark.parametrize(("name", "still"), [("lecture", "sum"), ("digits", "paths"), ("itself", "network")])
def test_a_program_without_animation_shows_one_step(name: str, still: str, browser: Browser) -> None:
    """As converters and printers do; a style sheet is taken away from the browser to be one of them."""
    text = animation(Frames(deck(name).story))
    page = browser.new_page()
    page.set_content(re.sub(r"<style>.*?</style>", "", text))
    assert [kind for kind, _ in page.evaluate(SHOWN, 0)] == [still]
    page.close()


def test_from_the_first_moment_one_step_is_shown(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "steps.svg"
    path.write_text(animation(Frames(deck("lecture").story)), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    for moment in (0, 1, 1000 * SECONDS - 1):
        assert [kind for kind, _ in page.evaluate(SHOWN, moment)] == ["network"]
    page.close()


@pytest.mark.needs("poppler")
@pytest.mark.parametrize("name", ["lecture", "skip", "digits", "prelu", "nothing"])
def test_the_pdf_has_a_page_a_step_with_its_words_and_paths(name: str, tmp_path: Path) -> None:
    found = deck(name)
    path = found.save(tmp_path / "deck.pdf")
    pages = images(path, 60)
    assert len(pages) == len(found)
    text = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    for words, page, step in zip(text.split("\f"), pages, found.story.steps, strict=False):
        assert plain(step.title) in words
        for highlight in found.story.scene.highlights[:2]:
            # In the upper half, above the formulas.
            lit = [row for row in page.rows(highlight.colour) if row < 0.5 * page.height]
            assert bool(lit) == (highlight.number in step.highlights)
    assert found.pdf() == found.pdf()


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_command_writes_every_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"deck{suffix}"
    done = CliRunner().invoke(app, ["slides", "lecture", "--wrt", "w11", "--steps", "paths, sum", "-o", str(path)])
    assert done.exit_code == 0, done.output
    assert path.stat().st_size > 2_000
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_frames_are_numbered_in_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "steps"
    done = CliRunner().invoke(app, ["draw", "lecture", "--wrt", "w11", "--frames", str(folder), "--frames-as", "png"])
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "01-network.png"
    assert names[-1] == "07-backward.png"
    head = (folder / names[0]).read_bytes()
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (2 * WIDTH, 2 * HEIGHT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["draw", "lecture"], "nothing is to be written"),
        (["draw", "lecture", "--frames", "x"], "steps are those of a derivative"),
        (["slides", "lecture", "--wrt", "w11", "-o", "deck.bmp"], "no suffix that slides can be saved as"),
        (["slides", "lecture", "--wrt", "w11", "-o", "deck.tex", "--steps", "brick"], "did you mean bricks?"),
    ],
)
def test_mistakes_are_named(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_the_library_names_them_too(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"end the name in one of \.tex, \.html, \.pptx, \.pdf, \.svg, \.gif"):
        deck("nothing").save(tmp_path / "deck.key")
    with pytest.raises(OutputError, match=r"\.svg, \.png, \.pdf"):
        deck("nothing").frames(tmp_path, ".bmp")
    with pytest.raises(UnknownNameError):
        deck("lecture", theme="drak")
