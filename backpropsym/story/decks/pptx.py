"""A story as a PowerPoint file: a slide a step, its text as text, its picture and formulas as SVG with a PNG behind."""

from __future__ import annotations

import importlib
import io
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

from backpropsym.errors import MissingExtraError, printable
from backpropsym.picture.formats.raster import png, size
from backpropsym.story.decks.frames import Frames, scaled
from backpropsym.story.steps import Step, Story, plain

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.text.text import TextFrame
    from pptx.util import Length

WIDTH, HEIGHT = 1280, 720
"""Pixels of a slide, which is 13 1/3 by 7 1/2 inches."""

EMU = 9525
"""PowerPoint's unit: a 914,400th of an inch, here in a pixel of which 96 make an inch."""

EDGE, TITLE, CAPTION, GAP = 48, (20, 56), (652, 44), 14
"""Margin at the sides; top and height of the title and of the caption; room between pictures; in pixels."""

_LAYOUT_TITLE_ONLY = 5
_PROPERTY = 255
"""Characters of a document's title at most, by the format."""

_BEGINNING = datetime(2000, 1, 1)
_SVG_EXTENSION = (
    '<a:extLst xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<a:ext uri="{{96DAC541-7B7A-43D3-8B79-37D633B846F1}}">'
    '<asvg:svgBlip xmlns:asvg="http://schemas.microsoft.com/office/drawing/2016/SVG/main" r:embed="{relation}"/>'
    "</a:ext></a:extLst>"
)
"""Beside the PNG of a picture, its SVG, for programs that show that (Office 2016 and later, LibreOffice)."""


def pptx(story: Story) -> bytes:
    """`story` as the bytes of a PowerPoint file; the same bytes every time.

    Raises
    ------
    MissingExtraError : the packages `python-pptx` or `typst` are not installed.
    """
    try:
        import pptx as library
        from pptx.util import Emu
    except ImportError as error:
        raise MissingExtraError(
            "a PowerPoint file needs the python-pptx package", fix='pip install "backpropsym[pptx]"'
        ) from error
    deck = library.Presentation()
    deck.slide_width, deck.slide_height = Emu(WIDTH * EMU), Emu(HEIGHT * EMU)
    about = deck.core_properties
    about.title, about.author, about.last_modified_by = printable(story.title)[:_PROPERTY], "backpropsym", ""
    about.created = about.modified = _BEGINNING
    frames = Frames(story)
    for number, step in enumerate(story.steps, 1):
        _Slide(deck, frames, step, number).fill()
    written = io.BytesIO()
    deck.save(written)
    return _timeless(written.getvalue())


class _Slide:
    """One slide being filled."""

    def __init__(self, deck: Presentation, frames: Frames, step: Step, number: int) -> None:
        self._slide = deck.slides.add_slide(deck.slide_layouts[_LAYOUT_TITLE_ONLY])
        self._frames, self._step, self._theme, self._number = frames, step, frames.story.theme, number

    def fill(self) -> None:
        """Title, picture, formulas, caption and notes."""
        from pptx.util import Pt

        step, theme = self._step, self._theme
        background = self._slide.background.fill
        background.solid()
        background.fore_color.rgb = _rgb(theme.background)
        title = self._slide.shapes.title
        _place(title, EDGE, TITLE[0], WIDTH - 2 * EDGE, TITLE[1])
        _write(title.text_frame, plain(step.title), Pt(28), theme.ink, "left")
        self._pictures()
        caption = self._slide.shapes.add_textbox(0, 0, 0, 0)
        caption.name = "Caption"
        _place(caption, EDGE, CAPTION[0], WIDTH - 2 * EDGE, CAPTION[1])
        _write(caption.text_frame, plain(step.caption), Pt(16), theme.quiet, "center")
        notes = "\n".join(printable(plain(note)) for note in step.notes)
        self._slide.notes_slide.notes_text_frame.text = notes

    def _pictures(self) -> None:
        """The network above, the formulas in the middle of the room that is left."""
        top, bottom = TITLE[0] + TITLE[1] + GAP, CAPTION[0] - GAP
        drawn = self._frames.picture(self._step)
        wide, high = size(drawn)
        scale = scaled(drawn)
        self._picture("Network", drawn, self._step.alt, ((WIDTH - scale * wide) / 2, top), scale)
        if not self._step.columns:
            return
        formulas = self._frames.formulas_svg(self._step)
        wide, left = size(formulas)[0], top + scale * high + GAP
        tall = size(formulas)[1]
        shrink = min((WIDTH - 2 * EDGE) / wide, (bottom - left) / tall, 1.0)
        where = (WIDTH - shrink * wide) / 2, (left + bottom - shrink * tall) / 2
        self._picture("Formulas", formulas, self._step.formulas, where, shrink)

    def _picture(self, name: str, svg: str, alt: str, where: tuple[float, float], scale: float) -> None:
        """A picture as PNG for programs that know nothing else, and as SVG for those that do."""
        from pptx.opc.constants import RELATIONSHIP_TYPE
        from pptx.opc.package import Part
        from pptx.opc.packuri import PackURI
        from pptx.oxml import parse_xml
        from pptx.oxml.ns import qn

        wide, high = size(svg)
        image = io.BytesIO(png(svg, scale=2.0))
        left, top, width, height = (round(value * EMU) for value in (*where, scale * wide, scale * high))
        shape = self._slide.shapes.add_picture(image, left, top, width, height)
        shape.name = name
        shape._element.nvPicPr.cNvPr.set("descr", printable(alt.replace("\n", "; ")))
        package = self._slide.part.package
        uri = PackURI(f"/ppt/media/{name.lower()}{self._number}.svg")
        part = Part(uri, "image/svg+xml", package, svg.encode())
        relation = self._slide.part.relate_to(part, RELATIONSHIP_TYPE.IMAGE)
        blip = shape._element.find(f".//{qn('a:blip')}")
        blip.append(parse_xml(_SVG_EXTENSION.format(relation=relation)))


def _place(shape: Any, left: float, top: float, width: float, height: float) -> None:
    shape.left, shape.top, shape.width, shape.height = (round(value * EMU) for value in (left, top, width, height))


def _write(frame: TextFrame, text: str, font: Length, colour: str, align: str) -> None:
    """One paragraph of text."""
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN

    frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.MIDDLE
    paragraph = frame.paragraphs[0]
    paragraph.alignment = {"left": PP_ALIGN.LEFT, "center": PP_ALIGN.CENTER}[align]
    run = paragraph.add_run()
    run.text, run.font.size = printable(text), font
    run.font.color.rgb = _rgb(colour)


def _rgb(colour: str) -> Any:
    colours: Any = importlib.import_module("pptx.dml.color")
    return colours.RGBColor.from_string(colour[1:])


def _timeless(data: bytes) -> bytes:
    """The same archive with every file at the same fixed time."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED)
    return written.getvalue()
