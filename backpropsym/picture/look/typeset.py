"""Formulas and lines of text as outlines of glyphs, so that a picture looks the same everywhere and needs no font.

Only positions, sizes and glyph outlines are taken over from the typesetter; nothing of a label's own text reaches
the markup, whatever the label says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from xml.etree.ElementTree import Element

import ziamath
from ziamath.zmath import loadedfonts

from backpropsym.picture.look import (  # noqa: F401  Its rows are set faster, and the same.
    straight_rows as _straight_rows,
)

MAX_FORMULA_CHARACTERS = 600
"""A longer formula is shown as the plain text that stands for it; typesetting takes about 0.5 ms a character."""

_EM = 12.0
"""Size at which formulas are set once, in the units of the glyph outlines; every other size is a scale of it."""

_WORDS = re.compile(r"\\operatorname\{([^{}]*[^A-Za-z{}][^{}]*)\}")
"""Names such as conv2d and cross_entropy, which the typesetter would set in italics as operators."""

_WIDE_LIMIT = re.compile(r"(\\sum_\{[^{}]*\}\^\{[^{}]{3,}\})\s*(?=\\sum)")
"""A sum with a limit wider than its sign, before another sum; the typesetter sets such limits into each other."""

_SIGN = re.compile(r"((?:^|[(\[{=,<>]|\\(?:left|Bigl)\(|\\(?:cdot|to))\s*)-")
"""A minus that is a sign, not an operation; the typesetter would leave room on its right."""

_outlines: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Glyph:
    """One glyph: its outline's name, where its origin stands on the baseline, its scale against the outline."""

    name: str
    x: float
    y: float
    scale: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled bar, such as that of a fraction."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Formula:
    """A typeset formula or text at the size of one em: extents in em, marks in outline units."""

    width: float
    ascent: float
    descent: float
    marks: tuple[Glyph | Bar, ...]

    @property
    def height(self) -> float:
        """From the lowest to the highest ink, in em."""
        return self.ascent + self.descent


class GlyphBook:
    """The glyph outlines that one picture uses, each written once and then referred to."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._used: dict[str, str] = {}

    def place(self, formula: Formula, x: float, y: float, size: float, fill: str) -> str:
        """`formula` as SVG: `size` pixels an em, its left end at `x`, its baseline at `y`."""
        marks = "".join(self._mark(mark) for mark in formula.marks)
        scale = number(size / _EM, 4)
        return f'<g transform="translate({number(x)} {number(y)}) scale({scale})" fill="{fill}">{marks}</g>'

    def centred(self, formula: Formula, centre: tuple[float, float], size: float, fill: str) -> str:
        """`formula` as SVG with the middle of its ink at `centre`."""
        x = centre[0] - formula.width * size / 2
        y = centre[1] + (formula.ascent - formula.descent) * size / 2
        return self.place(formula, x, y, size, fill)

    def definitions(self) -> str:
        """The outlines used so far, for the picture's `<defs>`."""
        return "".join(f'<path id="{name}" d="{_outlines[glyph]}"/>' for glyph, name in self._used.items())

    def _mark(self, mark: Glyph | Bar) -> str:
        if isinstance(mark, Bar):
            size = f'width="{number(mark.width)}" height="{number(mark.height)}"'
            return f'<rect x="{number(mark.x)}" y="{number(mark.y)}" {size}/>'
        name = self._used.setdefault(mark.name, f"{self._prefix}-g{len(self._used)}")
        where = f"translate({number(mark.x)} {number(mark.y)})"
        scale = "" if mark.scale == 1 else f" scale({number(mark.scale, 4)})"
        return f'<use xlink:href="#{name}" transform="{where}{scale}"/>'


def number(value: float, digits: int = 2) -> str:
    """`value` as SVG writes it: no exponent, no trailing zeros, no minus zero."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    return "0" if text in ("-0", "") else text


@lru_cache(maxsize=20_000)
def typeset(latex: str, otherwise: str = "") -> Formula:
    """`latex`, typeset; where it cannot be, the plain text `otherwise`, or else its own source.

    One em is the size of the font; a formula is set once and then taken from a cache.
    """
    if 0 < len(latex) <= MAX_FORMULA_CHARACTERS:
        try:
            # In text a minus is followed by an empty group, against ligatures that the typesetter does not have.
            signed = _SIGN.sub(r"\1{-}", latex.replace("-{}", "-"))
            readable = _WIDE_LIMIT.sub(r"\1\\;\\;", _WORDS.sub(r"\\mathrm{\1}", signed))
            formula = ziamath.Latex(readable, size=_EM)
            box = formula.node.bbox
            return _formula(formula.svgxml(), box.xmin, box.xmax, box.ymax, -box.ymin)
        except Exception:  # noqa: BLE001  The typesetter meets text that it cannot read with errors of any kind.
            pass
    return typeset_text(otherwise or latex)


@lru_cache(maxsize=20_000)
def typeset_text(text: str) -> Formula:
    """One line of plain text in the upright letters of the formulas; other than printable characters are left out."""
    shown = "".join(c for c in text if c.isprintable())[:MAX_FORMULA_CHARACTERS]
    if not shown:
        return Formula(0.0, 0.7, 0.2, ())
    line = loadedfonts["default"].text(shown, size=_EM)
    width, height = line.getsize()
    descent = -line.getyofst()
    return _formula(line.svgxml(), 0.0, width, height - descent, descent)


def _formula(drawn: Element, left: float, right: float, ascent: float, descent: float) -> Formula:
    """The marks of a drawn formula, moved so that it starts at x = 0."""
    boxes: dict[str, tuple[float, float, float]] = {}
    marks: list[Glyph | Bar] = []
    for part in drawn.iter():
        if part.tag == "symbol":
            boxes[part.attrib["id"]] = _keep_outline(part)
        elif part.tag == "use":
            glyph = _glyph(part, boxes, left)
            if _outlines[glyph.name]:
                marks.append(glyph)
        elif part.tag == "rect" and "stroke" not in part.attrib:
            x, y, width, height = (float(part.attrib[key]) for key in ("x", "y", "width", "height"))
            marks.append(Bar(x - left, y, width, height))
        elif part.tag not in ("svg", "g", "path", "title") or "stroke" in part.attrib:
            raise ValueError(f"cannot take over a {part.tag}")
    return Formula((right - left) / _EM, ascent / _EM, descent / _EM, tuple(marks))


def _keep_outline(symbol: Element) -> tuple[float, float, float]:
    """Remember the outline of a glyph; returns the left and top of its view, and the view's height."""
    name = symbol.attrib["id"]
    if name not in _outlines:
        # A high bracket is put together of several pieces, in a group of their own.
        _outlines[name] = "".join(_shortened(path.attrib["d"]) for path in symbol.iter("path"))
    left, top, _, height = (float(value) for value in symbol.attrib["viewBox"].split())
    return left, top, height


def _glyph(use: Element, boxes: dict[str, tuple[float, float, float]], shift: float) -> Glyph:
    """A glyph's origin and scale, from the view that the typesetter fits it into."""
    name = use.attrib["href"].removeprefix("#")
    left, top, height = boxes[name]
    scale = float(use.attrib["height"]) / height
    x, y = float(use.attrib["x"]) - left * scale, float(use.attrib["y"]) - top * scale
    # The height of a view is rounded to 0.001, which must not show as a scale other than 1.
    return Glyph(name, x - shift, y, round(scale, 4))


def _shortened(path: str) -> str:
    """An outline without needless digits, spaces and repeated points."""
    path = re.sub(r"-?\d+\.\d+", lambda found: number(float(found.group())), path)
    path = re.sub(r"M (\S+ \S+) L \1 ", r"M \1 ", path)
    return re.sub(r"\s*([A-Z])\s*", r"\1", path).strip()
