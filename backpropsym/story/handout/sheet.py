"""A handout, saved in any format."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backpropsym.files import write_whole, writer_for
from backpropsym.story.handout.content import Handout
from backpropsym.story.handout.latex import sheet_latex
from backpropsym.story.handout.markdown import picture_name, sheet_markdown
from backpropsym.story.handout.page import sheet_html, sheet_pdf
from backpropsym.story.handout.parts import drawn
from backpropsym.story.results import frame


@dataclass(frozen=True)
class Sheet:
    """The whole story of a network on a page or two.

    Attributes
    ----------
    handout : what stands on it.
    """

    handout: Handout

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write the sheet in the format that the suffix of `path` names; Markdown's pictures are written beside it.

        Returns
        -------
        The files that were written.

        Raises
        ------
        OutputError : an unknown suffix, a missing folder, or a place that cannot be written.
        MissingExtraError : the format needs a package that is not installed.
        """
        where = Path(path)
        written = [write_whole(where, writer_for(where, FORMATS, "a handout")(self.handout, where.stem))]
        if where.suffix.lower() == ".md":
            for picture in self.handout.pictures:
                beside = where.with_name(picture_name(where.stem, picture.name))
                write_whole(beside, drawn(picture).encode())
                written.append(beside)
        return tuple(written)

    def __repr__(self) -> str:
        return f"<Handout of {self.handout.title!r}: {len(self.handout.parts)} parts>"

    def _repr_html_(self) -> str:
        return frame(sheet_html(self.handout))


FORMATS: dict[str, Callable[[Handout, str], bytes]] = {
    ".pdf": lambda sheet, stem: sheet_pdf(sheet),
    ".tex": lambda sheet, stem: sheet_latex(sheet).encode(),
    ".md": lambda sheet, stem: sheet_markdown(sheet, stem).encode(),
    ".html": lambda sheet, stem: sheet_html(sheet).encode(),
}
"""What each suffix is written by, given the name of the file without it."""
