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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy as sp

from backpropsym.formula.tree import ONE, Add, Div, Expr, Mul, walk
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Contraction, Elementwise, Reduction
from backpropsym.ops.size_values import size_terms
from backpropsym.ops.sizes import Dimension


@dataclass(frozen=True, slots=True)
class Formulas:
    """Counts as polynomials in the symbolic widths; plain numbers where all widths are numbers."""

    multiplications: sp.Expr
    additions: sp.Expr

    def __add__(self, other: Formulas) -> Formulas:
        return Formulas(self.multiplications + other.multiplications, self.additions + other.additions)

    def times(self, count: sp.Expr) -> Formulas:
        """So many times the same."""
        return Formulas(count * self.multiplications, count * self.additions)

    @property
    def expanded(self) -> Formulas:
        """Multiplied out, like terms collected."""
        return Formulas(sp.expand(self.multiplications), sp.expand(self.additions))


NOTHING = Formulas(sp.Integer(0), sp.Integer(0))


def tensor_costs(graph: Graph) -> dict[str, Formulas]:
    """The cost of the objective's value, and of all its derivatives by parameters backward and forward.

    Returns
    -------
    Keys `value`; `backward`, one sweep for all parameters; `forward`, one sweep for every entry of every parameter,
    each with all entries of the tensors on its way.
    """
    parameters = graph.names(Role.PARAMETER)
    above = graph.ancestors(graph.objective)
    wanted = above & graph.descendants(*parameters) if parameters else frozenset()
    inner = [graph[name] for name in graph.order if name in above and graph[name].op is not None]
    value = _total(_value(graph, node) for node in inner)
    backward = _total(_pulled(graph, node, parent) for node in inner for parent in node.parents if parent in wanted)
    shared = _total(_joined(graph, name, wanted) for name in wanted if name != graph.objective)
    forward = _total(_tangents(graph, name, above) for name in parameters if name in above)
    return {"value": value.expanded, "backward": (backward + shared).expanded, "forward": forward.expanded}


def _total(parts: Iterable[Formulas]) -> Formulas:
    total = NOTHING
    for part in parts:
        total += part
    return total


def _size(shape: Sequence[Dimension]) -> sp.Expr:
    """The number of entries of a shape."""
    return math.prod((_width(size) for size in shape), start=sp.Integer(1))


def _width(size: Dimension) -> sp.Expr:
    products = (
        math.prod((sp.Symbol(symbol, integer=True, positive=True) for symbol in symbols), start=sp.Integer(factor))
        for symbols, factor in size_terms(size).items()
    )
    return sum(products, start=sp.Integer(0))


def _terms(graph: Graph, op: Contraction) -> sp.Expr:
    """How many products a contraction adds up, those of all entries together."""
    groups = op.subscripts.split("->")[0].split(",")
    sizes: dict[str, Dimension] = {}
    for operand, letters in zip(op.operands, groups, strict=True):
        sizes |= dict(zip(letters, graph[operand].shape, strict=True))
    return _size(tuple(sizes.values()))


def _value(graph: Graph, node: Node) -> Formulas:
    """One node from its parents."""
    entries = _size(node.shape)
    match node.op:
        case Contraction(operands=operands):
            terms = _terms(graph, node.op)
            return Formulas(terms * (len(operands) - 1), terms - entries)
        case Reduction(function, operand):
            before = _size(graph[operand].shape)
            added = sp.Integer(0) if function in ("max", "min") else before - entries
            if function == "var":
                return Formulas(before + 2 * entries, 2 * added + before)
            return Formulas(entries if function == "mean" else sp.Integer(0), added)
        case Elementwise(formula):
            return _arithmetic(formula).times(entries)
        case _:
            return NOTHING


def _arithmetic(formula: Expr) -> Formulas:
    """The signs in a formula."""
    products = sum(len(part.factors) - 1 if isinstance(part, Mul) else isinstance(part, Div) for part in walk(formula))
    sums = sum(len(part.terms) - 1 for part in walk(formula) if isinstance(part, Add))
    return Formulas(sp.Integer(products), sp.Integer(sums))


def _pulled(graph: Graph, node: Node, parent: str) -> Formulas:
    """What a node gives to the adjoint of one parent; the adjoint of the objective is one and multiplies nothing."""
    entries, own = _size(node.shape), _size(graph[parent].shape)
    seed = node.name == graph.objective
    match node.op:
        case Contraction(operands=operands):
            terms, uses = _terms(graph, node.op), operands.count(parent)
            return Formulas(terms * (len(operands) - 1 - seed) * uses, terms * uses - own)
        case Reduction(function):
            return Formulas(sp.Integer(0) if seed else _weights(function, entries, own), sp.Integer(0))
        case Elementwise(formula):
            free = seed or partials(formula, graph.functions)[parent] == ONE
            return Formulas(sp.Integer(0) if free else entries, entries - own)
        case _:
            return NOTHING


def _weights(function: str, entries: sp.Expr, before: sp.Expr) -> sp.Expr:
    """The multiplications by the weights of a reduction of `before` numbers to `entries`."""
    match function:
        case "mean":
            return entries
        case "var":
            return before + entries
        case "logsumexp":
            return before
        case _:
            return sp.Integer(0)


def _joined(graph: Graph, name: str, wanted: frozenset[str]) -> Formulas:
    """The additions where an adjoint has several parts."""
    users = sum(user in wanted for user in graph.consumers[name])
    return Formulas(sp.Integer(0), max(users - 1, 0) * _size(graph[name].shape))


def _tangents(graph: Graph, name: str, above: frozenset[str]) -> Formulas:
    """The tangent sweeps of one parameter, one for each of its entries."""
    reached = above & graph.descendants(name)
    nodes = [graph[each] for each in graph.order if each in reached and each != name]
    sweep = _total(_pushed(graph, node, [parent for parent in node.parents if parent in reached]) for node in nodes)
    return sweep.times(_size(graph[name].shape))


def _pushed(graph: Graph, node: Node, parents: Sequence[str]) -> Formulas:
    """The tangent of one node from those of some of its parents."""
    entries = _size(node.shape)
    match node.op:
        case Contraction(operands=operands):
            terms, uses = _terms(graph, node.op), sum(operand in parents for operand in operands)
            return Formulas(terms * (len(operands) - 1) * uses, terms * uses - entries)
        case Reduction(function, operand):
            before = _size(graph[operand].shape)
            added = sp.Integer(0) if function in ("max", "min") else before - entries
            return Formulas(_weights(function, entries, before), added)
        case Elementwise(formula):
            slopes = partials(formula, graph.functions)
            weighted = sum(slopes[parent] != ONE for parent in parents)
            return Formulas(entries * weighted, entries * (len(parents) - 1))
        case _:
            return NOTHING
