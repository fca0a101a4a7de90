"""How a view moves entries: axis by axis as ranges and windows where its formulas of indices allow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backpropsym.formula.affine import affine, linear
from backpropsym.kernels.ir.array_operations import ALL, Item, Kept, Range, Window
from backpropsym.ops.kinds import Shape, View
from backpropsym.ops.sizes import Dimension


@dataclass(frozen=True)
class Moves:
    """A view as basic indexing, or as windows, of an operand that may first be padded with zeros.

    Attributes
    ----------
    pads : zeros before and after each axis of the operand.
    items : basic indexing of each axis; None where there are windows.
    order : for each axis of the result, the axis among those that `items` leave; None is a new one.
    windows : what the result sees of each axis of the operand, without a batch.
    """

    pads: tuple[tuple[int, int], ...]
    items: tuple[Item, ...] | None = None
    order: tuple[int | None, ...] = ()
    windows: tuple[Window | Kept, ...] = ()


@dataclass(frozen=True)
class _Axis:
    """One axis of the operand: the whole-number multiples of result axes that choose from it, and a constant."""

    terms: tuple[tuple[int, int], ...]
    constant: int


def moves(op: View, shape: Shape, operand: Shape) -> Moves | None:
    """The view as moves along axes, or None where its entries must be chosen one by one."""
    axes = _axes(op)
    if axes is None or (op.guards and (op.absent or op.fill)):
        return None
    used = [axis for each in axes for axis, _ in each.terms]
    if len(used) > len(set(used)) or any(len(each.terms) > 2 for each in axes):
        return None
    pads = _pads(op, axes, shape, operand)
    if pads is None:
        return None
    shifted = [_Axis(each.terms, each.constant + low) for each, (low, _) in zip(axes, pads, strict=True)]
    sizes = padded(operand, pads)
    if any(len(each.terms) == 2 for each in axes):
        return _windows(shifted, shape, sizes, pads)
    items: list[Item] = []
    kept: list[int] = []
    for each, size in zip(shifted, sizes, strict=True):
        if not each.terms:
            items.append(each.constant)
            continue
        ((axis, step),) = each.terms
        item = _range(each.constant, step, shape[axis], size)
        if item is None:
            return None
        items.append(item)
        kept.append(axis)
    order = tuple(kept.index(axis) if axis in kept else None for axis in range(len(shape)))
    return Moves(pads, tuple(items), order)


def padded(shape: Shape, pads: Sequence[tuple[int, int]]) -> Shape:
    """The shape with zeros before and after its axes."""
    return tuple(
        size if pad == (0, 0) or not isinstance(size, int) else size + sum(pad)
        for size, pad in zip(shape, pads, strict=True)
    )


def _axes(op: View) -> list[_Axis] | None:
    found = []
    for source in op.source:
        coefficients = affine(linear(source))
        if coefficients is None or any(value.denominator > 1 for value in coefficients.values()):
            return None
        constant = int(coefficients.pop("", 0))
        if not set(coefficients) <= set(op.indices):
            return None
        terms = tuple((op.indices.index(name), int(value)) for name, value in coefficients.items() if value)
        found.append(_Axis(terms, constant))
    return found


def _pads(op: View, axes: Sequence[_Axis], shape: Shape, operand: Shape) -> tuple[tuple[int, int], ...] | None:
    """Zeros that make every guarded index fall inside; None where a guard is not one of an axis."""
    pads = []
    guards = dict(op.guards)
    for source, each, size in zip(op.source, axes, operand, strict=True):
        if source not in guards:
            pads.append((0, 0))
            continue
        if guards.pop(source) != size or not isinstance(size, int):
            return None
        lengths = [shape[axis] for axis, _ in each.terms]
        if not all(isinstance(length, int) for length in lengths):
            return None
        reach = [step * (int(length) - 1) for (_, step), length in zip(each.terms, lengths, strict=True)]
        low = each.constant + sum(step for step in reach if step < 0)
        high = each.constant + sum(step for step in reach if step > 0)
        pads.append((max(0, -low), max(0, high - size + 1)))
    return None if guards else tuple(pads)


def _range(start: int, step: int, count: Dimension, size: Dimension) -> Range | None:
    if (start, step) == (0, 1) and count == size:
        return ALL
    if not isinstance(count, int) or not isinstance(size, int):
        return None
    end = start + step * (count - 1)
    if not (0 <= start < size and 0 <= end < size):
        return None
    stop = end + 1 if step > 0 else end - 1
    return start, None if stop < 0 else stop, step


def _windows(axes: Sequence[_Axis], shape: Shape, sizes: Shape, pads: tuple[tuple[int, int], ...]) -> Moves | None:
    """Windows where an axis is read by two indices: the one with fewer places is that within the window."""
    found: list[Window | Kept] = []
    for each, size in zip(axes, sizes, strict=True):
        if len(each.terms) == 2:
            (out, stride), (within, dilation) = each.terms
            count, width = shape[out], shape[within]
            if not isinstance(count, int) or not isinstance(width, int) or min(stride, dilation) < 1:
                return None
            found.append(Window(out, within, count, width, stride, dilation, each.constant))
        elif len(each.terms) == 1:
            ((axis, step),) = each.terms
            item = _range(each.constant, step, shape[axis], size)
            if item is None:
                return None
            found.append(Kept(axis, item))
        else:
            return None
    reached = sum(2 if isinstance(each, Window) else 1 for each in found)
    return Moves(pads, windows=tuple(found)) if reached == len(shape) else None
