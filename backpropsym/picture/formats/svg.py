"""A scene as SVG: one file without scripts, fonts or links, the same bytes every time.

What a person wrote reaches the markup in titles and data attributes only, escaped; visible text is outlines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from hashlib import sha256

from backpropsym.picture.formats.svg_boxes import BoxPainter, attribute, dashes, escaped, rounded
from backpropsym.picture.layout.cut_bars import COLOUR as CUT
from backpropsym.picture.layout.cut_bars import WIDTH as BAR_WIDTH
from backpropsym.picture.layout.cut_bars import bars
from backpropsym.picture.layout.engine import Engine
from backpropsym.picture.layout.geometry import Point, Polyline
from backpropsym.picture.layout.layout import Layout, labelled_links, tag_rect
from backpropsym.picture.layout.legend import GAP, SAMPLE, Legend
from backpropsym.picture.layout.link_labels import TAG_RADIUS
from backpropsym.picture.layout.sheet import LEGEND_GAP, Sheet, sheet
from backpropsym.picture.look.themes import LIGHT, Theme
from backpropsym.picture.look.typeset import GlyphBook, number, typeset_text
from backpropsym.picture.scene import HighlightedPath, Link, LinkId, Scene

STRENGTH = (0.8, 11.0)
"""Widths of the links that carry least and most, in pixels."""

THROUGH = 0.6
"""How much of the links of others the ground of a label hides, where it has to stand on them."""

SHARES = (0.2, 1.0)
"""Widths of the paths with the smallest and the largest share, against that of their lanes."""

DEAD = (7.0, 5.0)
"""Dash pattern of a path whose term is zero and that has none of its own."""

REST = (7.0, 4.0)
"""The dash pattern, in pixels, of a link that stands for those from boxes that are left out."""


def svg(scene: Scene, theme: Theme = LIGHT, *, labels: bool = True, engine: Engine = "columns") -> str:
    """`scene` as the text of an SVG file, in pixels.

    Parameters
    ----------
    labels : whether links carry their labels where they can be read.
    engine : `columns` for our own layout, `dot` for Graphviz's.
    """
    return sheet_svg(sheet(scene, theme, labels=labels, engine=engine), theme)


def sheet_svg(drawn: Sheet, theme: Theme) -> str:
    """A laid out picture as the text of an SVG file, in the unit of its medium."""
    return _Painter(drawn, theme).picture()


def step_svg(layout: Layout, theme: Theme, at_work: Collection[str] = (), *, close: bool = False) -> str:
    """A laid out picture as the text of an SVG file, without a legend; the boxes `at_work` stand out.

    A `close` one has narrow margins, for a place that has its own.
    """
    return _Painter(Sheet(layout, close=close), theme, at_work=at_work).picture()


class _Painter:
    """Writes one picture, part by part, from the back to the front."""

    def __init__(self, drawn: Sheet, theme: Theme, *, at_work: Collection[str] = ()) -> None:
        layout = drawn.layout
        self._sheet, self._layout, self._theme, self._scene = drawn, layout, theme, layout.scene
        self._key = "bp" + sha256(repr((layout.scene, theme, *sorted(at_work))).encode()).hexdigest()[:8]
        self._glyphs = GlyphBook(self._key)
        (left, top), bounds = drawn.origin, layout.bounds
        self._dx, self._dy = left - bounds.left, top - bounds.top
        lit = {end for highlight in self._scene.highlights for link in highlight.links for end in link}
        lit -= {
            highlight.links[0].source
            for highlight in self._scene.highlights
            if highlight.from_label and highlight.links
        }
        lit |= {link.source for highlight in self._scene.highlights for link in highlight.links[1:]}
        self._painter = BoxPainter(layout, theme, self._glyphs, (self._dx, self._dy), lit, at_work)

    def picture(self) -> str:
        """The whole file."""
        painter = self._painter
        behind = [*painter.clusters(), *self._links(), *painter.patches()]
        body = "\n".join(
            [*behind, *self._highlights(), *self._labels(), *painter.boxes(), *self._cuts(), *self._tags()]
        )
        foot = "\n".join(self._legend_parts(self._sheet.legend)) if self._sheet.legend else ""
        (width, height), key = map(number, self._sheet.size), self._key
        wide, high = self._sheet.lengths
        return "\n".join(
            part
            for part in (
                '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'width="{wide}" height="{high}" viewBox="0 0 {width} {height}" '
                f'role="img" aria-labelledby="{key}-title {key}-desc">',
                f'<title id="{key}-title">{escaped(self._scene.title)}</title>',
                f'<desc id="{key}-desc">{escaped(self._scene.description)}</desc>',
                f"<defs>{self._glyphs.definitions()}</defs>",
                f'<rect width="{width}" height="{height}" fill="{self._theme.background}"/>',
                body,
                foot,
                "</svg>\n",
            )
            if part
        )

    def _links(self) -> Iterator[str]:
        yield f'<g class="links" fill="none" stroke="{self._theme.link}" stroke-width="{self._theme.link_width}">'
        for link in self._scene.links:
            name = attribute(f"{link.source}-{link.target}")
            title = f"<title>{escaped(link.name)}</title>" if link.name else ""
            line = f'data-link={name} d="{self._path(self._layout.routes[link.id])}"{self._look(link)}'
            yield f"<path {line}>{title}</path>" if title else f"<path {line}/>"
        yield "</g>"

    def _look(self, link: Link) -> str:
        """Width and dashes of a link that differ from those of all."""
        if link.dead or link.rest:
            return dashes(self._theme.dead if link.dead else REST)
        if link.strength is None or link.id in self._layout.lanes.order:
            return ""
        return f' stroke-width="{number(STRENGTH[0] + (STRENGTH[1] - STRENGTH[0]) * link.strength)}"'

    def _highlights(self) -> Iterator[str]:
        for highlight in self._scene.highlights:
            line = self._path(self._layout.strokes[highlight.number])
            width = self._width_of(highlight)
            yield (
                f'<g class="trail" data-path={attribute("-".join(highlight.names))} data-number="{highlight.number}" '
                f'fill="none" stroke-linejoin="round" stroke-width="{number(width)}">'
                f"<title>{escaped(f'Path {highlight.number}: {highlight.caption}')}</title>"
                f'<path d="{line}" stroke="{self._theme.background}" stroke-width="{number(width + 2.6)}"/>'
                f"{self._dashed(line, highlight)}</g>"
            )

    def _width_of(self, highlight: HighlightedPath) -> float:
        width, (low, high) = self._layout.lanes.width, SHARES
        return width if highlight.strength is None else width * (low + (high - low) * highlight.strength)

    def _dashed(self, line: str, highlight: HighlightedPath) -> str:
        """A stroke whose gaps show its own pale companion, so that it stays one continuous line; pale where dead."""
        colour, pale = self._theme.path_colour(highlight.colour), self._theme.tinted(highlight.colour)
        if highlight.dead:
            faded = self._theme.faded(highlight.colour)
            return f'<path class="stroke" d="{line}" stroke="{faded}"{dashes(highlight.dash or DEAD)}/>'
        top = f'<path class="stroke" d="{line}" stroke="{colour}"{dashes(highlight.dash)}/>'
        return f'<path d="{line}" stroke="{pale}"/>{top}' if highlight.dash else top

    def _labels(self) -> Iterator[str]:
        theme = self._theme
        highlights = {link for highlight in self._scene.highlights for link in highlight.links}
        over = self._over()
        yield '<g class="labels">'
        for link, label in labelled_links(self._layout):
            colour = theme.ink if link.id in highlights else (theme.quiet if highlights else theme.link_label)
            edge = f' stroke="{theme.ink}" stroke-width="{theme.box_width}"' if label.start else ""
            rect = rounded(label.rect.moved(self._dx, self._dy), 6.0)
            text = self._glyphs.centred(label.text, self._at(label.rect.centre), label.font, colour)
            name, ground = attribute(f"{link.source}-{link.target}"), self._layout.ground(label.rect, theme)
            see = f' fill-opacity="{THROUGH}"' if link.id in over else ""
            yield f'<g data-label={name}><rect {rect} fill="{ground}"{see}{edge}/>{text}</g>'
        yield "</g>"
        if self._layout.headings:
            yield '<g class="headings">'
            for heading in self._layout.headings:
                at = self._at(heading.rect.centre)
                yield self._glyphs.centred(
                    heading.text, at, heading.font, theme.quiet if highlights else theme.link_label
                )
            yield "</g>"

    def _over(self) -> set[LinkId]:
        """The links whose labels stand on lines of others, which their ground lets through; not on their own."""
        layout, labels = self._layout, self._layout.labels
        return {name for name in layout.covered() if not labels[name].rect.meets_line(layout.routes[name])}

    def _cuts(self) -> Iterator[str]:
        """Two bars across every cut link, on the background's colour so that they part it."""
        edge, colour = self._theme.background, self._theme.text(CUT)
        for link, line in bars(self._layout):
            name, path = attribute(f"{link.source}-{link.target}"), self._path(line)
            yield (
                f'<g class="cut" data-link={name} fill="none" stroke-linecap="round">'
                f'<path d="{path}" stroke="{edge}" stroke-width="{number(BAR_WIDTH + 3)}"/>'
                f'<path d="{path}" stroke="{colour}" stroke-width="{number(BAR_WIDTH)}"/></g>'
            )

    def _tags(self) -> Iterator[str]:
        for highlight in self._scene.highlights:
            if highlight.number in self._layout.tags:
                yield self._tag(highlight, self._at(self._layout.tags[highlight.number]))

    def _tag(self, highlight: HighlightedPath, centre: Point) -> str:
        """The number of a path in a disc of its colour."""
        colour = self._theme.path_colour(highlight.colour)
        text = self._theme.tag_text(highlight.colour)
        digits = self._glyphs.centred(typeset_text(highlight.tag), centre, self._theme.tag_font, text)
        disc = f'<circle cx="{number(centre[0])}" cy="{number(centre[1])}" r="{number(TAG_RADIUS)}"'
        if len(highlight.tag) > 2:
            disc = f"<rect {rounded(tag_rect(highlight, centre), TAG_RADIUS)}"
        edge = f'stroke="{self._theme.background}" stroke-width="1.5"'
        return f'<g class="tag" data-number="{highlight.number}">{disc} fill="{colour}" {edge}/>{digits}</g>'

    def _legend_parts(self, found: Legend) -> Iterator[str]:
        top = self._sheet.origin[1] + self._layout.bounds.height + LEGEND_GAP
        left = max((self._sheet.size[0] - found.width) / 2, self._sheet.margin)
        yield '<g class="legend">'
        for highlight, middle in found.samples:
            y, start = top + middle, left + found.disc + GAP
            line = f"M{number(start)} {number(y)}H{number(start + SAMPLE)}"
            stroke = self._dashed(line, highlight)
            yield self._tag(highlight, (left + found.disc / 2, y))
            yield f'<g fill="none" stroke-width="{number(self._width_of(highlight))}">{stroke}</g>'
        for text in found.texts:
            yield self._glyphs.place(text.formula, left + text.left, top + text.baseline, text.font, text.colour)
        yield "</g>"

    def _at(self, point: Point) -> Point:
        return point[0] + self._dx, point[1] + self._dy

    def _path(self, line: Polyline) -> str:
        points = (f"{number(x + self._dx, 1)} {number(y + self._dy, 1)}" for x, y in line)
        return "M" + "L".join(points)
