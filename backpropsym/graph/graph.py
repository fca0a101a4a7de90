"""The computational graph: immutable nodes, each with its op and its parents."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from backpropsym.arrays import Numbers
from backpropsym.collection import collection_paused
from backpropsym.errors import Problem, UnknownNameError, did_you_mean
from backpropsym.formula.tree import Expr
from backpropsym.ops import registry  # noqa: F401  (a network out of a pickle has all ops: the import registers them)
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import Elementwise, Op, size_names, sized
from backpropsym.ops.kinds import Shape as Shape
from backpropsym.ops.lowering import ANONYMOUS
from backpropsym.ops.sizes import size_put, size_symbols

if TYPE_CHECKING:
    import networkx as nx


_LISTED = 8
"""As many names are told where one is unknown."""


class Role(StrEnum):
    """What a node is in the network."""

    INPUT = "input"
    TARGET = "target"
    PARAMETER = "parameter"
    CONSTANT = "constant"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Node:
    """One node. A leaf has no op; `shape` is a tuple of dimensions, `()` for a scalar.

    `parents` are distinct and in the order in which the op first uses them.
    """

    name: str
    role: Role
    shape: Shape = ()
    op: Op | None = None
    parents: tuple[str, ...] = ()

    @property
    def formula(self) -> Expr | None:
        """The scalar formula of an elementwise node; None for a leaf and for the other kinds."""
        return self.op.formula if isinstance(self.op, Elementwise) else None

    @property
    def named(self) -> bool:
        """Whether a person named the node; a node inside a formula is anonymous."""
        return not self.name.startswith(ANONYMOUS)

    @property
    def owner(self) -> str:
        """The named node in whose formula this one stands; a named node is its own."""
        return self.name if self.named else self.name.removeprefix(ANONYMOUS).rpartition("_")[0]


@dataclass(frozen=True, slots=True)
class Block:
    """Nodes that make one layer: they collapse to the last of them.

    Attributes
    ----------
    label : what the person wrote for the layer, such as `dense(10, relu)`.
    nodes : the named nodes of the layer in topological order; the last is what the layer gives.
    """

    label: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """A network as nodes by name, in the order written, with its output, loss and numbers.

    Attributes
    ----------
    nodes : leaves first, then the value nodes as the person wrote them.
    output : the node that the network computes.
    loss : the name of the loss node, or None.
    functions : the functions that formulas may call.
    constants : the numbers of the constant nodes.
    values : numbers given for inputs, targets and parameters; may be partial.
    warnings : what is allowed but probably not meant.
    blocks : the layers that a person wrote as one step, none inside another.
    written : formulas as a person wrote them, by node, where lowering replaced them by steps.
    notation : how names are written in LaTeX: by name, by pattern such as "w##", and options.
    derivatives : the nodes that hold derivatives of others, as (of, by); they are written as that quotient. What such
        a pair names may be described here without being a node: the first derivative that a second one is of.
    steps : the nodes that nobody named, which have names only at the level of ops.
    listed_steps : in a network whose entries are listed, those of steps inside layers.
    """

    nodes: Mapping[str, Node]
    output: str
    loss: str | None = None
    title: str = ""
    functions: FunctionTable = field(default_factory=FunctionTable)
    constants: Numbers = field(default_factory=dict)
    values: Numbers = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    blocks: tuple[Block, ...] = ()
    written: Mapping[str, Expr] = field(default_factory=dict)
    notation: Mapping[str, object] = field(default_factory=dict)
    derivatives: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    steps: frozenset[str] = frozenset()
    listed_steps: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for field_name in ("nodes", "constants", "values", "written", "notation", "derivatives"):
            object.__setattr__(self, field_name, MappingProxyType(dict(getattr(self, field_name))))

    def __reduce__(self) -> tuple[object, ...]:
        values = (getattr(self, each.name) for each in fields(self))
        return Graph, tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)

    def __getitem__(self, name: str) -> Node:
        """The node called `name`; UnknownNameError with the nearest name where there is none."""
        if name not in self.nodes:
            fix = did_you_mean(name, self.nodes, self._some_names())
            raise UnknownNameError(f"no node is called {name!r}", fix=fix)
        return self.nodes[name]

    def _some_names(self) -> str:
        """The first parameters, or nodes where there are none, and how many more there are."""
        parameters = self.names(Role.PARAMETER)
        found = parameters or tuple(name for name, node in self.nodes.items() if node.named)
        more = f" and {len(found) - _LISTED:,} more" if len(found) > _LISTED else ""
        return f"the {'parameters' if parameters else 'nodes'} are: {', '.join(found[:_LISTED])}{more}"

    def names(self, *roles: Role) -> tuple[str, ...]:
        """The nodes of some roles, role after role, each in the order written."""
        return tuple(node.name for role in roles for node in self.nodes.values() if node.role is role)

    @property
    def objective(self) -> str:
        """What is minimised: the loss, or the output where there is no loss."""
        return self.loss or self.output

    @property
    def default_target(self) -> str:
        """What is derived where nothing is named: the output where it is a number, else what is minimised."""
        return self.objective if self[self.output].shape else self.output

    @cached_property
    def layer_steps(self) -> frozenset[str]:
        """The steps inside layers, such as the scores in attention: named nodes that nobody wrote."""
        inside = {name for block in self.blocks for name in block.nodes[:-1]}
        return self.listed_steps | (inside - set(self.written))

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbolic sizes, in the order of first use."""
        shapes = {node.shape for node in self.nodes.values()}
        return tuple(sorted({symbol for shape in shapes for size in shape for symbol in size_symbols(size)}))

    @cached_property
    def entries(self) -> Mapping[str, int]:
        """For each node the number of its entries, exact; 0 where its sizes are symbolic."""
        return {
            name: math.prod(size for size in node.shape if isinstance(size, int))
            if all(isinstance(size, int) for size in node.shape)
            else 0
            for name, node in self.nodes.items()
        }

    def sized(self, sizes: Mapping[str, int]) -> Graph:
        """The graph with symbolic sizes replaced by numbers."""
        if not sizes:
            return self
        nodes = {
            name: replace(node, shape=tuple(size_put(size, sizes) for size in node.shape), op=sized(node.op, sizes))
            for name, node in self.nodes.items()
        }
        return replace(self, nodes=nodes)

    @cached_property
    def named(self) -> Graph:
        """The graph of the named nodes alone, each with the named nodes that its formula uses as parents."""
        used: dict[str, tuple[str, ...]] = {}
        for name in self.order:
            lists = ((parent,) if self.nodes[parent].named else used[parent] for parent in self.nodes[name].parents)
            used[name] = tuple(dict.fromkeys(parent for each in lists for parent in each))
        nodes = {name: replace(node, parents=used[name]) for name, node in self.nodes.items() if node.named}
        return replace(self, nodes=nodes)

    @cached_property
    def scalar(self) -> bool:
        """Whether every node is a scalar with an elementwise formula."""
        return all(not node.shape and isinstance(node.op, Elementwise | None) for node in self.nodes.values())

    @cached_property
    def order(self) -> tuple[str, ...]:
        """A topological order: parents first, otherwise as written."""
        return topological_order(self.parents)

    @cached_property
    @collection_paused()
    def consumers(self) -> Mapping[str, tuple[str, ...]]:
        """For each node, the nodes that use it, in the order written."""
        users: dict[str, list[str]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            for parent in node.parents:
                users[parent].append(node.name)
        return {name: tuple(found) for name, found in users.items()}

    @cached_property
    def networkx(self) -> nx.MultiDiGraph:
        """The same graph for NetworkX, frozen; nodes carry their `Node` as `node`."""
        import networkx as nx

        graph = nx.MultiDiGraph(title=self.title)
        graph.add_nodes_from((name, {"node": node}) for name, node in self.nodes.items())
        graph.add_edges_from((parent, node.name) for node in self.nodes.values() for parent in node.parents)
        return nx.freeze(graph)

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """For each node, the nodes that it uses."""
        return {node.name: node.parents for node in self.nodes.values()}

    def ancestors(self, *names: str) -> frozenset[str]:
        """The nodes that any of `names` depends on, these included."""
        return _reachable(names, self.parents)

    def sizing(self, needed: Iterable[str]) -> frozenset[str]:
        """Leaves besides `needed` whose shapes tell the symbolic sizes that these nodes are computed with."""
        nodes = [self.nodes[name] for name in needed] if self.symbols else []
        used = {symbol for node in nodes for symbol in _symbols(node)}
        used |= {name for node in nodes for name in size_names(node.op)}.intersection(self.symbols)
        told = {symbol for node in nodes if node.op is None for symbol in _symbols(node)}
        found: set[str] = set()
        for symbol in sorted(used - told):
            leaves = [node for node in self.nodes.values() if node.op is None and symbol in _symbols(node)]
            if leaves and not any(symbol in _symbols(self.nodes[name]) for name in found):
                found.add(next((node.name for node in leaves if symbol in node.shape), leaves[0].name))
        return frozenset(found)

    def descendants(self, *names: str) -> frozenset[str]:
        """The nodes that depend on any of `names`, these included."""
        return _reachable(names, self.consumers)

    @collection_paused()
    def between(self, source: str, target: str) -> tuple[str, ...]:
        """The nodes on some path from `source` to `target`, both included, in topological order.

        Empty where there is no path.
        """
        kept: set[str] = set()
        below = sorted(self.descendants(source), key=self._position.__getitem__, reverse=True)
        for name in below:
            if name == target or not kept.isdisjoint(self.consumers[name]):
                kept.add(name)
        return tuple(name for name in reversed(below) if name in kept)

    @cached_property
    def _position(self) -> Mapping[str, int]:
        return {name: index for index, name in enumerate(self.order)}

    @cached_property
    def batched(self) -> frozenset[str]:
        """The nodes whose value differs from object to object: what depends on an input or a target."""
        found: set[str] = set()
        for name in self.order:
            node = self.nodes[name]
            if node.role in (Role.INPUT, Role.TARGET) or any(parent in found for parent in node.parents):
                found.add(name)
        return frozenset(found)


def _symbols(node: Node) -> tuple[str, ...]:
    return tuple(symbol for size in node.shape for symbol in size_symbols(size))


@collection_paused()
def topological_order(parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Names with parents first, otherwise in the order given; names on a cycle are left out."""
    if _is_ordered(parents):
        return tuple(parents)
    position = {name: index for index, name in enumerate(parents)}
    waiting = {name: len(parents[name]) for name in parents}
    users: dict[str, list[str]] = {name: [] for name in parents}
    for name, sources in parents.items():
        for source in sources:
            users[source].append(name)
    ready = [position[name] for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    ordered, listed = [], list(parents)
    while ready:
        name = listed[heapq.heappop(ready)]
        ordered.append(name)
        for user in users[name]:
            waiting[user] -= 1
            if waiting[user] == 0:
                heapq.heappush(ready, position[user])
    return tuple(ordered)


def _is_ordered(parents: Mapping[str, Sequence[str]]) -> bool:
    seen: set[str] = set()
    for name, sources in parents.items():
        if not seen.issuperset(sources):
            return False
        seen.add(name)
    return True


def find_cycle(parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """A short cycle as a closed path in the direction of data flow, or () where there is none."""
    stuck = set(parents) - set(topological_order(parents))
    best: tuple[str, ...] = ()
    for start in [name for name in parents if name in stuck][:50]:
        cycle = _cycle_through(start, parents, stuck)
        if cycle and (not best or len(cycle) < len(best)):
            best = cycle
    return best


def _cycle_through(start: str, parents: Mapping[str, Sequence[str]], within: Iterable[str]) -> tuple[str, ...]:
    """The shortest cycle through `start`, found by breadth-first search towards the parents."""
    came_from: dict[str, str] = {}
    queue, allowed = deque([start]), set(within)
    while queue:
        name = queue.popleft()
        for parent in parents[name]:
            if parent == start:
                path = [start, name]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return tuple(path)
            if parent in allowed and parent not in came_from:
                came_from[parent] = name
                queue.append(parent)
    return ()


def _reachable(starts: Iterable[str], neighbours: Mapping[str, Sequence[str]]) -> frozenset[str]:
    found, stack = set(starts), list(starts)
    while stack:
        for other in neighbours[stack.pop()]:
            if other not in found:
                found.add(other)
                stack.append(other)
    return frozenset(found)
