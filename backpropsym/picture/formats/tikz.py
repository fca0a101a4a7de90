r"""A picture in TikZ: named nodes and styles, one line for each node, weight and path, made to be edited by hand.

Everything that belongs to a node or a link refers to it by name, so that a node can be moved and takes them along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from textwrap import fill

from backpropsym.errors import printable
from backpropsym.picture.formats.tikz_style import CENTIMETRE, POINT, colour_of, styles
from backpropsym.picture.layout.cut_bars import bars
from backpropsym.picture.layout.geometry import Point, Polyline, Rect, beside
from backpropsym.picture.layout.layout import Layout, lay_out
from backpropsym.picture.layout.sheet import Sheet
from backpropsym.picture.layout.sizes import PlacedBox, cell_size
from backpropsym.picture.layout.splines import spline
from backpropsym.picture.look.media import POINTS
from backpropsym.picture.look.themes import LIGHT, Theme
from backpropsym.picture.scene import HighlightedPath, LinkId, Scene

_WIDTH = 118
TEX_POINTS = 72.27 / 72
"""TeX's points in one of 72 to the inch."""

_PLAIN = re.compile(r"[^A-Za-z0-9]+")

"""The overlay specification of a path by its number, such as `<3,5>`; empty for always."""


def tikz(scene: Scene, theme: Theme = LIGHT, *, labels: bool = True) -> str:
    """`scene` as a tikzpicture that stands in a document with the lines of `tikz_style.preamble`."""
    return TikzPicture(lay_out(scene, theme, labels=labels), theme).text()


def tikz_document(drawn: Sheet, theme: Theme = LIGHT) -> str:
    """A picture as a document of its own, which pdflatex compiles to a page of the picture's size.

    The legend is left out, since the text around the picture says it; one for a medium comes out as wide as that.
    """
    layout, scene = drawn.layout, drawn.layout.scene
    picture = TikzPicture(layout, theme, frame=_frame(drawn))
    text, border = picture.text(_scaled(drawn)), "0pt" if drawn.medium else "4pt"
    page = rf"\pagecolor{{{colour_of('background')}}}" + "\n" if theme.background != LIGHT.background else ""
    return (
        f"% {_comment(scene.title)}\n% {_comment(scene.description)}\n"
        "% Compile it as it is, or put the lines between documentclass and begin{document} into your preamble\n"
        "% and the tikzpicture where you want it.\n"
        f"\\documentclass[border={border}]{{standalone}}\n"
        f"{styles(layout, theme)}\\begin{{document}}\n{page}{text}\\end{{document}}\n"
    )


def _scaled(drawn: Sheet) -> str:
    """The options by which a picture gets the size that its medium asks for."""
    if drawn.medium is None:
        return ""
    points = drawn.scale * POINTS[drawn.medium.unit] * TEX_POINTS
    return f"scale={points / POINT:.4g}, transform shape"


def _frame(drawn: Sheet) -> Rect | None:
    """What a picture for a medium takes: its whole width, and the height of the network."""
    if drawn.medium is None:
        return None
    bounds = drawn.layout.bounds.grown(drawn.margin)
    return Rect.around(bounds.centre, drawn.size[0], bounds.height)


def _comment(text: str) -> str:
    """`text` on one line of ASCII, so that nothing in it ends the comment or changes how it reads."""
    return fill(printable(text).encode("ascii", "backslashreplace").decode(), 10_000)


def length(pixels: float) -> str:
    """Pixels of the picture in centimetres, to a tenth of a millimetre."""
    return _number(pixels / CENTIMETRE)


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class TikzPicture:
    """Writes one tikzpicture, part by part.

    Parameters
    ----------
    overlays : on which slides of a Beamer frame each path is drawn, by its number; None where there are no slides.
    below : what stands under the boxes by their ids, in LaTeX's text mode; None for the values of the scene.
    lit : further options of the boxes by their ids.
    lit_labels : further options of the labels of links.
    frame : what the picture takes of its page; None for as much as is drawn.
    """

    def __init__(
        self,
        layout: Layout,
        theme: Theme,
        *,
        overlays: Mapping[int, str] | None = None,
        below: Mapping[str, str] | None = None,
        lit: Mapping[str, str] | None = None,
        lit_labels: Mapping[LinkId, str] | None = None,
        frame: Rect | None = None,
    ) -> None:
        self._frame = frame
        self._layout, self._theme, self._overlays = layout, theme, overlays or {}
        self._lit = lit if lit is not None else _quiet(layout)
        self._lit_labels = lit_labels or {}
        self._below = below if below is not None else _values(layout)
        starts = _from_labels(layout)
        self._names = _names([*layout.boxes, *(highlight.names[0] for highlight in starts)])
        self._starts = {highlight.links[0]: self._names[highlight.names[0]] for highlight in starts}

    def text(self, options: str = "") -> str:
        """The whole environment."""
        parts = [
            ("neurons", self._nodes()),
            ("weights, each at its share of the way along its link", self._weights()),
            ("what links without labels carry", self._headings()),
            ("the names of layers", self._cluster_labels()),
            ("layers", self._background(self._clusters())),
            ("cells", self._grids()),
            ("links", self._background(self._links())),
            ("the paths, each in the colour of its term", self._background(self._highlights())),
            ("two bars across each link that is cut", self._cuts()),
            ("the numbers of the paths", self._tags()),
        ]
        lines = [rf"\begin{{tikzpicture}}[{options}]" if options else r"\begin{tikzpicture}"]
        if self._frame:
            corners = (self._frame.left, self._frame.top), (self._frame.right, self._frame.bottom)
            lines.append(rf"  \useasboundingbox {_at(corners[0])} rectangle {_at(corners[1])};")
        for title, found in parts:
            written = list(found)
            if written:
                lines += [f"  % {title}", *(f"  {line}" for line in written)]
        return "\n".join([*lines, r"\end{tikzpicture}", ""])

    def _background(self, lines: Iterator[str]) -> Iterator[str]:
        """`lines` behind the nodes."""
        written = list(lines)
        if written:
            yield r"\begin{scope}[on background layer]"
            yield from (f"  {line}" for line in written)
            yield r"\end{scope}"

    def _nodes(self) -> Iterator[str]:
        for name, placed in self._layout.boxes.items():
            options = _style(placed)
            if self._lit.get(name):
                options.append(self._lit[name])
            if self._below.get(name):
                side = "above" if placed.small else "below"
                # TikZ does not count the second outline of the output.
                style = "number, yshift=-3pt" if placed.box.role == "output" and side == "below" else "number"
                options.append(rf"label={{[{style}]{side}:{{{self._below[name]}}}}}")
            where, text = _at(placed.rect.centre), _inside(placed)
            yield rf"\node[{', '.join(options)}] ({self._names[name]}) at {where} {{{text}}};"

    def _links(self) -> Iterator[str]:
        straight: dict[str, list[str]] = {}
        for link in self._layout.scene.links:
            course, style = (
                self._layout.routes[link.id],
                "link, dead" if link.dead else "link, rest" if link.rest else "link",
            )
            if len(course) == 2:
                straight.setdefault(style, []).append(f"{self._names[link.source]}/{self._names[link.target]}")
            else:
                yield rf"\draw[{style}] ({self._names[link.source]}) {_curved(course)} ({self._names[link.target]});"
        for style, found in straight.items():
            pairs = fill(
                ", ".join(found), _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
            )
            yield rf"\draw[{style}] foreach \from/\to in {{{pairs}}}".replace("\n", "\n  ")
            yield r"  {(\from.center) -- (\to.center)};"

    def _cluster_labels(self) -> Iterator[str]:
        for number, placed in enumerate(self._layout.clusters, 1):
            yield rf"\node[cluster label] (layer-{number}) at {_at(placed.text_rect.centre)} {{${placed.label}$}};"

    def _clusters(self) -> Iterator[str]:
        for number, placed in enumerate(self._layout.clusters, 1):
            held = "".join(f"({self._names[name]})" for name in placed.boxes)
            yield rf"\node[cluster, fit={held}(layer-{number})] {{}};"

    def _grids(self) -> Iterator[str]:
        """The cells of each grid, and the patch on it, counted from its lower left corner."""
        for name, placed in self._layout.boxes.items():
            cells = placed.box.cells
            if cells:
                size = cell_size(placed.box)
                corner = f"shift={{({self._names[name]}.south west)}}, scale={size / CENTIMETRE:.4g}"
                yield rf"\draw[cell lines, {corner}] (0, 0) grid ({cells.columns}, {cells.rows});"
                if cells.patch:
                    row, column, high, wide = cells.patch
                    low = cells.rows - row - high
                    yield rf"\draw[patch, {corner}] ({column}, {low}) rectangle +({wide}, {high});"

    def _weights(self) -> Iterator[str]:
        for link in self._layout.scene.links:
            if link.id in self._layout.labels:
                label = self._layout.labels[link.id]
                style, name = ("start", f" ({self._starts[link.id]})") if label.start else ("weight", "")
                where = self._on(link.id, label.rect.centre)
                if lit := self._lit_labels.get(link.id):
                    style = f"{style}, {lit}"
                yield rf"\node[{style}]{name} at {where} {{${link.label}$}};"

    def _headings(self) -> Iterator[str]:
        for heading in self._layout.headings:
            yield rf"\node[weight, fill=none] at {_at(heading.rect.centre)} {{${heading.latex}$}};"

    def _on(self, link: LinkId, point: Point) -> str:
        """`point` as a share of the way from node to node, and a step aside where it lies off that line."""
        if len(self._layout.routes[link]) > 2:
            return _at(point)
        start, end = (self._layout.boxes[name].rect.centre for name in link)
        dx, dy = end[0] - start[0], end[1] - start[1]
        square = dx * dx + dy * dy or 1.0
        share = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / square
        away = point[0] - start[0] - share * dx, point[1] - start[1] - share * dy
        aside = f" + {_at(away)}" if abs(away[0]) + abs(away[1]) > 2 else ""
        return f"($({self._names[link.source]})!{_number(share)}!({self._names[link.target]}){aside}$)"

    def _highlights(self) -> Iterator[str]:
        for highlight in self._layout.scene.highlights:
            overlay = self._overlays.get(highlight.number, "")
            yield rf"\draw{overlay}[path {highlight.number}] {self._course(highlight)};"

    def _course(self, highlight: HighlightedPath) -> str:
        """The way of a path from node to node; `lane` is how far right of the link's middle it runs."""
        first = self._names[highlight.links[0].source]
        parts = [f"({self._starts[highlight.links[0]]})" if self._starts_at_label(highlight) else f"({first})"]
        for at, link in enumerate(highlight.links):
            offset = self._layout.lanes.offset(link, highlight.number)
            lane = _number(offset * POINT)
            target = self._names[link.target]
            if len(self._layout.routes[link]) > 2:
                parts.append(_curved(beside(self._layout.routes[link], offset), whole=True))
                after = highlight.links[at + 1 : at + 2]
                # From one curve to the next a line runs inside the node; its border would show outside.
                if not after or len(self._layout.routes[after[0]]) <= 2:
                    parts.append(f"({target})")
            else:
                parts.append(f"to[lane={lane}] ({target})" if lane != "0" else f"to ({target})")
        return " ".join(parts)

    def _starts_at_label(self, highlight: HighlightedPath) -> bool:
        return highlight.from_label and highlight.links[0] in self._layout.labels

    def _cuts(self) -> Iterator[str]:
        found: dict[LinkId, list[str]] = {}
        for link, line in bars(self._layout):
            found.setdefault(link, []).append(" -- ".join(map(_at, line)))
        for link, lines in found.items():
            ends = " to ".join(self._names[name] for name in link)
            yield rf"\draw[cut] {' '.join(lines)}; % {ends}"

    def _tags(self) -> Iterator[str]:
        for highlight in self._layout.scene.highlights:
            if highlight.number in self._layout.tags:
                centre = self._layout.tags[highlight.number]
                where = self._on(self._nearest(highlight, centre), centre)
                text = highlight.tag.replace("…", r"\dots{}")
                yield rf"\node{self._overlays.get(highlight.number, '')}[tag {highlight.number}] at {where} {{{text}}};"

    def _nearest(self, highlight: HighlightedPath, point: Point) -> LinkId:
        """The link of a path whose columns `point` stands between."""
        boxes = self._layout.boxes
        return min(
            highlight.links,
            key=lambda link: max(
                boxes[link.source].rect.centre[0] - point[0], point[0] - boxes[link.target].rect.centre[0]
            ),
        )


def _from_labels(layout: Layout) -> list[HighlightedPath]:
    return [
        highlight
        for highlight in layout.scene.highlights
        if highlight.from_label and highlight.links[0] in layout.labels
    ]


def _names(names: Iterable[str]) -> dict[str, str]:
    """A TikZ name for each box and start of a path: its own, with what TikZ reads as syntax replaced; no two alike."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        plain = _PLAIN.sub("-", name).strip("-") or "node"
        while plain in found.values():
            plain += "'"
        found[name] = plain
    return found


def _quiet(layout: Layout) -> dict[str, str]:
    """Which boxes stand back: those that no path visits, where there are paths."""
    highlights = layout.scene.highlights
    on = {name for highlight in highlights for link in highlight.links for name in link}
    return {name: "quiet" for name in layout.boxes if highlights and name not in on}


def _values(layout: Layout) -> dict[str, str]:
    return {name: text for name, placed in layout.boxes.items() if (text := below(placed))}


def _style(placed: PlacedBox) -> list[str]:
    """The styles of a box; the size of a grid."""
    box = placed.box
    if box.cells:
        rect = placed.rect
        return [box.role, f"minimum width={length(rect.width)}cm, minimum height={length(rect.height)}cm, sheet"]
    return (
        [box.role] + ["again"] * box.again + ["small"] * placed.small + ["plate"] * bool(box.shape and not placed.small)
    )


def _inside(placed: PlacedBox) -> str:
    """The name of a box, and the sizes of a tensor below it, or beside it in a small one."""
    box, name = placed.box, f"${placed.box.label}$"
    if box.cells or not box.shape:
        return "" if box.cells else name
    font = rf"\fontsize{{{6 if placed.small else 7}}}{{8}}\selectfont"
    shape = rf"{{{font}\color{{bpQuiet}}${_sizes(placed)}$}}"
    return f"{name} {shape}" if placed.small else rf"{name}\\{shape}"


def _sizes(placed: PlacedBox) -> str:
    return r" \times ".join(placed.box.shape)


def below(placed: PlacedBox, *, adjoint: str = "") -> str:
    """What stands under a box in LaTeX's text mode: a grid's name and sizes, the value, the adjoint in its colour.

    Parameters
    ----------
    adjoint : the slides of a Beamer frame on which the adjoint is seen.
    """
    box = placed.box
    parts = [box.label, _sizes(placed)] if box.cells else []
    first = r"\;\;".join(part for part in (*parts, box.value) if part)
    lines = [f"${first}$"] if first else []
    if box.adjoint:
        coloured = rf"\color{{bpAdjoint}}${box.adjoint}$"
        # In braces, since TikZ takes an overlay at the start of a line of a node for one of the node's path.
        lines.append(rf"{{\uncover{adjoint}{{{coloured}}}}}" if adjoint else coloured)
    return r"\\".join(lines)


def _at(point: Point) -> str:
    """A point in centimetres; y grows upwards in TikZ."""
    return f"({length(point[0])}, {length(-point[1])})"


def _curved(course: Polyline, whole: bool = False) -> str:
    """What joins two nodes along `course`; `whole` keeps its first and last point, else the nodes' borders do."""
    parts = []
    for i, (start, first, second, end) in enumerate(pieces := spline(course)):
        if i == 0 and whole:
            parts.append(f"-- {_at(start)}")
        bow = f".. controls {_at(first)} and {_at(second)} .." if first != start or second != end else "--"
        parts.append(bow if i == len(pieces) - 1 and not whole else f"{bow} {_at(end)}")
    return " ".join(parts)
