"""Errors that say what was found, what was expected, where, and the fix.

Every error of the package derives from `BackpropsymError`. An error holds one or more `Problem`s, so that
all mistakes of a file can be reported together.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

_COMPARED = 2_000


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text: file name, 1-based line, the line itself, and the marked columns (0-based)."""

    file: str
    line: int | None = None
    text: str = ""
    column: int = 0
    width: int = 0

    def render(self) -> list[str]:
        """The location as indented lines, the last one a caret line where columns are known."""
        head = f"  {self.file}:{self.line}" if self.line is not None else f"  {self.file}"
        if not self.text:
            return [head]
        indent = len(self.text) - len(self.text.lstrip())
        first = f"{head}   {printable(self.text.strip())}"
        if not self.width:
            return [first]
        before = printable(self.text[indent : max(self.column, indent)])
        marked = printable(self.text[self.column : self.column + self.width]) or "^"
        return [first, " " * (len(head) + 3 + len(before)) + "^" * len(marked)]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the message, where it stands, further facts, and what to do.

    `span` marks the columns of a formula whose own place is not known yet.
    """

    message: str
    where: Location | None = None
    details: tuple[str, ...] = ()
    fix: str | None = None
    kind: str = "error"
    span: tuple[int, int] | None = None

    def at(self, where: Location | None) -> Problem:
        """The same problem, placed at `where` unless it already has a place."""
        return self if self.where is not None else replace(self, where=where)

    def __str__(self) -> str:
        lines = [f"{self.kind}: {printable(self.message)}"]
        if self.where is not None:
            lines += self.where.render()
        lines += [f"  {printable(detail)}" for detail in self.details]
        if self.fix:
            lines.append(f"  fix: {printable(self.fix)}")
        return "\n".join(lines)


class BackpropsymError(Exception):
    """Base of every error that a user's input can cause."""

    def __init__(
        self,
        message: str | Sequence[Problem],
        *,
        where: Location | None = None,
        details: Sequence[str] = (),
        fix: str | None = None,
    ) -> None:
        if isinstance(message, str):
            self.problems: tuple[Problem, ...] = (Problem(message, where, tuple(details), fix),)
        else:
            self.problems = tuple(message)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[BackpropsymError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class FormulaError(BackpropsymError):
    """A formula is outside the formula language, or too large for it."""


class NetworkError(BackpropsymError):
    """A network's description is wrong: unknown names, cycles, duplicates, missing parts."""


class ShapeError(NetworkError):
    """Shapes do not fit together."""


class NotScalarError(BackpropsymError):
    """A scalar was asked for where the node has axes."""


class UnknownNameError(BackpropsymError):
    """No node, parameter, function or example has this name."""


class AbstractFunctionError(BackpropsymError):
    """Numbers were asked of a function that was declared abstract."""


class LimitError(BackpropsymError):
    """The answer would be too large to build; the message gives the number and the way around."""


class ValuesError(BackpropsymError):
    """Numbers are missing, of the wrong kind or shape, or not finite."""


class GradientMismatchError(BackpropsymError):
    """A derivative disagrees with independent numerics."""


class PrintedError(BackpropsymError):
    """A formula, as it is printed, has no value: an unknown word, shapes that do not fit, an entry outside."""


class OutputError(BackpropsymError):
    """A result cannot be written: unknown suffix, missing folder."""


class OptionError(BackpropsymError):
    """A command was called with options that it does not take so, such as two of which it takes one."""


class CompilerError(BackpropsymError):
    """A step of the kernel compiler broke its own program: a fault of this package, caught before it gives numbers."""


class MissingExtraError(BackpropsymError):
    """An optional dependency or program is needed; the message says how to install it."""


def printable(text: str) -> str:
    """`text` with control, bidirectional and other invisible characters written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def counted(count: int, noun: str) -> str:
    """`count` with its noun: 1 argument, 2 arguments."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None where nothing is alike; of very many, the first are compared."""
    matches = difflib.get_close_matches(name, list(itertools.islice(known, _COMPARED)), n=1, cutoff=0.5)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A fix for an unknown name: the nearest known one, or `otherwise`."""
    match = nearest(name, known)
    return f"did you mean {match}?" if match else otherwise
