"""The names that a claim may use, in every spelling that people give them: w11, w_11, w_{1,1}, σ for sigmoid."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from backpropsym.formula.claims.indices import Asked
from backpropsym.formula.letters import ACCENTS
from backpropsym.formula.parse import Signature
from backpropsym.formula.tree import Add, Div, Expr, Neg, number

_JOINTS = re.compile(r"[^A-Za-z0-9]")
_PRIME = re.compile(r"([A-Za-z]\w*?)_prime\Z")

BY_EXP: Mapping[str, Callable[[Expr, Expr], Expr]] = {
    "cosh": lambda up, down: Div(Add((up, down)), number(2)),
    "sinh": lambda up, down: Div(Add((up, Neg(down))), number(2)),
    "sech": lambda up, down: Div(number(2), Add((up, down))),
    "coth": lambda up, down: Div(Add((up, down)), Add((up, Neg(down)))),
}
"""Functions that the formula language lacks, by exp(x) and exp(-x)."""


class Signed(Protocol):
    """Whatever knows how it may be called."""

    @property
    def signature(self) -> Signature:
        """How it may be called."""


@dataclass(frozen=True)
class Vocabulary:
    """What names and functions a claim may use.

    Attributes
    ----------
    shapes : the nodes with their shapes; an entry of a node with axes is written with subscripts.
    functions : the functions, each with how it may be called; derivatives are among them once they were asked for.
    derivative : the name of the derivative of a function by an argument, given both, where "" is the first argument.
    asked : the derivative that claims are about.
    spellings : other names of functions, such as sigma for sigmoid; a node of that name comes first.
    reductions : what each op over axes is, a formula of sums over the entries x, and of their number n.
    """

    shapes: Mapping[str, tuple[int | str, ...]]
    functions: Mapping[str, Signed]
    derivative: Callable[[str, str], str]
    asked: Asked
    spellings: Mapping[str, str] = field(default_factory=dict)
    reductions: Mapping[str, Expr] = field(default_factory=dict)

    @cached_property
    def _by_letters(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for name in self.shapes:
            found.setdefault(_JOINTS.sub("", name), []).append(name)
        return {key: tuple(names) for key, names in found.items()}

    def nodes(self, base: str, above: str, below: str | None) -> tuple[str, ...]:
        """The nodes that `base` with an index `above` and one `below` may mean; several where it is not clear.

        The spelling of the network file itself always comes first.
        """
        indices = [part for part in (above, below) if part]
        for name in ("".join([base, *indices]), "_".join([base, *indices])):
            if name in self.shapes:
                return (name,)
        parts = [_JOINTS.sub("", part) for part in (base, above, below or "")]
        keys = dict.fromkeys(("".join(parts), parts[0] + parts[2] + parts[1]))
        letter, mark, accent = base.rpartition("_")
        if mark and accent in ACCENTS:
            keys[letter + parts[1] + parts[2] + accent] = None
        return tuple(name for key in keys for name in self._by_letters.get(key, ()))

    def tensor(self, base: str, above: str, rank: int) -> str | None:
        """The node with `rank` axes that `base` names, its subscripts left out."""
        for name in (f"{base}{above}", f"{base}_{above}"):
            if len(self.shapes.get(name, ())) == rank > 0:
                return name
        return None

    def function(self, word: str) -> str | None:
        """The function that `word` names, f_prime among them; None where it names none."""
        word = self.spellings.get(word, word) if word not in self.functions else word
        if word in self.functions:
            return word
        match = _PRIME.match(word)
        inner = self.function(match.group(1)) if match else None
        if inner is not None:
            return self.derivative(inner, "")
        head, mark, argument = word.rpartition("_prime_")
        return self.derivative(head, argument) if mark and self._has_argument(head, argument) else None

    def _has_argument(self, function: str, argument: str) -> bool:
        return function in self.functions and argument in self.functions[function].signature.arguments

    def letters(self) -> tuple[str, ...]:
        """Every name, for suggestions."""
        return (*self.shapes, *self.functions)
