"""Where random choices come from: a seed, for long runs, or hypothesis, which makes what fails smaller."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Choices(Protocol):
    """Random choices; each alternative should come before those that are harder to read."""

    def pick(self, options: Sequence[T]) -> T:
        """One of several."""

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in this share of cases."""


class SeededChoices:
    """Choices that follow from a seed, the same in every process."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, options: Sequence[T]) -> T:
        return options[self._random.randrange(len(options))]

    def chance(self, share: float) -> bool:
        return self._random.random() < share


class DrawnChoices:
    """Choices that hypothesis makes, and makes simpler where a test fails."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def pick(self, options: Sequence[T]) -> T:
        return options[self._draw(st.integers(0, len(options) - 1))]

    def chance(self, share: float) -> bool:
        return self._draw(st.integers(0, 99)) >= 100 - round(100 * share)
