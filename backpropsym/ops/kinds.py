"""The closed set of kinds of op. Each stage has one rule a kind; what the rule needs is the index definition.

An index definition says what one entry of a node is: a formula over entries of its parents, with sums over
bound indices. Local derivatives, unrolling and printing all read it; only kernels know shortcuts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from backpropsym.formula.algebra import add, mul
from backpropsym.formula.tree import (
    ZERO,
    Call,
    Expr,
    Index,
    Limits,
    Name,
    Number,
    children,
    names,
    number,
    rebuild,
    substitute,
)
from backpropsym.ops.sizes import (
    Dimension,
    as_size,
    size_difference,
    size_product,
    size_put,
    size_sum,
    size_symbols,
    size_tree,
)

Shape = tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Elementwise:
    """A scalar formula over the names of the parents, applied entry by entry with NumPy's broadcasting.

    Names in it that are no parents are symbolic sizes.
    """

    formula: Expr


class _OverAxes:
    """What is not elementwise has no formula of scalars."""

    __slots__ = ()

    @property
    def formula(self) -> Expr:
        """Never there: only networks of scalars may be asked for it."""
        raise TypeError(f"{type(self).__name__} has no formula of scalars")


@dataclass(frozen=True, slots=True)
class Contraction(_OverAxes):
    """A sum of products: `subscripts` as in `einsum`, one group of letters an operand."""

    subscripts: str
    operands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reduction(_OverAxes):
    """A registered reduction over `axes`, which the result keeps with size 1 if `keep`."""

    function: str
    operand: str
    axes: tuple[int, ...]
    keep: bool = False


@dataclass(frozen=True, slots=True)
class View(_OverAxes):
    """Entries moved, nothing computed: entry `indices` of the result is entry `source` of the operand.

    `source` holds one formula an axis of the operand, over `indices`, and over names of scalar nodes where an
    entry is chosen by data: a scalar node, or an entry of a node with axes. `method` and `options` tell kernels
    which NumPy view this is: windows have their strides, paddings and dilations, one an axis, a transpose its
    order of axes, a gather its axis.

    An entry for which an index of `guards`, given with the size of its axis, falls outside is `fill`; where such
    entries are `absent`, they do not count in the maximum that is taken over the view.
    """

    operand: str
    indices: tuple[str, ...]
    source: tuple[Expr, ...]
    method: str
    options: tuple[Dimension, ...] = ()
    guards: tuple[tuple[Expr, Dimension], ...] = ()
    absent: bool = False
    fill: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Join(_OverAxes):
    """Operands laid one after another along `axis`."""

    operands: tuple[str, ...]
    axis: int


Op = Elementwise | Contraction | Reduction | View | Join


@dataclass(frozen=True, slots=True)
class Definition:
    """What one entry of a node is.

    Attributes
    ----------
    indices : the free indices, one an axis.
    body : a formula over entries `Index(Name(parent), subscripts)`, sums as calls with `Limits`.
    """

    indices: tuple[str, ...]
    body: Expr


def define_entry(op: Op, shape: Shape, shapes: Mapping[str, Shape]) -> Definition:
    """The index definition of a node with `op` and `shape`; `shapes` are its parents'."""
    indices = tuple(f"_i{axis}" for axis in range(len(shape)))
    match op:
        case Elementwise(formula):
            return Definition(indices, broadcast_entries(formula, indices, shapes, shape))
        case Contraction(subscripts, operands):
            return _contraction(subscripts, operands, shapes)
        case Reduction(function, operand, axes, keep):
            return Definition(indices, _reduction(function, operand, axes, keep, indices, shapes))
        case View(operand, own, source):
            entry: Expr = Index(Name(operand), source) if source else Name(operand)
            for position, size in op.guards:
                otherwise = (Number(op.fill),) if op.fill else ()
                switch = "present" if op.absent else "inside"
                entry = Call(switch, (position, ZERO, size_tree(size), entry, *otherwise))
            return Definition(own, entry)
        case Join(operands, axis):
            return Definition(indices, _join(operands, axis, indices, shapes))


def renamed(op: Op, names: Mapping[str, str]) -> Op:
    """`op` with its operands called by other names; what `names` lacks keeps its own."""

    def called(operands: Sequence[str]) -> tuple[str, ...]:
        return tuple(names.get(operand, operand) for operand in operands)

    values = {old: Name(new) for old, new in names.items()}
    match op:
        case Elementwise(formula):
            return Elementwise(substitute(formula, values))
        case Contraction(operands=operands):
            return replace(op, operands=called(operands))
        case Reduction(operand=operand):
            return replace(op, operand=names.get(operand, operand))
        case View(operand, source=source):
            moved = tuple(substitute(each, values) for each in source)
            return replace(op, operand=names.get(operand, operand), source=moved)
        case Join(operands):
            return replace(op, operands=called(operands))


def bound(name: str, size: Dimension) -> Limits:
    """The limits of an index that counts `size` entries from zero; both ends are included."""
    return Limits(name, number(0), last(size))


def size_of(limits: Limits) -> Dimension | None:
    """The number of values of an index that counts from zero; None for one that does not."""
    if limits.low != number(0):
        return None
    return as_size(add([limits.high, number(1)]))


def last(size: Dimension) -> Expr:
    """The largest index of an axis."""
    return size_tree(size_difference(size, 1))


def sized(op: Op | None, values: Mapping[str, int]) -> Op | None:
    """An op with numbers for symbolic sizes."""
    numbers = {name: number(value) for name, value in values.items()}
    match op:
        case Elementwise(formula):
            return Elementwise(substitute(formula, numbers))
        case View():
            return replace(
                op,
                source=tuple(substitute(each, numbers) for each in op.source),
                options=tuple(size_put(option, values) for option in op.options),
                guards=tuple((substitute(each, numbers), size_put(size, values)) for each, size in op.guards),
            )
    return op


def size_names(op: Op | None) -> frozenset[str]:
    """The names in an op among which are the symbols of its sizes; the same places as in `sized`."""
    match op:
        case Elementwise(formula):
            return frozenset(names(formula))
        case View():
            formulas = [*op.source, *(each for each, _ in op.guards)]
            sizes = [*op.options, *(size for _, size in op.guards)]
            found = [name for formula in formulas for name in names(formula)]
            return frozenset([*found, *(symbol for size in sizes for symbol in size_symbols(size))])
    return frozenset()


def ravel(position: Sequence[Expr], shape: Shape) -> Expr:
    """The number of an entry when entries are counted with the last axis running fastest."""
    terms = []
    for axis, index in enumerate(position):
        terms.append(mul([size_tree(size_product(shape[axis + 1 :])), index]))
    return add(terms)


def unravel(position: Expr, shape: Shape) -> tuple[Expr, ...]:
    """The inverse of `ravel`: one index an axis, by quotient and remainder."""
    found: list[Expr] = []
    for axis, size in enumerate(shape):
        stride = size_product(shape[axis + 1 :])
        above = position if stride == 1 else Call("quotient", (position, size_tree(stride)))
        found.append(above if axis == 0 else Call("remainder", (above, size_tree(size))))
    return tuple(found)


def regrouped(position: Sequence[Expr], shape: Shape, other: Shape) -> tuple[Expr, ...]:
    """The position in `other` of an entry of `shape`, when both list the same entries in the same order.

    Leading axes of equal size keep their indices.
    """
    kept = 0
    while kept < min(len(shape), len(other)) and shape[kept] == other[kept]:
        kept += 1
    return (*position[:kept], *unravel(ravel(position[kept:], shape[kept:]), other[kept:]))


def broadcast_entries(formula: Expr, indices: Sequence[str], shapes: Mapping[str, Shape], whole: Shape) -> Expr:
    """`formula` with each parent replaced by the entry that broadcasting pairs with `indices`.

    An axis of size 1 is read at 0 where the `whole` has more places there, else at its index like any other axis.
    """
    if isinstance(formula, Name):
        shape = shapes.get(formula.name, ())
        if not shape:
            return formula
        first = len(indices) - len(shape)
        own = zip(shape, whole[first:], indices[first:], strict=True)
        return Index(formula, tuple(number(0) if 1 == size != out else Name(index) for size, out, index in own))
    parts = [broadcast_entries(part, indices, shapes, whole) for part in children(formula)]
    return rebuild(formula, tuple(parts)) if parts else formula


def _contraction(subscripts: str, operands: Sequence[str], shapes: Mapping[str, Shape]) -> Definition:
    inputs, output = subscripts.split("->")
    sizes: dict[str, Dimension] = {}
    factors: list[Expr] = []
    for operand, letters in zip(operands, inputs.split(","), strict=True):
        for letter, size in zip(letters, shapes[operand], strict=True):
            sizes.setdefault(letter, size)
        subs = tuple(Name(f"_{letter}") for letter in letters)
        factors.append(Index(Name(operand), subs) if subs else Name(operand))
    summed = [letter for letter in sizes if letter not in output]
    body = mul(factors)
    if summed:
        body = Call("sum", (body, *(bound(f"_{letter}", sizes[letter]) for letter in summed)))
    return Definition(tuple(f"_{letter}" for letter in output), body)


def _reduction(
    function: str,
    operand: str,
    axes: Sequence[int],
    keep: bool,
    indices: Sequence[str],
    shapes: Mapping[str, Shape],
) -> Expr:
    shape = shapes[operand]
    free = iter(indices)
    subs: list[Expr] = []
    limits: list[Limits] = []
    for axis, size in enumerate(shape):
        if axis in axes:
            subs.append(Name(f"_r{axis}"))
            limits.append(bound(f"_r{axis}", size))
            if keep:
                next(free)
        else:
            subs.append(Name(next(free)))
    return Call(function, (Index(Name(operand), tuple(subs)), *limits))


def _join(operands: Sequence[str], axis: int, indices: Sequence[str], shapes: Mapping[str, Shape]) -> Expr:
    """The entry of the operand into whose stretch the index of `axis` falls, as a sum of one kept part each."""
    start: Dimension = 0
    parts: list[Expr] = []
    for operand in operands:
        subs: list[Expr] = [Name(index) for index in indices]
        subs[axis] = add([subs[axis], size_tree(size_product([-1, start]))])
        end = size_sum([start, shapes[operand][axis]])
        stretch = (Name(indices[axis]), size_tree(start), size_tree(end))
        parts.append(Call("inside", (*stretch, Index(Name(operand), tuple(subs)))))
        start = end
    return add(parts)
