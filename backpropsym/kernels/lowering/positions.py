"""The formulas of indices of a view as positions in its operand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backpropsym.formula.tree import Add, Call, Expr, Index, Mul, Name, Neg, Number, names
from backpropsym.kernels.ir.positions import (
    Along,
    Chosen,
    ChosenAt,
    Extent,
    Inside,
    Opposite,
    Places,
    Position,
    Quotient,
    Remainder,
    Times,
    Total,
    Whole,
)
from backpropsym.ops.kinds import Shape, View
from backpropsym.ops.sizes import Dimension


def view_places(op: View, shape: Shape, operand: Shape, data: Sequence[str], batched: Sequence[bool]) -> Places:
    """The places that a view reads.

    Parameters
    ----------
    shape, operand : the shapes of the result and of what it reads, for one object.
    data : the names that choose entries, in the order of the further operands.
    batched : which of them differ from object to object.
    """
    known: dict[str, Position] = {
        index: Along(axis, size) for axis, (index, size) in enumerate(zip(op.indices, shape, strict=True))
    }
    slots = {name: slot for slot, name in enumerate(data, 1)}
    known |= {name: Chosen(slot, differs) for (name, slot), differs in zip(slots.items(), batched, strict=True)}
    axes = [_position(source, known, slots) for source in op.source]
    for axis, (source, size) in enumerate(zip(op.source, operand, strict=True)):
        if not slots.keys().isdisjoint(names(source)):
            axes[axis] = Inside((axes[axis],), size)
    return Places(tuple(axes), tuple((_position(source, known, slots), size) for source, size in op.guards))


def stretch(shape: Shape, axis: int, start: Dimension) -> Places:
    """The places of a part of this shape that begins at `start` along one axis."""
    axes: list[Position] = [Along(each, size) for each, size in enumerate(shape)]
    if start != 0:
        axes[axis] = Total((axes[axis], Whole(start) if isinstance(start, int) else Extent(start)))
    return Places(tuple(axes))


def _position(expr: Expr, known: Mapping[str, Position], slots: Mapping[str, int]) -> Position:
    match expr:
        case Name(name):
            return known.get(name) or Extent(name)
        case Number(value):
            return Whole(int(value))
        case Add(terms):
            return Total(tuple(_position(term, known, slots) for term in terms))
        case Mul(factors):
            return Times(tuple(_position(factor, known, slots) for factor in factors))
        case Neg(operand):
            return Opposite((_position(operand, known, slots),))
        case Index(Name(name), subscripts):
            return ChosenAt(slots[name], tuple(_position(each, known, slots) for each in subscripts))
        case Call("quotient" | "remainder" as name, (above, below)):
            division = Quotient if name == "quotient" else Remainder
            return division((_position(above, known, slots), _position(below, known, slots)))
    raise TypeError(f"{type(expr).__name__} is not a formula of indices over {names(expr)}")
