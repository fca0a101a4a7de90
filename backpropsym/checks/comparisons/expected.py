"""What a number must be, and what rounding may blur in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backpropsym.arrays import Array, Given
from backpropsym.checks.edges import EPS

TOLERANCE = 64.0
"""In roundings of the sum of absolute parts; what a derivative moves by under roundings counts as often."""

FLOOR = 1e-200
"""A complex step loses what is smaller."""


@dataclass(frozen=True)
class Expected:
    """An array that is right, with its uncertainty.

    Attributes
    ----------
    right : the array.
    size : of each entry, what rounding may blur in units of eps: the sum of its absolute parts.
    blur : by how much each entry moves when every number that leads to it is off by a few roundings; computed
        only where `size` does not explain a difference.
    loose : what is allowed besides, relative to the largest entry.
    told : whether entries that cannot be compared are counted as left out. Differences of gradients across a kink
        are not, for at other steps and points there are others.
    """

    right: Array
    size: Array
    blur: Callable[[], Array]
    loose: float = 0.0
    told: bool = True

    @property
    def known(self) -> Array:
        """Which entries can be compared: those that are finite numbers, with as finite an uncertainty."""
        return np.isfinite(self.right) & np.isfinite(self.size)

    def left_out(self, found: Given) -> int:
        """How many entries are not compared, those apart that are as infinite as they must be."""
        if not self.told or np.shape(found) != np.shape(self.right):
            return 0
        same = np.isinf(self.right) & (np.asarray(found) == self.right)
        return int(np.count_nonzero(~self.known & ~same))

    def wrong(self, found: Given, eps: float = EPS) -> tuple[int, ...] | str | None:
        """The position of the worst wrong entry of `found`, what is wrong with its shape, or None.

        Where the right entry or its uncertainty is not finite nothing is compared, else the entry found must be
        finite; an uncertainty that is no number because of the entry found excuses nothing.
        """
        found, right = np.asarray(found), np.asarray(self.right, float)
        if found.shape != right.shape:
            return f"shape {found.shape} instead of {right.shape}"
        finite = self.known | (np.isfinite(right) & np.isnan(self.size) & ~np.isfinite(found))
        largest = np.max(np.abs(right[finite]), initial=0.0)
        floor = max(FLOOR, float(np.finfo(np.float32).tiny) if eps > EPS else 0.0)
        allowed = TOLERANCE * (eps * np.asarray(self.size) + floor) + self.loose * largest
        with np.errstate(all="ignore"):
            gap = np.abs(found.astype(float) - right)
            if np.all((gap <= allowed) | ~finite):
                return None
            off = np.where(gap <= allowed + TOLERANCE * self.blur(), 0.0, np.where(np.isnan(gap), np.inf, gap))
        off = np.where(finite, off, 0.0)
        if not np.any(off > 0):
            return None
        return tuple(int(index) for index in np.unravel_index(int(np.argmax(off)), off.shape))


def mean(parts: Sequence[Expected]) -> Expected:
    """The mean of several arrays of one shape."""
    return Expected(
        np.mean([part.right for part in parts], axis=0),
        np.mean([part.size for part in parts], axis=0),
        lambda: np.asarray(np.mean([part.blur() for part in parts], axis=0)),
        max(part.loose for part in parts),
        all(part.told for part in parts),
    )


def stacked(parts: Sequence[Expected], divided_by: float = 1.0) -> Expected:
    """Several arrays of one shape, one an object, each divided by a number."""
    return Expected(
        np.stack([part.right / divided_by for part in parts]),
        np.stack([part.size / divided_by for part in parts]),
        lambda: np.stack([part.blur() / divided_by for part in parts]),
        max(part.loose for part in parts),
    )


def exactly(value: Given) -> Expected:
    """An array without uncertainty."""
    array = np.asarray(value, float)
    return Expected(array, np.abs(array), lambda: np.zeros(array.shape))
