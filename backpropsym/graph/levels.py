"""One network at several levels: whole layers, the nodes a person named, every op, every neuron.

A group of nodes is again a node whose local derivative is the path sum inside it, and nodes without a name are
summed over. So a level is no more than a choice of which nodes have names: derivation, counting, kernels and
drawing run on any of them unchanged, and agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.formula.tree import Add, Call, Div, Mul, Neg, Pow, node_names
from backpropsym.graph.graph import Block, Graph, Node
from backpropsym.graph.split import split
from backpropsym.graph.unroll import unroll
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, View, renamed
from backpropsym.ops.lowering import ANONYMOUS

LEVELS = ("layers", "ops", "neurons")


def at_level(graph: Graph, level: str) -> Graph:
    """The same network with other nodes named.

    Parameters
    ----------
    level : `layers` collapses each layer of an architecture to the node that it gives; `ops` names the steps
        inside formulas, one for each operation, so that softmax shows its logsumexp and w*x + b its product;
        `neurons` is the scalar graph of all entries.

    Raises
    ------
    UnknownNameError : no such level.
    LimitError : the network has too many neurons, or symbolic sizes.
    """
    match level:
        case "layers":
            collapsed = tuple(Block(block.label, block.nodes[-1:]) for block in graph.blocks)
            return replace(_renamed(graph, _hidden(graph)), blocks=collapsed)
        case "ops":
            return with_steps(split(graph))
        case "neurons":
            entries = unroll(graph)
            many = bool(graph[graph.output].shape) and graph.loss is not None
            return replace(entries, output=graph.objective) if many else entries
        case _:
            fix = did_you_mean(level, LEVELS, f"choose one of {', '.join(LEVELS)}")
            raise UnknownNameError(f"there is no level called {level!r}", fix=fix)


def _hidden(graph: Graph) -> dict[str, str]:
    """Names without a person's meaning for what lies inside blocks; what other nodes use keeps its name."""
    taken = set(graph.nodes)
    found: dict[str, str] = {}
    for block in graph.blocks:
        *inner, _ = block.nodes
        for name in inner:
            outside = set(graph.named.consumers[name]) - set(block.nodes)
            if outside or name in (graph.output, graph.loss):
                continue
            hidden = f"{ANONYMOUS}{name}"
            while hidden in taken:
                hidden = f"{ANONYMOUS}{hidden}"
            taken.add(hidden)
            found[name] = hidden
    return found


def step_names(graph: Graph) -> dict[str, str]:
    """Readable names for anonymous nodes: the node that they are part of, and what they do."""
    taken = set(graph.nodes)
    owners = _owners(graph)
    found: dict[str, str] = {}
    for name in graph.order:
        if graph[name].named:
            continue
        stem = f"{owners[name]}_{_word(graph[name])}"
        count, shown = 1, stem
        while shown in taken:
            count += 1
            shown = f"{stem}{count}"
        taken.add(shown)
        found[name] = shown
    return found


def with_steps(graph: Graph) -> Graph:
    """The graph with its anonymous nodes named, each in the block of the node that it is part of."""
    owners, shown = _owners(graph), step_names(graph)
    inside: dict[str, list[str]] = {}
    for name in graph.order:
        inside.setdefault(owners.get(name, name), []).append(shown.get(name, name))
    blocks = tuple(
        Block(block.label, tuple(each for name in block.nodes for each in inside[name])) for block in graph.blocks
    )
    return replace(_renamed(graph, shown), blocks=blocks, written={}, steps=graph.steps.union(shown.values()))


def _owners(graph: Graph) -> dict[str, str]:
    """For each anonymous node, the named node inside whose formula it stands."""
    owners: dict[str, str] = {}
    for name in reversed(graph.order):
        owner = name if graph[name].named else owners[name]
        for parent in graph[name].parents:
            if not graph[parent].named:
                owners[parent] = owner
    return owners


def _word(node: Node) -> str:
    match node.op:
        case Reduction(function):
            return function
        case View(method=method):
            return method
        case Contraction():
            return "product"
        case Join():
            return "concat"
        case Elementwise(Call(function)):
            return function
        case Elementwise(Div()):
            return "quotient"
        case Elementwise(Add((_, Neg()))):
            return "difference"
        case Elementwise(Add()):
            return "sum"
        case Elementwise(Mul()):
            return "product"
        case Elementwise(Pow()):
            return "power"
        case _:
            return "term"


def _renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """The graph with nodes called by other names."""
    if not names:
        return graph
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        parents = tuple(names.get(parent, parent) for parent in node.parents)
        op = None if node.op is None else renamed(node.op, names)
        name = names.get(node.name, node.name)
        nodes[name] = replace(node, name=name, op=op, parents=parents)
    kept = {
        name: formula
        for name, formula in graph.written.items()
        if name not in names and names.keys().isdisjoint(node_names(formula))
    }
    return replace(graph, nodes=nodes, written=kept)
