"""Colours, stroke widths and font sizes of a picture, in named sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from backpropsym.document.palette import PALETTE
from backpropsym.picture.scene import Role

TEXT_CONTRAST = 4.5
"""The smallest contrast of text against its background (WCAG 2.2, level AA)."""

FADED_CONTRAST = 2.0
"""The smallest contrast of a path that carries nothing against its background, where its own colour reaches that."""


FONTS = ("box_font", "label_font", "value_font", "legend_font", "tag_font", "note_font")
"""The attributes of a theme that are sizes of fonts."""


@dataclass(frozen=True, slots=True)
class BoxStyle:
    """Fill and outline of the boxes of one role; `dash` is the outline's pattern in pixels."""

    fill: str
    outline: str
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Theme:
    """A look. Colours are `#RRGGBB`; widths and font sizes are pixels of the picture.

    `ink` is for what matters, `quiet` for the rest of a picture with highlighted paths, `adjoint` for the numbers of
    the backward pass, `cluster` for the plates behind layers, `patch` for what a filter covers, `positive` and
    `negative` for cells of those signs. `dead` is the dash pattern, in pixels, of links along which no derivative
    flows. `substitutes` replaces path colours that do not read on `background`. No text is set smaller than
    `smallest`.
    """

    name: str
    background: str
    ink: str
    quiet: str
    link: str
    link_label: str
    boxes: Mapping[Role, BoxStyle]
    substitutes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    adjoint: str = "#A8331F"
    cluster: str = "#F6F8FA"
    patch: str = "#0F7B7D"
    positive: str = "#2C6FB3"
    negative: str = "#CE6A28"
    dead: tuple[float, ...] = (2, 5)
    tint: float = 0.28
    link_width: float = 1.4
    box_width: float = 1.5
    trail_width: float = 4.0
    box_font: float = 21.0
    label_font: float = 17.0
    value_font: float = 14.0
    legend_font: float = 19.0
    tag_font: float = 13.0
    note_font: float = 15.0
    smallest: float = field(default=0.0, repr=False)  # out of the text that keys the names inside an SVG

    def font(self, size: float) -> float:
        """A font size, or the smallest of this look where that is larger."""
        return max(size, self.smallest)

    def legible(self, smallest: float) -> Theme:
        """The same look with no text smaller than `smallest` pixels."""
        fonts = {name: max(getattr(self, name), smallest) for name in FONTS}
        return replace(self, smallest=smallest, **fonts)

    def __reduce__(self) -> tuple[object, ...]:
        values = {attribute.name: getattr(self, attribute.name) for attribute in fields(self)}
        return _theme, (values | {"boxes": dict(self.boxes), "substitutes": dict(self.substitutes)},)

    @property
    def at_work(self) -> str:
        """The fill of boxes that a step computes."""
        return mix(self.background, "#F0E442", 0.45)

    @property
    def pale(self) -> str:
        """What of a formula stands back while another part is looked at."""
        return mix(self.background, self.quiet, 0.5)

    def path_colour(self, colour: str) -> str:
        """The stroke that stands for the path colour `colour` in this theme."""
        return self.substitutes.get(colour, colour)

    def text(self, colour: str) -> str:
        """The text colour that goes with a path colour: the same hue, moved until it can be read."""
        return readable(self.path_colour(colour), self.background)

    def tag_text(self, colour: str) -> str:
        """The colour of a number on a disc of the path colour `colour`: white where that can be read."""
        ground = self.path_colour(colour)
        return "#FFFFFF" if contrast("#FFFFFF", ground) >= TEXT_CONTRAST else readable("#000000", ground)

    def tinted(self, colour: str) -> str:
        """The pale companion of a path colour, for the gaps of its dashes."""
        return mix(self.background, self.path_colour(colour), self.tint)

    def faded(self, colour: str) -> str:
        """The stroke of a path along which nothing passes: as pale as can still be seen."""
        pale, full = self.tinted(colour), self.path_colour(colour)
        steps = (mix(pale, full, share / 50) for share in range(51))
        return next((step for step in steps if contrast(step, self.background) >= FADED_CONTRAST), full)


def _theme(values: dict[str, Any]) -> Theme:
    """A theme again from what its pickle holds, where mappings are plain."""
    proxies = {name: MappingProxyType(values[name]) for name in ("boxes", "substitutes")}
    return Theme(**values | proxies)


def mix(first: str, second: str, share: float) -> str:
    """The colour `share` of the way from `first` to `second`, each `#RRGGBB`, 0 <= share <= 1."""
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def readable(colour: str, background: str) -> str:
    """`colour`, moved towards black or white just far enough to be read on `background`."""
    end = "#000000" if contrast("#000000", background) > contrast("#FFFFFF", background) else "#FFFFFF"
    steps = (mix(colour, end, share / 50) for share in range(51))
    return next((step for step in steps if contrast(step, background) >= TEXT_CONTRAST), end)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _boxes(plain: BoxStyle, **special: BoxStyle) -> Mapping[Role, BoxStyle]:
    roles: tuple[Role, ...] = ("input", "target", "parameter", "constant", "value", "output", "loss", "more")
    return MappingProxyType({role: special.get(role, plain) for role in roles})


LIGHT = Theme(
    name="light",
    background="#FFFFFF",
    ink="#1B2430",
    quiet="#5C6876",
    link="#B9C1CB",
    link_label="#4A5563",
    boxes=_boxes(
        BoxStyle("#FFFFFF", "#8793A1"),
        input=BoxStyle("#EEF1F5", "#8793A1"),
        target=BoxStyle("#EEF1F5", "#8793A1", (4, 3)),
        parameter=BoxStyle("#FBF7EC", "#B5A678"),
        constant=BoxStyle("#F7F7F7", "#B0B0B0", (2, 2)),
        loss=BoxStyle("#E3E8EE", "#5B6775"),
    ),
)

DARK = Theme(
    name="dark",
    background="#14181F",
    ink="#F1F4F8",
    quiet="#9AA5B3",
    link="#4A5462",
    link_label="#B4BECA",
    boxes=_boxes(
        BoxStyle("#14181F", "#7D8998"),
        input=BoxStyle("#232A34", "#7D8998"),
        target=BoxStyle("#232A34", "#7D8998", (4, 3)),
        parameter=BoxStyle("#2A271D", "#8F8356"),
        constant=BoxStyle("#1D1D1D", "#6F6F6F", (2, 2)),
        loss=BoxStyle("#303946", "#A3AEBB"),
    ),
    substitutes=MappingProxyType({"#000000": "#F0E442", "#0072B2": "#2F9BDB", "#882255": "#DDDDDD"}),
    adjoint="#FF9E80",
    cluster="#1B212B",
    patch="#46C2C4",
    positive="#4C9BE8",
    negative="#EE9A5A",
)

PRINT = Theme(
    name="print",
    background="#FFFFFF",
    ink="#000000",
    quiet="#555555",
    link="#9A9A9A",
    link_label="#333333",
    boxes=_boxes(
        BoxStyle("#FFFFFF", "#555555"),
        target=BoxStyle("#FFFFFF", "#555555", (4, 3)),
        constant=BoxStyle("#FFFFFF", "#555555", (2, 2)),
        loss=BoxStyle("#EEEEEE", "#000000"),
    ),
    substitutes=MappingProxyType(dict.fromkeys(PALETTE, "#000000")),
    adjoint="#555555",
    cluster="#F7F7F7",
    patch="#333333",
    positive="#222222",
    negative="#BBBBBB",
    tint=0.0,
    link_width=1.1,
    box_width=1.2,
)

CONTRAST = Theme(
    name="contrast",
    background="#FFFFFF",
    ink="#000000",
    quiet="#333333",
    link="#6B6B6B",
    link_label="#000000",
    boxes=_boxes(
        BoxStyle("#FFFFFF", "#000000"),
        input=BoxStyle("#E6E6E6", "#000000"),
        target=BoxStyle("#E6E6E6", "#000000", (4, 3)),
        parameter=BoxStyle("#FFF3C4", "#000000"),
        constant=BoxStyle("#FFFFFF", "#000000", (2, 2)),
        loss=BoxStyle("#D0D0D0", "#000000"),
    ),
    substitutes=MappingProxyType(
        {
            "#D55E00": "#A83200",
            "#0072B2": "#003E9C",
            "#009E73": "#00593F",
            "#CC79A7": "#8E0F63",
            "#E69F00": "#7A4B00",
            "#56B4E9": "#00567A",
            "#882255": "#7A3CFF",
        }
    ),
    adjoint="#8A0000",
    cluster="#F2F2F2",
    patch="#00595B",
    tint=0.2,
    link_width=1.8,
    box_width=2.4,
    trail_width=5.5,
    box_font=23.0,
    label_font=19.0,
    value_font=16.0,
)

THEMES: Mapping[str, Theme] = MappingProxyType({theme.name: theme for theme in (LIGHT, DARK, PRINT, CONTRAST)})
