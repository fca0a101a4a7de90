"""The local derivative of one entry of a node by an entry of a parent: one rule a kind of op."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backpropsym.formula.affine import linear
from backpropsym.formula.algebra import add, div, mul
from backpropsym.formula.tree import (
    ONE,
    Call,
    Compare,
    Expr,
    Index,
    Limits,
    Name,
    children,
    names,
    number,
    rebuild,
    substitute,
)
from backpropsym.graph.definitions import FIRST, definition, parent_shapes
from backpropsym.graph.graph import Graph, Node
from backpropsym.ops.differentiate import partials
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import (
    Contraction,
    Definition,
    Elementwise,
    Join,
    Reduction,
    Shape,
    View,
    broadcast_entries,
)
from backpropsym.ops.reducer import REDUCERS, Reducer, filled
from backpropsym.ops.sizes import size_tree

_LETTERS = "ijklmnpqrstuvabcdefgh"


@dataclass(frozen=True, slots=True)
class Access:
    """One way in which an entry of a node uses entries of a parent.

    With the node's entry at `indices` (plain names), the parent is read at `subscripts`, for every value of the
    indices in `sums`, and d entry / d parent[subscripts] is `factor`.
    """

    parent: str
    indices: tuple[str, ...]
    subscripts: tuple[Expr, ...]
    factor: Expr
    sums: tuple[Limits, ...] = ()


def index_letters(graph: Graph) -> list[str]:
    """Names for indices that the network does not have, in the order of their use: first for `wrt`, then for `of`."""
    taken = {*graph.nodes, *graph.symbols}
    return [letter for letter in (*_LETTERS, *(f"i{n}" for n in range(2, 200))) if letter not in taken]


def accesses(graph: Graph, node: Node) -> Iterator[Access]:
    """Every access of a node to its parents."""
    shapes = parent_shapes(graph, node)
    match node.op:
        case Elementwise(formula):
            yield from _elementwise(graph, formula, node.shape, shapes)
        case Contraction():
            yield from _contraction(definition(graph, node))
        case Reduction(function, operand):
            anew = _is_computed_anew(graph, operand)
            yield _reduction(REDUCERS[function], definition(graph, node), node.name, anew, graph.functions)
        case View(operand, indices, source, guards=guards):
            kept = mul([Call("inside", (position, number(0), size_tree(size), ONE)) for position, size in guards])
            yield Access(operand, indices, source, kept)
        case Join():
            yield from _join(definition(graph, node))


def _is_computed_anew(graph: Graph, name: str) -> bool:
    """Whether entries of a node are written out by arithmetic, so that a reader may round them otherwise than we do."""
    node = graph[name]
    if node.named:
        return False
    moves = isinstance(node.op, View | Join)
    return not moves or any(_is_computed_anew(graph, parent) for parent in node.parents)


def _elementwise(graph: Graph, formula: Expr, shape: Shape, shapes: Mapping[str, Shape]) -> Iterator[Access]:
    indices = tuple(f"_i{axis}" for axis in range(len(shape)))
    for parent, partial in partials(formula, graph.functions).items():
        if parent not in shapes:
            continue
        entry = broadcast_entries(Name(parent), indices, shapes, shape)
        subscripts = entry.subscripts if isinstance(entry, Index) else ()
        yield Access(parent, indices, subscripts, broadcast_entries(partial, indices, shapes, shape))


def _split(body: Expr) -> tuple[Expr, tuple[Limits, ...]]:
    """The summand and the limits of a body that may be an indexed sum."""
    if isinstance(body, Call) and body.arguments and isinstance(body.arguments[-1], Limits):
        limits = tuple(part for part in body.arguments if isinstance(part, Limits))
        return body.arguments[0], limits
    return body, ()


def _contraction(entry: Definition) -> Iterator[Access]:
    product, sums = _split(entry.body)
    factors = product.factors if hasattr(product, "factors") else (product,)
    for slot, factor in enumerate(factors):
        others = mul([*factors[:slot], *factors[slot + 1 :]])
        yield _access(factor, entry.indices, others, sums)


def _access(entry: Expr, indices: tuple[str, ...], factor: Expr, sums: tuple[Limits, ...]) -> Access:
    if isinstance(entry, Index):
        assert isinstance(entry.base, Name)
        return Access(entry.base.name, indices, entry.subscripts, factor, sums)
    assert isinstance(entry, Name)
    return Access(entry.name, indices, (), factor, sums)


def _reduction(reducer: Reducer, entry: Definition, name: str, anew: bool, table: FunctionTable) -> Access:
    """The derivative that its entry says; of a maximum or a minimum the indicator of the first extreme."""
    part, sums = _split(entry.body)
    whole = Index(Name(name), tuple(map(Name, entry.indices))) if entry.indices else Name(name)
    if reducer.extreme:
        factor = _first(reducer, part, None if anew else whole, sums)
    else:
        factor = filled(reducer.derivative, {"x": part, "y": whole}, table, over(sums))
        factor = div(factor, count_of(sums)) if reducer.averaged else factor
    return _access(part, entry.indices, factor, sums)


def _first(reducer: Reducer, part: Expr, whole: Expr | None, sums: Sequence[Limits]) -> Expr:
    """1 for the first extreme, else 0: FIRST holds it in two spellings, by sums alone and as a delta at argmax.

    Parameters
    ----------
    whole : the extreme as it was computed; None where entries are compared with one another, for one that is written
        out again may miss its own extreme by a rounding.
    """
    inner, limits = _renamed(part, sums)
    beyond, reaches = reducer.extreme, f"{reducer.extreme}="
    place: Expr = number(0)
    earlier = []
    own = [Name(each.index) for each in sums]
    for axis, each in enumerate(sums):
        place = linear(add([mul([place, count_of([each])]), own[axis]]))
        same = {limit.index: index for limit, index in zip(limits[:axis], own[:axis], strict=True)}
        ahead = replace(limits[axis], high=linear(add([own[axis], number(-1)])))
        reached = _indicator(reaches, substitute(inner, same), part if whole is None else whole)
        earlier.append(Call("Sum", (reached, ahead, *limits[axis + 1 :])))
    if whole is None:
        best = _none(Call("Sum", (_indicator(beyond, inner, part), *limits)))
    else:
        best = _indicator(reaches, part, whole)
    by_sums = mul([best, _none(add(earlier))])
    return Call(FIRST, (by_sums, Call("KroneckerDelta", (place, Call(f"arg{reducer.name}", (inner, *limits))))))


def _indicator(operator: str, left: Expr, right: Expr) -> Expr:
    return Call("where", (Compare(operator, left, right), ONE, number(0)))


def _none(count: Expr) -> Expr:
    return Call("where", (Compare(">", count, number(0)), number(0), ONE))


def count_of(sums: Iterable[Limits]) -> Expr:
    """The number of values of indices that count from zero."""
    return mul([add([each.high, ONE]) for each in sums])


def over(sums: Sequence[Limits]) -> Callable[[str, Expr], Expr]:
    """Writes a reduction of a formula of entries over indices, these under other names."""

    def reduced(function: str, body: Expr) -> Expr:
        inner, limits = _renamed(body, sums)
        return Call(function, (inner, *limits))

    return reduced


def _renamed(part: Expr, sums: Sequence[Limits]) -> tuple[Expr, list[Limits]]:
    """`part` and the limits of its indices, these under other names."""
    taken, marks = set(names(part)), "m"
    while any(f"{each.index}{marks}" in taken for each in sums):
        marks += "m"
    others = {each.index: f"{each.index}{marks}" for each in sums}
    inner = substitute(part, {old: Name(new) for old, new in others.items()})
    return inner, [replace(each, index=others[each.index]) for each in sums]


def _join(entry: Definition) -> Iterator[Access]:
    parts = entry.body.terms if hasattr(entry.body, "terms") else (entry.body,)
    for part in parts:
        assert isinstance(part, Call)
        *stretch, kept = part.arguments
        yield _access(kept, entry.indices, Call("inside", (*stretch, ONE)), ())


def placed(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """`expr` with indices replaced, positions inside brackets collected."""
    match expr:
        case Name(name):
            return values.get(name, expr)
        case Index(base, subscripts):
            return Index(base, tuple(linear(substitute(each, values)) for each in subscripts))
        case Call("inside" | "present" as switch, (position, low, high, *kept)):
            where = tuple(linear(substitute(each, values)) for each in (position, low, high))
            return Call(switch, (*where, *(placed(part, values) for part in kept)))
        case _:
            parts = children(expr)
            return rebuild(expr, tuple(placed(part, values) for part in parts)) if parts else expr
