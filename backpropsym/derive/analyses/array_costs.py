"""What value and gradient of a network of tensors cost, as formulas in its widths.

Counted are multiplications and additions. Functions such as tanh and their derivatives are taken as computed, as
everywhere; moving entries costs nothing.

References
----------
Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, chapter 4: reverse mode costs a small multiple of the
value, forward mode that for every parameter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.formula.tree import ONE, Add, Div, Expr, Mul, Pow, walk
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.ops.kinds import Contraction, Elementwise, Reduction
from backpropsym.ops.reducer import REDUCERS, computed
from backpropsym.ops.size_values import size_terms
from backpropsym.ops.sizes import Dimension

if TYPE_CHECKING:
    import sympy as sp

Count: TypeAlias = "int | sp.Expr"
"""A number, or a polynomial where widths are symbols."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Exact counts; polynomials where widths are symbols. Factors of one cost nothing."""

    multiplications: Count
    additions: Count

    def __add__(self, other: Operations) -> Operations:
        return Operations(self.multiplications + other.multiplications, self.additions + other.additions)

    def times(self, count: Count) -> Operations:
        """So many times the same."""
        return Operations(count * self.multiplications, count * self.additions)

    @property
    def expanded(self) -> Operations:
        """Multiplied out, like terms collected."""
        return Operations(_expanded(self.multiplications), _expanded(self.additions))


FREE = Operations(0, 0)


def tensor_costs(graph: Graph, of: str | None = None, wrt: Iterable[str] | None = None) -> dict[str, Operations]:
    """The cost of a node's value, and of all its derivatives by leaves backward and forward.

    Parameters
    ----------
    of : default: the objective.
    wrt : default: the parameters.

    Returns
    -------
    Keys `value`; `backward`, one sweep for all of `wrt`; `forward`, one sweep for every entry of each of them, with all
    entries of the tensors on its way.
    """
    target, leaves = of or graph.objective, tuple(graph.names(Role.PARAMETER) if wrt is None else wrt)
    above = graph.ancestors(target)
    wanted = above & graph.descendants(*leaves) if leaves else frozenset()
    inner = [graph[name] for name in graph.order if name in above and graph[name].op is not None]
    value = _total(_value(graph, node) for node in inner)
    local = LocalDerivatives(graph)
    ones = _adjoints_of_one(local, target, wanted)
    backward = _total(
        _pulled(local, node, parent, ones) for node in inner for parent in node.parents if parent in wanted
    )
    shared = _total(_joined(graph, name, wanted) for name in wanted if name != target)
    forward = _total(_tangents(local, name, above) for name in leaves if name in above)
    return {"value": value.expanded, "backward": (backward + shared).expanded, "forward": forward.expanded}


def _total(parts: Iterable[Operations]) -> Operations:
    total = FREE
    for part in parts:
        total += part
    return total


def _size(shape: Sequence[Dimension]) -> Count:
    """The number of entries of a shape."""
    return math.prod((_width(size) for size in shape), start=1)


def _expanded(count: Count) -> Count:
    return count if isinstance(count, int) else count.expand()


def _width(size: Dimension) -> Count:
    if isinstance(size, int):
        return size
    import sympy as sp  # here, for networks without symbolic widths need none

    products = (
        math.prod((sp.Symbol(symbol, integer=True, positive=True) for symbol in symbols), start=factor)
        for symbols, factor in size_terms(size).items()
    )
    return sum(products, start=sp.Integer(0))


def _terms(graph: Graph, op: Contraction) -> Count:
    """How many products a contraction adds up, those of all entries together."""
    groups = op.subscripts.split("->")[0].split(",")
    sizes: dict[str, Dimension] = {}
    for operand, letters in zip(op.operands, groups, strict=True):
        sizes |= dict(zip(letters, graph[operand].shape, strict=True))
    return _size(tuple(sizes.values()))


def _value(graph: Graph, node: Node) -> Operations:
    """One node from its parents."""
    entries = _size(node.shape)
    match node.op:
        case Contraction(operands=operands):
            terms = _terms(graph, node.op)
            return Operations(terms * (len(operands) - 1), terms - entries)
        case Reduction(function, operand):
            return _reduced(graph, REDUCERS[function].definition, _size(graph[operand].shape), entries)
        case Elementwise(formula):
            return _arithmetic(formula).times(entries)
        case _:
            return FREE


def _reduced(graph: Graph, formula: str, before: Count, entries: Count) -> Operations:
    """A formula that reduces `before` numbers to `entries`; an extreme adds nothing up."""
    counted: list[Operations] = []

    def value(expr: Expr, known: object) -> None:
        counted.append(_arithmetic(expr).times(entries))

    def fold(name: str, body: Expr, known: object, inside: bool) -> None:
        squares = sum(isinstance(part, Pow) for part in walk(body))
        counted.append((_arithmetic(body) + Operations(squares, 0)).times(before))
        counted.append(Operations(0, before - entries if name == "sum" else 0))

    computed(formula, {}, value, fold, graph.functions)
    return _total(counted)


def _arithmetic(formula: Expr) -> Operations:
    """The signs in a formula."""
    products = sum(len(part.factors) - 1 if isinstance(part, Mul) else isinstance(part, Div) for part in walk(formula))
    sums = sum(len(part.terms) - 1 for part in walk(formula) if isinstance(part, Add))
    return Operations(products, sums)


def _passes(local: LocalDerivatives, node: Node, parent: str) -> bool:
    """Whether a node hands every entry of an adjoint or a tangent on as it is."""
    same = isinstance(node.op, Elementwise) and node.shape == local.graph[parent].shape
    return same and local[Edge(parent, node.name)] == ONE


def _adjoints_of_one(local: LocalDerivatives, target: str, wanted: frozenset[str]) -> frozenset[str]:
    """The nodes whose adjoint is one, as that of the target is: it multiplies nothing."""
    graph, ones = local.graph, {target}
    for name in (name for name in reversed(graph.order) if name in wanted and name != target):
        user, *others = (user for user in graph.consumers[name] if user in wanted)
        if not others and user in ones and _passes(local, graph[user], name):
            ones.add(name)
    return frozenset(ones)


def _pulled(local: LocalDerivatives, node: Node, parent: str, ones: frozenset[str]) -> Operations:
    """What a node gives to the adjoint of one parent; an adjoint of one multiplies nothing."""
    graph = local.graph
    entries, own = _size(node.shape), _size(graph[parent].shape)
    seed = node.name in ones
    match node.op:
        case Contraction(operands=operands):
            terms, uses = _terms(graph, node.op), operands.count(parent)
            return Operations(terms * (len(operands) - 1 - seed) * uses, terms * uses - own)
        case Reduction(function):
            return Operations(0 if seed else _weights(function, entries, own), 0)
        case Elementwise():
            free = seed or local[Edge(parent, node.name)] == ONE
            return Operations(0 if free else entries, entries - own)
        case _:
            return FREE


def _weights(function: str, entries: Count, before: Count) -> Count:
    """The multiplications by the weights of a reduction of `before` numbers to `entries`."""
    reducer = REDUCERS[function]
    return (0 if reducer.extreme or reducer.linear else before) + (entries if reducer.averaged else 0)


def _joined(graph: Graph, name: str, wanted: frozenset[str]) -> Operations:
    """The additions where an adjoint has several parts."""
    users = sum(user in wanted for user in graph.consumers[name])
    return Operations(0, max(users - 1, 0) * _size(graph[name].shape))


def _tangents(local: LocalDerivatives, name: str, above: frozenset[str]) -> Operations:
    """The tangent sweeps of one parameter, one for each of its entries."""
    graph = local.graph
    reached = above & graph.descendants(name)
    ones = set[str]() if graph[name].shape else {name}  # the tangent of a number by itself
    sweep = FREE
    for node in (graph[each] for each in graph.order if each in reached and each != name):
        parents = [parent for parent in node.parents if parent in reached]
        sweep += _pushed(local, node, parents, ones)
        if len(parents) == 1 and parents[0] in ones and _passes(local, node, parents[0]):
            ones.add(node.name)
    return sweep.times(_size(graph[name].shape))


def _pushed(local: LocalDerivatives, node: Node, parents: Sequence[str], ones: Collection[str]) -> Operations:
    """The tangent of one node from those of some of its parents; a tangent of one multiplies nothing."""
    graph = local.graph
    entries = _size(node.shape)
    match node.op:
        case Contraction(operands=operands):
            terms, uses = _terms(graph, node.op), sum(operand in parents for operand in operands)
            return Operations(terms * (len(operands) - 1) * uses, terms * uses - entries)
        case Reduction(function, operand):
            before = _size(graph[operand].shape)
            added = 0 if REDUCERS[function].extreme else before - entries
            return Operations(_weights(function, entries, before), added)
        case Elementwise():
            weighted = sum(local[Edge(parent, node.name)] != ONE and parent not in ones for parent in parents)
            return Operations(entries * weighted, entries * (len(parents) - 1))
        case _:
            return FREE
