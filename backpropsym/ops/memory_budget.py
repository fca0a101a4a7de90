"""How many numbers may be held at once, counted before any memory is asked for."""

from __future__ import annotations

import math
import os

from backpropsym.errors import LimitError

MOST_NUMBERS = 500_000_000
"""Numbers of 8 bytes, 4 GB, unless the environment says otherwise."""

VARIABLE = "BACKPROPSYM_MOST_NUMBERS"
LARGEST_ARRAY = 2**63 - 1
"""As many entries can be counted by the system at all."""

MOST_AXES = 15
"""Two such arrays' axes and one of objects fit into the 32 that NumPy has had in all versions."""


def most_numbers() -> int:
    """The most numbers that are held at once: those of the environment variable, else `MOST_NUMBERS`."""
    given = os.environ.get(VARIABLE, "")
    return int(given) if given.isdecimal() and len(given) < 30 else MOST_NUMBERS


def check_memory(count: int, what: str) -> None:
    """Refuse to hold `count` numbers at once where they are too many; `what` needs them.

    Raises
    ------
    LimitError : with the number, and how to allow it.
    """
    most = most_numbers()
    if count <= most:
        return
    detail = f"that is {amount(8 * count // 10**9)} GB, and at most {most:,} are allowed"
    fix = "declare smaller sizes"
    if count <= LARGEST_ARRAY:
        fix += f", or, with memory for them, set the environment variable {VARIABLE}={count}"
    raise LimitError(f"{what} would hold {amount(count)} numbers at once", details=(detail,), fix=fix)


def amount(count: int) -> str:
    """A count for a message: with all its digits, or of a very large one how many they are."""
    return f"{count:,}" if abs(count) < 10**24 else f"about 10^{int(math.log10(abs(count)))}"
