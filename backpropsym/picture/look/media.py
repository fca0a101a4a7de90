"""What a picture is made for: slides, columns, pages and READMEs, each with its width and its smallest type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from backpropsym.errors import OptionError, did_you_mean

FLOOR = 15.0
"""The smallest font of a picture that is made for a medium, in pixels of the layout."""

POINTS: Mapping[str, float] = MappingProxyType({"pt": 1.0, "px": 0.75, "mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0})
"""Points, 72 of which make an inch, in each unit of length; a pixel is that of CSS, 96 to the inch."""

_WIDTH = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\Z")
_LEAST, _MOST = 20.0, 5_000.0
"""Widths that a picture may have, in points: from 7 mm to 1.7 m."""

_PAPER_TYPE = 7.0


@dataclass(frozen=True, slots=True)
class Medium:
    """Where a picture is shown.

    Attributes
    ----------
    width, unit : how wide the picture comes out.
    smallest : the smallest type, in points of that width.
    height : how high a picture is at most, in `unit`; None where it may be of any height.
    whole : whether the picture fills that height, as a slide does.
    explained : whether the legend stands below; on the slides of a deck the formulas of each step do.
    enlarged : how much larger than `smallest` the smallest type may become in a picture of few boxes.
    about : what it is, in words.
    """

    name: str
    width: float
    unit: str
    smallest: float
    height: float | None = None
    whole: bool = False
    explained: bool = True
    enlarged: float = 1.3
    about: str = field(default="", compare=False)

    @property
    def scale(self) -> float:
        """Units of the medium in a pixel of the layout, where the smallest font has the smallest type."""
        return self.smallest / POINTS[self.unit] / FLOOR

    @property
    def room(self) -> tuple[float, float]:
        """The most pixels of the layout from left to right and from top to bottom; no picture may be larger."""
        return self.width / self.scale, float("inf") if self.height is None else self.height / self.scale


MEDIA: Mapping[str, Medium] = MappingProxyType(
    {
        medium.name: medium
        for medium in (
            Medium(
                "slide",
                960,
                "px",
                14 * 0.75,
                540,
                True,
                enlarged=2.0,
                about="a slide of 16 by 9, type of 14/960 of its width",
            ),
            Medium("column", 84, "mm", _PAPER_TYPE, 235, about="a column of a paper, 84 mm, type of 7 points"),
            Medium("page", 160, "mm", _PAPER_TYPE, 235, about="the text of a page, 160 mm, type of 7 points"),
            Medium("readme", 830, "px", 11 * 0.75, about="a page of GitHub, 830 pixels, type of 11 pixels"),
        )
    }
)
"""The media by their names."""

STEP = Medium("step of a deck", 1184, "px", 14.0, 392, explained=False)
"""The picture on a slide of 1280 by 720 pixels, beside margins, title, formulas and caption: 54 % of the height."""


def medium(text: str) -> Medium:
    """The medium called `text`, or a column of that width, such as 84mm, 3.3in or 640px.

    Raises
    ------
    OptionError : neither a name nor a width from 20 to 5,000 points.
    """
    if text in MEDIA:
        return MEDIA[text]
    found = _WIDTH.match(text.strip())
    if found is None or found[2] not in POINTS:
        names = ", ".join(MEDIA)
        fix = did_you_mean(text, MEDIA, f"choose one of {names}, or give a width such as 84mm, 3.3in or 640px")
        raise OptionError(f"a picture cannot be fitted to {text!r}", fix=fix)
    width, unit = float(found[1]), found[2]
    if not _LEAST <= width * POINTS[unit] <= _MOST:
        raise OptionError(
            f"a picture cannot be {text} wide",
            fix=f"give a width from {_LEAST / POINTS[unit]:.4g}{unit} to {_MOST / POINTS[unit]:.4g}{unit}",
        )
    smallest = MEDIA["readme"].smallest if unit == "px" else _PAPER_TYPE
    return Medium(text.strip(), width, unit, smallest)
