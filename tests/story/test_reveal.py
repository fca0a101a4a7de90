"""Slides for the browser, stepped through by real keys; what is lit is read from the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

import backpropsym as bp
from backpropsym.picture.look.themes import TEXT_CONTRAST, THEMES, contrast
from backpropsym.story.decks.reveal import reveal, vendored
from backpropsym.story.steps import Story, plain
from tests.story.decks import DECKS, deck

SEEN = """() => {
    const step = [...document.querySelectorAll('section.present .step')]
        .filter(each => getComputedStyle(each).visibility === 'visible').pop();
    const strokes = [...step.querySelectorAll('g.trail')].map(
        trail => [trail.dataset.path, trail.querySelector('path.stroke').getAttribute('stroke')]);
    const box = step.getBoundingClientRect();
    const inside = [...step.querySelectorAll('h2, .picture svg, .formulas svg, .caption')].every(part => {
        const rect = part.getBoundingClientRect();
        return rect.left >= box.left - 1 && rect.right <= box.right + 1
            && rect.top >= box.top - 1 && rect.bottom <= box.bottom + 1;
    });
    return {title: step.querySelector('h2').textContent, strokes, inside,
            notes: step.querySelector('.notes').textContent};
}"""


@contextmanager
def opened(browser: Browser, text: str, folder: Path) -> Iterator[Page]:
    """A deck in the browser; nothing on it may fail or be refused."""
    path = folder / "deck.html"
    path.write_text(text, encoding="utf-8")
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    yield page
    assert complaints == []
    context.close()


def walked(page: Page, story: Story) -> list[dict[str, object]]:
    """What is seen at each step, one key after the other."""
    seen = [page.evaluate(SEEN)]
    for step in story.steps[1:]:
        page.keyboard.press("ArrowRight")
        wanted = plain(step.title)
        page.wait_for_function(f"title => ({SEEN})().title === title", arg=wanted)
        seen.append(page.evaluate(SEEN))
    assert page.evaluate("Reveal.getProgress()") == 1
    return seen


@pytest.mark.parametrize("name", DECKS)
def test_each_key_lights_the_paths_of_its_step(name: str, browser: Browser, tmp_path: Path) -> None:
    story = deck(name).story
    highlights = {
        highlight.number: ["-".join(highlight.names), highlight.colour] for highlight in story.scene.highlights
    }
    with opened(browser, reveal(story), tmp_path) as page:
        seen = walked(page, story)
    for found, step in zip(seen, story.steps, strict=True):
        assert found["title"] == plain(step.title)
        assert found["strokes"] == [highlights[number] for number in step.highlights]
        assert found["notes"] == "".join(map(plain, step.notes))
        assert found["inside"]


def test_numbers_and_themes_fit_the_slide(browser: Browser, tmp_path: Path) -> None:
    for theme in THEMES:
        story = deck("lecture-loss", values={}, theme=theme).story
        with opened(browser, reveal(story), tmp_path) as page:
            assert all(found["inside"] for found in walked(page, story))


def test_a_key_back_goes_a_step_back(browser: Browser, tmp_path: Path) -> None:
    story = deck("lecture").story
    with opened(browser, reveal(story), tmp_path) as page:
        walked(page, story)
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"({SEEN})().title === 'Bricks'")


@pytest.mark.parametrize("name", ["lecture", "deep"])
def test_a_key_at_the_end_stays_there(name: str, browser: Browser, tmp_path: Path) -> None:
    """Also where the last step is one of several on its slide."""
    story = deck(name).story
    with opened(browser, reveal(story), tmp_path) as page:
        *_, last = walked(page, story)
        for _ in range(3):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(100)
            assert page.evaluate(SEEN) == last


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read_in_every_theme(theme: str, browser: Browser, tmp_path: Path) -> None:
    story = deck("neuron", theme=theme).story
    with opened(browser, reveal(story), tmp_path) as page:
        inks = page.evaluate("[...document.querySelectorAll('.step h2, .caption')].map(e => getComputedStyle(e).color)")
    assert inks
    for ink in inks:
        colour = "#" + "".join(f"{int(part):02X}" for part in re.findall(r"\d+", ink)[:3])
        assert contrast(colour, THEMES[theme].background) >= TEXT_CONTRAST


def test_the_speaker_sees_the_notes(browser: Browser, tmp_path: Path) -> None:
    """The policy of the page lets the window of the speaker run, and that alone."""
    story = deck("lecture").story
    with opened(browser, reveal(story), tmp_path) as page:
        with page.expect_popup() as opening:
            page.keyboard.press("s")
        window = opening.value
        window.wait_for_selector("text=What is the derivative of a by w₁₁?")


HOSTILE = "</title></script><script>document.title='owned'</script><img src=x onerror=alert(1)> ]]> \"'`${1}"


def test_a_hostile_title_is_text(browser: Browser, tmp_path: Path) -> None:
    text = bp.example("lecture").graph.title
    assert text
    net = bp.loads(f"title = '''{HOSTILE}'''\ninputs=['x']\nparameters=['w']\noutput='a'\n[nodes]\na='w*x'\n")
    story = net.slides(wrt="w").story
    with opened(browser, reveal(story), tmp_path) as page:
        assert page.title() == HOSTILE
        assert page.evaluate(SEEN)["title"] == HOSTILE
        assert page.query_selector("img") is None


class References(HTMLParser):
    """What a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {key}={value}" for key, value in attrs if key in ("src", "href") and tag != "use"]


def test_the_file_loads_nothing_and_carries_the_licence() -> None:
    text = reveal(deck("lecture").story)
    reader = References()
    reader.feed(text)
    assert reader.found == []
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy[1].partition("style-src")[0]
    assert vendored("LICENSE").strip() in text
    assert "Permission is hereby granted" in vendored("LICENSE")


def test_the_same_bytes_every_time() -> None:
    assert reveal(deck("skip").story) == reveal(deck("skip").story)


def test_the_number_of_the_page_stands_clear_of_the_arrows(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "deck.html"
    path.write_text(deck("lecture").reveal, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(path.as_uri())
    number, arrows = (page.locator(f".reveal > {name}").bounding_box() for name in (".slide-number", ".controls"))
    assert number is not None
    assert arrows is not None
    assert number["x"] + number["width"] < arrows["x"]
    page.close()


@pytest.mark.parametrize("theme", THEMES)
def test_the_window_beside_the_slide_has_its_background(theme: str, browser: Browser, tmp_path: Path) -> None:
    with opened(browser, deck("lecture", theme=theme).reveal, tmp_path) as page:
        found = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    colour = THEMES[theme].background
    assert found == f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"
