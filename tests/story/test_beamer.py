"""Beamer: it compiles to one page a step, and each page lights the path of its term."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backpropsym.document.palette import PALETTE
from backpropsym.picture.look.themes import THEMES
from backpropsym.spec.source import examples
from backpropsym.story.decks.beamer import beamer, prose, slides
from backpropsym.story.steps import Maths, Story
from tests.documents import compiled, images
from tests.story.decks import DECKS, deck


def shown(specification: str) -> set[int]:
    """The slides that an overlay specification names."""
    found: set[int] = set()
    for part in specification.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", DECKS)
def test_every_deck_compiles_to_a_page_a_step(name: str, tmp_path: Path) -> None:
    found = deck(name)
    done = compiled(found.beamer, tmp_path)
    assert done.pages == len(found)
    assert "Overfull" not in done.log


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", ["lecture", "skip", "neuron", "prelu"])
def test_decks_with_numbers_compile(name: str, tmp_path: Path) -> None:
    found = deck(name, values={})
    done = compiled(found.beamer, tmp_path)
    assert done.pages == len(found)
    assert "Overfull" not in done.log


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_compiles(theme: str, tmp_path: Path) -> None:
    compiled(deck("lecture", theme=theme).beamer, tmp_path)


def test_every_example_has_a_deck() -> None:
    assert {source for source, _, _ in DECKS.values()} >= set(examples())


def test_there_is_one_picture() -> None:
    assert deck("lecture").beamer.count(r"\begin{tikzpicture}") == 1


def lit(story: Story) -> dict[int, set[int]]:
    """The slides on which each path is drawn, read from the document."""
    drawn = re.findall(r"\\draw<([\d,-]+)>\[path (\d+)\]", beamer(story))
    return {int(number): shown(specification) for specification, number in drawn}


@pytest.mark.parametrize("name", DECKS)
def test_each_path_is_drawn_on_the_slides_of_its_steps(name: str) -> None:
    story = deck(name).story
    wanted = {
        highlight.number: {place for place, step in enumerate(story.steps, 1) if highlight.number in step.highlights}
        for highlight in story.scene.highlights
    }
    assert lit(story) == wanted


@pytest.mark.parametrize("name", ["lecture", "skip"])
def test_a_term_is_lit_on_the_slides_on_which_its_path_is(name: str) -> None:
    story = deck(name).story
    terms = re.findall(r"\\lit<([\d,-]+)>\{bpTerm(\d+)\}", beamer(story))
    assert len(terms) == len(story.scene.highlights)
    for specification, number in terms:
        bricks = {place for place, step in enumerate(story.steps, 1) if step.kind == "bricks"}
        assert shown(specification) == lit(story)[int(number)] - bricks


@pytest.mark.parametrize("source", ["lecture", "skip", "digits"])
def test_the_boxes_on_a_lit_path_stand_out_and_the_others_stand_back(source: str) -> None:
    story = deck(source).story
    told = {place: step for place, step in enumerate(story.steps, 1) if step.highlights}
    drawn = re.findall(r"\\node\[([^\n]*)\] \(([^)]+)\) at \([-\d]", beamer(story))
    assert len(drawn) == len(story.scene.boxes)
    for options, name in drawn:
        on, off = (
            set().union(*(shown(found) for found in re.findall(rf"{style} path={{<([\d,-]+)>}}", options)))
            for style in ("on", "off")
        )
        visiting = {each.number for each in story.scene.highlights for link in each.links if name == link.target}
        visiting |= {each.number for each in story.scene.highlights if not each.from_label and name == each.names[0]}
        assert on == {place for place, step in told.items() if visiting.intersection(step.highlights)}
        assert off == told.keys() - on


def test_sizes_of_texts_are_those_of_the_layout_whatever_the_document_has() -> None:
    """Beamer's own small sizes are larger than those of an article, for which there is no room."""
    preamble, picture = beamer(deck("lecture", values={}).story).split(r"\begin{frame}")
    picture = picture.partition(r"\end{tikzpicture}")[0]
    for size in (r"\footnotesize", r"\scriptsize"):
        assert size not in preamble + picture
    for style in ("neuron", "number", "weight"):
        assert re.search(rf"  {style}/\.style={{[^\n]*font=\\fontsize{{\d+}}", preamble)


@pytest.mark.needs("pdflatex", "poppler")
def test_the_pages_show_the_paths_that_they_name(tmp_path: Path) -> None:
    """Read from the pixels of the picture, which is the upper half of a page."""
    story = deck("lecture").story
    pages = images(compiled(beamer(story), tmp_path).pdf)
    assert len(pages) == len(story.steps)
    for page, step in zip(pages, story.steps, strict=True):
        for highlight in story.scene.highlights:
            rows = [row for row in page.rows(highlight.colour) if row < 0.5 * page.height]
            assert bool(rows) == (highlight.number in step.highlights)
    path_one, path_two = (pages[place] for place, step in enumerate(story.steps) if step.kind == "paths")
    deepest = [
        max(row for row in page.rows(PALETTE[at]) if row < 0.5 * page.height)
        for at, page in ((0, path_one), (1, path_two))
    ]
    assert deepest[0] < 0.8 * deepest[1]


def test_the_same_bytes_every_time() -> None:
    assert deck("skip").beamer == deck("skip").beamer


def test_overlays_are_written_as_ranges() -> None:
    assert slides([]) == ""
    assert slides([3]) == "<3>"
    assert slides([2, 3, 4, 6, 8, 9]) == "<2-4,6,8-9>"


def test_text_is_escaped_and_formulas_are_not() -> None:
    assert prose(("50% of ", Maths("x_{1}", "x1"))) == r"50\% of $x_{1}$"
