"""A drawing: a scene with its look, shown in a notebook or saved in any format."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from backpropsym.errors import OutputError
from backpropsym.files import write_whole, writer_for
from backpropsym.picture.formats.dot import dot
from backpropsym.picture.formats.html_page import page
from backpropsym.picture.formats.mermaid import mermaid
from backpropsym.picture.formats.raster import pdf, png
from backpropsym.picture.formats.svg import sheet_svg
from backpropsym.picture.formats.tikz import tikz_document
from backpropsym.picture.layout.engine import Engine
from backpropsym.picture.layout.sheet import Sheet, sheet
from backpropsym.picture.look.media import Medium
from backpropsym.picture.look.themes import LIGHT, Theme
from backpropsym.picture.scene import Scene


@dataclass(frozen=True)
class Drawing:
    """A picture of a network.

    Attributes
    ----------
    scene : what is drawn.
    theme : colours, stroke widths and font sizes.
    labels : whether links carry their labels.
    engine : `columns` for our own layout, `dot` for Graphviz's.
    medium : what the picture is made for; its theme is legible there. None for as many pixels as it takes.
    """

    scene: Scene
    theme: Theme = LIGHT
    labels: bool = True
    engine: Engine = "columns"
    medium: Medium | None = None

    @cached_property
    def sheet(self) -> Sheet:
        """The picture with its legend, placed, at the size of its medium."""
        return sheet(self.scene, self.theme, self.medium, labels=self.labels, engine=self.engine)

    @cached_property
    def svg(self) -> str:
        """The text of the SVG file."""
        return sheet_svg(self.sheet, self.theme)

    @property
    def dot(self) -> str:
        """The same picture in the DOT language; Graphviz lays it out its own way."""
        return dot(self.scene, self.theme)

    @property
    def mermaid(self) -> str:
        """The same picture as a Mermaid flowchart, for READMEs; GitHub lays it out its own way."""
        return mermaid(self.scene, self.theme)

    @property
    def markdown(self) -> str:
        """The Mermaid flowchart in the fence that GitHub and GitLab draw."""
        return f"```mermaid\n{self.mermaid}```\n"

    @property
    def tikz(self) -> str:
        """The picture in TikZ, as a LaTeX document of its own: named nodes and styles, to be edited by hand."""
        plain = self if self.engine == "columns" else replace(self, engine="columns")
        return tikz_document(plain.sheet, self.theme)

    @property
    def html(self) -> str:
        """A web page that shows the picture and needs no other file."""
        return page(self.svg, self.scene.title, self.theme)

    def png(self, scale: float = 2.0, dpi: float | None = None) -> bytes:
        """The picture as PNG, `scale` pixels for each pixel of the SVG, or `dpi` to the inch; needs the extra `pdf`."""
        return png(self.svg, title=self.scene.title, alt=self.scene.description, scale=scale, dpi=dpi)

    def pdf(self) -> bytes:
        """The picture as a PDF page of its own size; needs the extra `pdf`."""
        return pdf(self.svg, title=self.scene.title, alt=self.scene.description)

    def save(self, path: str | os.PathLike[str], dpi: float | None = None) -> Path:
        """Write the picture in the format that the suffix of `path` names; a file there before is replaced whole.

        Parameters
        ----------
        dpi : pixels to the inch of a PNG.

        Raises
        ------
        OutputError : an unknown suffix, a missing folder, a place that cannot be written, or `dpi` of what has no
            pixels.
        MissingExtraError : the format needs a package that is not installed.
        """
        where, write = Path(path), writer_for(Path(path), FORMATS, "a drawing")
        if dpi is None:
            return write_whole(where, write(self))
        if where.suffix.lower() != ".png":
            raise OutputError(f"{where.name} has no pixels to the inch", fix="save it as .png, or leave out the dpi")
        return write_whole(where, self.png(dpi=dpi))

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The picture for a notebook, and what it shows for those who do not see it."""
        return {"image/svg+xml": self.svg, "text/plain": f"{self.scene.title}: {self.scene.description}"}


FORMATS: dict[str, Callable[[Drawing], bytes]] = {
    ".svg": lambda drawing: drawing.svg.encode(),
    ".png": lambda drawing: drawing.png(),
    ".pdf": lambda drawing: drawing.pdf(),
    ".tex": lambda drawing: drawing.tikz.encode(),
    ".dot": lambda drawing: drawing.dot.encode(),
    ".mmd": lambda drawing: drawing.mermaid.encode(),
    ".md": lambda drawing: drawing.markdown.encode(),
    ".html": lambda drawing: drawing.html.encode(),
}
"""What each suffix is written by."""
