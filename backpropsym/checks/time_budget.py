"""The time that a check may take, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]
OUT_OF_TIME = "the time was over"


class OutOfTimeError(Exception):
    """The time of a check is over in the middle of something."""


class Budget:
    """A time that is kept by whoever asks on the way whether it is spent.

    Parameters
    ----------
    seconds : None for no limit.
    progress : called with what is done, how much of it, and of how much.
    """

    def __init__(self, seconds: float | None = None, progress: Progress | None = None) -> None:
        self.seconds = seconds
        self.progress = progress
        self.started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.started

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return self.seconds is not None and self.elapsed >= self.seconds

    def keep(self) -> None:
        """Return while there is time.

        Raises
        ------
        OutOfTimeError : there is none.
        """
        if self.spent:
            raise OutOfTimeError(OUT_OF_TIME)

    def part(self, share: float) -> Budget:
        """A budget for a part of the work: a share of what is left."""
        left = None if self.seconds is None else max(0.0, self.seconds - self.elapsed) * share
        return Budget(left, self.progress)

    def show(self, what: str, done: int, total: int) -> None:
        """Tell how far the work is."""
        if self.progress is not None:
            self.progress(what, done, total)
