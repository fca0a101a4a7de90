"""Long LaTeX formulas in several lines, broken where a reader would break them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BREAKS = (" + ", " - ", " / ", r" \cdot ", r" \, ")
_OPENING = (r"\left", r"\begin")
_CLOSING = (r"\right", r"\end")
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


def broken(latex: str, room: int, first: int | None = None) -> list[str]:
    """`latex` in lines of at most about `room` letters; a line after the first starts with its sign.

    Breaks fall before the sign of a sum or product that stands outside braces and stretching brackets, and of those
    that fill at least half the line before the one in the fewest round brackets, a sum's before a product's.

    Parameters
    ----------
    first : room on the first line, where it differs.
    """
    lines: list[str] = []
    line: list[tuple[str, int]] = []
    left = room if first is None else first
    for piece in _pieces(latex):
        line.append(piece)
        while len(line) > 1 and width(_joined(line)) > left:
            at = _best_break(line, left)
            lines.append(_joined(line[:at]))
            line, left = line[at:], room
    return [*lines, _joined(line)]


def _joined(pieces: list[tuple[str, int]]) -> str:
    return "".join(text for text, _ in pieces).strip()


def _best_break(line: list[tuple[str, int]], room: int) -> int:
    """The piece with which to start the next line."""
    widths = [width(_joined(line[:at])) for at in range(1, len(line))]
    fitting = [at for at, wide in enumerate(widths, 1) if room / 2 <= wide <= room]
    return min(fitting, key=lambda at: (2 * line[at][1] + _is_product(line[at][0]), -at)) if fitting else len(line) - 1


def _is_product(piece: str) -> bool:
    return not piece.startswith((" + ", " - "))


def _pieces(latex: str) -> Iterator[tuple[str, int]]:
    """`latex` cut before each sign at which it may be broken, and in how many round brackets each sign stands."""
    level = depth = start = began = position = 0
    while position < len(latex):
        if not level and position > start and latex.startswith(_BREAKS, position):
            yield latex[start:position], began
            start, began = position, depth
            position += 2
        elif command := _COMMAND.match(latex, position):
            level += (command.group() in _OPENING) - (command.group() in _CLOSING)
            position = command.end()
        else:
            level += (latex[position] == "{") - (latex[position] == "}")
            depth += (latex[position] == "(") - (latex[position] == ")")
            position += 1
    yield latex[start:], began
