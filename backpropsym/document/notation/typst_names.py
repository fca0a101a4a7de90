r"""The LaTeX that people write for a name, in Typst: \vec{x} as arrow(x), z^{(1)} as z^(( 1 )).

It reads the table [notation] of a network file and the LaTeX of a registered function, nothing else; formulas are
written by a tree writer of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from backpropsym.formula.letters import GREEK

_TOKEN = re.compile(r"\\([A-Za-z]+)|\\(.)|([0-9]+(?:\.[0-9]+)?)|(\s+)|(.)", re.DOTALL)

SIGNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **GREEK,
        "varepsilon": "ɛ",
        "vartheta": "ϑ",
        "varphi": "φ",
        "partial": "∂",
        "nabla": "∇",
        "circ": "∘",
        "ast": "ast",
        "star": "⋆",
        "dagger": "†",
        "prime": "′",
        "ell": "ℓ",
        "top": "⊤",
        "ln": 'op("ln")',
        "arctan": 'op("arctan")',
    }
)
"""Commands that are one sign or one word."""

WRAPPERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "vec": "arrow",
        "hat": "hat",
        "tilde": "tilde",
        "bar": "macron",
        "dot": "dot",
        "ddot": "dot.double",
        "widehat": "hat",
        "widetilde": "tilde",
        "overline": "overline",
        "underline": "underline",
        "boldsymbol": "bold",
        "mathit": "italic",
        "mathsf": "sans",
        "mathcal": "cal",
    }
)
"""Commands with one argument, by the function of Typst."""

_SPACES = MappingProxyType({",": "thin", ";": "med"})
_COMMA = "\\,"
"""A comma that does not end an argument."""


def typst_name(latex: str) -> str:
    """A name that a person wrote in LaTeX, in Typst's mathematics.

    Raises
    ------
    ValueError : a command that may not stand in a notation.
    """
    return _Reader(latex).read()


def string(text: str) -> str:
    """`text` as a string of Typst."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Reader:
    """Reads one name from left to right."""

    def __init__(self, latex: str) -> None:
        self.tokens = list(_TOKEN.finditer(latex))
        self.at = 0

    def read(self, until: str = "", commas: str = ",") -> str:
        """What stands before the token `until`, which is taken too."""
        found = ""
        for part in filter(None, self.parts(until, commas)):
            found += part if not found or part.startswith(("^(", "_(", "'")) else f" {part}"
        return found

    def parts(self, until: str, commas: str) -> Iterator[str]:
        """The pieces of a name; `commas` is what a comma is written as."""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if until and token.group() == until:
                return
            command, escape, number, space, sign = token.groups()
            if command:
                yield self.command(command)
            elif escape:
                yield _SPACES[escape] if escape in _SPACES else string(escape)
            elif number:
                yield number
            elif sign == "{":
                yield self.read("}", commas) or '""'
            elif sign and sign in "^_":
                yield f"{sign}({self.argument()})"
            elif not space:
                yield {",": commas, "/": "\\/"}.get(sign, sign)

    def argument(self, commas: str = ",") -> str:
        """One argument: a group in braces, or one token."""
        while self.tokens[self.at].group().isspace():
            self.at += 1
        if self.tokens[self.at].group() == "{":
            self.at += 1
            return self.read("}", commas)
        return next(self.parts("", commas))

    def text(self) -> str:
        """A group in braces as plain text."""
        end = next(at for at in range(self.at, len(self.tokens)) if self.tokens[at].group() == "}")
        inside = self.tokens[self.at + 1 : end]
        self.at = end + 1
        return "".join(token[2] or token.group() for token in inside)

    def command(self, name: str) -> str:
        """A command with what it takes."""
        if name in SIGNS:
            return SIGNS[name]
        if name in WRAPPERS:
            return f"{WRAPPERS[name]}({self.argument(_COMMA)})"
        match name:
            case "mathrm":
                return f"upright({string(self.text())})"
            case "mathbf":
                return f"bold(upright({self.argument(_COMMA)}))"
            case "operatorname":
                return f"op({string(self.text())})"
            case _:
                raise ValueError(f"\\{name} has no counterpart in Typst")
