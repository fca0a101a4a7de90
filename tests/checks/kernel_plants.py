"""Kernels with one thing wrong, and everything else as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backpropsym.checks.comparisons import subject

Change = Callable[[Any], Any]

ARRAY_CHANGES: dict[str, Change] = {
    "scaled": lambda array: np.asarray(array) * 2,
    "negated": lambda array: -np.asarray(array),
    "no number": lambda array: np.asarray(array) * np.nan,
    "off by a billionth": lambda array: np.asarray(array) * (1 + 1e-9),
    "in another shape": lambda array: np.asarray(array)[..., None],
    "dropped": lambda array: np.asarray(array) * 0.0,
}


def rows_swapped(array: Any) -> Any:
    """The first two objects in each other's places."""
    found = np.array(array)
    if found.ndim and len(found) > 1:
        found[[0, 1]] = found[[1, 0]]
    return found


class WrongKernel:
    """A kernel whose method `method` ("call" for a plain call) gives what `change` makes of it.

    Parameters
    ----------
    change : of the results of the method, with the keywords of `only`.
    """

    def __init__(self, kernel: Any, method: str, change: Change) -> None:
        self.kernel = kernel
        self.method = method
        self.change = change

    def __call__(self, **values: Any) -> Any:
        found = self.kernel(**values)
        return self.change(found) if self.method == "call" else found

    def __reduce__(self) -> Any:
        """A copy that is read back is as wrong."""
        _kept.append(self)
        return _read_back, (len(_kept) - 1,)

    def __getattr__(self, name: str) -> Any:
        right = getattr(self.kernel, name)
        if name != self.method:
            return right
        return _WrongMethod(right, self.change) if callable(right) else self.change(right)


_kept: list[WrongKernel] = []


def _read_back(place: int) -> WrongKernel:
    return _kept[place]


class _WrongMethod:
    def __init__(self, right: Any, change: Change) -> None:
        self.right = right
        self.change = change

    def __call__(self, *given: Any) -> Any:
        return self.change(self.right(*given))

    def __reduce__(self) -> Any:
        return self.right.__reduce__()


def plant(
    monkeypatch: pytest.MonkeyPatch, method: str, change: Change, only: Callable[[dict[str, Any]], bool] | None = None
) -> None:
    """Let every kernel that a check compiles be wrong, or those whose options `only` chooses."""
    compiled = subject.compile_kernel

    def wrong(*arguments: Any, **options: Any) -> Any:
        kernel = compiled(*arguments, **options)
        return WrongKernel(kernel, method, change) if only is None or only(options) else kernel

    monkeypatch.setattr(subject, "compile_kernel", wrong)


def in_gradient(name: str, change: Change) -> Change:
    """The change of one gradient of a value and gradients."""
    return lambda found: (found[0], {**found[1], name: change(found[1][name])})


def in_value(change: Change) -> Change:
    """The change of the value of a value and gradients."""
    return lambda found: (change(found[0]), found[1])


def in_entry(name: str, change: Change) -> Change:
    """The change of one array of several by name."""
    return lambda found: {**found, name: change(found[name])} if name in found else found
