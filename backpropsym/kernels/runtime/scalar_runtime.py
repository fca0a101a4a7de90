"""What a kernel does besides its straight line of arithmetic. A saved kernel carries the text of these functions.

They need nothing but Python; NumPy is imported where arrays come.
"""

from __future__ import annotations

import difflib
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from backpropsym.ops.real_numbers import real_array

Mistake = tuple[str, str]


def arranged(
    given: dict[str, Any], objects: Sequence[str], numbers: Sequence[str], ignored: Sequence[str]
) -> tuple[dict[str, Any], list[Mistake]]:
    """Check what a kernel was called with and bring it into one form.

    Parameters
    ----------
    given : what was passed, by name; `...` stands for nothing. Under `_unknown` there may be more.
    objects : needed names that hold a number, or an array of shape (n,) with one number an object.
    numbers : needed names that hold one number.
    ignored : names that may be given and are not needed.

    Returns
    -------
    The needed values as floats, and as arrays of one floating dtype; and the mistakes, each with its fix.
    """
    needed = (*objects, *numbers)
    passed = {name: value for name, value in given.items() if name != "_unknown"} | given.get("_unknown", {})
    passed = {name: value for name, value in passed.items() if value is not ...}
    mistakes = unknown_names(passed, needed, ignored)
    missing = [name for name in needed if name not in passed]
    if missing:
        shown = ", ".join(missing[:10]) + (f" and {len(missing) - 10:,} more" if len(missing) > 10 else "")
        mistakes.append((f"no value is given for {shown}", f"give {missing[0]}=1.0"))
    values: dict[str, Any] = {}
    for name in needed:
        if name in passed:
            values[name], mistake = as_number(name, passed[name])
            mistakes += [mistake] if mistake else []
    mistakes += wrong_sizes(values, numbers)
    arrays = any(hasattr(value, "dtype") for value in values.values())
    return (one_dtype(values, passed) if arrays and not mistakes else values), mistakes


def wrong_sizes(values: dict[str, Any], numbers: Sequence[str]) -> list[Mistake]:
    """Mistakes in the numbers of objects, and arrays where there is one number for all objects."""
    mistakes = []
    sizes = {name: len(value) for name, value in values.items() if hasattr(value, "dtype")}
    for name in numbers:
        if name in sizes:
            found = f"{name} has the shape ({sizes.pop(name)},), and it is one number for all objects"
            mistakes.append((found, f"give {name}=1.0; only inputs and targets differ from object to object"))
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{name} has {size}" for name, size in list(sizes.items())[:10])
        mistakes.append((f"the numbers of objects differ: {found}", "give every batch the same length"))
    elif 0 in sizes.values():
        mistakes.append((f"{next(iter(sizes))} has no objects: its shape is (0,)", "give at least one object"))
    return mistakes


def unknown_names(passed: dict[str, Any], needed: Sequence[str], ignored: Sequence[str]) -> list[Mistake]:
    """A mistake for each name that the kernel does not have, with the nearest one that it has."""
    known = {*needed, *ignored}
    mistakes = []
    for name in passed.keys() - known:
        nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        shown = ", ".join(needed[:20]) + (", ..." if len(needed) > 20 else "")
        fix = f"did you mean {nearest[0]}?" if nearest else f"the names are: {shown}"
        mistakes.append((f"the kernel has no input, target or parameter {name!r}", fix))
    return sorted(mistakes)


def as_number(name: str, value: Any) -> tuple[Any, Mistake | None]:
    """`value` as a float or an array of shape (n,); and the mistake, or None."""
    fix = f"give {name}=1.0, or one number an object, shape (n,), where {name} is an input or a target"
    if isinstance(value, (int, float)):
        try:
            return float(value), None
        except OverflowError as error:
            return None, (f"{name} is not a real number: {error}", fix)
    array, wrong = real_array(value)
    if wrong:
        return None, (f"{name} is not a real number: {wrong}", fix)
    if array.ndim > 1:
        return None, (f"{name} has the shape {array.shape}", fix)
    return (float(array) if array.ndim == 0 else array), None


def one_dtype(values: dict[str, Any], passed: dict[str, Any]) -> dict[str, Any]:
    """The arrays among `values` in the dtype of those that were passed as floating arrays, else in float64."""
    import numpy as np

    arrays = {name: value for name, value in values.items() if not isinstance(value, float)}
    passed_as = [array.dtype for name, array in arrays.items() if getattr(passed[name], "dtype", None) == array.dtype]
    floating = [dtype for dtype in passed_as if dtype.kind == "f"]
    dtype = np.result_type(*floating) if floating else np.dtype(float)
    return values | {name: array.astype(dtype, copy=False) for name, array in arrays.items()}


def on_arrays(
    function: Callable[..., Any], values: dict[str, Any], objects: Sequence[str], most: int | None = None
) -> tuple[float, dict[str, float]]:
    """The results of a function on NumPy numbers: overflow gives inf and what is undefined nan, silently.

    A long batch goes in blocks of at most `most` objects, by default so many that their arrays stay in the cache and
    need no new memory from the system; the mean over all objects is that over the blocks, each weighed by its length.
    """
    import numpy as np

    dtype = next((value.dtype for value in values.values() if not isinstance(value, float)), np.dtype(float))
    size = max((value.size for value in values.values() if not isinstance(value, float)), default=1)
    total, totals, block = 0.0, dict[str, float](), most or BLOCK
    if size > block:
        np.empty(KEPT, np.uint8)
    with np.errstate(all="ignore"):
        prepared = {name: np.array(each, dtype) if isinstance(each, float) else each for name, each in values.items()}
        prepared |= {name: np.broadcast_to(prepared[name], size) for name in objects if not prepared[name].ndim}
        for start in range(0, size, block):
            count = min(block, size - start)
            share = count / size
            part = (each[start : start + block] if each.ndim else each for each in prepared.values())
            value, gradients = function(np, dtype.type, count, *part)
            total += share * float(value)
            totals = {name: share * float(each) + totals.get(name, 0.0) for name, each in gradients.items()}
    return total, totals


BLOCK = 16384
KEPT = 1 << 22
"""Bytes that are asked for and given back at once: from then on glibc keeps as much, instead of handing memory back to
the system and asking for it again at every block (mallopt(3), M_MMAP_THRESHOLD: it follows the largest block freed)."""


def check_gradients(
    kernel: Callable[..., Any], objects: Sequence[str], numbers: Sequence[str], points: int = 3, most: int = 50
) -> bool:
    """Compare the gradients of a kernel with finite differences at random points, and print what was found.

    Parameters
    ----------
    most : how many gradients are compared at a point; they are drawn at random where there are more.
    """
    if not numbers:
        print("there are no gradients to compare")
        return True
    source = random.Random(0)
    compared, wrong, largest = 0, 0, 0.0
    for _ in range(points):
        values = random_point(kernel, (*objects, *numbers), source)
        if values is None:
            continue
        gradients = kernel(**values)[1]
        listed = [name for name in gradients if name in values]
        for name in source.sample(listed, min(most, len(listed))):
            numeric, error = slope(kernel, values, name)
            scale = max(1.0, abs(numeric))
            if not error <= 1e-5 * scale:
                continue
            difference = abs(gradients[name] - numeric) / scale
            compared, largest = compared + 1, max(largest, difference)
            if not difference <= 1e-7 + 10.0 * error:
                wrong += 1
                print(f"WRONG  {name}: the kernel gives {gradients[name]!r}, finite differences give {numeric!r}")
    print(f"{compared} gradients compared with finite differences, largest relative difference {largest:.1e}")
    print("passed" if compared and not wrong else f"FAILED: {wrong} wrong" if wrong else "FAILED: nothing to compare")
    return compared > 0 and wrong == 0


def check_batch(kernel: Callable[..., Any], objects: Sequence[str], numbers: Sequence[str], size: int = 3) -> bool:
    """Compare a batch on NumPy arrays with the mean over its objects one by one, and print what was found."""
    try:
        import numpy as np
    except ImportError:
        print("no NumPy here: arrays are not checked")
        return True
    source = random.Random(1)
    shared = {name: source.uniform(0.1, 1.5) for name in numbers}
    batch = {name: [source.uniform(0.1, 1.5) for _ in range(size)] for name in objects}
    value, gradients = kernel(**shared, **{name: np.array(column) for name, column in batch.items()})
    single = [kernel(**shared, **{name: batch[name][row] for name in objects}) for row in range(size)]
    pairs = [(value, [each[0] for each in single])]
    pairs += [(gradients[name], [each[1][name] for each in single]) for name in gradients]
    passed = all(
        found == expected or abs(found - expected) <= 1e-9 * max(1.0, *map(abs, parts)) or found != found
        for found, parts in pairs
        for expected in [sum(parts) / size]
    )
    print(f"a batch of {size} objects {'agrees' if passed else 'DISAGREES'} with the mean over its objects")
    return passed


def random_point(kernel: Callable[..., Any], names: Sequence[str], source: random.Random) -> dict[str, float] | None:
    """Numbers at which value and gradients are finite; None where none were found in a hundred draws."""
    for attempt in range(100):
        low = -1.5 if attempt % 2 == 0 else 0.1
        values = {name: source.uniform(low, 1.5) for name in names}
        value, gradients = kernel(**values)
        if math.isfinite(value) and all(map(math.isfinite, gradients.values())):
            return values
    return None


def slope(kernel: Callable[..., Any], values: dict[str, float], name: str) -> tuple[float, float]:
    """The derivative of a kernel's value by `name`, and an estimate of its error.

    Central differences, extrapolated once; of ten steps the one at which two in a row agree best.
    """
    best, error, step, coarse, previous = math.nan, math.inf, 0.05, math.nan, math.nan
    for _ in range(10):
        step /= 2.0
        above, below = (kernel(**{**values, name: values[name] + side})[0] for side in (step, -step))
        fine = (above - below) / (2.0 * step)
        extrapolated = (4.0 * fine - coarse) / 3.0
        change = abs(extrapolated - previous)
        if change < error:
            best, error = extrapolated, change
        coarse, previous = fine, extrapolated
    return best, error
