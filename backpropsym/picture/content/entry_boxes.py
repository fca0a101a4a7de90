"""Networks of tensors as pictures of neurons: every entry a box, or of wide layers a few."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.entry_derivation import EntryDerivation, read_entry
from backpropsym.derive.local.links import Edge
from backpropsym.errors import LimitError
from backpropsym.formula.tree import names
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import Entry, EntryReader, entry_name, positions
from backpropsym.ops.kinds import Elementwise
from backpropsym.picture.content.highlighted_paths import Choice, ChosenPaths, chosen_paths
from backpropsym.picture.content.shown_rows import first_and_last
from backpropsym.picture.content.subject import ElidedEntries, Subject

MAX_ENTRIES = 2_000_000
"""A network with more entries is drawn by layers."""

_MOST_PARTNERS = 4
_MOST_TRIED = 200


def neuron_subject(
    graph: Graph,
    of: str,
    wrt: str | None,
    rows: int | None,
    choice: Choice,
    values: Values | None = None,
) -> Subject:
    """Entries as neurons, with the paths between two entries; a name alone means the first entry that matters.

    Parameters
    ----------
    rows : the most entries of a tensor that have boxes.
    choice, values : which paths are highlighted, as in `chosen_paths`.

    Raises
    ------
    LimitError : symbolic sizes, or too many entries.
    UnknownNameError : no such entry or path.
    ValuesError : numbers are missing.
    """
    _check_sizes(graph)
    derivation = _between(graph, _entry(graph, of), wrt) if wrt else None
    chosen = chosen_paths(derivation, choice, values) if derivation else ChosenPaths()
    needed = _on_paths(derivation, chosen) if derivation else {}
    shown, elided = _shown(graph, rows, needed)
    nodes = _nodes(graph, shown)
    outputs = frozenset(shown[graph.output])
    output = next(iter(shown[graph.output]))
    drawn = Graph(nodes, output, graph.loss, graph.title, graph.functions, notation=graph.notation)
    boxes = frozenset(name for listed in shown.values() for name in listed)
    return Subject(drawn, derivation, chosen, outputs, boxes=boxes, elided=elided)


def _between(graph: Graph, of: Entry, wrt: str) -> EntryDerivation:
    """The derivation by an entry; a name alone means the first entry that `of` depends on, else the first one."""
    node, position = read_entry(wrt, graph)
    first = EntryDerivation(graph, of, _entry(graph, wrt))
    if first.count or position is not None or of[0] not in graph.descendants(node):
        return first
    others = itertools.islice(positions(graph[node].shape), 1, _MOST_TRIED)
    tried = (EntryDerivation(graph, of, (node, at)) for at in others)
    return next((derivation for derivation in tried if derivation.count), first)


def _check_sizes(graph: Graph) -> None:
    sizes = [size for node in graph.nodes.values() if node.named for size in node.shape]
    if symbols := sorted({size for size in sizes if isinstance(size, str)}):
        raise LimitError(
            f"a picture of neurons needs numbers for the sizes {', '.join(symbols)}",
            fix="draw it with --level layers, or declare the sizes as numbers",
        )
    count = sum(math.prod(map(int, node.shape)) for node in graph.nodes.values() if node.named)
    if count > MAX_ENTRIES:
        raise LimitError(f"the network has {count:,} entries", fix="draw it with --level layers")


def _entry(graph: Graph, name: str) -> tuple[str, tuple[int, ...]]:
    node, position = read_entry(name, graph)
    return node, position if position is not None else (0,) * len(graph[node].shape)


def _on_paths(derivation: Derivation, chosen: ChosenPaths) -> dict[str, None]:
    """The entries on the paths that are highlighted, and what the weights at which they begin multiply."""
    found: dict[str, None] = {}
    for each in (shown.term.path for shown in chosen.shown):
        found |= dict.fromkeys(each)
        if len(each) > 1:
            factor = derivation.local[Edge(each[0], each[1])]
            found |= dict.fromkeys(names(factor)[:_MOST_PARTNERS])
    return found


def _shown(
    graph: Graph, rows: int | None, needed: Mapping[str, None]
) -> tuple[dict[str, tuple[str, ...]], dict[str, ElidedEntries]]:
    """The entries of each tensor that have boxes or stand on links, and the rests."""
    by_node: dict[str, list[tuple[int, ...]]] = {}
    for name in needed:
        tensor, position = read_entry(name, graph)
        by_node.setdefault(tensor, []).append(position or ())
    shown: dict[str, tuple[str, ...]] = {}
    elided: dict[str, ElidedEntries] = {}
    for node in graph.nodes.values():
        if not node.named:
            continue
        shape = tuple(map(int, node.shape))
        count = math.prod(shape)
        kept = first_and_last(
            count, rows, [int(np.ravel_multi_index(at, shape)) for at in by_node.get(node.name, ()) if at]
        )
        listed = tuple(entry_name(node.name, at) for at in _unravelled(kept, shape))
        shown[node.name] = listed
        gap = next((i for i, at in enumerate(kept) if at != i), len(kept))
        if len(kept) < count and node.role is not Role.PARAMETER:
            elided[node.name] = ElidedEntries(count - len(kept), listed[gap - 1])
    return shown, elided


def _unravelled(kept: Sequence[int], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [tuple(map(int, np.unravel_index(at, shape))) for at in kept] if shape else [()]


def _nodes(graph: Graph, shown: Mapping[str, Sequence[str]]) -> dict[str, Node]:
    """A node for each entry shown, and leaves for the others that their formulas name."""
    reader = EntryReader(graph)
    formulas = {}
    for name in graph.named.order:
        if graph[name].op is not None:
            for entry in shown[name]:
                formulas[entry] = reader.entry(*_entry(graph, entry))
    used = dict.fromkeys(name for formula in formulas.values() for name in names(formula))
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        for entry in shown.get(node.name, ()):
            formula = formulas.get(entry)
            nodes[entry] = (
                Node(entry, node.role)
                if formula is None
                else Node(entry, node.role, (), Elementwise(formula), names(formula))
            )
    for entry in used:
        if entry not in nodes:
            nodes[entry] = Node(entry, graph[entry.partition("[")[0]].role)
    return nodes
