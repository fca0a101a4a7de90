r"""Plain text inside LaTeX documents: nothing in it can act as a command."""

from __future__ import annotations

import re
import unicodedata

from backpropsym.errors import printable
from backpropsym.formula.letters import GREEK

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "-": r"-{}",
}
_CYRILLIC = re.compile(r"[А-яЁё]+(?:[ ,.:]+[А-яЁё]+)*")
_GREEK = {letter: rf"\{name}" for name, letter in GREEK.items()} | {"ς": r"\varsigma"}
_GREEK |= {greek: rf"\mathrm{{{latin}}}" for greek, latin in zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True)}
_MARKS = {"\u0301": r"\acute", "\u0308": r"\ddot"}
_LATIN = re.compile(r"[ -~¡-¬®-ĿŁ-ňŊ-ž]")


def latex_text(text: str) -> str:
    r"""`text` for LaTeX's text mode: special characters escaped, control characters shown as escapes.

    Cyrillic is wrapped in \bpCyrillic, which `document.formats.latex.fonts` defines, and Greek is set in the letters
    of mathematics; letters for which pdflatex has no font become their code point.
    """
    shown = printable(text)
    parts, position = [], 0
    for match in _CYRILLIC.finditer(shown):
        parts += [_escaped(shown[position : match.start()]), rf"\bpCyrillic{{{match.group()}}}"]
        position = match.end()
    return "".join([*parts, _escaped(shown[position:])])


def _escaped(text: str) -> str:
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    if _LATIN.match(letter):
        return _SPECIAL.get(letter, letter)
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if base in _GREEK and all(mark in _MARKS for mark in marks):
        accents, ends = "".join(f"{_MARKS[mark]}{{" for mark in marks), "}" * len(marks)
        return rf"\ensuremath{{{accents}{_GREEK[base]}{ends}}}"
    return f"[U+{ord(letter):04X}]"
