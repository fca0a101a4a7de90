"""Networks of tensors as pictures of whole tensors: one box a layer, a named node, or an op."""

from __future__ import annotations

from backpropsym.derive.array_derivation import equation_of
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.entry_derivation import read_entry
from backpropsym.derive.forms.matrix_notation import written_out
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.formula.tree import Expr, Index, Name
from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.kinds import Elementwise
from backpropsym.picture.content.highlighted_paths import ALL, Choice, ChosenPaths, chosen_paths
from backpropsym.picture.content.patches import image_cells
from backpropsym.picture.content.subject import Subject


def tensor_subject(graph: Graph, of: str, wrt: str | None, choice: Choice = ALL) -> Subject:
    """Every named node as one box with its shape; links carry no weights, and terms are products of Jacobians.

    Of an entry `of`, such as out[1,1], the patch that it is computed from is shown.
    """
    of, at = read_entry(of, graph)
    nodes = {
        name: Node(name, node.role, (), Elementwise(written_out(graph, node)) if node.op else None, node.parents)
        for name, node in graph.named.nodes.items()
    }
    flat = Graph(
        nodes, graph.output, graph.loss, graph.title, graph.functions, blocks=graph.blocks, notation=graph.notation
    )
    local, symbols = _jacobians(flat)
    derivation = Derivation(local, of, wrt) if wrt else None
    return Subject(
        flat,
        derivation,
        chosen_paths(derivation, choice) if derivation else ChosenPaths(),
        frozenset({graph.output}),
        symbols,
        shapes={name: node.shape for name, node in graph.named.nodes.items()},
        cells=image_cells(graph, {} if at is None else {of: at}),
        equations=_by_entries(graph),
    )


def _by_entries(graph: Graph) -> dict[str, tuple[Expr, Expr]]:
    """The nodes that are defined entry by entry, as their author wrote them."""
    equations = {node.name: equation_of(graph, node) for node in graph.named.nodes.values() if node.op is not None}
    return {name: (left, right) for name, (left, right) in equations.items() if isinstance(left, Index)}


def _jacobians(graph: Graph) -> tuple[LocalDerivatives, dict[str, tuple[str, str]]]:
    """A symbol for the Jacobian on each link, and what each symbol stands for: (of, by)."""
    symbols: dict[str, tuple[str, str]] = {}
    replaced: dict[Edge, Expr] = {}
    for node in graph.nodes.values():
        for parent in node.parents:
            symbol = f"d{node.name}_d{parent}"
            symbols[symbol] = (node.name, parent)
            replaced[Edge(parent, node.name)] = Name(symbol)
    return LocalDerivatives(graph, replaced), symbols
