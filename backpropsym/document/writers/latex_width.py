"""About how wide LaTeX formulas are set."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)")
_UNSEEN = re.compile(r"[{}_^\s]")
_FRACTION = re.compile(r"\\frac\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")


def width(latex: str) -> int:
    """About how many letters wide `latex` is set."""

    def longer(match: re.Match[str]) -> str:
        return max(match.groups(), key=width)

    flat = _FRACTION.sub(longer, latex)
    flat = re.sub(r"\\operatorname|\\mathrm|\\left|\\right|\\text(?![a-z])|\\,", "", flat)
    spaced = re.sub(r" (?:[+-]|\\cdot|\\to|=) ", "xxx", flat)
    return len(_UNSEEN.sub("", _COMMAND.sub("x", spaced)))
