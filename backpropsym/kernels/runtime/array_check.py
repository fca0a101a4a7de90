"""The gradients of a kernel of arrays, compared with finite differences. Saved kernels carry its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from backpropsym.arrays import Array
from backpropsym.ops.size_values import size_terms, size_value, whole_range

Gradients = Callable[..., tuple[float, "dict[str, Array]"]]


def check_tensors(
    kernel: Gradients,
    shapes: dict[str, tuple[int | str, ...]],
    objects: Sequence[str],
    most: int = 100,
    choices: Mapping[str, Any] | None = None,
) -> bool:
    """Compare the gradients of a kernel with central differences at a random point, and print what was found.

    `choices` are the values that choose entries, with the positions that they are used for; see `whole_range`.
    """
    random, choices = np.random.default_rng(0), choices or {}
    values, gradients = random_call(kernel, shapes, choices, random)
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


def random_call(
    kernel: Gradients,
    shapes: dict[str, tuple[int | str, ...]],
    choices: Mapping[str, Any],
    random: np.random.Generator,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Random arrays that a kernel takes, with small numbers for symbolic sizes, and its gradients there.

    Raises
    ------
    ValueError : no small sizes fit it.
    """
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
            return values, kernel(**values)[1]
        except ValueError:
            if not symbols:
                raise
    raise ValueError("no small sizes fit this kernel")
