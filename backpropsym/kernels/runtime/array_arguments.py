"""What a kernel of arrays is called with, in one form. Saved kernels carry its text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from backpropsym.arrays import Array, Given
from backpropsym.kernels.runtime.array_shapes import Mistake, fitted
from backpropsym.ops.real_numbers import real_array


def arranged_arrays(
    given: dict[str, Given], shapes: dict[str, tuple[int | str, ...]], objects: Sequence[str]
) -> tuple[dict[str, Array], dict[str, int], list[Mistake]]:
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
    values: dict[str, Array] = {}
    mistakes: list[Mistake] = []
    for name in shapes:
        array, wrong = real_array(given[name])
        if wrong:
            mistakes.append((f"{name} is not an array of real numbers: {wrong}", "give an array of numbers"))
        else:
            values[name] = array
    batched, sizes, unfit = fitted({name: array.shape for name, array in values.items()}, shapes, objects)
    if mistakes + unfit:
        return {}, {}, mistakes + unfit
    return _of_one_kind(given, values, sizes, [name for name in objects if name not in batched]), sizes, []


def _of_one_kind(
    given: Mapping[str, Given], values: dict[str, Array], sizes: Mapping[str, int], shared: Collection[str]
) -> dict[str, Array]:
    """Arrays of one dtype; those that are `shared` by all objects get their axis."""
    kinds = [array.dtype for name, array in values.items() if array.dtype.kind == "f" and hasattr(given[name], "dtype")]
    dtype = np.result_type(*kinds) if kinds else np.dtype(float)
    for name, array in values.items():
        if name in shared:
            array = np.broadcast_to(array, (sizes["_n"], *array.shape))
        values[name] = np.asarray(array, dtype=dtype, order="C")
    return values
