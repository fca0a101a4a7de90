"""Which neurons are dead, and on how many objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backpropsym.arrays import Array, Arrays, Values
from backpropsym.errors import UnknownNameError, ValuesError
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.leaf_arrays import array_leaves
from backpropsym.formula.tree import called
from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Elementwise


@dataclass(frozen=True)
class DeadShares:
    """On which share of the objects each neuron is dead.

    Attributes
    ----------
    objects : the number of objects.
    shares : for each node of neurons, in its own shape, a number from 0 to 1.
    """

    graph: Graph
    objects: int
    shares: Arrays


def dead_shares(graph: Graph, values: Values) -> DeadShares:
    """The share of objects on which each neuron is dead.

    A neuron is an entry of a node before the output whose formula calls a function. It is dead at an object where
    its local derivatives by all that it reads are zero: no small change of anything before it passes through.

    Parameters
    ----------
    values : arrays by name, inputs with a leading axis of objects; completed by the network's own.

    Raises
    ------
    ValuesError : numbers are missing, or there is no leading axis of objects.
    UnknownNameError : the network has no neurons.
    """
    neurons = [node for node in graph.nodes.values() if _is_neuron(node) and node.name in graph.ancestors(graph.output)]
    if not neurons:
        fix = "ask for the wiggles of its parameters instead"
        raise UnknownNameError("no node before the output calls a function, so there are no neurons", fix=fix)
    leaves, batch, sizes = array_leaves(graph, values, graph.ancestors(*(node.name for node in neurons)))
    if batch is None:
        raise ValuesError(
            "the inputs have no leading axis of objects", fix="give arrays of shape (objects, ...), as .npz"
        )
    network = ArrayNetwork(graph.sized(sizes), leaves, batch)
    return DeadShares(graph, batch, {node.name: _share(network, node.name) for node in neurons})


def _is_neuron(node: Node) -> bool:
    return node.named and isinstance(node.op, Elementwise) and bool(called(node.op.formula))


def _share(network: ArrayNetwork, name: str) -> Array:
    """The share of objects on which all local derivatives of each entry are zero."""
    value, node = np.asarray(network.forward(name)), network.graph[name]
    assert node.formula is not None
    values = {parent: network.aligned(parent, len(node.shape)) for parent in node.parents}
    dead = np.ones(value.shape, bool)
    with np.errstate(all="ignore"):
        for local in partials(node.formula, network.graph.functions).values():
            dead &= np.broadcast_to(evaluate(local, values, network.graph.functions) == 0.0, value.shape)
    return dead.mean(axis=0) if name in network.graph.batched else dead.astype(float)
