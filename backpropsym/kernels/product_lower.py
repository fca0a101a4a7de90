"""Graphs with tangents to programs, and programs to functions of arrays by name."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from backpropsym.graph import Graph, Node, Role
from backpropsym.kernels.array_lower import ArrayLowering
from backpropsym.kernels.array_module import array_module
from backpropsym.kernels.array_ops import First
from backpropsym.kernels.module import Names
from backpropsym.kernels.tangents import Follow
from backpropsym.kernels.tensors import TensorFunction

_numbers = itertools.count(1)


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


@dataclass(frozen=True)
class Result:
    """What a function gives.

    Attributes
    ----------
    position : of its value in the program.
    node : the name of a node whose shape it has; with a row an object where that node differs by object.
    join : how those of parts of a batch make one, where they are not rows: "mean", "sum" or "same".
    """

    position: int
    node: str
    join: str


def leaf_names(graph: Graph, targets: tuple[str, ...]) -> Names:
    """What a function that computes `targets` is called with."""
    needed = graph.ancestors(*targets)
    needed |= graph.sizing(needed)
    leaves = [node for node in graph.nodes.values() if node.op is None and node.role is not Role.CONSTANT]
    return Names(
        objects=tuple(leaf.name for leaf in leaves if leaf.name in needed and leaf.role is not Role.PARAMETER),
        numbers=tuple(leaf.name for leaf in leaves if leaf.name in needed and leaf.role is Role.PARAMETER),
        ignored=tuple(leaf.name for leaf in leaves if leaf.name not in needed),
    )


def array_function(
    graph: Graph,
    lowering: ArrayLowering,
    backward: int,
    results: Mapping[str, Result],
    names: Names,
    most: int | None = None,
    once: Collection[str] = (),
) -> TensorFunction:
    """The function that gives `results`; `most` and `once` as for `TensorFunction`."""
    positions = {key: result.position for key, result in results.items()}
    shapes = {key: lowering.whole(result.node) for key, result in results.items()}
    rows = {"mean": "rows of a mean"}
    joins = {
        key: rows.get(result.join, "rows") if lowering.lead(result.node) else result.join
        for key, result in results.items()
    }
    program = lowering.program(backward, lowering.values.number(0.0), positions)
    module = array_module(graph, lowering, program, names, shapes)
    return TensorFunction(module, names, graph, f"<backpropsym product {next(_numbers)}>", most, joins, once)
