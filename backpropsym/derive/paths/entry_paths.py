"""The scalar graph of the entries that lie on a path between two entries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Sequence

from backpropsym.derive.paths.index_composer import Composer
from backpropsym.errors import LimitError
from backpropsym.formula.tree import Call, Expr, Mul, Name, Number, names, number
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import MAX_ENTRIES, Entry, EntryReader, entry_name, positions, require_sizes
from backpropsym.ops.kinds import Elementwise


def unroll_between(graph: Graph, of: Entry, wrt: Entry) -> Graph:
    """The scalar graph of the entries that lie on some path from `wrt` to `of`; what else they use are leaves.

    Its size depends on the paths, not on the network: one weight of a network with a million costs little.

    Raises
    ------
    LimitError : symbolic shapes, or too many entries on the paths.
    """
    require_sizes(graph)
    reached = _reached(graph, of, wrt)
    reader = EntryReader(graph)
    formulas = {
        entry_name(name, position): reader.entry(name, position)
        for name in graph.named.order
        if graph[name].op is not None
        for position in sorted(reached.get(name, ()))
    }
    nodes: dict[str, Node] = {}
    for formula in formulas.values():
        for name in names(formula):
            if name not in formulas:
                nodes[name] = Node(name, graph[name.partition("[")[0]].role)
    nodes[entry_name(*wrt)] = Node(entry_name(*wrt), graph[wrt[0]].role)
    for name, formula in formulas.items():
        if name != entry_name(*wrt):
            nodes[name] = Node(name, Role.VALUE, (), Elementwise(formula), names(formula))
    nodes.setdefault(entry_name(*of), Node(entry_name(*of), graph[of[0]].role))
    output = entry_name(graph.output, (0,) * len(graph[graph.output].shape))
    return Graph(nodes, output, graph.loss, graph.title, graph.functions, notation=graph.notation)


def _reached(graph: Graph, of: Entry, wrt: Entry) -> dict[str, set[tuple[int, ...]]]:
    """The entries that depend on `wrt`, up to `of`, by node."""
    reached: dict[str, set[tuple[int, ...]]] = {wrt[0]: {wrt[1]}}
    between = graph.named.between(wrt[0], of[0])
    count = 0
    for name in between:
        if name == wrt[0]:
            continue
        found: set[tuple[int, ...]] = set()
        for parent in graph.named[name].parents:
            if parent in reached and parent in between:
                for position in users(graph, parent, reached[parent], name):
                    found.add(position)
                    if count + len(found) > MAX_ENTRIES:
                        raise LimitError(
                            f"more than {MAX_ENTRIES:,} entries lie between {entry_name(*wrt)} and {entry_name(*of)}",
                            fix="ask for --form index, which sums over them",
                        )
        reached[name] = {of[1]} & found if name == of[0] else found
        count += len(found)
    return reached


def users(
    graph: Graph, parent: str, positions_read: Collection[tuple[int, ...]], child: str
) -> Iterator[tuple[int, ...]]:
    """The entries of `child` that read some of the entries of `parent`."""
    shape = tuple(int(size) for size in graph[child].shape)
    if not shape or math.prod(shape) <= 1:
        yield from positions(shape)
        return
    free = tuple(f"f{axis}" for axis in range(len(shape)))
    sizes = tuple(zip(free, shape, strict=True))
    composer = Composer(graph)
    for position in positions_read:
        for walk in composer.walks(parent, child, tuple(map(Name, free))):
            found = composer.pin(walk, tuple(map(number, position)), graph[parent].shape)
            fixed = _fixed(found.factors[-1], free)
            inside = fixed is not None and all(0 <= fixed[index] < size for index, size in sizes if index in fixed)
            if fixed is not None and inside:
                yield from itertools.product(
                    *([fixed[index]] if index in fixed else range(size) for index, size in sizes)
                )


def _fixed(factor: Expr, free: Sequence[str]) -> dict[str, int] | None:
    """The free indices that the deltas of a product fix; None where a delta is never one."""
    factors = factor.factors if isinstance(factor, Mul) else (factor,)
    fixed: dict[str, int] = {}
    for each in factors:
        match each:
            case Call("KroneckerDelta", (Name(index), Number(value))) if index in free:
                if fixed.setdefault(index, int(value)) != int(value):
                    return None
            case Call("KroneckerDelta", (Number(first), Number(second))) if first != second:
                return None
    return fixed
