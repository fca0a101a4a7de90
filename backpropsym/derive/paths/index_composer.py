"""Derivatives in index notation: local derivatives composed along a path, deltas contracted.

A link from a named node to a named node is the sum over the anonymous walks between them. A path composes links
from the output down; the entry of each node is a formula in the indices bound so far, and at the end the entry of
the parameter is set equal to the free indices, which eliminates bound indices by substitution.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backpropsym.derive.local.entries import Access, accesses, placed
from backpropsym.errors import LimitError
from backpropsym.formula.affine import affine, linear
from backpropsym.formula.algebra import add, mul, neg
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import ONE, ZERO, Call, Expr, Limits, Mul, Name, Neg, Number, names, number, substitute
from backpropsym.graph.graph import Graph
from backpropsym.ops.kinds import Shape, View, bound, last, regrouped

DELTA = "KroneckerDelta"
MAX_WALKS = 1_000


@dataclass(frozen=True, slots=True)
class PartialTerm:
    """A product of factors with bound indices, on the way from an entry of `of` down to an entry of a node.

    Attributes
    ----------
    subscripts : the entry reached, over free and bound indices.
    factors : one group a link, from `of` down.
    sums : the bound indices with their limits, in the order in which they appeared.
    conditions : (low, expression, high) that must hold, from indices that were eliminated.
    """

    subscripts: tuple[Expr, ...]
    factors: tuple[Expr, ...] = ()
    sums: tuple[Limits, ...] = ()
    conditions: tuple[tuple[Expr, Expr, Expr], ...] = ()

    def put(self, values: Mapping[str, Expr]) -> PartialTerm:
        """The term with indices replaced everywhere; the replaced ones are no longer bound."""
        return PartialTerm(
            tuple(linear(substitute(each, values)) for each in self.subscripts),
            tuple(placed(each, values) for each in self.factors),
            tuple(_limits(each, values) for each in self.sums if each.index not in values),
            tuple((substitute(a, values), substitute(b, values), substitute(c, values)) for a, b, c in self.conditions),
        )


def _limits(limits: Limits, values: Mapping[str, Expr]) -> Limits:
    return Limits(limits.index, substitute(limits.low, values), substitute(limits.high, values))


class Composer:
    """Composes walks over one graph, with a fresh name for every bound index."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._fresh = itertools.count(1)
        self._counts: dict[tuple[str, str], int] = {}

    def fresh(self) -> str:
        """A new index name."""
        return f"_{next(self._fresh)}"

    def along(self, path: Sequence[str], of: Sequence[Expr]) -> PartialTerm:
        """The walk down a named path, given from wrt to of; `of` is the entry at which it starts."""
        term = PartialTerm(tuple(of))
        for parent, child in reversed(list(itertools.pairwise(path))):
            term = self.link(term, parent, child)
        return term

    def link(self, walk: PartialTerm, parent: str, child: str) -> PartialTerm:
        """One named link further down: the sum of the anonymous walks from `child` to `parent`."""
        outside = frozenset(each.index for each in walk.sums)
        self._require_few(parent, child)
        found = list(self._anonymous(replace(walk, factors=(*walk.factors, ONE)), parent, child, frozenset()))
        if len(found) == 1:
            return found[0]
        shape = self.graph[parent].shape
        if not found:
            return PartialTerm((ZERO,) * len(shape), (*walk.factors, ZERO), walk.sums, walk.conditions)
        found = list(self._anonymous(replace(walk, factors=(ONE,)), parent, child, outside))
        shared = [_shared(axis, found, outside) for axis in range(len(shape))]
        entry = tuple(Name(self.fresh()) if each is None else each for each in shared)
        total = gathered([_summed(self.pin(each, entry, shape, outside), outside) for each in found])
        new = [
            bound(each, size)
            for each, same, size in zip(map(to_text, entry), shared, shape, strict=True)
            if same is None
        ]
        return PartialTerm(entry, (*walk.factors, total), (*walk.sums, *new), walk.conditions)

    def _require_few(self, parent: str, child: str) -> None:
        """Refuse a link that sums more walks than a person reads; they are counted before any is made.

        Raises
        ------
        LimitError : there are too many, as through the steps of a recurrent layer that have no names.
        """
        count = self._count(parent, child)
        if count > MAX_WALKS:
            message = f"the link from {parent} to {child} is a sum of {count:,} paths through nodes without names"
            raise LimitError(message, fix="ask for it without --level layers, or give nodes on the way names")

    def _count(self, parent: str, name: str) -> int:
        """How many walks there are from a node to `parent` through anonymous nodes only."""
        key = parent, name
        if key not in self._counts:
            self._counts[key] = sum(
                1 if each.parent == parent else 0 if self.graph[each.parent].named else self._count(parent, each.parent)
                for each in accesses(self.graph, self.graph[name])
            )
        return self._counts[key]

    def walks(self, parent: str, child: str, entry: Sequence[Expr]) -> Iterator[PartialTerm]:
        """Each walk from an entry of `child` to `parent` on its own."""
        return self._anonymous(PartialTerm(tuple(entry), (ONE,)), parent, child, frozenset())

    def _anonymous(self, walk: PartialTerm, parent: str, child: str, fixed: frozenset[str]) -> Iterator[PartialTerm]:
        """Every walk from the entry of `child` to `parent` through anonymous nodes only.

        Indices in `fixed` keep their names, since other walks share them.
        """
        for access in accesses(self.graph, self.graph[child]):
            if access.parent == parent:
                yield self._step(walk, access, child, fixed)
            elif not self.graph[access.parent].named:
                yield from self._anonymous(self._step(walk, access, child, fixed), parent, access.parent, fixed)

    def _step(self, walk: PartialTerm, access: Access, child: str, fixed: frozenset[str]) -> PartialTerm:
        """From an entry of `child` to the entry of its parent."""
        op = self.graph[child].op
        if isinstance(op, View) and op.method == "reshape":
            moved = self._reshaped(walk, op, fixed)
            if moved is not None:
                return moved
        values = dict(zip(access.indices, walk.subscripts, strict=True))
        new = {each.index: self.fresh() for each in access.sums}
        values |= {old: Name(name) for old, name in new.items()}
        sums = tuple(replace(_limits(each, values), index=new[each.index]) for each in access.sums)
        factor = mul([*walk.factors[-1:], placed(access.factor, values)])
        subscripts = tuple(linear(substitute(each, values)) for each in access.subscripts)
        return replace(walk, subscripts=subscripts, factors=(*walk.factors[:-1], factor), sums=(*walk.sums, *sums))

    def _reshaped(self, walk: PartialTerm, op: View, fixed: frozenset[str]) -> PartialTerm | None:
        """A reshape as a change of the bound indices, where each runs over its axis and is still free to change."""
        limits = {each.index: each for each in walk.sums if each.index not in fixed}
        shape = self.graph[op.operand].shape
        pairs = zip(op.source, map(Name, op.indices), strict=False)
        kept = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
        reached = zip(walk.subscripts[kept:], op.options[kept:], strict=True)
        entry = [
            each.name
            for each, size in reached
            if isinstance(each, Name) and limits.get(each.name) == bound(each.name, size)
        ]
        if len(set(entry)) < len(walk.subscripts) - kept or set(entry) & {
            name for each in walk.subscripts[:kept] for name in names(each)
        }:
            return None
        inner = tuple(Name(self.fresh()) for _ in shape[kept:])
        outer = regrouped(inner, shape[kept:], op.options[kept:])
        moved = walk.put(dict(zip(entry, outer, strict=True)))
        sums = (*moved.sums, *(bound(name.name, size) for name, size in zip(inner, shape[kept:], strict=True)))
        return replace(moved, subscripts=(*moved.subscripts[:kept], *inner), sums=sums)

    def pin(self, walk: PartialTerm, entry: Sequence[Expr], shape: Shape, fixed: Collection[str] = ()) -> PartialTerm:
        """The walk with the reached entry of a node of `shape` set equal to `entry`.

        Each equation eliminates a bound index, except those in `fixed`; an equation that eliminates none
        becomes a delta.
        """
        if not walk.factors:  # a node by itself
            walk = replace(walk, factors=(ONE,))
        for axis, size in enumerate(shape):
            reached = walk.subscripts[axis]
            if isinstance(size, int) and (reached != entry[axis] or isinstance(reached, Number)):
                walk = _without(walk, Call("inside", (reached, number(0), number(size), ONE)))
            walk = self._equate(walk, reached, entry[axis], last(size), fixed)
        return walk

    def _equate(self, walk: PartialTerm, expr: Expr, value: Expr, most: Expr, fixed: Collection[str]) -> PartialTerm:
        """The walk where expr = value; `value` runs from 0 to `most`.

        A whole quotient gives expr = below*value; any other expr = below*value + r for every remainder r.
        """
        if isinstance(expr, Call) and expr.function == "quotient" and isinstance(most, Number):
            above, below = expr.arguments
            assert isinstance(below, Number), "views divide by whole numbers"
            multiple, largest = mul([below, value]), linear(mul([below, most]))
            divided = _without(walk, Call("inside", (Call("remainder", (above, below)), number(0), ONE, ONE)))
            if divided is not walk:
                return self._equate(divided, above, multiple, largest, fixed)
            rest = bound(self.fresh(), int(below.value))
            whole = linear(add([multiple, Name(rest.index)]))
            if _solution(above, whole, walk.sums, fixed) is not None:
                walk = replace(walk, sums=(*walk.sums, rest))
                return self._equate(walk, above, whole, linear(add([largest, rest.high])), fixed)
        solved = _solution(expr, value, walk.sums, fixed)
        if solved is None:
            if expr == value:
                return walk
            return replace(walk, factors=(*walk.factors[:-1], mul([walk.factors[-1], Call(DELTA, (expr, value))])))
        limits, found = solved
        walk = walk.put({limits.index: found})
        if found == value and limits.low == number(0) and limits.high == most:
            return walk
        return replace(walk, conditions=(*walk.conditions, (limits.low, found, limits.high)))


def _without(walk: PartialTerm, guard: Expr) -> PartialTerm:
    """The walk without a factor of its last link that is known to be one; the same walk where it has none."""
    last_link = walk.factors[-1]
    factors = last_link.factors if isinstance(last_link, Mul) else (last_link,)
    if guard not in factors:
        return walk
    kept = mul([factor for factor in factors if factor != guard])
    return replace(walk, factors=(*walk.factors[:-1], kept))


def _shared(axis: int, walks: Sequence[PartialTerm], outside: Collection[str]) -> Expr | None:
    """The index that every walk reaches on an axis, where it is the same and bound by none of them."""
    first = walks[0].subscripts[axis]
    own = {each.index for each in walks[0].sums} - set(outside)
    same = all(walk.subscripts[axis] == first for walk in walks[1:])
    return first if same and own.isdisjoint(names(first)) else None


def gathered(terms: Sequence[Expr]) -> Expr:
    """The sum of `terms`, with what all of them start with set before brackets: a*b - a*c as a*(b - c)."""
    signs = [isinstance(term, Neg) for term in terms]
    products = [term.operand if isinstance(term, Neg) else term for term in terms]
    factors = [each.factors if isinstance(each, Mul) else (each,) for each in products]
    columns = itertools.takewhile(lambda each: len(set(each)) == 1, zip(*factors, strict=False))
    common = [column[0] for column in columns]
    if len(terms) < 2 or not common or any(isinstance(each, Number) for each in common):
        return add(terms)
    rests = [mul(each[len(common) :]) for each in factors]
    return mul([*common, add(neg(rest) if sign else rest for rest, sign in zip(rests, signs, strict=True))])


def _summed(walk: PartialTerm, outside: Collection[str]) -> Expr:
    """A finished walk as one formula: its own sums and conditions written into it."""
    body = mul(walk.factors)
    for low, expr, high in walk.conditions:
        body = mul([body, Call("inside", (expr, low, add([high, ONE]), ONE))])
    own = tuple(each for each in walk.sums if each.index not in outside)
    return Call("Sum", (body, *own)) if own else body


def _solution(expr: Expr, value: Expr, sums: Sequence[Limits], fixed: Collection[str]) -> tuple[Limits, Expr] | None:
    """A bound index that the equation expr = value gives, with its value."""
    coefficients = affine(expr)
    if coefficients is None:
        return None
    for limits in sums:
        coefficient = coefficients.get(limits.index)
        if coefficient is not None and abs(coefficient) == 1 and limits.index not in fixed:
            rest = add([value, mul([number(-1), expr]), mul([Number(coefficient), Name(limits.index)])])
            return limits, linear(mul([Number(coefficient), rest]))
    return None
