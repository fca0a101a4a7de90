"""What a kernel of tensors does besides its statements. A saved kernel carries the text of these functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backpropsym.ops.size_values import size_terms, size_value, solved_sizes

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
    """
    values: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for name in shapes:
        try:
            array = np.asarray(given[name])
            if array.dtype.kind not in "biuf":
                array = array.astype(float)
            values[name] = array
        except (TypeError, ValueError) as error:
            mistakes.append((f"{name} is not an array of real numbers: {str(error)[:100]}", "give an array of numbers"))
    leading = [name for name in objects if name in values and values[name].ndim == len(shapes[name]) + 1]
    batch = {name: values[name].shape[0] for name in leading}
    own = {name: array.shape[name in batch :] for name, array in values.items()}
    sizes = solved_sizes(pair for name in own for pair in zip(shapes[name], own[name], strict=False))
    for name, array in values.items():
        shape = shapes[name]
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
    kinds = [array.dtype for array in values.values() if array.dtype.kind == "f"]
    dtype = np.result_type(*kinds) if kinds else np.dtype(float)
    for name, array in values.items():
        array = array.astype(dtype, copy=False)
        if name in objects and name not in batch:
            array = np.broadcast_to(array, (sizes["_n"], *array.shape))
        values[name] = array
    return values, sizes, []


def _logsumexp(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    top = x.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0).astype(x.dtype, copy=False)
    total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)


def _sum_to(x: Any, axes: tuple[int, ...], ones: tuple[int, ...]) -> Any:
    """x summed over `axes`, which vanish, and then over `ones`, which stay with size 1."""
    total = x.sum(axis=axes + ones, keepdims=True) if axes + ones else x
    return np.squeeze(total, axis=axes) if axes else total


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
    chosen = np.asarray(x).astype(int)
    return chosen.reshape(chosen.shape + (1,) * rank)


def _named(x: Any, *index: Any) -> Any:
    """The entries of an array of choices at `index`, as whole numbers; objects, where x has them, come first."""
    return np.asarray(x)[(..., *index)].astype(int)


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


def _read(x: Any, index: Any, guards: Any, lead: int, rank: int, fill: float = 0.0, absent: bool = False) -> Any:
    """Entries of x; where one does not exist `fill`, or -inf where a maximum passes over what is `absent`."""
    position, kept = _placed(index, guards, lead, rank, x.shape)
    found = x[position]
    return np.where(kept, found, x.dtype.type(-np.inf if absent else fill)) if guards else found


def _scatter(adjoint: Any, index: Any, guards: Any, lead: int, rank: int, shape: tuple[int, ...]) -> Any:
    """The adjoint of `_read`: every entry gets the sum over the places that read it."""
    total = np.zeros(shape, dtype=adjoint.dtype)
    position, kept = _placed(index, guards, lead, rank, shape)
    np.add.at(total, position, adjoint * kept if guards else adjoint)
    return total


def on_tensors(function: Any, values: dict[str, Any], sizes: dict[str, int]) -> tuple[float, dict[str, Any]]:
    """The results of a kernel's statements; overflow gives inf and what is undefined nan, silently."""
    dtype = next((value.dtype for value in values.values()), np.dtype(float))
    with np.errstate(all="ignore"):
        value, gradients = function(dtype.type, sizes, **values)
    found = {name: float(each) if np.ndim(each) == 0 else np.array(each) for name, each in gradients.items()}
    return float(value), found


def check_tensors(kernel: Any, shapes: dict[str, tuple[Any, ...]], objects: Sequence[str], most: int = 100) -> bool:
    """Compare the gradients of a kernel with central differences at a random point, and print what was found."""
    random = np.random.default_rng(0)
    symbols = sorted(
        {part for shape in shapes.values() for size in shape for term in size_terms(size) for part in term}
    )
    for attempt in range(1000):
        chosen = {symbol: int(random.integers(2, 5 + attempt // 50)) for symbol in symbols}
        sizes = {name: [max(size_value(size, chosen) or 1, 1) for size in shape] for name, shape in shapes.items()}
        fans = {name: max(float(np.prod(size[1:])), 1.0) for name, size in sizes.items()}
        values = {name: np.asarray(random.uniform(0.2, 1.0, size) / fans[name] ** 0.5) for name, size in sizes.items()}
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
        positions = list(np.ndindex(*values[name].shape)) if name in values else []
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
