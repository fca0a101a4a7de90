"""Cut links in a picture: those with a local derivative of zero that together lie on every path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from backpropsym.derive.local import Edge
from backpropsym.derive.wiggle import Wiggles
from backpropsym.errors import LimitError
from backpropsym.graph import Graph, Role
from backpropsym.render.draw import draw
from backpropsym.render.drawing import Drawing
from backpropsym.render.report_wiggle import wiggle_note
from backpropsym.render.scene import LinkId
from backpropsym.render.weights import weights


def with_cuts(drawing: Drawing, graph: Graph, cuts: Iterable[Edge], note: str) -> Drawing:
    """`drawing` of a network of scalars with the links `cuts` barred, and `note` below it.

    A link that starts at a weight is drawn as the link on which the weight stands.
    """
    scene = drawing.scene
    boxes, links = {box.id for box in scene.boxes}, {link.id for link in scene.links}
    carriers = weights(graph)
    found = (LinkId(*edge) if edge.source in boxes else carriers.get(edge.source) for edge in cuts)
    barred = tuple(dict.fromkeys(link for link in found if link in links))
    return replace(drawing, scene=replace(scene, cuts=barred, note=note or scene.note))


def wiggle_drawing(found: Wiggles, theme: str = "light") -> Drawing:
    """The network at the object, with the links barred that cut parameters off; of one parameter also the paths.

    Raises
    ------
    LimitError : the network is too large to be drawn by neurons.
    """
    if not found.stages:
        return draw(found.graph, theme=theme)
    stage = found.stages[0]
    if any(other is not stage for other in found.stages):
        raise LimitError(
            "the network is too large to be drawn with all of these entries", fix="choose one entry with --wrt"
        )
    graph = stage.graph
    leaves = [node for node in graph.nodes.values() if node.op is None]
    # About one entry of a large network, the graph ends at computed nodes, whose numbers a picture cannot be given.
    known = {**graph.values, **graph.constants, **stage.values}
    whole = all(node.role is not Role.VALUE and node.name in known for node in leaves)
    values = {node.name: known[node.name] for node in leaves} if whole else None
    wrt = found.rows[0].name if len(found.rows) == 1 else None
    drawing = draw(graph, wrt, stage.of, level="neurons", values=values, theme=theme)
    return with_cuts(drawing, graph, found.cut, wiggle_note(found))
