"""Our own LaTeX as Typst: the same formulas, lines and colours for those who write in it.

Only what the LaTeX writers of this package write is understood; every other command is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from backpropsym.errors import printable
from backpropsym.formula.letters import GREEK

_TOKEN = re.compile(r"\\([A-Za-z]+)\*?|\\(.)|([0-9]+(?:\.[0-9]+)?)|(\s+)|(.)", re.DOTALL)
_BLOCK = re.compile(
    r"\\definecolor\{(?P<colour>\w+)\}\{HTML\}\{(?P<hex>[0-9A-F]{6})\}\n"
    r"|\\begin\{align\*\}\n(?P<align>.*?)\n\\end\{align\*\}\n"
    r"|\{\\raggedright\\noindent (?P<words>.*?)\\par\}\n",
    re.DOTALL,
)
_BREAK = re.compile(r" \\\\(?:\[[^\]]*\])?\n")

SIGNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: sign for name, sign in GREEK.items()},
        "varepsilon": "ɛ",
        "vartheta": "ϑ",
        "varphi": "φ",
        "partial": "∂",
        "nabla": "∇",
        "cdot": "dot.op",
        "times": "times",
        "circ": "∘",
        "ast": "ast",
        "star": "⋆",
        "dagger": "†",
        "prime": "′",
        "ell": "ℓ",
        "top": "⊤",
        "to": "arrow.r",
        "le": "<=",
        "ge": ">=",
        "sum": "sum",
        "dots": "dots",
        "cdots": "dots.c",
        "vdots": "dots.v",
        "quad": "quad",
        "qquad": "wide",
        "lvert": "bar.v",
        "rvert": "bar.v",
        "odot": "dot.circle",
    }
)
"""Commands that are one sign."""

WRAPPERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sqrt": "sqrt",
        "vec": "arrow",
        "hat": "hat",
        "tilde": "tilde",
        "bar": "macron",
        "dot": "dot",
        "ddot": "dot.double",
        "overline": "overline",
        "underline": "underline",
        "boldsymbol": "bold",
        "mathit": "italic",
        "mathsf": "sans",
        "mathcal": "cal",
    }
)
"""Commands with one argument, by the function of Typst."""

_SPACES = MappingProxyType({",": "thin", ";": "med", " ": "space", "!": "", ":": "med"})
_OPERATORS = frozenset(("exp", "sin", "cos", "tanh", "max", "min", "log", "ln", "arctan"))
_NOTHING = frozenset(("left", "right"))
_LITERAL = frozenset(("Bigl", "Bigr"))


def typst(latex: str, title: str = "") -> str:
    """A LaTeX fragment of this package as a Typst document; `title` is plain text.

    Raises
    ------
    ValueError : a command that the package does not write.
    """
    parts = [f"= #{_string(title)}\n"] if title else []
    if "\\textcolor" in latex:
        parts.append("#let path(colour, body) = text(fill: colour, math.display(body))")
    for block in _BLOCK.finditer(latex):
        if block["colour"]:
            parts.append(f'#let {block["colour"]} = rgb("#{block["hex"]}")')
        elif block["align"] is not None:
            rows = (mathematics(row.strip()) for row in _BREAK.split(block["align"]))
            parts.append("$ " + " \\\n  ".join(rows) + " $")
        else:
            words = re.sub(r"\$(.*?)\$", lambda match: f"${mathematics(match[1])}$", block["words"])
            parts.append(words)
    return "\n".join(parts) + "\n"


def mathematics(latex: str) -> str:
    """A formula in Typst's mathematics."""
    return _Reader(latex).read()


def _string(text: str) -> str:
    """`text` as a string of Typst."""
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, latex: str) -> None:
        self.tokens = [match for match in _TOKEN.finditer(latex)]
        self.at = 0

    def read(self, until: str = "", commas: str = ",") -> str:
        """What stands before the token `until`, which is taken too."""
        found = ""
        for part in filter(None, self.parts(until, commas)):
            # Beside text in quotes a space of the source would be seen.
            tight = not found or found.endswith("∂") or part.startswith(("^(", "_(", "'", '" '))
            found += part if tight else f" {part}"
        return found

    def parts(self, until: str, commas: str) -> Iterator[str]:
        """The pieces of a formula; `commas` is what a comma is written as."""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if until and token.group() == until:
                return
            command, escape, number, space, sign = token.groups()
            if command:
                yield self.command(command, commas)
            elif escape:
                yield _SPACES[escape] if escape in _SPACES else _string(escape)
            elif number:
                yield number
            elif not space:
                yield self.sign(sign, commas)

    def sign(self, sign: str, commas: str) -> str:
        if sign == "{":
            return self.read("}", commas) or '""'
        if sign in "^_":
            return f"{sign}({self.argument()})"
        if sign == ",":
            return commas
        return {"/": "\\/", "#": "\\#", "$": "\\$", '"': '\\"'}.get(sign, sign)

    def argument(self, commas: str = ",") -> str:
        """One argument: a group in braces, or one token."""
        while self.at < len(self.tokens) and self.tokens[self.at].group().isspace():
            self.at += 1
        start = self.at
        self.at += 1
        if self.tokens[start].group() == "{":
            return self.read("}", commas)
        self.at = start
        return next(self.parts("", commas))

    def text(self) -> str:
        """A group in braces as plain text, without the commands in it."""
        depth, found = 0, []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token.group() == "{") - (token.group() == "}")
            if not depth:
                break
            if token.group() not in "{}":
                found.append("" if token[1] else token[2] or token.group())
        return "".join(found)

    def command(self, name: str, commas: str) -> str:
        if name in SIGNS:
            return SIGNS[name]
        if name in WRAPPERS:
            return f"{WRAPPERS[name]}({self.argument(_COMMA)})"
        if name in _OPERATORS:
            return f'op("{name}")'
        if name in _NOTHING:
            return ""
        if name in _LITERAL:
            self.at += 1
            return f"\\{self.tokens[self.at - 1].group()}"
        match name:
            case "frac":
                return f"({self.argument()})/({self.argument()})"
            case "mathrm":
                return f"upright({_string(self.text())})"
            case "mathbf":
                return f"bold(upright({self.argument(_COMMA)}))"
            case "operatorname":
                return f"op({_string(self.text())})"
            case "text":
                return _string(self.text())
            case "textcolor":
                colour = self.text()
                return f"#path({colour}, ${self.argument()}$)"
            case "tag":
                return f"quad {self.argument()}"
            case "begin":
                return self.environment(self.text())
            case _:
                raise ValueError(f"\\{name} has no counterpart in Typst")

    def environment(self, name: str) -> str:
        """Branches and matrices."""
        inner = self.read("\\end", _COMMA)
        self.text()
        rows = inner.split(f" {_string(chr(92))} ")
        if name == "cases":
            return f"cases({', '.join(rows)})"
        if name == "pmatrix":
            return f"mat({'; '.join(row.replace(' & ', ', ') for row in rows)})"
        raise ValueError(f"{name} has no counterpart in Typst")


_COMMA = "\\,"
"""A comma that does not end an argument."""
