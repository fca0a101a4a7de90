"""PowerPoint: a slide a step, text as text, pictures in two forms, words for those who do not see them."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pptx as library
import pytest

from backpropsym.errors import MissingExtraError
from backpropsym.story.decks.pptx import pptx
from backpropsym.story.steps import plain
from tests.conftest import program
from tests.documents import images
from tests.picture.pictures import highlights
from tests.story.decks import DECKS, deck

SVG_BLIP = "{http://schemas.microsoft.com/office/drawing/2016/SVG/main}svgBlip"
EMBED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"


@pytest.mark.parametrize("name", DECKS)
def test_a_slide_a_step_with_its_text_pictures_and_notes(name: str) -> None:
    found = deck(name)
    written = library.Presentation(io.BytesIO(found.pptx()))
    assert len(written.slides) == len(found)
    for slide, step in zip(written.slides, found.story.steps, strict=True):
        assert slide.shapes.title.text_frame.text == plain(step.title)
        texts = {shape.name: shape.text_frame.text for shape in slide.shapes if shape.has_text_frame}
        assert texts["Caption"] == plain(step.caption)
        assert slide.notes_slide.notes_text_frame.text == "\n".join(map(plain, step.notes))
        pictures = {shape.name: shape for shape in slide.shapes if shape.shape_type == 13}
        assert pictures["Network"]._element.nvPicPr.cNvPr.get("descr") == step.alt
        assert set(pictures) == ({"Network", "Formulas"} if step.columns else {"Network"})
        for shape in slide.shapes:
            assert 0 <= shape.left <= shape.left + shape.width <= written.slide_width
            assert 0 <= shape.top <= shape.top + shape.height <= written.slide_height


@pytest.mark.parametrize("name", ["lecture", "skip"])
def test_the_picture_of_each_slide_lights_the_paths_of_its_step(name: str) -> None:
    """Read back from the SVG inside the file, which must also be behind a PNG."""
    found = deck(name)
    written = library.Presentation(io.BytesIO(found.pptx()))
    colours = {
        highlight.number: ("-".join(highlight.names), highlight.colour) for highlight in found.story.scene.highlights
    }
    for slide, step in zip(written.slides, found.story.steps, strict=True):
        (picture,) = (shape for shape in slide.shapes if shape.name == "Network")
        assert picture.image.content_type == "image/png"
        (blip,) = picture._element.iter(SVG_BLIP)
        svg = slide.part.related_part(blip.get(EMBED)).blob.decode()
        assert [(each.path, each.colour) for each in highlights(svg)] == [colours[number] for number in step.highlights]


def test_every_part_is_well_formed_and_declared() -> None:
    with zipfile.ZipFile(io.BytesIO(pptx(deck("lecture").story))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        for name in names:
            if name.endswith((".xml", ".rels", ".svg")):
                ElementTree.fromstring(archive.read(name))
        types = archive.read("[Content_Types].xml").decode()
        svgs = [name for name in names if name.endswith(".svg")]
        assert len(svgs) == 14
        assert 'Extension="svg"' in types or all(f'PartName="/{name}"' in types for name in svgs)


def test_the_same_bytes_every_time() -> None:
    assert pptx(deck("neuron").story) == pptx(deck("neuron").story)


def test_without_the_library_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pptx", None)
    with pytest.raises(MissingExtraError, match=r'pip install "backpropsym\[pptx\]"'):
        deck("neuron").pptx()


@pytest.mark.needs("soffice", "poppler")
def test_an_office_opens_a_deck_of_each_kind_with_a_page_a_slide(tmp_path: Path) -> None:
    """Converted all at once: starting the office takes most of the time."""
    decks = {name: deck(name) for name in ("lecture", "skip", "digits", "convolution", "entry", "nothing")}
    for name, found in decks.items():
        found.save(tmp_path / f"{name}.pptx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [str(program("soffice")), "--headless", profile, "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, *(f"{tmp_path / name}.pptx" for name in decks)], capture_output=True, check=True)
    for name, found in decks.items():
        told = subprocess.run(["pdfinfo", f"{tmp_path / name}.pdf"], capture_output=True, text=True, check=True)
        assert re.search(r"Pages:\s+(\d+)", told.stdout)[1] == str(len(found)), name  # type: ignore[index]
    for name in ("lecture", "skip", "digits"):
        story = decks[name].story
        for page, step in zip(images(tmp_path / f"{name}.pdf", 60), story.steps, strict=True):
            for highlight in story.scene.highlights:
                # In the upper half, above the formulas.
                lit = any(row < 0.5 * page.height for row in page.rows(highlight.colour))
                assert lit == (highlight.number in step.highlights), (name, step.title)
