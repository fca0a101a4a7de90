"""The shapes that a kernel of arrays is called with. Saved kernels carry its text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from backpropsym.ops.size_values import size_value, solved_sizes

Mistake = tuple[str, str]


def fitted(
    found: Mapping[str, Sequence[int]], shapes: Mapping[str, Sequence[int | str]], objects: Collection[str]
) -> tuple[list[str], dict[str, int], list[Mistake]]:
    """How arrays fit the shapes that are declared for one object, whose sizes may be symbols.

    Returns
    -------
    The names that have a leading axis of objects; the sizes of symbols, and of the batch as `_n`; mistakes with fixes.
    """
    mistakes: list[Mistake] = []
    leading = [name for name in objects if name in found and len(found[name]) == len(shapes[name]) + 1]
    batch = {name: found[name][0] for name in leading}
    own = {name: tuple(shape[name in batch :]) for name, shape in found.items()}
    differing = [name for name in own if own[name] != shapes[name]]
    sizes = solved_sizes(pair for name in differing for pair in zip(shapes[name], own[name], strict=False))
    for name in differing:
        if own[name] != tuple(size_value(size, sizes) for size in shapes[name]):
            extra = ", or that with a leading axis of objects" if name in objects else ""
            message = f"{name} has the shape {tuple(found[name])}"
            mistakes.append((message, f"give an array of shape {shapes[name]}{extra}"))
    count = set(batch.values())
    if len(count) > 1 or 0 in count:
        listed = ", ".join(f"{name} has {size}" for name, size in batch.items())
        mistakes.append((f"the numbers of objects differ or are zero: {listed}", "give every batch the same length"))
    sizes["_n"] = count.pop() if count else 1
    return leading, sizes, mistakes
