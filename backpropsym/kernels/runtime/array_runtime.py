"""What a kernel of tensors does besides its statements. A saved kernel carries the text of these functions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from backpropsym.ops.real_numbers import real_array
from backpropsym.ops.size_values import size_terms, size_value, solved_sizes, whole_range

Mistake = tuple[str, str]


def arranged_arrays(
    given: dict[str, Any], shapes: dict[str, tuple[Any, ...]], objects: Sequence[str]
) -> tuple[dict[str, Any], dict[str, int], list[Mistake]]:
    """Check what a kernel was called with and bring it into one form.

    Parameters
    ----------
    given : arrays by name, all of the names of `shapes`.
    shapes : the shape of each name for one object; a size may be a symbol.
    objects : the names that may have a leading axis of objects.

    Returns
    -------
    Arrays of one floating dtype, those of `objects` with a leading axis; the sizes of symbols; mistakes with fixes.
    The dtype is that of the floating arrays that are given; numbers and lists of Python leave it as it is.
    """
    values: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for name in shapes:
        array, wrong = real_array(given[name])
        if wrong:
            mistakes.append((f"{name} is not an array of real numbers: {wrong}", "give an array of numbers"))
        else:
            values[name] = array
    leading = [name for name in objects if name in values and values[name].ndim == len(shapes[name]) + 1]
    batch = {name: values[name].shape[0] for name in leading}
    own = {name: array.shape[name in batch :] for name, array in values.items()}
    differing = [name for name in own if own[name] != shapes[name]]
    sizes = solved_sizes(pair for name in differing for pair in zip(shapes[name], own[name], strict=False))
    for name in differing:
        array, shape = values[name], shapes[name]
        if own[name] != tuple(size_value(size, sizes) for size in shape):
            extra = ", or that with a leading axis of objects" if name in objects else ""
            mistakes.append((f"{name} has the shape {array.shape}", f"give an array of shape {shape}{extra}"))
    count = set(batch.values())
    if len(count) > 1 or 0 in count:
        found = ", ".join(f"{name} has {size}" for name, size in batch.items())
        mistakes.append((f"the numbers of objects differ or are zero: {found}", "give every batch the same length"))
    if mistakes:
        return {}, {}, mistakes
    sizes["_n"] = count.pop() if count else 1
    kinds = [array.dtype for name, array in values.items() if array.dtype.kind == "f" and hasattr(given[name], "dtype")]
    dtype = np.result_type(*kinds) if kinds else np.dtype(float)
    for name, array in values.items():
        if name in objects and name not in batch:
            array = np.broadcast_to(array, (sizes["_n"], *array.shape))
        values[name] = np.asarray(array, dtype=dtype, order="C")
    return values, sizes, []


class Memory:
    """Arrays that a kernel keeps from call to call, so that calls make no new large ones.

    A call takes a workspace for itself and gives it back: calls from several threads have one each. An array that
    was handed out as a result is written again only when nobody refers to it any more.

    Parameters
    ----------
    most : the most objects that a call computes with at once; by default as many as stay in the cache.
    """

    def __init__(self, workspace: Callable[..., Any], results: Callable[..., Any], most: int | None = None) -> None:
        self.workspace = workspace
        self.results = results
        self.most = most
        self.idle: dict[Any, list[Any]] = {}
        self.made: dict[Any, list[list[Any]]] = {}
        self.bytes: dict[Any, int] = {}
        np.empty(KEPT, np.uint8)

    def run(self, function: Callable[..., Any], values: dict[str, Any], sizes: dict[str, int]) -> tuple[Any, Any]:
        """What `function` returns; overflow gives inf and what is undefined nan, silently."""
        dtype = next((value.dtype for value in values.values()), np.dtype(float))
        key = (dtype, *sizes.values())
        idle = self.idle.setdefault(key, [])
        kept = idle.pop() if idle else self.workspace(dtype.type, sizes)
        with np.errstate(all="ignore"):
            found: tuple[Any, Any] = function(dtype.type, sizes, kept, self._handed_out(key, dtype, sizes), **values)
        idle.append(kept)
        while len(self.idle) > MOST_SIZES:
            self.idle.pop(next(iter(self.idle)), None)
        return found

    def objects_at_once(self, values: dict[str, Any], sizes: dict[str, int], objects: Sequence[str]) -> int:
        """How many of the objects a call computes with: all, or as many as its arrays stay in the cache for.

        The gradients of the parts are added up, which costs little where the arrays of a part are larger than these.
        """
        count = sizes["_n"]
        if self.most is not None:
            return min(self.most, count)
        if count < 2 * LEAST_OBJECTS:
            return count
        dtype = next(value.dtype for value in values.values())
        key = (dtype, *(size for name, size in sizes.items() if name != "_n"))
        if key not in self.bytes:
            one, two = (self._held(dtype, {**sizes, "_n": number}) for number in (1, 2))
            self.bytes[key] = max(two - one, 1)
        shared = sum(value.nbytes for name, value in values.items() if name not in objects)
        block: int = max(max(MOST_BYTES, 4 * shared) // self.bytes[key], LEAST_OBJECTS)
        return -(-count // -(-count // block))

    def _held(self, dtype: Any, sizes: dict[str, int]) -> int:
        """The bytes of a workspace."""
        arrays = [array if array.base is None else array.base for array in self.workspace(dtype.type, sizes)]
        return sum({id(array): array.nbytes for array in arrays}.values())

    def _handed_out(self, key: Any, dtype: Any, sizes: dict[str, int]) -> list[Any]:
        """An array for each result: one that nobody else refers to, else a new one."""
        shapes = self.results(sizes)
        while len(self.made) > MOST_SIZES:
            self.made.pop(next(iter(self.made)), None)
        known = self.made.setdefault(key, [[] for _ in shapes])
        return [_alone(arrays, shape, dtype) for arrays, shape in zip(known, shapes, strict=True)]


MOST_SIZES = 4
MOST_BYTES = 1 << 23
KEPT = 1 << 22
"""Bytes that are asked for and given back at once: from then on glibc keeps as much for what a statement needs on its
way, instead of asking the system for it at every call (mallopt(3), M_MMAP_THRESHOLD)."""
LEAST_OBJECTS = 8


def _alone(arrays: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    for array in arrays:
        if _ALONE and sys.getrefcount(array) == _ALONE:
            return array
    fresh = np.empty(shape, dtype)
    arrays.append(fresh)
    del arrays[:-MOST_SIZES]
    return fresh


def _references() -> int:
    """What `getrefcount` gives for an array that only a list holds, inside a loop; 0 where it cannot be trusted."""
    if not hasattr(sys, "getrefcount") or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return 0
    for array in [np.empty(1)]:
        return sys.getrefcount(array)
    return 0


_ALONE = _references()
_BITS = {4: np.int32, 8: np.int64, 2: np.int16}
"""Whole numbers as long as a float; extended precision has none, and chooses the slower way."""


def _kept(x: Any, where: Any, out: Any) -> Any:
    """x where `where` holds, else 0, also where x is inf or nan: its bits times 0 or 1."""
    bits = _BITS.get(out.dtype.itemsize)
    if bits is None:
        return _moved(np.where(where, x, out.dtype.type(0)), out)
    np.multiply(np.asarray(x, out.dtype).view(bits), where, out=out.view(bits))
    return out


def _chosen(where: Any, x: Any, y: Any, out: Any) -> Any:
    """x where `where` holds, else y, by their bits: without a branch for each entry. `out` may be x, not y."""
    bits = _BITS.get(out.dtype.itemsize)
    if bits is None:
        return _moved(np.where(where, x, y), out)
    first, second, found = np.asarray(x, out.dtype).view(bits), np.asarray(y, out.dtype).view(bits), out.view(bits)
    np.bitwise_xor(first, second, out=found)
    np.multiply(found, where, out=found)
    np.bitwise_xor(found, second, out=found)
    return out


def _finite(x: Any, largest: Any, out: Any = None) -> Any:
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


def _in_blocks(left: Any, right: Any, out: Any) -> Any:
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


def _rows(x: Any, count: int, block: int) -> Any:
    """Blocks of rows, one after another along a new first axis."""
    return x[: count * block].reshape(count, block, x.shape[1])


def _columns(x: Any, count: int, block: int) -> Any:
    """Blocks of columns, one after another along a new first axis."""
    return x[:, : count * block].reshape(x.shape[0], count, block).transpose(1, 0, 2)


def _moved(x: Any, out: Any) -> Any:
    np.copyto(out, x)
    return out


def _first(x: Any, axes: tuple[int, ...], find: Any) -> Any:
    """1 at the first extreme over `axes`, 0 elsewhere."""
    kept = tuple(axis for axis in range(x.ndim) if axis not in axes)
    moved = np.transpose(x, kept + axes)
    flat = moved.reshape(moved.shape[: len(kept)] + (-1,))
    marks = np.zeros_like(flat)
    np.put_along_axis(marks, find(flat, axis=-1)[..., None], 1.0, axis=-1)
    return np.transpose(marks.reshape(moved.shape), np.argsort(kept + axes))


def _first_max(x: Any, axes: tuple[int, ...]) -> Any:
    return _first(x, axes, np.argmax)


def _first_min(x: Any, axes: tuple[int, ...]) -> Any:
    return _first(x, axes, np.argmin)


def _whole(x: Any, rank: int) -> Any:
    """Numbers that choose entries, one an object, as whole numbers that broadcast against `rank` axes."""
    chosen = _as_whole(x)
    return chosen.reshape(chosen.shape + (1,) * rank)


def _named(x: Any, *index: Any) -> Any:
    """The entries of an array of choices at `index`, as whole numbers; objects, where x has them, come first."""
    return _as_whole(np.asarray(x)[(..., *index)])


def _as_whole(x: Any) -> Any:
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


def _inside(position: Any, size: int) -> Any:
    """Positions chosen by data, which count from zero and never from the end.

    Raises
    ------
    IndexError : one of them is outside.
    """
    outside = np.extract((position < 0) | (position >= size), position)
    if outside.size:
        raise IndexError(f"a value chooses entry {outside[0]} of an axis that counts from 0 to {size - 1}")
    return position


def _placed(index: Any, guards: Any, lead: int, rank: int, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Index arrays for every axis of an array of `shape`, and the mask of entries that exist.

    `rank` is the number of axes of the result without that of the objects; `lead` is 1 where the array has one.
    """
    kept: Any = True
    for position, size in guards:
        kept = kept & (position >= 0) & (position < size)
    if guards:
        index = tuple(np.clip(position, 0, size - 1) for position, size in zip(index, shape[lead:], strict=False))
    if lead:
        index = (np.arange(shape[0]).reshape((-1,) + (1,) * rank), *index)
    return index, kept


def _read(x: Any, index: Any, guards: Any, lead: int, rank: int, fill: float = 0.0) -> Any:
    """Entries of x; `fill` where one does not exist."""
    position, kept = _placed(index, guards, lead, rank, x.shape)
    return np.where(kept, x[position], x.dtype.type(fill)) if guards else x[position]


def _scatter(total: Any, part: Any, index: Any, guards: Any, lead: int, rank: int, unique: bool) -> Any:
    """The adjoint of `_read`: every entry of `total` gets the sum over the places that read it."""
    position, kept = _placed(index, guards, lead, rank, total.shape)
    part = part * kept if guards else part
    if unique:
        total[position] += part
    else:
        np.add.at(total, position, part)
    return total


def on_tensors(
    memory: Memory,
    function: Callable[..., Any],
    values: dict[str, Any],
    sizes: dict[str, int],
    objects: Sequence[str],
    joins: Mapping[str, str] | None = None,
    once: Collection[str] = (),
) -> tuple[float, dict[str, Any]]:
    """The results of a kernel's statements; a long batch goes in parts, whose results are joined.

    Parameters
    ----------
    joins : how parts make a result. "mean": weighed by their numbers of objects, which is what a result without a
        word here is; "sum"; "same": each has the whole; "rows": one after another; "rows of a mean": weighed as well.
    once : values that belong to the whole batch and not to an object, and that results are linear in: each part gets
        its share of them.
    """
    count, block = sizes["_n"], memory.objects_at_once(values, sizes, objects)
    if block >= count:
        value, found = memory.run(function, values, sizes)
        return float(value), {name: float(each) if np.ndim(each) == 0 else each for name, each in found.items()}
    total, totals = 0.0, dict[str, Any]()
    for start in range(0, count, block):
        span = slice(start, min(start + block, count))
        share = (span.stop - span.start) / count
        part = {name: each[span] if name in objects else each for name, each in values.items()}
        part |= {name: values[name] * values[name].dtype.type(share) for name in once}
        value, found = memory.run(function, part, {**sizes, "_n": span.stop - span.start})
        total += share * float(value)
        for name, each in found.items():
            how = (joins or {}).get(name, "mean")
            weight = share if how in ("mean", "rows of a mean") else 1.0
            if how in ("rows", "rows of a mean"):
                totals.setdefault(name, np.empty((count, *each.shape[1:]), each.dtype))
                np.multiply(each, each.dtype.type(weight), out=totals[name][span])
            elif how != "same" or name not in totals:
                totals[name] = _with_part(totals.get(name), each, weight)
    return total, totals


def _with_part(total: Any, part: Any, weight: float) -> Any:
    """What the parts so far have added up to, with one more; an array that was handed out is written into."""
    if np.ndim(part) == 0:
        return weight * float(part) + (total or 0.0)
    np.multiply(part, part.dtype.type(weight), out=part)
    return part if total is None else np.add(total, part, out=total)


def check_tensors(
    kernel: Any,
    shapes: dict[str, tuple[Any, ...]],
    objects: Sequence[str],
    most: int = 100,
    choices: Mapping[str, Any] | None = None,
) -> bool:
    """Compare the gradients of a kernel with central differences at a random point, and print what was found.

    `choices` are the values that choose entries, with the positions that they are used for; see `whole_range`.
    """
    random, choices = np.random.default_rng(0), choices or {}
    symbols = sorted(
        {part for shape in shapes.values() for size in shape for term in size_terms(size) for part in term}
    )
    for attempt in range(1000):
        chosen = {symbol: int(random.integers(2, 5 + attempt // 50)) for symbol in symbols}
        sizes = {name: [max(size_value(size, chosen) or 1, 1) for size in shape] for name, shape in shapes.items()}
        fans = {name: max(float(np.prod(size[1:])), 1.0) for name, size in sizes.items()}
        values = {name: np.asarray(random.uniform(0.2, 1.0, size) / fans[name] ** 0.5) for name, size in sizes.items()}
        for name in filter(choices.__contains__, values):
            low, high = whole_range(choices[name], chosen) or (0, 0)
            values[name] = random.integers(low, max(low, high) + 1, sizes[name]).astype(float)
        try:
            gradients = kernel(**values)[1]
            break
        except ValueError:
            if not symbols:
                raise
    else:
        raise ValueError("no small sizes fit this kernel")
    worst, compared = 0.0, 0
    for name, gradient in gradients.items():
        positions = list(np.ndindex(*values[name].shape)) if name in values and name not in choices else []
        for position in [positions[i] for i in random.permutation(len(positions))[: max(most // len(gradients), 1)]]:
            moved = values[name].copy(), values[name].copy()
            moved[0][position] += 1e-5
            moved[1][position] -= 1e-5
            numeric = (kernel(**{**values, name: moved[0]})[0] - kernel(**{**values, name: moved[1]})[0]) / 2e-5
            worst = max(worst, abs(numeric - np.asarray(gradient)[position]) / max(1.0, abs(numeric)))
            compared += 1
    passed = compared == 0 or worst < 1e-6
    print(f"{compared} gradients compared with finite differences, largest relative difference {worst:.1e}")
    print("passed" if passed else "FAILED")
    return passed
