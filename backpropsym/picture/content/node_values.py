"""The two passes in numbers: the value of every node, and what each node does to the one that is derived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from backpropsym.arrays import Array, Values
from backpropsym.derive.entry_derivation import read_entry
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.leaf_arrays import array_leaves
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import entry_name


@dataclass(frozen=True)
class NodeValues:
    """Arrays by node at one object, or their means over the objects of a batch.

    Attributes
    ----------
    of : the node, or entry of a node, that is derived.
    values : the forward pass; only nodes that `of` depends on.
    adjoints : the backward pass, d of / d node in the node's shape.
    """

    of: str = ""
    values: Values = field(default_factory=dict)
    adjoints: Values = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """The value of a scalar node or of an entry such as W[0,1]; None where it is no number of the pass."""
        return _number(self.values, name)

    def adjoint(self, name: str) -> float | None:
        """The derivative by a scalar node or by an entry."""
        return _number(self.adjoints, name)


def node_values(graph: Graph, of: str, values: Values) -> NodeValues:
    """Both passes for `of`: a scalar node, or an entry of a tensor.

    Parameters
    ----------
    values : numbers for inputs, targets and parameters, completed by the network's own.

    Raises
    ------
    ValuesError : numbers are missing.
    AbstractFunctionError : a function on the way has no formula.
    """
    name, position = read_entry(of, graph)
    needed = graph.ancestors(name)
    leaves, batch, _ = array_leaves(graph, values, needed)
    network = ArrayNetwork(graph, leaves, batch)
    value = np.asarray(network.forward(name))
    lead = int(batch is not None and name in graph.batched)
    position = position if position is not None else (0,) * (value.ndim - lead)
    seed = np.zeros(value.shape)
    seed[(slice(None),) * lead + position] = 1.0 / (batch or 1) if lead else 1.0
    adjoints = network.reverse(name, seed)
    found = {each: _per_object(graph, network.values[each], each, batch, np.mean) for each in network.values}
    pulled = {adjoint: _per_object(graph, adjoints[adjoint], adjoint, batch, np.sum) for adjoint in adjoints}
    return NodeValues(entry_name(name, position), found, pulled)


def _per_object(graph: Graph, array: Array, name: str, batch: int | None, collect: Callable[..., Array]) -> Array:
    return collect(array, axis=0) if batch is not None and name in graph.batched else array


def _number(arrays: Values, name: str) -> float | None:
    node, _, place = name.partition("[")
    if node not in arrays:
        return None
    position = tuple(int(part) for part in place.removesuffix("]").split(",") if part)
    found = np.asarray(arrays[node])[position]
    return None if np.ndim(found) else float(found)
