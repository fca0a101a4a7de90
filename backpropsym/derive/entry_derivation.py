"""The derivative of one entry of a tensor by one entry of another, as an explicit sum over neuron-level paths."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np

from backpropsym.arrays import Numeric, Values
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.derive.paths.entry_paths import unroll_between
from backpropsym.errors import LimitError, UnknownNameError
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.leaf_arrays import array_leaves
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph, Node
from backpropsym.graph.unroll import Entry, EntryReader, entry_name, positions

_ENTRY = re.compile(r"\s*(?P<node>[^\s\[\]]+)\s*\[(?P<position>.*)", re.DOTALL)
_POSITION = re.compile(r"\s*\d{1,9}\s*(,\s*\d{1,9}\s*)*\]\s*\Z")


def read_entry(text: str, graph: Graph) -> tuple[str, tuple[int, ...] | None]:
    """A node and a position from "W1[2,0]"; no position where the text is the name of a node.

    Raises
    ------
    UnknownNameError : no such node, or a position outside its shape.
    """
    match = None if text in graph.nodes else _ENTRY.match(text)
    if match is None:
        return graph[text].name, None
    node = graph[match["node"]]
    position: tuple[int, ...] = ()
    if _POSITION.match(match["position"]):
        position = tuple(int(part) for part in match["position"].strip().rstrip("]").split(","))
    sizes = [size if isinstance(size, int) else 0 for size in node.shape]
    inside = len(position) == len(sizes) > 0 and all(at < size for at, size in zip(position, sizes, strict=True))
    if not inside:
        raise UnknownNameError(f"{node.name} has no entry {text!r}", fix=_entries_text(node))
    return node.name, position


def canonical_name(graph: Graph, text: str) -> str:
    """A name as unrolled networks know it: "W1[2,0]" for "W1[2, 0]".

    Raises
    ------
    UnknownNameError : no such node or entry.
    """
    name, position = read_entry(text, graph)
    return entry_name(name, position or ())


def _entries_text(node: Node) -> str:
    """Which entries a node has, as the fix of a wrong one."""
    if not node.shape:
        return f"{node.name} is a scalar: ask for {node.name}"
    symbols = [size for size in node.shape if isinstance(size, str)]
    if symbols:
        return f"the sizes of {node.name} are symbols ({', '.join(symbols)}): declare them as numbers"
    first = ",".join("0" for _ in node.shape)
    last = ",".join(str(int(size) - 1) for size in node.shape)
    return f"positions are whole numbers from zero: {node.name}[{first}] to {node.name}[{last}]"


def scalar_names(graph: Graph, names: Iterable[str], most: int) -> list[str]:
    """The scalars that names stand for: a scalar, an entry such as "W1[2,0]", or every entry of a tensor.

    Raises
    ------
    LimitError : there are more than `most`.
    UnknownNameError : no such node or entry.
    """
    found: list[str] = []
    for each in names:
        name, at = read_entry(each, graph)
        shape = graph[name].shape if at is None else ()
        count = math.prod(size if isinstance(size, int) else most + 1 for size in shape)
        if len(found) + count > most:
            raise LimitError(
                f"more than {most:,} entries would be taken one by one",
                fix='choose some with --wrt, such as --wrt "W1[0,0]"',
            )
        found += [entry_name(name, position) for position in ([at] if at is not None else positions(shape))]
    return found


class EntryDerivation(Derivation):
    """A derivation between two entries; its graph holds the entries on the paths and what they use.

    Parameters
    ----------
    whole : the network of tensors.
    of, wrt : entries, as (node, position).
    """

    def __init__(self, whole: Graph, of: Entry, wrt: Entry) -> None:
        self.whole = whole
        self.target = of
        local = LocalDerivatives(unroll_between(whole, of, wrt))
        super().__init__(local, entry_name(*of), entry_name(*wrt))
        self._entries = of, wrt

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.whole, *self._entries)

    @property
    def network(self) -> Graph:
        """The network of tensors."""
        return self.whole

    def formulas(self, besides: Iterable[str] = ()) -> dict[str, Expr]:
        """What the entries on the paths are, and those `besides` of nodes that the derived one depends on, in order."""
        needed = self.whole.named.ancestors(self.target[0])
        found = super().formulas()
        reader = EntryReader(self.whole)
        for name in besides:
            node, position = read_entry(name, self.whole)
            if name not in found and node in needed and self.whole[node].op is not None:
                found[name] = reader.entry(node, position or ())
        places = {name: place for place, name in enumerate(self.whole.named.order)}
        return {name: found[name] for name in sorted(found, key=lambda name: places[name.partition("[")[0]])}

    def node_values(self, values: Values | None = None, besides: Iterable[str] = ()) -> dict[str, Numeric]:
        """The value of every entry on the paths, of those that they use, and of entries `besides`."""
        leaves, batch, _ = array_leaves(self.whole, values or {}, self.whole.ancestors(self.target[0]))
        network = ArrayNetwork(self.whole, leaves, batch)
        network.forward(self.target[0])
        found: dict[str, Numeric] = {}
        for name in dict.fromkeys((*self.graph.nodes, *besides)):
            node, position = read_entry(name, self.whole)
            if node in network.values:
                lead = batch is not None and node in self.whole.batched
                place: tuple[slice | int, ...] = (slice(None), *(position or ())) if lead else (position or ())
                found[name] = np.asarray(network.values[node])[place]
        return found
