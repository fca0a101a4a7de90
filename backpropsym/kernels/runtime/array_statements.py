"""What statements on arrays call besides NumPy. Saved kernels carry its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backpropsym.arrays import Array

Index = tuple["Array", ...]
Guards = tuple[tuple["Array", int], ...]

_BITS = {4: np.int32, 8: np.int64, 2: np.int16}
"""Whole numbers as long as a float; extended precision has none, and chooses the slower way."""


def _kept(x: Array, where: Array, out: Array) -> Array:
    """x where `where` holds, else 0, also where x is inf or nan: its bits times 0 or 1."""
    bits = _BITS.get(out.dtype.itemsize)
    if bits is None:
        return _moved(np.where(where, x, out.dtype.type(0)), out)
    np.multiply(np.asarray(x, out.dtype).view(bits), where, out=out.view(bits))
    return out


def _chosen(where: Array, x: Array, y: Array, out: Array) -> Array:
    """x where `where` holds, else y, by their bits: without a branch for each entry. `out` may be x, not y."""
    bits = _BITS.get(out.dtype.itemsize)
    if bits is None:
        return _moved(np.where(where, x, y), out)
    first, second, found = np.asarray(x, out.dtype).view(bits), np.asarray(y, out.dtype).view(bits), out.view(bits)
    np.bitwise_xor(first, second, out=found)
    np.multiply(found, where, out=found)
    np.bitwise_xor(found, second, out=found)
    return out


def _finite(x: Array, largest: Array, out: Array | None = None) -> Array:
    """x, and the largest number of its type in the place of infinity."""
    return np.minimum(np.maximum(x, -largest, out=out), largest, out=out)


_SMALL = 10**6
_BLOCKS = 64, 2048
_MOST_SUMS = 1024


def block_of_product(rows: int, summed: int, columns: int, turned: bool = False) -> tuple[str, int]:
    """The axis along which a matrix product is best cut, and the length of a block; 0 where it is best left whole.

    OpenBLAS multiplies without packing the operands first where there are at most 10**6 multiplications. The sum is cut
    only where it has few results, which each block adds to; the others only if the right matrix is not `turned`, lying
    in memory by columns, for which packing is worth its time.
    """
    entries = rows * summed * columns
    least, most = _BLOCKS
    if entries <= _SMALL:
        return "", 0
    axis, length = ("columns", columns) if columns >= rows else ("rows", rows)
    block = min(_SMALL * length // entries, most)
    if block < least and rows * columns <= _MOST_SUMS:
        axis, length, block = "summed", summed, min(_SMALL // (rows * columns), most)
    if block < least or (turned and axis != "summed"):
        return "", 0
    even = -(-length // -(-length // block))
    block = min(block // 16, -(-even // 16)) * 16
    return (axis, block) if block >= least else ("", 0)


def _in_blocks(left: Array, right: Array, out: Array) -> Array:
    """left @ right as small products side by side along one axis, or added up."""
    if left.size * right.shape[1] <= _SMALL:
        return np.matmul(left, right, out=out)
    (rows, summed), columns = left.shape, right.shape[1]
    axis, block = block_of_product(rows, summed, columns, right.strides[0] < right.strides[1])
    if not block:
        return np.matmul(left, right, out=out)
    count = {"rows": rows, "summed": summed, "columns": columns}[axis] // block
    whole = count * block
    if axis == "columns":
        np.matmul(left, _columns(right, count, block), out=_columns(out, count, block))
        np.matmul(left, right[:, whole:], out=out[:, whole:])
    elif axis == "rows":
        np.matmul(_rows(left, count, block), right, out=_rows(out, count, block))
        np.matmul(left[whole:], right, out=out[whole:])
    else:
        np.add.reduce(np.matmul(_columns(left, count, block), _rows(right, count, block)), axis=0, out=out)
        out += left[:, whole:] @ right[whole:]
    return out


def _rows(x: Array, count: int, block: int) -> Array:
    """Blocks of rows, one after another along a new first axis."""
    return x[: count * block].reshape(count, block, x.shape[1])


def _columns(x: Array, count: int, block: int) -> Array:
    """Blocks of columns, one after another along a new first axis."""
    return x[:, : count * block].reshape(x.shape[0], count, block).transpose(1, 0, 2)


def _moved(x: Array, out: Array) -> Array:
    np.copyto(out, x)
    return out


def _first(x: Array, axes: tuple[int, ...], find: Callable[..., Array]) -> Array:
    """1 at the first extreme over `axes`, 0 elsewhere."""
    kept = tuple(axis for axis in range(x.ndim) if axis not in axes)
    moved = np.transpose(x, kept + axes)
    flat = moved.reshape(moved.shape[: len(kept)] + (-1,))
    marks = np.zeros_like(flat)
    np.put_along_axis(marks, find(flat, axis=-1)[..., None], 1.0, axis=-1)
    return np.transpose(marks.reshape(moved.shape), np.argsort(kept + axes))


def _first_max(x: Array, axes: tuple[int, ...]) -> Array:
    return _first(x, axes, np.argmax)


def _first_min(x: Array, axes: tuple[int, ...]) -> Array:
    return _first(x, axes, np.argmin)


def _whole(x: Array, rank: int) -> Array:
    """Numbers that choose entries, one an object, as whole numbers that broadcast against `rank` axes."""
    chosen = _as_whole(x)
    return chosen.reshape(chosen.shape + (1,) * rank)


def _named(x: Array, *index: Any) -> Array:
    """The entries of an array of choices at `index`, as whole numbers; objects, where x has them, come first."""
    return _as_whole(np.asarray(x)[(..., *index)])


def _as_whole(x: Array) -> Array:
    """Numbers that choose entries, as integers.

    Raises
    ------
    IndexError : one of them is not whole.
    """
    with np.errstate(invalid="ignore"):
        chosen = np.asarray(x).astype(int)
    if not np.array_equal(chosen, x):
        raise IndexError("a value that chooses an entry is not a whole number")
    return chosen


def _inside(position: Array, size: int) -> Array:
    """Positions chosen by data, which count from zero and never from the end.

    Raises
    ------
    IndexError : one of them is outside.
    """
    outside = np.extract((position < 0) | (position >= size), position)
    if outside.size:
        raise IndexError(f"a value chooses entry {outside[0]} of an axis that counts from 0 to {size - 1}")
    return position


def _placed(index: Index, guards: Guards, lead: int, rank: int, shape: tuple[int, ...]) -> tuple[Index, Array | bool]:
    """Index arrays for every axis of an array of `shape`, and the mask of entries that exist.

    `rank` is the number of axes of the result without that of the objects; `lead` is 1 where the array has one.
    """
    kept: Array | bool = True
    for position, size in guards:
        kept = kept & (position >= 0) & (position < size)
    if guards:
        index = tuple(np.clip(position, 0, size - 1) for position, size in zip(index, shape[lead:], strict=False))
    if lead:
        index = (np.arange(shape[0]).reshape((-1,) + (1,) * rank), *index)
    return index, kept


def _read(x: Array, index: Index, guards: Guards, lead: int, rank: int, fill: float = 0.0) -> Array:
    """Entries of x; `fill` where one does not exist."""
    position, kept = _placed(index, guards, lead, rank, x.shape)
    return np.where(kept, x[position], x.dtype.type(fill)) if guards else x[position]


def _scatter(
    total: Array,
    part: Array | float,
    index: Index,
    guards: Guards,
    lead: int,
    rank: int,
    unique: bool,
) -> Array:
    """The adjoint of `_read`: every entry of `total` gets the sum over the places that read it."""
    position, kept = _placed(index, guards, lead, rank, total.shape)
    part = part * kept if guards else part
    if unique:
        total[position] += part
    else:
        np.add.at(total, position, part)
    return total
