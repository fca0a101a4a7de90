"""Plots as SVG, and as PNG and PDF through it; in TikZ as a LaTeX document of its own."""

from __future__ import annotations

from collections.abc import Iterator

from backpropsym.picture.formats.raster import pdf, png
from backpropsym.picture.formats.svg_boxes import attribute, escaped
from backpropsym.picture.look.themes import Theme, mix, readable
from backpropsym.picture.look.typeset import GlyphBook, number, typeset
from backpropsym.story.plots.plot import BELOW, LEFT, TEXT, TICK, TITLE, TOP, Panel, Plot, PlotWriter, colour

DOT = 4.6
"""Radius of a dot."""

STROKE = 2.6
_NUMBER = r"font=\scriptsize, text=bpNumber"
_FLUSH = "anchor=base west, inner xsep=0pt"
_UNIT = 0.02
"""Centimetres of a pixel in TikZ."""


def svg(plot: Plot) -> str:
    """The text of the SVG file."""
    theme, glyphs = plot.theme, GlyphBook(f"{plot.name}-p")
    body = "".join(line for panel in plot.panels for line in _panel(panel, theme, glyphs))
    for line, baseline in zip(plot.caption, plot.baselines, strict=True):
        formula = typeset(line)
        room = plot.width - LEFT - 16
        body += glyphs.place(formula, LEFT, baseline, min(TEXT, room / max(formula.width, 1e-9)), theme.ink)
    width, height = number(plot.width), number(plot.height)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f"aria-label={attribute(plot.description)}><title>{escaped(plot.name)}</title>"
        f"<defs>{glyphs.definitions()}</defs>"
        f'<rect width="{width}" height="{height}" fill="{theme.background}"/>{body}</svg>\n'
    )


def _grid(theme: Theme) -> str:
    return mix(theme.background, theme.ink, 0.1)


def _panel(panel: Panel, theme: Theme, glyphs: GlyphBook) -> Iterator[str]:
    stroke, faint = colour(panel, theme), readable(theme.quiet, theme.background)
    for at, value in panel.across:
        yield _line((at, TOP), (at, panel.bottom), _grid(theme), 1)
        label = typeset(_written(value))
        yield glyphs.place(label, at - label.width * TICK / 2, panel.bottom + 20, TICK, faint)
    for at, value in panel.up:
        yield _line((panel.left, at), (panel.right, at), _grid(theme), 1)
        label = typeset(_written(value))
        yield glyphs.place(label, panel.left - 8 - label.width * TICK, at + TICK * 0.33, TICK, faint)
    across, up = panel.zero
    if up is not None:
        yield _line((panel.left, up), (panel.right, up), theme.quiet, 1.3)
    if across is not None:
        yield _line((across, TOP), (across, panel.bottom), theme.quiet, 1.3)
    for piece in panel.lines:
        points = " ".join(f"{number(x)},{number(y)}" for x, y in piece)
        yield (
            f'<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="{STROKE}" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )
    for filled, points_at in ((stroke, panel.filled), (theme.background, panel.open)):
        for x, y in points_at:
            yield (
                f'<circle cx="{number(x)}" cy="{number(y)}" r="{DOT}" fill="{filled}" stroke="{stroke}" '
                'stroke-width="1.8"/>'
            )
    title = typeset(panel.title)
    yield glyphs.place(title, panel.left, TOP - 15, TITLE, theme.text(stroke))


def _line(start: tuple[float, float], end: tuple[float, float], stroke: str, wide: float) -> str:
    ends = f'x1="{number(start[0])}" y1="{number(start[1])}" x2="{number(end[0])}" y2="{number(end[1])}"'
    return f'<line {ends} stroke="{stroke}" stroke-width="{wide}"/>'


def _written(value: float) -> str:
    """A number at a tick, in LaTeX."""
    text = f"{value:.6g}"
    return f"{{-}}{text[1:]}" if text.startswith("-") else text


def tikz(plot: Plot) -> str:
    """The plot in TikZ, as a LaTeX document of its own, which pdflatex compiles."""
    theme = plot.theme
    used = {
        "bpBackground": theme.background,
        "bpInk": theme.ink,
        "bpGrid": _grid(theme),
        "bpAxis": theme.quiet,
        "bpNumber": readable(theme.quiet, theme.background),
    }
    for panel, name in zip(plot.panels, ("bpFunction", "bpDerivative"), strict=True):
        used |= {name: colour(panel, theme), f"{name}Text": theme.text(colour(panel, theme))}
    colours = "".join(rf"\definecolor{{{name}}}{{HTML}}{{{value[1:]}}}" + "\n" for name, value in used.items())
    lines = [
        f"  {line}"
        for panel, name in zip(plot.panels, ("bpFunction", "bpDerivative"), strict=True)
        for line in _tikz_panel(panel, name)
    ]
    for line, baseline in zip(plot.caption, plot.baselines, strict=True):
        lines.append("  " + _node((LEFT, baseline), rf"$\displaystyle {line}$", f"{_FLUSH}, text=bpInk"))
    body = "\n".join(lines)
    return (
        f"\\documentclass[border=3mm]{{standalone}}\n\\usepackage{{amsmath, tikz}}\n{colours}"
        f"\\pagecolor{{bpBackground}}\n\\begin{{document}}\n"
        f"\\begin{{tikzpicture}}[x={_UNIT}cm, y=-{_UNIT}cm]\n{body}\n\\end{{tikzpicture}}\n\\end{{document}}\n"
    )


def _tikz_panel(panel: Panel, name: str) -> Iterator[str]:
    for at, value in panel.across:
        yield rf"\draw[bpGrid] {_at((at, TOP))} -- {_at((at, panel.bottom))};"
        yield _node((at, panel.bottom + BELOW / 2), f"${_written(value)}$", _NUMBER)
    for at, value in panel.up:
        yield rf"\draw[bpGrid] {_at((panel.left, at))} -- {_at((panel.right, at))};"
        yield _node((panel.left, at), f"${_written(value)}$", f"{_NUMBER}, anchor=east")
    across, up = panel.zero
    if up is not None:
        yield rf"\draw[bpAxis] {_at((panel.left, up))} -- {_at((panel.right, up))};"
    if across is not None:
        yield rf"\draw[bpAxis] {_at((across, TOP))} -- {_at((across, panel.bottom))};"
    for piece in panel.lines:
        thinned = [*piece[::6], piece[-1]]
        yield rf"\draw[{name}, line width=1.2pt, line join=round] plot coordinates {{{' '.join(map(_at, thinned))}}};"
    for point in panel.filled:
        yield rf"\filldraw[{name}] {_at(point)} circle[radius=1.7pt];"
    for point in panel.open:
        yield rf"\filldraw[draw={name}, fill=bpBackground, line width=0.8pt] {_at(point)} circle[radius=1.7pt];"
    yield _node((panel.left, TOP - 15), f"${panel.title}$", f"{_FLUSH}, text={name}Text")


def _node(at: tuple[float, float], text: str, options: str) -> str:
    return rf"\node[{options}] at {_at(at)} {{{text}}};"


def _at(point: tuple[float, float]) -> str:
    return f"({number(point[0])},{number(point[1])})"


FORMATS: dict[str, PlotWriter] = {
    ".svg": lambda plot: svg(plot).encode(),
    ".png": lambda plot: png(svg(plot), title=plot.name, alt=plot.description),
    ".pdf": lambda plot: pdf(svg(plot), title=plot.name, alt=plot.description),
    ".tex": lambda plot: tikz(plot).encode(),
}
"""What each suffix is written by."""
