"""Graphs with tangents to programs."""

from __future__ import annotations

from backpropsym.graph.graph import Graph, Node
from backpropsym.kernels.ir.array_operations import First
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from backpropsym.kernels.lowering.tangents import Follow


class TangentLowering(ArrayLowering):
    """A lowering of a graph whose nodes may be tangents.

    Parameters
    ----------
    tangents : the names of the nodes that are tangents. Like all derivatives, they have no terms whose factor is zero.
    """

    def __init__(self, graph: Graph, by_value: bool, tangents: frozenset[str] = frozenset()) -> None:
        super().__init__(graph, by_value)
        self.tangents = tangents

    def _node(self, node: Node) -> int:
        self.values.derivative = node.name in self.tangents
        if isinstance(node.op, Follow):
            return self._follow(node.op)
        return super()._node(node)

    def _follow(self, op: Follow) -> int:
        lead, values = self.lead(op.operand), self.values
        tangent = self._aligned_tangent(op)
        axes = tuple(axis + lead for axis in op.axes)
        return values.reduce("sum", values.multiply(self._mark(op), tangent), axes, op.keep)

    def _mark(self, op: Follow) -> int:
        axes = tuple(axis + self.lead(op.operand) for axis in op.axes)
        return self.values.make(First(self.whole(op.operand), op.function, axes), self.known[op.operand])

    def _aligned_tangent(self, op: Follow) -> int:
        return self.values.spread(self.known[op.tangent], self.whole(op.operand))

    def _pull(self, node: Node, adjoint: int) -> None:
        """Give the parents of `node` what its adjoint adds to theirs; which entry is extreme is constant."""
        if not isinstance(node.op, Follow):
            super()._pull(node, adjoint)
            return
        op, values = node.op, self.values
        if op.tangent in self.kept:
            lead = self.lead(op.operand)
            spread = values.spread(adjoint, self.whole(node.name))
            if not op.keep:
                spread = values.widened(spread, tuple(axis + lead for axis in op.axes))
            part = values.multiply(spread, self._mark(op))
            self._give(op.tangent, values.sum(part, [0]) if lead > self.lead(op.tangent) else part)
