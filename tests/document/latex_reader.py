r"""LaTeX as our documents and pictures print it, read back as a formula of plain text: \frac{1}{x_{1}} as (1)/(x1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from backpropsym.document.notation.names import Notation

_LINK = r"_{\mathrm{link}}"
_SIGNS = {
    r"\cdot": "*",
    r"\,": "@",
    r"\left(": "(",
    r"\right)": ")",
    r"\Bigl(": "(",
    r"\Bigr)": ")",
    r"\le": "<=",
    r"\ge": ">=",
}
_CASES = re.compile(r"(.*)& \\text\{if \}(.*)\\\\(.*)& \\text\{otherwise\}", re.DOTALL)
_PLAIN = re.compile(r"\d+(?:\.\d+)?|[-+*/(),<>=\[\]: ]|[<>]=")
_CALLED = re.compile(r"\(|\\left\(|\\Bigl\(")
_OPTION = re.compile(r"\\mathrm\{(\w+)\} = ")
_SUBSCRIPTS = re.compile(r"\\text\{([^{}]*)\} \\to (?:\\text\{([^{}]*)\})?")
_BEFORE_TRANSPOSED = re.compile(r"\w+(?:\[[^\]]*\])?$|\w*$")
_SIDE_BY_SIDE = re.compile(r"(?<=[\w\])]) +(?=[\w(])")


class ElidedError(ValueError):
    """A formula whose middle is left out says nothing that can be evaluated."""


class LatexReader:
    """Reads the LaTeX of one network.

    Parameters
    ----------
    names : every name that formulas may hold, nodes and arguments of functions.
    functions : every function that they may call.
    derivative : the text that a quotient d of / d by of two names stands for; the last argument says whether it is the
        one on the link alone.
    """

    def __init__(
        self, notation: Notation, names: list[str], functions: list[str], derivative: Callable[[str, str, bool], str]
    ) -> None:
        self.derivative = derivative
        self.names = _by_look({name: notation.latex(name) for name in names})
        self.functions = _by_look({name: notation.function(name).latex for name in functions})
        looks = sorted([*self.names, *self.functions], key=len, reverse=True)
        self.looks = re.compile("|".join(map(re.escape, looks)) or r"(?!)")

    def text(self, latex: str) -> str:
        """A formula in plain text; what stands side by side is a matrix product.

        Raises
        ------
        ElidedError : parts of it are left out.
        ValueError : it holds what no formula of ours does.
        """
        found, rest = [], latex
        while rest:
            part, rest = self._next(rest)
            found.append(part)
        return _SIDE_BY_SIDE.sub(" @ ", _transposed("".join(found)))

    def _next(self, rest: str) -> tuple[str, str]:
        """The first part of `rest` in plain text, and what follows it."""
        for pattern, form in ((_OPTION, r"\1="), (_SUBSCRIPTS, r"'\1->\2'")):
            word = pattern.match(rest)
            if word:
                return word.expand(form), rest[word.end() :]
        for start, read in self._openings().items():
            if rest.startswith(start):
                return read(rest[len(start) :])
        if rest.startswith(r"\left(\frac{\partial"):
            inner, after = _to_closing(rest.removeprefix(r"\left("), r"\left", r"\right)")
            if after.startswith(_LINK):
                return self._quotient(inner, on_link=True), after.removeprefix(_LINK)
        look = self.looks.match(rest)
        if look:
            after = rest[look.end() :]
            called = _CALLED.match(after) and look[0] in self.functions
            name = (self.functions if called else self.names).get(look[0])
            if name is None:
                raise ValueError(f"{look[0]} is a function that is not called")
            return name, after
        for sign, plain in _SIGNS.items():
            if rest.startswith(sign):
                return plain, rest[len(sign) :]
        plain_part = _PLAIN.match(rest)
        if plain_part:
            return plain_part[0], rest[plain_part.end() :]
        raise ValueError(f"cannot read {rest[:60]!r}")

    def _openings(self) -> Mapping[str, Callable[[str], tuple[str, str]]]:
        return {
            r"\cdots": _elided,
            r"\frac{": self._fraction,
            "_{": lambda rest: self._wrapped(rest, "[{}]"),
            r"\sqrt{": lambda rest: self._wrapped(rest, "sqrt({})"),
            r"^{\top}": lambda rest: ("ᵀ", rest),
            "^{": lambda rest: self._wrapped(rest, "**({})"),
            "e^{": lambda rest: self._wrapped(rest, "exp({})"),
            "{-}": lambda rest: ("-", rest),
            r"\left\lvert": self._absolute,
            r"\begin{cases}": self._cases,
            r"\delta_{": self._delta,
        }

    def _fraction(self, rest: str) -> tuple[str, str]:
        above, rest = _to_closing(rest, "{", "}")
        below, rest = _to_closing(rest.removeprefix("{"), "{", "}")
        if above.startswith(r"\partial"):
            return self._quotient(rf"\frac{{{above}}}{{{below}}}", on_link=False), rest
        return f"(({self.text(above)})/({self.text(below)}))", rest

    def _quotient(self, latex: str, *, on_link: bool) -> str:
        above, rest = _to_closing(latex.removeprefix(r"\frac{"), "{", "}")
        below, _ = _to_closing(rest.removeprefix("{"), "{", "}")
        of, by = (self.names[part.removeprefix(r"\partial ")] for part in (above, below))
        return self.derivative(of, by, on_link)

    def _wrapped(self, rest: str, form: str) -> tuple[str, str]:
        inner, after = _to_closing(rest, "{", "}")
        return form.format(self.text(inner)), after

    def _absolute(self, rest: str) -> tuple[str, str]:
        inner, after = _to_closing(rest, r"\left\lvert", r"\right\rvert")
        return f"abs({self.text(inner)})", after

    def _delta(self, rest: str) -> tuple[str, str]:
        inner, after = _to_closing(rest, "{", "}")
        return f"KroneckerDelta({self.text(inner if ', ' in inner else inner.replace(' ', ', '))})", after

    def _cases(self, rest: str) -> tuple[str, str]:
        inner, after = _to_closing(rest, r"\begin{cases}", r"\end{cases}")
        match = _CASES.fullmatch(inner)
        if match is None:
            raise ValueError(f"cannot read the cases {inner!r}")
        then, condition, otherwise = map(self.text, match.groups())
        return f"Piecewise(({then}, {condition}), ({otherwise}, True))", after


def _elided(rest: str) -> tuple[str, str]:
    raise ElidedError("parts of the formula are left out")


def _transposed(text: str) -> str:
    """`text` with each Aᵀ as transpose(A), where A is a name, an entry, a call or what stands in brackets."""
    while "ᵀ" in text:
        end = start = text.index("ᵀ")
        if text[end - 1] == ")":
            depth = 0
            for start in reversed(range(end)):
                depth += (text[start] == ")") - (text[start] == "(")
                if not depth:
                    break
        before = _BEFORE_TRANSPOSED.search(text[:start])
        start = before.start() if before else start
        text = f"{text[:start]}transpose({text[start:end]}){text[end + 1 :]}"
    return text


def _by_look(looks: Mapping[str, str]) -> dict[str, str]:
    """The name of each look; two that look alike would be one and the same to a reader."""
    found = {look: name for name, look in looks.items()}
    if len(found) < len(looks):
        alike = sorted(name for name, look in looks.items() if found[look] != name)
        raise ValueError(f"others look like {', '.join(alike)}")
    return found


def _to_closing(text: str, opening: str, closing: str) -> tuple[str, str]:
    """What stands before the sign that closes what was open before `text`, and what follows it."""
    depth, at = 1, 0
    while at < len(text):
        if text.startswith(closing, at):
            depth -= 1
            if not depth:
                return text[:at], text[at + len(closing) :]
            at += len(closing)
        elif text.startswith(opening, at):
            depth += 1
            at += len(opening)
        else:
            at += 1
    raise ValueError(f"nothing closes {text[:60]!r}")
