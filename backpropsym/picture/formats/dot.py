"""A scene in the DOT language, for Graphviz and for tools that read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import graphviz
from graphviz import escape

from backpropsym.errors import printable
from backpropsym.picture.layout.cut_bars import COLOUR as CUT
from backpropsym.picture.look.themes import LIGHT, Theme
from backpropsym.picture.scene import Box, HighlightedPath, LinkId, Scene

_SHAPES = {
    "input": "box",
    "target": "box",
    "parameter": "box",
    "constant": "box",
    "output": "doublecircle",
    "more": "plain",
}


def dot(scene: Scene, theme: Theme = LIGHT) -> str:
    """`scene` as DOT: columns as ranks from left to right, a coloured edge for every path on a link.

    Names stand as plain text; formulas are for the renderers that typeset them.
    """
    graph = graphviz.Digraph(comment=None)
    graph.attr(rankdir="LR", bgcolor=theme.background, label=_text(scene.title), fontcolor=theme.ink)
    graph.attr("node", fontcolor=theme.ink, style="filled", penwidth=str(theme.box_width))
    graph.attr("edge", color=theme.link, fontcolor=theme.link_label, arrowsize="0.6")
    # Boxes get numbers for names: a colon in a name would mean a port of the node before it.
    keys = {box.id: f"n{i}" for i, box in enumerate(scene.boxes)}
    ranks: dict[int, list[Box]] = defaultdict(list)
    for box in scene.boxes:
        ranks[box.column].append(box)
    for column in sorted(ranks):
        with graph.subgraph() as rank:
            rank.attr(rank="same")
            for box in ranks[column]:
                _node(rank, keys[box.id], box, theme)
    on_link: dict[LinkId, list[HighlightedPath]] = defaultdict(list)
    for highlight in scene.highlights:
        for name in highlight.links:
            on_link[name].append(highlight)
    for link in scene.links:
        look = {"style": "dashed"} if link.rest else {}
        look = {"color": theme.text(CUT), "style": "dashed"} if link.id in scene.cuts else look
        _edges(graph, keys, link.id, link.name, on_link[link.id], theme, look)
    return str(graph.source)


def _text(text: str) -> graphviz.quoting.NoHtml:
    """`text` as a quoted DOT string: no escape sequence, no HTML label, nothing that cannot be seen.

    It must reach Graphviz's writer in this type: a plain text between < and > is written as an HTML label.
    """
    return escape(printable(text))


def _node(graph: graphviz.Digraph, key: str, box: Box, theme: Theme) -> None:
    style = theme.boxes[box.role]
    # A value with LaTeX commands in it is for the renderers that typeset.
    name = f"{box.name} = {box.value}" if box.value and "\\" not in box.value else box.name
    shape = _SHAPES.get(box.role, "ellipse")
    graph.node(
        key, label=_text(name), shape=shape, fillcolor=style.fill, color=style.outline, tooltip=_text(box.about or name)
    )


def _edges(
    graph: graphviz.Digraph,
    keys: Mapping[str, str],
    link: LinkId,
    label: str,
    highlights: list[HighlightedPath],
    theme: Theme,
    look: Mapping[str, str],
) -> None:
    """The edge of a link in its `look`, and one for each path on it; the first carries the label."""
    ends = keys[link.source], keys[link.target]
    if not highlights or look:
        graph.edge(*ends, label=_text(label), **look)
    for i, highlight in enumerate(highlights):
        colour = theme.path_colour(highlight.colour)
        text = " ".join(part for part in (label if i == 0 else "", f"({highlight.number})") if part)
        line = "dashed" if highlight.dash else "solid"
        graph.edge(
            *ends,
            label=_text(text),
            color=colour,
            fontcolor=theme.text(highlight.colour),
            penwidth="2.5",
            style=line,
            tooltip=_text(f"path {highlight.number}: {highlight.caption}"),
        )
