"""How much work a network of arrays is, which decides how much of it is compared."""

from __future__ import annotations

import math

from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.kinds import Contraction, Reduction, Shape

SMALL_WORK = 50_000
"""Networks whose forward pass takes in no more numbers are compared at every candidate point and many entries."""


def work(graph: Graph) -> int:
    """How many numbers a forward pass takes in."""
    return sum(_numbers(graph, node) for node in graph.nodes.values())


def _numbers(graph: Graph, node: Node) -> int:
    match node.op:
        case Contraction(subscripts, operands):
            shapes = [graph[name].shape for name in operands]
            groups = subscripts.split("->")[0].split(",")
            axes = {
                axis: int(size)
                for group, shape in zip(groups, shapes, strict=True)
                for axis, size in zip(group, shape, strict=True)
            }
            return math.prod(axes.values())
        case Reduction(operand=operand):
            return entries(graph[operand].shape)
    return entries(node.shape)


def entries(shape: Shape) -> int:
    """The number of entries of an array."""
    return math.prod(int(size) for size in shape)
