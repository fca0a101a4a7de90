"""What a name is made of: w_1_1 of w with 1 and 1, y_hat2 of y with a hat and 2, layer_norm1 of layer_norm with 1."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from functools import cache

from backpropsym.formula.letters import ACCENTS
from backpropsym.ops import registry  # noqa: F401  (the import registers the compositions)
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.lowering import COMPOSITIONS

_STEM = re.compile(r"([A-Za-z]+)(\d*)\Z")
_ACCENT = re.compile(rf"({'|'.join(ACCENTS)})(\d*)\Z")


def parts_of(name: str) -> tuple[str, str, tuple[str, ...]]:
    """Base, accent and indices of a name: w_1_1 is w with 1 and 1, y_hat2 is y with a hat and 2.

    There is no base where the name is neither, and an accent only where one is meant.
    """
    if name.endswith("_") and keyword.iskeyword(name[:-1]):
        name = name[:-1]
    phrase = _phrase().match(name)
    if phrase is not None:
        base, digits, below = phrase.groups()
        return base, "", (*([digits] if digits else []), *(below.split("_") if below else []))
    first, *rest = name.split("_")
    match = _STEM.match(first)
    if match is None or not all(rest):
        return "", "", ()
    base, digits = match.groups()
    parts = [digits, *rest] if digits else rest
    for at, part in enumerate(parts):
        if accent := _ACCENT.match(part):
            return base, accent[1], (*parts[:at], *filter(None, [accent[2]]), *parts[at + 1 :])
    return base, "", tuple(parts)


@cache
def _phrase() -> re.Pattern[str]:
    """Names that start with that of an op of several words, as layer_norm1 and max_pool2_mean do."""
    words = {re.sub(r"\dd\Z", "", op) for op in (*COMPOSITIONS, *FUNCTIONS) if "_" in op}
    longest_first = "|".join(sorted(words, key=len, reverse=True))
    return re.compile(rf"({longest_first})(\d*)(?:_([A-Za-z0-9]+(?:_[A-Za-z0-9]+)*))?\Z")


def patterns_of(name: str) -> Mapping[str, tuple[str, ...]]:
    """The patterns that a name fits, each with the indices it puts in: w12 fits w# with 12 and w## with 1 and 2."""
    base, accent, below = parts_of(name)
    if not base or not below or accent:
        return {}
    apart = tuple(below[0]) if len(below) == 1 and below[0].isdigit() else below
    return {base + "#" * len(indices): indices for indices in (below, apart)}
