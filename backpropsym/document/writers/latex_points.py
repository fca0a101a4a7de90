r"""How wide LaTeX is set, in points of an 11pt article: close enough to choose the room of a column.

A reader goes through the tokens once, as TeX does: what stands in a fraction or a script is smaller, an environment is
as wide as its columns.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)
_SCALES = (1.0, 1.0, 0.76, 0.61)
"""Sizes of the styles of TeX: displayed, in a line, of scripts, of scripts of scripts."""

DISPLAYED, TEXT = 0, 1

LETTER = 5.5
"""Points of a letter, where room is counted in letters."""

_CHARACTERS = dict.fromkeys("0123456789/.*", 5.5) | dict.fromkeys("()[]!:;", 4.3)
_CHARACTERS |= {"'": 3.3, "|": 3.1, ",": 4.9, "m": 9.6, "w": 7.9, "M": 11.3, "W": 11.3, "i": 4.2, "j": 4.9, "l": 3.7}
_LETTER = 6.3
_CAPITAL = 8.3
_SPACE = 3.7
_SIGN = 8.5
_OPERATORS = {"cdot": 3.1, "circ": 5.5, "odot": 8.5, "times": 8.5, "to": 11.0} | dict.fromkeys(
    ("le", "ge", "ne", "approx"), 8.5
)
_AROUND = 5.5
"""Room around a sign of an operation or a relation; in scripts there is none."""

_COMMANDS = (
    dict.fromkeys(("left", "right", "Bigl", "Bigr"), 2.4)
    | dict.fromkeys(("displaystyle", "strut", "allowbreak", "\\"), 0.0)
    | dict.fromkeys(("dots", "cdots", "quad"), 13.0)
    | {",": 1.9, " ": _SPACE, "qquad": 22.0, "sqrt": 9.2, "sum": 15.7, "partial": 6.4, "lvert": 3.1, "rvert": 3.1}
)
_NAMES = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "log", "ln", "exp", "max", "min")


@lru_cache(maxsize=4096)
def points(latex: str, style: int = DISPLAYED, words: bool = False) -> float:
    """About how wide `latex` is set: a formula, or words in which formulas stand between dollars."""
    return _Reader(_TOKEN.findall(latex), style, words).until("")


class _Reader:
    def __init__(self, tokens: list[str], style: int, words: bool):
        self.tokens = tokens
        self.at = 0
        self.style = style
        self.words = words
        self.ended = ""

    def until(self, *ends: str) -> float:
        """The width up to one of these tokens, which `ended` then is, or up to the end of all."""
        wide, before = 0.0, ""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token in ends:
                self.ended = token
                return wide
            wide += self.token(token, before)
            before = token
        self.ended = ""
        return wide

    def token(self, token: str, before: str) -> float:
        """The width of a token and of what it takes."""
        if token == "{":
            return self.until("}")
        if token == "$":
            self.words = not self.words
            return 0.0
        if token in "_^":
            return self.inner(max(self.style, TEXT) + 1)
        if token.startswith("\\"):
            return self.command(token[1:])
        if token.isspace():
            return self.scaled(_SPACE) if self.words else 0.0
        if token in "+-=<>":
            return self.scaled(_SIGN + (self.around if before.isspace() else 0.0))
        if token in "&}~":
            return 0.0
        usual = _CAPITAL if token.isupper() else 5.6 if self.words else _LETTER
        return self.scaled(_CHARACTERS.get(token, usual))

    def command(self, name: str) -> float:
        """The width of a command with its arguments."""
        match name:
            case "frac":
                return max(self.inner(self.style + 1), self.inner(self.style + 1)) + 2.6
            case "begin":
                return self.environment(self.argument())
            case "text" | "mathrm" | "mathbf" | "operatorname" | "textbf":
                return self.inner(self.style, words=True)
            case "rule":
                length = self.argument()
                self.argument()
                return 10.95 * float(length.removesuffix("em"))
            case "textcolor":
                self.argument()
                return 0.0
        if name == "sum" and self.style == DISPLAYED:
            return self.stacked_limits(_COMMANDS["sum"])
        if name in _NAMES:
            return self.scaled(5.9 * len(name) + 1.9)
        if name in _OPERATORS:
            return self.scaled(_OPERATORS[name] + self.around)
        return self.scaled(_COMMANDS.get(name, 7.0))

    def stacked_limits(self, wide: float) -> float:
        """The width of a displayed sum sign, whose limits stand below and above it."""
        while self.next("_") or self.next("^"):
            wide = max(wide, self.inner(TEXT + 1))
        return wide + _COMMANDS[","]

    @property
    def around(self) -> float:
        """The room around the sign of an operation."""
        return _AROUND if self.style <= TEXT else 0.0

    def inner(self, style: int, words: bool | None = None) -> float:
        """The width of the next argument, set in this style."""
        outside = self.style, self.words
        self.style = min(style, len(_SCALES) - 1)
        self.words = self.words if words is None else words
        wide = self.until("}") if self.next("{") else self.until_one()
        self.style, self.words = outside
        return wide

    def until_one(self) -> float:
        """The width of the next token."""
        self.at += 1
        return self.token(self.tokens[self.at - 1], "") if self.at <= len(self.tokens) else 0.0

    def environment(self, name: str) -> float:
        """The width of an environment, which is that of its columns."""
        if self.next("["):
            self.until("]")
        if name == "array":
            self.argument()
        columns: list[float] = []
        column = 0
        while True:
            wide = self.until("&", r"\\", r"\end")
            columns += [0.0] * (column + 1 - len(columns))
            columns[column] = max(columns[column], wide)
            column = column + 1 if self.ended == "&" else 0
            if self.ended in (r"\end", ""):
                break
        self.argument()
        between = 0.0 if name == "aligned" else 10.0
        return sum(columns) + between * len(columns) + (4.0 if name.endswith("matrix") else 0.0)

    def argument(self) -> str:
        """The next argument as it is written."""
        if not self.next("{"):
            return ""
        start, depth = self.at, 1
        while depth and self.at < len(self.tokens):
            depth += (self.tokens[self.at] == "{") - (self.tokens[self.at] == "}")
            self.at += 1
        return "".join(self.tokens[start : self.at - 1])

    def next(self, token: str) -> bool:
        """Whether this token comes next, which is then behind."""
        found = self.tokens[self.at : self.at + 1] == [token]
        self.at += found
        return found

    def scaled(self, wide: float) -> float:
        """A width in the style of here."""
        return wide * _SCALES[self.style]
