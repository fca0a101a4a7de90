"""The results of a call of a kernel of arrays; a long batch goes in parts. Saved kernels carry its text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.kernels.runtime.array_memory import Call, Memory


def on_tensors(
    memory: Memory,
    function: Call,
    values: dict[str, Array],
    sizes: dict[str, int],
    objects: Sequence[str],
    joins: Mapping[str, str] | None = None,
    once: Collection[str] = (),
) -> tuple[float, dict[str, Numeric]]:
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


def _with_part(total: Any, part: Array, weight: float) -> Numeric:
    """What the parts so far have added up to, with one more; an array that was handed out is written into."""
    if np.ndim(part) == 0:
        return weight * float(part) + (total or 0.0)
    np.multiply(part, part.dtype.type(weight), out=part)
    return part if total is None else np.add(total, part, out=total)
