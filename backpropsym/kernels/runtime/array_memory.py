"""The memory in which a kernel of arrays computes, kept from call to call. Saved kernels carry its text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backpropsym.arrays import Array

Found = tuple["Array", "dict[str, Array]"]
Call = Callable[..., Found]
Workspace = Callable[..., tuple["Array", ...]]
Results = Callable[..., list[tuple[int, ...]]]


class Memory:
    """Arrays that a kernel keeps from call to call, so that calls make no new large ones.

    A call takes a workspace for itself and gives it back: calls from several threads have one each. An array that
    was handed out as a result is written again only when nobody refers to it any more.

    Parameters
    ----------
    most : the most objects that a call computes with at once; by default as many as stay in the cache.
    """

    def __init__(
        self,
        workspace: Callable[..., tuple[Array, ...]],
        results: Callable[..., list[tuple[int, ...]]],
        most: int | None = None,
    ) -> None:
        self.workspace = workspace
        self.results = results
        self.most = most
        self.idle: dict[object, list[tuple[Array, ...]]] = {}
        self.made: dict[object, list[list[Array]]] = {}
        self.bytes: dict[object, int] = {}
        np.empty(KEPT, np.uint8)

    def run(self, function: Call, values: dict[str, Array], sizes: dict[str, int]) -> Found:
        """What `function` returns; overflow gives inf and what is undefined nan, silently."""
        dtype = next((value.dtype for value in values.values()), np.dtype(float))
        key = (dtype, *sizes.values())
        idle = self.idle.setdefault(key, [])
        kept = idle.pop() if idle else self.workspace(dtype.type, sizes)
        with np.errstate(all="ignore"):
            found = function(dtype.type, sizes, kept, self._handed_out(key, dtype, sizes), **values)
        idle.append(kept)
        while len(self.idle) > MOST_SIZES:
            self.idle.pop(next(iter(self.idle)), None)
        return found

    def objects_at_once(self, values: dict[str, Array], sizes: dict[str, int], objects: Sequence[str]) -> int:
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

    def _handed_out(self, key: object, dtype: Any, sizes: dict[str, int]) -> list[Array]:
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


def _alone(arrays: list[Array], shape: tuple[int, ...], dtype: Any) -> Array:
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
