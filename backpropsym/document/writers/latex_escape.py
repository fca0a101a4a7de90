r"""Plain text inside LaTeX documents: nothing in it can act as a command."""

from __future__ import annotations

import re

from backpropsym.errors import printable

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
_LATIN = re.compile(r"[ -~¡-¬®-ĿŁ-ňŊ-ž]")


def latex_text(text: str) -> str:
    r"""`text` for LaTeX's text mode: special characters escaped, control characters shown as escapes.

    Cyrillic is wrapped in \bpCyrillic, which `document.formats.latex.fonts` defines; letters for which pdflatex
    has no font become their code point.
    """
    shown = printable(text)
    parts, position = [], 0
    for match in _CYRILLIC.finditer(shown):
        parts += [_escaped(shown[position : match.start()]), rf"\bpCyrillic{{{match.group()}}}"]
        position = match.end()
    return "".join([*parts, _escaped(shown[position:])])


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(c, c) if _LATIN.match(c) else f"[U+{ord(c):04X}]" for c in text)
