"""Forward passes on arrays that keep which branches they took."""

from __future__ import annotations

import numpy as np

from backpropsym.arrays import Array, Values
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.number_systems import SideRecorder, Switching
from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.kinds import Elementwise, Reduction
from backpropsym.ops.reducer import REDUCERS


def branching_nodes(graph: Graph, switching: Switching) -> frozenset[str]:
    """The nodes whose formulas have branches, and those that take a largest or smallest entry."""
    return frozenset(node.name for node in graph.nodes.values() if _branches(node, switching))


def _branches(node: Node, switching: Switching) -> bool:
    match node.op:
        case Elementwise(formula):
            return switching.branches(formula)
        case Reduction(function):
            return bool(REDUCERS[function].extreme)
    return False


class RecordingNetwork(ArrayNetwork):
    """A network of arrays that keeps the sign of every switching quantity.

    Attributes
    ----------
    sides : for each node that branches, its switches as arrays of -1, 0 and 1, where 0 is a kink. For a largest or
        smallest entry: 1 at it, -1 elsewhere, and 0 at each entry of a tie.
    """

    def __init__(self, graph: Graph, leaves: Values, switching: Switching, batch: int | None = None) -> None:
        super().__init__(graph, leaves, batch)
        self.switching = switching
        self.sides: dict[str, list[Array]] = {}

    def apply(self, name: str) -> Array:
        """The value of a node; its switches are kept."""
        found = super().apply(name)
        node, lead = self.graph[name], self.lead(name)
        match node.op:
            case Elementwise(formula) if self.switching.branches(formula):
                recorder = SideRecorder()
                values = {each: self.aligned(each, len(node.shape)) for each in node.parents}
                evaluate(formula, values, self.switching.table, recorder)
                self.sides[name] = [np.broadcast_to(sign, np.shape(found)) for sign in recorder.signs]
            case Reduction(function, operand, axes) if REDUCERS[function].extreme:
                self.sides[name] = [_ties(function, self.values[operand], tuple(axis + lead for axis in axes))]
        return found


def sizes(node: Node) -> tuple[int, ...]:
    """The shape of a node whose sizes are numbers."""
    return tuple(int(size) for size in node.shape)


def _ties(function: str, value: Array, axes: tuple[int, ...]) -> Array:
    extreme = REDUCERS[function].numbers(value, axis=axes, keepdims=True)
    reached = value == extreme
    tied = reached.sum(axis=axes, keepdims=True) > 1
    return np.where(reached, np.where(tied, 0, 1), -1)


def on_kinks(node: Node, sides: list[Array]) -> Array:
    """At which entries of a node one of its switches is at zero."""
    return _any_entry(node, [sign == 0 for sign in sides])


def moved_at_kink(node: Node, sides: list[Array], stepped: Values) -> Array:
    """At which entries of a node a switch is at zero and what it looks at has an imaginary part."""
    parents = [np.imag(stepped[parent]) != 0 for parent in node.parents]
    return _any_entry(node, [(sign == 0) & parent for sign in sides for parent in parents])


def _any_entry(node: Node, flags: list[Array]) -> Array:
    found = np.zeros(sizes(node), bool)
    for flag in flags:
        if isinstance(node.op, Reduction):
            flag = np.asarray(flag.any(axis=node.op.axes, keepdims=node.op.keep))
        found |= flag
    return found
