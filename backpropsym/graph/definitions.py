"""The index definition of a node: what one entry of it is."""

from __future__ import annotations

from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.kinds import Definition, Shape, define_entry

FIRST = "first"
"""The word for the indicator of a first extreme, which holds it by sums alone and as a delta at argmax."""


def definition(graph: Graph, node: Node) -> Definition:
    """What one entry of a value node is."""
    assert node.op is not None, "a leaf has no definition"
    return define_entry(node.op, node.shape, parent_shapes(graph, node))


def parent_shapes(graph: Graph, node: Node) -> dict[str, Shape]:
    """The shape of each parent of a node."""
    return {parent: graph[parent].shape for parent in node.parents}
