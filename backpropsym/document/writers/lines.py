"""Long formulas in several lines, broken where a reader would break them.

A tree writer puts a mark before each sign at which a line may be broken, and the mark says in how many round brackets
the sign stands. A product that is written without a sign carries one for the case that a line starts there. Marks are
characters that no formula has; `whole` takes them out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

STOP = "\ue000"
"""The mark before a sign that stands in no brackets; the next characters are those of deeper signs."""

_DEEPEST = 15
_LAST = chr(ord(STOP) + _DEEPEST)
_MARK = re.compile(f"[{STOP}-{_LAST}]")
_NONE = {ord(STOP) + depth: None for depth in range(_DEEPEST + 1)}
_DEEPER = {ord(STOP) + depth: ord(STOP) + depth + 1 for depth in range(_DEEPEST)}
_CHOICE, _WITHIN, _CHOSEN = "\ue020", "\ue021", "\ue022"
_AT_START = re.compile(f"{_CHOICE}(.*?){_WITHIN}.*?{_CHOSEN}")
_IN_LINE = re.compile(f"{_CHOICE}.*?{_WITHIN}(.*?){_CHOSEN}")


def either(at_start: str, within: str) -> str:
    """What stands between two factors: one text where a line starts with it, another within a line."""
    return f"{_CHOICE}{at_start}{_WITHIN}{within}{_CHOSEN}"


def whole(text: str) -> str:
    """`text` on one line, without marks."""
    shown = text.translate(_NONE)
    return _IN_LINE.sub(r"\1", shown) if _CHOICE in shown else shown


def deeper(text: str) -> str:
    """`text` as it stands in one more pair of round brackets."""
    return text.translate(_DEEPER)


class Breakable(str):
    """A formula on one line that knows where it may be broken.

    Attributes
    ----------
    marked : the same with its marks.
    """

    marked: str

    def __new__(cls, marked: str) -> Breakable:
        """The formula of a marked text."""
        formula = super().__new__(cls, whole(marked))
        formula.marked = marked
        return formula

    def removeprefix(self, prefix: str, /) -> Breakable:
        """The formula without its beginning, such as a sign."""
        return Breakable(self.marked.removeprefix(prefix))


def broken(text: str, room: int, width: Callable[[str], int], first: int | None = None) -> list[str]:
    """A marked or breakable formula in lines of about `room` letters at most; a later line starts with its sign.

    A line ends before a sign in no brackets wherever one fits; of those that fill at least half the line a sum's comes
    before a product's. Only what has no such sign is broken inside its brackets, before the sign in the fewest of them.

    Parameters
    ----------
    width : about how many letters wide a formula is set.
    first : room on the first line, where it differs.
    """
    lines: list[str] = []
    line: list[tuple[str, int]] = []
    left = room if first is None else first
    for piece in _pieces(text.marked if isinstance(text, Breakable) else text):
        line.append(piece)
        while len(line) > 1 and width(_joined(line)) > left:
            at = _best_break(line, left, width)
            lines.append(_joined(line[:at]))
            line, left = line[at:], room
    return [*lines, _joined(line)]


def _joined(pieces: list[tuple[str, int]]) -> str:
    """A line; the sign of a product that is not written stands at its start."""
    text = "".join(text for text, _ in pieces)
    if text.startswith(_CHOICE):
        text = _AT_START.sub(r"\1", text, count=1)
    return _IN_LINE.sub(r"\1", text).strip()


def _best_break(line: list[tuple[str, int]], room: int, width: Callable[[str], int]) -> int:
    """The piece with which to start the next line."""
    widths = {at: width(_joined(line[:at])) for at in range(1, len(line))}
    fitting = [at for at, wide in widths.items() if wide <= room]
    outside = [at for at in fitting if line[at][1] == 0] or fitting
    full = [at for at in outside if widths[at] >= room / 2]
    if full:
        return min(full, key=lambda at: (2 * line[at][1] + _is_product(line[at][0]), -at))
    return max(outside, default=len(line) - 1)


def _is_product(piece: str) -> bool:
    return not piece.startswith((" + ", " - "))


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """`text` cut at its marks, and in how many round brackets the sign stands with which each piece starts."""
    start = depth = 0
    for mark in _MARK.finditer(text):
        yield text[start : mark.start()], depth
        start, depth = mark.end(), ord(mark.group()) - ord(STOP)
    yield text[start:], depth
