r"""The LaTeX that people write for a name, as letters of Unicode: \vec{x}_{1} as x with an arrow above and a 1 below.

For pages of text, beside whose pictures the same names stand in LaTeX. It reads what the table [notation] may hold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from backpropsym.document.notation.typst_names import SIGNS
from backpropsym.formula.letters import SUBSCRIPTS, SUPERSCRIPTS

COMBINING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "vec": "\u20d7",
        "hat": "\u0302",
        "tilde": "\u0303",
        "bar": "\u0304",
        "dot": "\u0307",
        "ddot": "\u0308",
        "overline": "\u0305",
        "underline": "\u0332",
    }
)
"""What stands above or below one letter, by its command."""

_BELOW = {**SUBSCRIPTS, "+": "₊", "-": "₋", "=": "₌", "(": "₍", ")": "₎", ",": ",", " ": ""}
_ABOVE = {**SUPERSCRIPTS, "+": "⁺", "=": "⁼", "(": "⁽", ")": "⁾", "n": "ⁿ", "i": "ⁱ", "*": "*", "'": "′", " ": ""}
_ABOVE |= {sign: sign for sign in "⋆∗†′"} | {"⊤": "ᵀ"}
_SCRIPTED = re.compile(r"([_^])\s*(?:\{([^{}\\]*)\}|([^{}\\\s]))")
_ACCENT = re.compile(rf"\\({'|'.join(COMBINING)})\{{\s*([^{{}}\\\s])\s*\}}")
_FONT = re.compile(r"\\(?:math(?:bf|rm|it|sf|cal)|boldsymbol)\{([^{}\\]*)\}")
_COMMAND = re.compile(r"\\([A-Za-z]+)\s*")
_SIGNS = {name: sign for name, sign in SIGNS.items() if len(sign) == 1} | {"ast": "∗"}


def letters_of(latex: str) -> str:
    """A name that a person wrote in LaTeX, in Unicode; empty where Unicode lacks a letter of it."""
    text = re.sub(r"\\[,;]", " ", latex)
    text = _COMMAND.sub(lambda match: _SIGNS.get(match[1], match[0]), text)
    text = _FONT.sub(r"\1", _ACCENT.sub(_accented, _FONT.sub(r"\1", text)))
    text = _SCRIPTED.sub(_scripted, text)
    return "" if re.search(r"[\\{}_^]", text) else text.strip().replace("'", "′")


def _accented(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[2] + COMBINING[match[1]])


def _scripted(match: re.Match[str]) -> str:
    """Letters above or below the line, where Unicode has them all."""
    letters = _BELOW if match[1] == "_" else _ABOVE
    written = [letters.get(letter) for letter in (match[2] if match[2] is not None else match[3])]
    return match[0] if None in written else "".join(filter(None, written))
