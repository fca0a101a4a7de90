"""Tangents as nodes: the derivative of every node along a direction in the leaves, to be lowered and pulled back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

from backpropsym.formula.algebra import add, mul
from backpropsym.formula.tree import ONE, ZERO, Expr, Name, names
from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Op, Reduction, Shape, View, renamed
from backpropsym.ops.reducer import REDUCERS, filled, read
from backpropsym.ops.sizes import size_product, size_tree


@dataclass(frozen=True, slots=True)
class Follow:
    """The tangent of an extreme: the entry of `tangent` where the first extreme of `operand` over `axes` is."""

    function: str
    operand: str
    tangent: str
    axes: tuple[int, ...]
    keep: bool


def unused_name(name: str, taken: Collection[str]) -> str:
    """`name`, with underscores behind it where it is taken."""
    while name in taken:
        name += "_"
    return name


def tangent_graph(graph: Graph, leaves: Collection[str]) -> tuple[Graph, dict[str, str]]:
    """The graph with a node for the tangent of each node that depends on `leaves`.

    The tangent of a leaf is a leaf of its role and shape, so that inputs have one direction an object.

    Returns
    -------
    The graph, and the names of tangents; a node without one is constant along every direction.

    References
    ----------
    Griewank & Walther, Evaluating Derivatives, 2nd ed., section 3.1.
    """
    writer = _Tangents(graph)
    for name in graph.order:
        node = graph[name]
        if name in leaves:
            writer.place(node, None, ())
        elif node.op is not None and any(parent in writer.names for parent in node.parents):
            writer.tangent(node)
    return replace(graph, nodes=writer.nodes, blocks=()), writer.names


class _Tangents:
    """Nodes so far, and the name of each tangent."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: dict[str, Node] = dict(graph.nodes)
        self.names: dict[str, str] = {}

    def place(self, node: Node, op: Op | Follow | None, parents: tuple[str, ...], shape: Shape | None = None) -> str:
        """A tangent of `node`; the last one placed is its tangent, earlier ones are parts of it."""
        name = unused_name(f"t_{node.name.lstrip('_')}", self.nodes)
        own = node.shape if shape is None else shape
        self.nodes[name] = Node(name, node.role, own, cast("Op | None", op), parents)
        self.names[node.name] = name
        return name

    def formula(self, node: Node, formula: Expr, shape: Shape | None = None) -> str:
        """A tangent that is computed entry by entry."""
        parents = tuple(name for name in names(formula) if name in self.nodes)
        return self.place(node, Elementwise(formula), parents, shape)

    def tangent(self, node: Node) -> None:
        """The tangent of a node from those of its parents."""
        match node.op:
            case Elementwise(formula):
                found = partials(formula, self.graph.functions)
                terms = [mul([found[by], Name(self.names[by])]) for by in node.parents if by in self.names]
                if (total := add(terms)) != ZERO:
                    self.formula(node, total)
            case Contraction(subscripts, operands):
                slots = [slot for slot, name in enumerate(operands) if name in self.names]
                parts = [self._product(node, subscripts, operands, slot) for slot in slots]
                if len(parts) > 1:
                    self.formula(node, add(Name(part) for part in parts))
            case Reduction():
                self._reduction(node, node.op)
            case View(operand):
                if operand in self.names:
                    self._view(node, node.op)
            case Join(operands):
                self._join(node, operands)

    def _product(self, node: Node, subscripts: str, operands: tuple[str, ...], slot: int) -> str:
        moved = (*operands[:slot], self.names[operands[slot]], *operands[slot + 1 :])
        return self.place(node, Contraction(subscripts, moved), tuple(dict.fromkeys(moved)))

    def _view(self, node: Node, op: View) -> None:
        """The same entries of the tangent; what lies outside is constant."""
        tangent = self.names[op.operand]
        moved = replace(op, operand=tangent, absent=False, fill=Fraction(0))
        parents = tuple(tangent if parent == op.operand else parent for parent in node.parents)
        self.place(node, moved, parents)

    def _join(self, node: Node, operands: tuple[str, ...]) -> None:
        renaming = {}
        for name in operands:
            if name not in self.names:
                still = unused_name(f"zero_{name.lstrip('_')}", self.nodes)
                self.nodes[still] = Node(still, node.role, self.graph[name].shape, Elementwise(ZERO))
            renaming[name] = self.names.get(name) or still
        assert node.op is not None, "a join is an op"
        op = renamed(node.op, renaming)
        self.place(node, op, tuple(dict.fromkeys(renaming.values())))

    def _reduction(self, node: Node, op: Reduction) -> None:
        tangent, operand = self.names[op.operand], self.graph[op.operand]
        reducer = REDUCERS[op.function]
        if reducer.extreme:
            follow = Follow(op.function, op.operand, tangent, op.axes, op.keep)
            self.place(node, follow, (op.operand, tangent))
        else:
            weight = read(reducer.derivative)
            weighted = tangent if weight == ONE else self._weighted(node, op, operand, weight)
            function = "mean" if reducer.averaged else "sum"
            self.place(node, replace(op, function=function, operand=weighted), (weighted,))

    def _weighted(self, node: Node, op: Reduction, operand: Node, slope: Expr) -> str:
        """What is added up over the axes: the derivative by each entry times its tangent."""
        kept = tuple(1 if axis in op.axes else size for axis, size in enumerate(operand.shape))

        def reduced(function: str, body: Expr) -> Expr:
            inner = body.name if isinstance(body, Name) else self.formula(node, body, operand.shape)
            return Name(self.place(node, Reduction(function, inner, op.axes, keep=True), (inner,), kept))

        x: Expr = Name(op.operand)
        values = {"x": x, "n": size_tree(size_product(operand.shape[axis] for axis in op.axes))}
        if "y" in names(slope):
            values["y"] = reduced(op.function, x)
        weight = filled(slope, values, self.graph.functions, reduced)
        return self.formula(node, mul([weight, Name(self.names[op.operand])]), operand.shape)
