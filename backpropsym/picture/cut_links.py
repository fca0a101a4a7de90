"""Cut links in a picture: those with a local derivative of zero that together lie on every path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from backpropsym.derive.analyses.sensitivity import Wiggles
from backpropsym.derive.local.links import Edge
from backpropsym.document.reports.sensitivity import wiggle_note
from backpropsym.picture.content.weights import weights
from backpropsym.picture.draw import draw
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.scene import LinkId


def with_cuts(drawing: Drawing, carriers: Mapping[str, LinkId], cuts: Iterable[Edge], note: str) -> Drawing:
    """`drawing` with the links `cuts` barred, and `note` below it.

    A link that starts at a weight is drawn as the link that carries the weight, as `carriers` tells.
    """
    scene = drawing.scene
    boxes, links = {box.id for box in scene.boxes}, {link.id for link in scene.links}
    found = (LinkId(*edge) if edge.source in boxes else carriers.get(edge.source) for edge in cuts)
    barred = tuple(dict.fromkeys(link for link in found if link in links))
    return replace(drawing, scene=replace(scene, cuts=barred, note=note or scene.note))


def wiggle_drawing(found: Wiggles, theme: str = "light") -> Drawing:
    """The network at the object, with the links barred that cut parameters off; of one parameter also the paths.

    Raises
    ------
    LimitError : the network is too large to be drawn by neurons.
    """
    wrt = found.rows[0].name if len(found.rows) == 1 else None
    known = {**found.graph.values, **found.graph.constants, **found.given}
    leaves = (node.name for node in found.graph.nodes.values() if node.op is None)
    values = found.given if all(name in known for name in leaves) else None
    drawing = draw(found.graph, wrt, found.of, level="neurons", values=values, theme=theme)
    if not found.stages:
        return drawing
    carriers: dict[str, LinkId] = {}
    for graph in {id(stage.graph): stage.graph for stage in found.stages}.values():
        carriers |= weights(graph)
    return with_cuts(drawing, carriers, found.cut, wiggle_note(found))
