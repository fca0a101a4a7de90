"""A cursor over the text of a claim: what it skips, what it reads, and where a mistake is marked."""

from __future__ import annotations

import re
from string import ascii_letters
from typing import NoReturn

from backpropsym.errors import FormulaError, Location, Problem
from backpropsym.formula.letters import ACCENTS, GREEK, SUBSCRIPTS, SUPERSCRIPTS, accented
from backpropsym.formula.tree import Span

MAX_CHARACTERS = 50_000
_AROUND = 60
_SKIPPED = re.compile(
    r"""(?:[ \t\r\n~&$]
      | \\[,;:!>\ \\()\[\]]
      | \\(?:left|right|[bB]igg?[lr]?|q?quad|displaystyle|textstyle|limits|nolimits|middle)(?![A-Za-z])
      | \\(?:textcolor|color)\{[A-Za-z0-9!]*\}
      | \{\}
    )+""",
    re.VERBOSE,
)
_SAME = {
    **dict.fromkeys("·×∙⋅∗•∘⊙", "*"),
    **dict.fromkeys("−–‐", "-"),
    **dict.fromkeys("′’‘`", "'"),
    **dict.fromkeys("⁄∕÷", "/"),
    "\u00a0": " ",
    "\u2009": " ",
    "\u202f": " ",
    "≤": "<",
    "≥": ">",
}
"""Characters that mean the same as one of ASCII; each takes one place, so that marks stay where they belong."""

BELOW = {below: letter for letter, below in SUBSCRIPTS.items()}
ABOVE = {above: digit for digit, above in SUPERSCRIPTS.items()}
LETTERS = {letter: name for name, letter in GREEK.items()} | {
    composed: f"{name}_{accent}"
    for name, letter in {**GREEK, **dict(zip(ascii_letters, ascii_letters, strict=True))}.items()
    for accent in ACCENTS
    if (composed := accented(letter, accent))
}
COMPARISONS = (("<=", "<="), (">=", ">="), ("\\leq", "<="), ("\\geq", ">="), ("\\le", "<="), ("\\ge", ">="))
"""Signs of two characters and more, each with its meaning."""

_KNOWN = frozenset((*BELOW, *ABOVE, *LETTERS, "∂"))


class Scanner:
    """The text of a claim with a position in it.

    Raises
    ------
    FormulaError : too long, empty, or with characters that no formula has.
    """

    def __init__(self, text: str) -> None:
        self.original = text
        self.text = "".join(_SAME.get(character, character) for character in text[: MAX_CHARACTERS + 1])
        self.position = 0
        if len(text) > MAX_CHARACTERS:
            self.fail(f"the claim has {len(text):,} characters", fix=f"write at most {MAX_CHARACTERS:,}")
        for place, character in enumerate(self.text):
            if not (" " <= character <= "~" or character in "\t\r\n" or character in _KNOWN):
                self.fail(
                    f"{ascii(character)} cannot stand in a claim", (place, place + 1), "write it in ASCII or LaTeX"
                )
        if self.ended:
            self.fail("the claim is empty", fix='write it as in "p11*f\'(u1)*v11"')

    @property
    def latex(self) -> bool:
        """Whether the claim is written in LaTeX, where letters side by side are factors."""
        return "\\" in self.text or "{" in self.text or any(character in BELOW for character in self.text)

    def skip(self) -> None:
        """Past what only shapes the look."""
        found = _SKIPPED.match(self.text, self.position)
        if found:
            self.position = found.end()

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        self.skip()
        return self.position >= len(self.text)

    def peek(self) -> str:
        """The next character, or nothing at the end."""
        self.skip()
        return self.text[self.position : self.position + 1]

    def take(self, sign: str) -> bool:
        """Past `sign` where it comes next; whether it did. A command is taken as a whole word only."""
        self.skip()
        end = self.position + len(sign)
        if not self.text.startswith(sign, self.position):
            return False
        if sign[-1].isalpha() and self.text[end : end + 1].isalpha():
            return False
        self.position = end
        return True

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Past what `pattern` matches here, and what that is."""
        self.skip()
        found = pattern.match(self.text, self.position)
        if found is None:
            return None
        self.position = found.end()
        return found.group()

    def expect(self, sign: str, what: str) -> None:
        """Past `sign`, which must come next."""
        if not self.take(sign):
            found = f"found {self.peek()!r}" if self.peek() else "the claim ends"
            self.fail(f"{what}: expected {sign!r}, {found}", fix="check the brackets at the mark")

    def fail(self, message: str, span: Span | None = None, fix: str | None = None) -> NoReturn:
        """A mistake at `span`, or at the next character."""
        start, end = span or (min(self.position, max(len(self.text) - 1, 0)), self.position + 1)
        first = max(start - _AROUND, 0)
        excerpt = re.sub(r"\s", " ", self.original[first : start + _AROUND])
        where = Location("claim", None, excerpt, start - first, max(min(end, start + _AROUND) - start, 1))
        raise FormulaError([Problem(message, where, fix=fix)])
