"""PNG and PDF from SVG, through the Typst compiler: no browser, no system library, no temporary file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Literal

from backpropsym.errors import LimitError, MissingExtraError, printable
from backpropsym.picture.look.media import POINTS

MAX_PIXELS = 100_000_000
"""The largest PNG, in pixels; it is built in memory at four bytes each."""

_SOURCE = b"""
#set document(title: sys.inputs.title, date: none)
#set page(width: eval(sys.inputs.width), height: eval(sys.inputs.height), margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", width: 100%, height: 100%, alt: sys.inputs.alt)
"""

PRINT = 150.0
"""Pixels to the inch of a PNG whose picture has a size on paper, for a scale of one."""

SCREEN = 96.0
"""Pixels of an SVG to the inch, by the standard of the web."""

_SIZE = re.compile(r'<svg [^>]*\bwidth="([0-9.]+)([a-z]*)" height="([0-9.]+)')


def png(svg: str, *, title: str = "", alt: str = "", scale: float = 2.0, dpi: float | None = None) -> bytes:
    """The picture as PNG, `scale` pixels for each pixel of the SVG; of one in millimetres 150 times that to the inch.

    Parameters
    ----------
    dpi : pixels to the inch instead; a pixel of the SVG is a 96th of one.

    Raises
    ------
    MissingExtraError : the `typst` package is not installed.
    LimitError : the image would have more than 100 million pixels.
    """
    if dpi is not None:
        scale = dpi / (PRINT if _declared(svg)[1] else SCREEN)
    width, height = (length * _ppi(svg) / 72 for length in size(svg))
    if width * height * scale * scale > MAX_PIXELS:
        raise LimitError(
            f"the picture would have {width * scale:,.0f} by {height * scale:,.0f} pixels, more than {MAX_PIXELS:,}",
            fix="ask for fewer to the inch with --dpi, or save it as .svg or .pdf, which have no pixels",
        )
    return _compile(svg, "png", title, alt, ppi=_ppi(svg) * scale)


def pdf(svg: str, *, title: str = "", alt: str = "") -> bytes:
    """The picture as a PDF of one page of its own size, a point for each pixel; the same bytes every time.

    Raises
    ------
    MissingExtraError : the `typst` package is not installed.
    """
    return _compile(svg, "pdf", title, alt)


def size(svg: str) -> tuple[float, float]:
    """The width and height that our own SVG declares, in pixels, or in points where it has a size on paper."""
    width, unit, height = _declared(svg)
    points = POINTS[unit] if unit else 1.0
    return width * points, height * points


def _declared(svg: str) -> tuple[float, str, float]:
    """Width, unit and height as they stand in the file."""
    found = _SIZE.search(svg)
    if found is None or (found[2] and found[2] not in POINTS):
        raise ValueError("not an SVG with a width and a height")
    return float(found[1]), found[2], float(found[3])


def _ppi(svg: str) -> float:
    """Pixels to the inch of a PNG at a scale of one: as many as the points of a page, or as print needs."""
    return PRINT if _declared(svg)[1] else 72.0


def compiled(source: bytes, data: Mapping[str, object], name: str) -> bytes:
    """A PDF from Typst source, which reads `data` as the JSON of the input called `name`.

    Raises
    ------
    MissingExtraError : the `typst` package is not installed.
    """
    return _typst(source, "pdf", {name: json.dumps(data)}, None)


def _compile(svg: str, kind: Literal["png", "pdf"], title: str, alt: str, ppi: float | None = None) -> bytes:
    width, height = size(svg)
    inputs = {
        "svg": svg,
        "title": printable(title),
        "alt": printable(alt),
        "width": f"{width}pt",
        "height": f"{height}pt",
    }
    return _typst(_SOURCE, kind, inputs, ppi)


def _typst(source: bytes, kind: Literal["png", "pdf"], inputs: dict[str, str], ppi: float | None) -> bytes:
    try:
        import typst
    except ImportError as error:
        raise MissingExtraError(
            f"a {kind.upper()} needs the typst package", fix='pip install "backpropsym[pdf]"'
        ) from error
    done = typst.compile(source, format=kind, ppi=ppi, sys_inputs=inputs)
    if not isinstance(done, bytes):
        raise TypeError("Typst made more than one page of one picture")
    return done
