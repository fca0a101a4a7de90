"""Networks of tensors as graphs that the drawing rules know: whole layers as boxes, or every entry as a neuron."""

from __future__ import annotations

import math

from backpropsym.derive.entry import read_entry
from backpropsym.derive.local import Edge, LocalDerivatives
from backpropsym.derive.unroll import entry_name, unroll
from backpropsym.derive.written import written_out
from backpropsym.errors import LimitError
from backpropsym.formula.tree import Expr, Name
from backpropsym.graph import Graph, Node
from backpropsym.ops.kinds import Elementwise

MAX_NEURONS = 400


def layer_graph(graph: Graph) -> Graph:
    """The named nodes as if they were scalars, each with its formula in matrix notation."""
    nodes = {
        name: Node(name, node.role, (), Elementwise(written_out(graph, graph[name])) if node.op else None, node.parents)
        for name, node in graph.named.nodes.items()
    }
    return Graph(nodes, graph.output, graph.loss, graph.title, graph.functions)


def layer_derivatives(graph: Graph) -> tuple[LocalDerivatives, dict[str, tuple[str, str]]]:
    """A symbol for the Jacobian on each link of a `layer_graph`, and what each symbol stands for: (of, by)."""
    symbols: dict[str, tuple[str, str]] = {}
    replaced: dict[Edge, Expr] = {}
    for node in graph.nodes.values():
        for parent in node.parents:
            symbol = f"d{node.name}_d{parent}"
            symbols[symbol] = (node.name, parent)
            replaced[Edge(parent, node.name)] = Name(symbol)
    return LocalDerivatives(graph, replaced), symbols


def neuron_graph(graph: Graph, of: str | None, wrt: str | None) -> tuple[Graph, str | None, str | None]:
    """Every entry as a neuron, and the names of the entries that are derived.

    Raises
    ------
    LimitError : too many entries to see.
    UnknownNameError : no such entry.
    """
    sizes = [node.shape for node in graph.nodes.values() if node.named]
    numbers = [[size for size in shape if isinstance(size, int)] for shape in sizes]
    count = sum(math.prod(found) for found in numbers)
    symbolic = any(len(found) < len(shape) for found, shape in zip(numbers, sizes, strict=True))
    if symbolic or count > MAX_NEURONS:
        found = "symbolic sizes" if symbolic else f"{count:,} entries"
        fix = f"draw it with --level layers; at most {MAX_NEURONS} entries are drawn"
        raise LimitError(f"a picture of every neuron is too large: the network has {found}", fix=fix)
    names = [None if name is None else _first(graph, name) for name in (of, wrt)]
    return unroll(graph), names[0], names[1]


def _first(graph: Graph, name: str) -> str:
    """The entry that a name means: its own position, else the first one."""
    node, position = read_entry(name, graph)
    return entry_name(node, position if position is not None else (0,) * len(graph[node].shape))
