"""A network of tensors as the network of its entries: the index definitions evaluated at integers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from backpropsym.arrays import Numbers, Numeric, Values
from backpropsym.errors import LimitError
from backpropsym.formula.affine import linear
from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Expr,
    Index,
    Limits,
    Mul,
    Name,
    Neg,
    Number,
    children,
    names,
    number,
    rebuild,
    size,
    substitute,
)
from backpropsym.graph.definitions import FIRST, definition
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.ops.kinds import Elementwise, Shape
from backpropsym.ops.reducer import REDUCERS, computed, filled

Entry = tuple[str, tuple[int, ...]]
MAX_ENTRIES = 100_000
MAX_PARTS = 5_000_000
ABSENT = Name("absent")
_SWITCHES = ("inside", "KroneckerDelta")


def entry_name(name: str, position: Sequence[int]) -> str:
    """The name of an entry: W1[2,0], or the node's own name for a scalar."""
    return f"{name}[{','.join(map(str, position))}]" if position else name


def positions(shape: Shape) -> list[tuple[int, ...]]:
    """Every position of a tensor, the last axis running fastest."""
    return list(itertools.product(*(range(int(size)) for size in shape)))


def entry_count(graph: Graph) -> int:
    """The number of entries that are listed in the place of named nodes with axes, whose shapes are integers."""
    with_axes = (node.shape for node in graph.nodes.values() if node.named and node.shape)
    return sum(math.prod(map(int, shape)) for shape in with_axes)


def entry_values(graph: Graph, arrays: Values) -> dict[str, Numeric]:
    """The number of each entry by its name, or one number an object where an array leads with an axis of objects."""
    found: dict[str, Numeric] = {}
    for name, value in arrays.items():
        array = np.asarray(value, dtype=float)
        lead = array.ndim - len(graph[name].shape)
        for at in np.ndindex(array.shape[lead:]):
            found[entry_name(name, at)] = array[(slice(None),) * lead + at]
    return found


def unroll(graph: Graph) -> Graph:
    """The network of all entries, where shapes are integers; anonymous nodes are written into their owners.

    A number that is computed from numbers is its own entry; a network of such nodes is returned as it is.

    Raises
    ------
    LimitError : symbolic shapes, or too many entries.
    """
    _check_size(graph)
    reader = EntryReader(graph)
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        if not node.named:
            continue
        if _is_entry(graph, node):
            nodes[node.name] = node
            continue
        for position in positions(node.shape):
            name = entry_name(node.name, position)
            if node.role is not Role.VALUE:
                nodes[name] = Node(name, node.role)
                continue
            formula = reader.entry(node.name, position)
            nodes[name] = Node(name, Role.VALUE, (), Elementwise(formula), names(formula))
    if nodes == graph.nodes:
        return graph
    shape = graph[graph.output].shape
    output = entry_name(graph.output, (0,) * len(shape))
    constants, values = _entries(graph, graph.constants), _entries(graph, graph.values)
    steps = frozenset(entry_name(name, at) for name in graph.layer_steps for at in positions(graph[name].shape))
    flat = Graph(nodes, output, graph.loss, graph.title, graph.functions, constants, values, notation=graph.notation)
    return replace(flat, listed_steps=steps)


def _is_entry(graph: Graph, node: Node) -> bool:
    """Whether a node is a number with a formula over named numbers, or a leaf."""
    parents = [graph[name] for name in node.parents]
    plain = isinstance(node.op, Elementwise | None) and all(parent.named and not parent.shape for parent in parents)
    return plain and not node.shape


def of_numbers(graph: Graph, *names: str) -> bool:
    """Whether nodes are computed from numbers alone, so that they and all before them are their own entries."""
    return all(_is_entry(graph, graph[before]) for before in graph.ancestors(*names))


def require_sizes(graph: Graph) -> None:
    """Refuse symbolic sizes.

    Raises
    ------
    LimitError : a node has an axis whose size is a symbol.
    """
    if graph.symbols:
        raise LimitError(
            f"a network of symbolic sizes ({', '.join(graph.symbols)}) has no entries to list",
            fix="declare the sizes as numbers, or ask for --form index",
        )


def _check_size(graph: Graph) -> None:
    require_sizes(graph)
    count = entry_count(graph)
    if count > MAX_ENTRIES:
        raise LimitError(
            f"the arrays of the network have {count:,} entries",
            details=(f"at most {MAX_ENTRIES:,} are unrolled",),
            fix="ask for --form index, or for one entry of the parameter",
        )


def _entries(graph: Graph, numbers: Numbers) -> dict[str, float]:
    return {
        entry_name(name, position): np.asarray(value)[position].item()
        for name, value in numbers.items()
        for position in positions(graph[name].shape)
    }


class EntryReader:
    """Formulas of entries, bounded in their total size."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.parts = 0

    def entry(self, name: str, position: Sequence[int]) -> Expr:
        """What one entry of a node is, over entries of named nodes."""
        own = definition(self.graph, self.graph[name])
        values = {index: number(value) for index, value in zip(own.indices, position, strict=True)}
        found = self.concrete(substitute(own.body, values))
        self._count(size(found))
        self.parts += size(found)
        return found

    def _count(self, parts: int) -> None:
        """Refuse what is to be written out before it is, where its parts are too many."""
        if self.parts + parts > MAX_PARTS:
            raise LimitError(
                f"written out entry by entry the formulas have {self.parts + parts:,} parts, or more",
                details=(f"at most {MAX_PARTS:,} are written",),
                fix="ask for --form index",
            )

    def concrete(self, expr: Expr) -> Expr:
        """`expr` with sums written out and entries named."""
        match expr:
            case Index(Name(name), subscripts):
                return self._read(name, subscripts)
            case Name(name):
                return self._read(name, ())
            case Call(function, arguments) if arguments and isinstance(arguments[-1], Limits):
                return self._reduced(function, self._summands(arguments))
            case Call("inside" | "present" as switch, (position, low, high, kept, *otherwise)):
                within = integer(low) <= integer(position) < integer(high)
                outside = ABSENT if switch == "present" else otherwise[0] if otherwise else ZERO
                return self.concrete(kept) if within else outside
            case Call("where", (Compare(_, left, _), _, otherwise)) if self.concrete(left) is ABSENT:
                return self.concrete(otherwise)
            case Call(function, (by_sums, _)) if function == FIRST:
                return self.concrete(by_sums)
            case Call("KroneckerDelta", (first, second)):
                return self._delta(first, second)
            case Mul(factors):
                return self._product(factors)
            case Add(terms):
                found = [self.concrete(term) for term in terms]
                return _total([each for part in found for each in (part.terms if isinstance(part, Add) else (part,))])
            case _:
                parts = children(expr)
                return rebuild(expr, tuple(map(self.concrete, parts))) if parts else expr

    def _reduced(self, function: str, entries: Sequence[Expr]) -> Expr:
        """A reduction of entries, written out."""
        table = self.graph.functions
        count: Expr = number(len(entries))

        def fold(name: str, body: Expr, known: Mapping[str, Expr], inside: bool) -> Expr:
            terms = [filled(body, {**known, "x": entry}, table) for entry in entries]
            return _total(terms) if name == "sum" else _paired(name, terms)

        if function == "Sum":
            return _total(entries)
        definition = REDUCERS[function].definition
        return computed(definition, {"n": count}, lambda expr, known: filled(expr, known, table), fold, table)

    def _summands(self, arguments: Sequence[Expr]) -> list[Expr]:
        body, *limits = arguments
        ranges = [range(integer(limit.low), integer(limit.high) + 1) for limit in limits if isinstance(limit, Limits)]
        indices = [each.index for each in limits if isinstance(each, Limits)]
        self._count(math.prod(max(each.stop - each.start, 0) for each in ranges) * size(body))
        found = [
            self.concrete(substitute(body, dict(zip(indices, map(number, position), strict=True))))
            for position in itertools.product(*ranges)
        ]
        return [each for each in found if each is not ABSENT]

    def _read(self, name: str, subscripts: Sequence[Expr]) -> Expr:
        """One entry of a node; an entry chosen by data is a choice between all it may be."""
        if any(self._chosen(each) for each in subscripts):
            return self._choice(name, subscripts)
        position = [integer(subscript) for subscript in subscripts]
        if not self.graph[name].named:
            return self.entry(name, position)
        return Name(entry_name(name, position))

    def _product(self, factors: Sequence[Expr]) -> Expr:
        """A product; what a factor switches off is not read, since it may lie outside."""
        switches = [factor for factor in factors if isinstance(factor, Call) and factor.function in _SWITCHES]
        if any(self.concrete(switch) == ZERO for switch in switches if switch.arguments[-1] == ONE):
            return ZERO
        return mul(map(self.concrete, factors))

    def _delta(self, first: Expr, second: Expr) -> Expr:
        if not self._chosen(first) and not self._chosen(second):
            return ONE if integer(first) == integer(second) else ZERO
        return Call("KroneckerDelta", (self._place(first), self._place(second)))

    def _place(self, subscript: Expr) -> Expr:
        """A position as short as it can be written: w[1] + 1 - (0 + 1) is w[1]."""
        return linear(self.concrete(subscript))

    def _chosen(self, subscript: Expr) -> bool:
        return any(name in self.graph.nodes for name in names(subscript))

    def _choice(self, name: str, subscripts: Sequence[Expr]) -> Expr:
        axis = next(axis for axis, subscript in enumerate(subscripts) if self._chosen(subscript))
        options = []
        self._count(int(self.graph[name].shape[axis]))
        for value in range(int(self.graph[name].shape[axis])):
            entry = self._read(name, [*subscripts[:axis], number(value), *subscripts[axis + 1 :]])
            options.append(mul([Call("KroneckerDelta", (self._place(subscripts[axis]), number(value))), entry]))
        return _total(options)


def integer(expr: Expr) -> int:
    """The value of a formula of whole numbers."""
    match expr:
        case Number(value) if value.denominator == 1:
            return value.numerator
        case Add(terms):
            return sum(map(integer, terms))
        case Mul(factors):
            return math.prod(map(integer, factors))
        case Neg(operand):
            return -integer(operand)
        case Call("quotient", (above, below)):
            return integer(above) // integer(below)
        case Call("remainder", (above, below)):
            return integer(above) % integer(below)
        case _:
            raise TypeError(f"{type(expr).__name__} is not a whole number")


def _total(terms: Sequence[Expr]) -> Expr:
    return Add(tuple(terms)) if len(terms) > 1 else terms[0] if terms else ZERO


def _paired(function: str, terms: Sequence[Expr]) -> Expr:
    """The extreme of many by pairs, so that it stays shallow; ties go to the first."""
    if len(terms) == 1:
        return terms[0]
    half = (len(terms) + 1) // 2
    return Call(function, (_paired(function, terms[:half]), _paired(function, terms[half:])))
