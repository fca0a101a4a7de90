r"""What a tikzpicture needs in the preamble: libraries, the colours of a theme, and a style for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterator

from backpropsym.picture.formats.svg import DEAD, REST
from backpropsym.picture.formats.svg_boxes import AGAIN
from backpropsym.picture.layout.cut_bars import COLOUR as CUT
from backpropsym.picture.layout.cut_bars import WIDTH as BAR_WIDTH
from backpropsym.picture.layout.grid import CLUSTER_MARGIN
from backpropsym.picture.layout.layout import Layout, tag_rect
from backpropsym.picture.layout.link_labels import TAG_RADIUS
from backpropsym.picture.layout.sizes import BOX_HEIGHT, PLATE_HEIGHT, SMALL_HEIGHT
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.scene import HighlightedPath, Role

CENTIMETRE = 60.0
"""Pixels of a picture that make a centimetre: so the 21 pixels of a label's font become the 10 points of an article."""

POINT = 28.4528 / CENTIMETRE
"""TeX points in a pixel."""

_ROUND = ("value", "output", "loss")
_LANES = r"""  % runs beside the line from node to node, so many points to the right
  lane/.style={to path={($(\tikztostart.center)!#1pt!-90:(\tikztotarget.center)$)
    -- ($(\tikztotarget.center)!#1pt!90:(\tikztostart.center)$) (\tikztotarget)}},
"""


def colour_of(what: str) -> str:
    """The xcolor name of a colour of the theme."""
    return f"bp{what.title()}"


def styles(layout: Layout, theme: Theme) -> str:
    """Packages, colours and styles of one picture, for a preamble."""
    return packages() + colours(layout, theme) + "\\tikzset{\n" + "".join(_styles(layout, theme)) + "}\n"


def packages() -> str:
    """The packages and libraries that the styles use."""
    return "\\usepackage{amsmath, tikz}\n\\usetikzlibrary{backgrounds, calc, fit, shapes.misc}\n"


def colours(layout: Layout, theme: Theme) -> str:
    """A definition for every colour in use."""
    named = {"bpBackground": theme.background, "bpInk": theme.ink, "bpQuiet": theme.quiet}
    named |= {"bpLink": theme.link, "bpLabel": theme.link_label}
    if any(placed.box.adjoint for placed in layout.boxes.values()):
        named["bpAdjoint"] = theme.adjoint
    if any(placed.box.cells for placed in layout.boxes.values()):
        named["bpPatch"] = theme.patch
    if layout.scene.cuts:
        named["bpCut"] = theme.text(CUT)
    if layout.scene.clusters:
        named["bpCluster"] = theme.cluster
    for role in _roles(layout):
        look, name = theme.boxes[role], colour_of(role)
        named |= {name: look.fill, f"{name}Edge": look.outline}
    named |= {colour_name(highlight): theme.path_colour(highlight.colour) for highlight in layout.scene.highlights}
    named |= {
        _faded(highlight): theme.faded(highlight.colour) for highlight in layout.scene.highlights if highlight.dead
    }
    return "".join(rf"\definecolor{{{name}}}{{HTML}}{{{value[1:]}}}" + "\n" for name, value in named.items())


def colour_name(highlight: HighlightedPath) -> str:
    """The xcolor name of a path's colour."""
    return f"bpPath{highlight.number}"


def _faded(highlight: HighlightedPath) -> str:
    """The xcolor name of the stroke of a path along which nothing passes."""
    return f"{colour_name(highlight)}Faded"


def _roles(layout: Layout) -> list[Role]:
    return list(dict.fromkeys(placed.box.role for placed in layout.boxes.values() if placed.box.role != "more"))


def _styles(layout: Layout, theme: Theme) -> Iterator[str]:
    high, thin = f"{BOX_HEIGHT / CENTIMETRE:.2f}cm", _points(theme.box_width)
    size = f"minimum height={high}, minimum width={high}, inner xsep=2mm, inner ysep=0pt, font={_font(theme.box_font)}"
    yield f"  neuron/.style={{draw, line width={thin}, {size}, text=bpInk}},\n"
    for role in _roles(layout):
        yield f"  {role}/.style={{neuron, {_outline(role, theme)}}},\n"
    if any(placed.small for placed in layout.boxes.values()):
        low = f"{SMALL_HEIGHT / CENTIMETRE:.2f}cm"
        yield f"  small/.style={{minimum height={low}, minimum width={low}, inner xsep=1mm,\n"
        yield f"    font={_font(theme.label_font)}}},\n"
    if any(placed.box.again for placed in layout.boxes.values()):
        yield f"  again/.style={{{_dash(AGAIN)}}},\n"
    if any(placed.box.role == "more" for placed in layout.boxes.values()):
        yield f"  more/.style={{minimum height={high}, text=bpQuiet}},\n"
    if any(placed.box.shape for placed in layout.boxes.values()):
        tall = f"{PLATE_HEIGHT / CENTIMETRE:.2f}cm"
        yield f"  plate/.style={{minimum height={tall}, minimum width={tall}, rectangle, rounded corners=1.8mm,\n"
        yield "    align=center},\n"
    if any(placed.box.cells for placed in layout.boxes.values()):
        yield "  sheet/.style={rectangle, sharp corners, double=none, inner sep=0pt},\n"
        yield "  cell lines/.style={draw=bpLink, line width=0.3pt},\n"
        yield "  patch/.style={draw=bpPatch, fill=bpPatch, fill opacity=0.28, line width=0.95pt},\n"
    if layout.scene.clusters:
        yield "  cluster/.style={draw=bpLink!55!bpBackground, fill=bpCluster, rounded corners=2mm,\n"
        yield f"    inner sep={CLUSTER_MARGIN / CENTIMETRE:.2g}cm}},\n"
        yield f"  cluster label/.style={{font={_font(theme.value_font)}, text=bpQuiet, inner sep=0pt}},\n"
    if any(link.dead for link in layout.scene.links):
        yield f"  dead/.style={{{_dash(theme.dead)}}},\n"
    if any(link.rest for link in layout.scene.links):
        yield f"  rest/.style={{{_dash(REST)}}},\n"
    if layout.scene.cuts:
        yield f"  cut/.style={{draw=bpCut, line width={_points(BAR_WIDTH)}, line cap=round,\n"
        yield f"    preaction={{draw=bpBackground, line width={_points(BAR_WIDTH + 3)}}}}},\n"
    yield "  quiet/.style={text=bpQuiet},\n"
    yield f"  number/.style={{font={_font(theme.value_font)}, text=bpInk, inner sep=2pt, align=center}},\n"
    yield f"  link/.style={{draw=bpLink, line width={_points(theme.link_width)}}},\n"
    yield f"  weight/.style={{fill=bpBackground, text=bpLabel, font={_font(theme.label_font)}, inner sep=1.2pt}},\n"
    if layout.scene.highlights:
        yield f"  start/.style={{weight, draw=bpInk, line width={thin}, text=bpInk, inner sep=2.4pt}},\n"
        yield from _path_styles(layout, theme)


def _outline(role: Role, theme: Theme) -> str:
    """Shape and colours of the boxes of one role."""
    look, name = theme.boxes[role], colour_of(role)
    parts = ["rounded rectangle" if role in _ROUND else "rectangle, rounded corners=1.5mm"]
    parts += [f"draw={name}Edge", f"fill={name}"]
    if look.dash:
        parts.append(_dash(look.dash))
    if role == "output":
        parts.append(f"double=bpBackground, double distance={_points(3.0)}")
    return ", ".join(parts)


def _path_styles(layout: Layout, theme: Theme) -> Iterator[str]:
    wide, disc = layout.lanes.width, _points(2 * TAG_RADIUS)
    yield _LANES
    yield f"  trail/.style={{draw=#1, line width={_points(wide)}, line join=round, every to/.style={{lane=0}},\n"
    yield f"    preaction={{draw=bpBackground, line width={_points(wide + 2.6)}}}}},\n"
    yield f"  tag/.style={{circle, fill=#1, draw=bpBackground, minimum size={disc},\n"
    yield f"    inner sep=0pt, font=\\sffamily\\bfseries{_font(theme.tag_font)}}},\n"
    for highlight in layout.scene.highlights:
        name, dashed = colour_name(highlight), ""
        stroke, pale = name, f"{name}!{round(100 * theme.tint)}!bpBackground"
        if highlight.dead:
            stroke, dashed = _faded(highlight), f", {_dash(highlight.dash or DEAD)}"
        elif highlight.dash:
            dashed = f", {_dash(highlight.dash)}, preaction={{draw={pale}, solid, line width={_points(wide)}}}"
        yield f"  path {highlight.number}/.style={{trail={stroke}{dashed}}},\n"
        text = "black" if theme.tag_text(highlight.colour) == "#000000" else "white"
        yield f"  tag {highlight.number}/.style={{{_tag(highlight, name)}, text={text}}},\n"


def _tag(highlight: HighlightedPath, name: str) -> str:
    """A disc, or what is as high and wider."""
    if len(highlight.tag) <= 2:
        return f"tag={name}"
    return f"tag={name}, rounded rectangle, minimum width={_points(tag_rect(highlight, (0.0, 0.0)).width)}"


def _font(pixels: float) -> str:
    """A size of the layout whatever that of the document is; whole points, which every font of TeX has."""
    size = round(pixels * POINT)
    return rf"\fontsize{{{size}}}{{{size * 6 // 5}}}\selectfont"


def _points(pixels: float) -> str:
    return f"{pixels * POINT:.2f}pt"


def _dash(pattern: tuple[float, ...]) -> str:
    parts = (f"{'on' if i % 2 == 0 else 'off'} {_points(value)}" for i, value in enumerate(pattern))
    return f"dash pattern={' '.join(parts)}"
