"""A derivation as slides, saved in any format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from backpropsym.files import write_whole, writer_for
from backpropsym.picture.formats.raster import pdf, png
from backpropsym.story.decks.animation import animation
from backpropsym.story.decks.beamer import beamer
from backpropsym.story.decks.frames import Frames
from backpropsym.story.decks.gif import slides_gif
from backpropsym.story.decks.pdf import slides_pdf
from backpropsym.story.decks.pptx import pptx
from backpropsym.story.decks.reveal import reveal
from backpropsym.story.steps import Story


@dataclass(frozen=True)
class Slides:
    """A deck with one slide, or one click, for each step of a derivation.

    Attributes
    ----------
    story : the steps and their picture.
    """

    story: Story

    def __len__(self) -> int:
        return len(self.story.steps)

    @property
    def beamer(self) -> str:
        """The deck in LaTeX: one frame, one picture, an overlay for each step."""
        return beamer(self.story)

    @property
    def reveal(self) -> str:
        """The deck for a browser: one HTML file that needs no other."""
        return reveal(self.story)

    @property
    def animation(self) -> str:
        """The steps one after the other as one SVG without scripts, for pages that show pictures only."""
        return animation(Frames(self.story))

    def pptx(self) -> bytes:
        """The deck for PowerPoint and its like; needs the extra `pptx`."""
        return pptx(self.story)

    def pdf(self) -> bytes:
        """The deck as a PDF, a page a step; needs the extra `pdf`."""
        return slides_pdf(self.story)

    def gif(self) -> bytes:
        """The steps one after the other as a GIF, for chats that show no SVG; needs the extra `pdf`."""
        return slides_gif(self.story)

    def frames(self, folder: str | os.PathLike[str], suffix: str = ".svg") -> tuple[Path, ...]:
        """Write every step as a picture of 1280 by 720 pixels, numbered from 01, into a folder that exists.

        Raises
        ------
        OutputError : an unknown suffix, a missing folder, or a place that cannot be written.
        MissingExtraError : the format needs a package that is not installed.
        """
        digits = max(2, len(str(len(self))))
        steps = enumerate(self.story.steps, 1)
        paths = [Path(folder, f"{number:0{digits}}-{step.kind}{suffix}") for number, step in steps]
        write = writer_for(paths[0], PICTURES, "a picture")
        pictures = zip(paths, Frames(self.story).slides(), strict=True)
        return tuple(write_whole(path, write(picture)) for path, picture in pictures)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The animation, for a notebook."""
        words = f"<Slides of {self.story.title!r}: {len(self)} steps>"
        return {"image/svg+xml": self.animation, "text/plain": words}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the deck in the format that the suffix of `path` names; a file there before is replaced whole.

        Raises
        ------
        OutputError : an unknown suffix, a missing folder, or a place that cannot be written.
        MissingExtraError : the format needs a package that is not installed.
        """
        return write_whole(Path(path), writer_for(Path(path), FORMATS, "slides")(self))


FORMATS: dict[str, Callable[[Slides], bytes]] = {
    ".tex": lambda slides: slides.beamer.encode(),
    ".html": lambda slides: slides.reveal.encode(),
    ".pptx": lambda slides: slides.pptx(),
    ".pdf": lambda slides: slides.pdf(),
    ".svg": lambda slides: slides.animation.encode(),
    ".gif": lambda slides: slides.gif(),
}
"""What each suffix is written by."""

PICTURES: Mapping[str, Callable[[str], bytes]] = MappingProxyType({".svg": str.encode, ".png": png, ".pdf": pdf})
"""What the picture of one step is written by."""
