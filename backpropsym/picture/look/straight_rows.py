"""Rows of formulas set once: the typesetter sets every row twice, to learn how far its brackets must stretch.

Rows stand in rows, so that an index of an index is set eight times. Only a row with something that stretches needs
the first look; every other row comes out the same without it.
"""

from __future__ import annotations

from functools import lru_cache
from xml.etree.ElementTree import Element

from ziamath import operators
from ziamath.nodes.mrow import Mrow

_FORMS = ("infix", "prefix", "postfix")


class StraightRow(Mrow, tag="mrow"):
    """The typesetter's row, registered in the place of its own."""

    def _get_height_nostretch(self, line: list[Element], **kwargs: object) -> tuple[float, float]:
        """The lowest and the highest point of what does not stretch; nothing asks for them where nothing does."""
        if any(_stretches(part) for child in line for part in child.iter()):
            return super()._get_height_nostretch(line, **kwargs)
        return 0.0, 0.0


def _stretches(part: Element) -> bool:
    """Whether an element is an operator that grows with its row; an identifier may turn out to be one."""
    if part.tag not in ("mo", "mi"):
        return False
    said = part.get("stretchy")
    return _grows((part.text or "").strip()) if said is None else said != "false"


@lru_cache(maxsize=1_000)
def _grows(text: str) -> bool:
    """Whether an operator grows with its row, before, between or after its operands."""
    return any(operators.get_params(text, form).get("stretchy", "false") != "false" for form in _FORMS)
