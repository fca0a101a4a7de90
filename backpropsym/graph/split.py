"""Elementwise formulas taken apart: one node for each product, sum, quotient, power and function."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from backpropsym.formula.tree import Add, Call, Div, Expr, Mul, Name, Neg, Pow, children, names, rebuild
from backpropsym.graph.graph import Graph, Node, Role, Shape
from backpropsym.ops.kinds import Elementwise
from backpropsym.ops.lowering import ANONYMOUS
from backpropsym.ops.shapes import broadcast


def split(graph: Graph) -> Graph:
    """The same network with one operation a node: `tanh(w*x + b)` is a product, a sum and a tanh.

    What stands inside a formula becomes anonymous nodes; what stands there twice becomes one. A sign and a
    comparison belong to the operation that uses them, and so do numbers.
    """
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        for part in _Splitter(graph, node).nodes() if isinstance(node.op, Elementwise) else (node,):
            nodes[part.name] = part
    return replace(graph, nodes=nodes)


class _Splitter:
    """Takes the formula of one node apart."""

    def __init__(self, graph: Graph, node: Node) -> None:
        self._graph, self._node = graph, node
        self._made: dict[Expr, Node] = {}
        self._shapes: dict[str, Shape] = {}
        self._free = self._names()

    def nodes(self) -> Iterator[Node]:
        """The node's parts in topological order; the last is the node itself."""
        assert self._node.formula is not None
        formula = self._operation(self._node.formula)
        yield from self._made.values()
        yield replace(self._node, op=Elementwise(formula), parents=self._parents(formula))

    def _names(self) -> Iterator[str]:
        listed = (f"{ANONYMOUS}{self._node.name.lstrip(ANONYMOUS)}_op{k}" for k in itertools.count(1))
        return (name for name in listed if name not in self._graph.nodes)

    def _operation(self, expr: Expr) -> Expr:
        """`expr` as one operation of names and numbers."""
        if not isinstance(expr, Add | Mul | Div | Pow | Neg | Call):
            return expr
        return rebuild(expr, tuple(map(self._operand, children(expr))))

    def _operand(self, expr: Expr) -> Expr:
        """The node that holds `expr`, unless it is a leaf of the operation that uses it."""
        if isinstance(expr, Neg):
            return Neg(self._operand(expr.operand), span=expr.span)
        if not isinstance(expr, Add | Mul | Div | Pow | Call) or not names(expr):
            return expr
        found = self._operation(expr)
        if found not in self._made:
            name, parents = next(self._free), self._parents(found)
            self._shapes[name] = broadcast([self._shape(parent) for parent in parents], "elementwise arithmetic")
            self._made[found] = Node(name, Role.VALUE, self._shapes[name], Elementwise(found), parents)
        return Name(self._made[found].name)

    def _parents(self, formula: Expr) -> tuple[str, ...]:
        """The nodes in a formula; other names in it are symbolic sizes."""
        return tuple(name for name in names(formula) if name in self._shapes or name in self._graph.nodes)

    def _shape(self, name: str) -> Shape:
        return self._shapes[name] if name in self._shapes else self._graph[name].shape
