"""What stands inside a line of a page, as data: mathematics as trees and names, numbers, words.

Each format writes it by its own tree writer; nothing is text that another format would have to take apart.

| part | why it is there |
| --- | --- |
| `Formula`, `Node`, `Quotient`, `EntryQuotient`, `Route` | formulas, nodes, derivatives of nodes and entries, paths |
| `IndexSum` | a term behind its sum signs, with the conditions under which it counts |
| `Value`, `Share`, `Entries` | numbers, which every syntax rounds, groups and breaks in its own way |
| `Words`, `Joined` | words inside mathematics, and parts with a sign between them |
| `Typed`, `Stated`, `Bar` | a formula as a person types it, a verdict, a bar of a chart |
| `Definition`, `Function`, `Sketch` | what a function is: its arguments are no nodes, whatever they are called |
| `Prose` | words and mathematics in one line, which a format keeps apart |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from backpropsym.arrays import Given
from backpropsym.formula.tree import Expr, Limits


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula; `thin` writes its products by a space where that can be read."""

    tree: Expr
    thin: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A node, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Quotient:
    """The derivative of one node by another."""

    of: str
    by: str


@dataclass(frozen=True, slots=True)
class EntryQuotient:
    """The derivative of one entry by another, with free indices."""

    of: Expr
    by: Expr


@dataclass(frozen=True, slots=True)
class Route:
    """A path, by the names of its nodes from its start to its end."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexSum:
    """A term behind the signs of its sums; it counts where `conditions`, each low <= expression <= high, hold."""

    sums: tuple[Limits, ...]
    product: Expr
    conditions: tuple[tuple[Expr, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A number that was computed."""

    number: float


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole that is 1; nothing where it is not a number."""

    number: float


@dataclass(frozen=True, slots=True)
class Entries:
    """A number or an array, of any shape; a large one is told by its shape, its norm and its first entries."""

    value: Given


@dataclass(frozen=True, slots=True)
class Words:
    """Words beside mathematics; a slope in them such as relu'(0) = 0 is mathematics."""

    text: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts with a sign between them: equal, times, plus, minus, comma, or nothing."""

    parts: tuple[Math, ...]
    sign: Literal["=", "*", "+", "-", ",", ""] = "="


@dataclass(frozen=True, slots=True)
class Definition:
    """What a function is; the names in it are those of its arguments."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its name alone."""

    name: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """A call with its axis, its other arguments left out."""

    function: str
    axis: Expr


@dataclass(frozen=True, slots=True)
class Typed:
    """A formula; text has it as a person types it, every other syntax as mathematics."""

    tree: Expr


@dataclass(frozen=True, slots=True)
class Stated:
    """A verdict in one word or a few, which formats set off."""

    text: str
    tone: Literal["good", "bad", "open"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart, as a share of the longest, 0 < share <= 1."""

    share: float


Math = (
    Formula
    | Node
    | Quotient
    | EntryQuotient
    | Route
    | IndexSum
    | Value
    | Share
    | Entries
    | Words
    | Joined
    | Definition
    | Function
    | Sketch
    | Typed
    | Stated
    | Bar
)
"""What a tree writer writes inside a line."""

Line: TypeAlias = tuple[str | Math, ...]
"""Words and mathematics after one another."""

Prose: TypeAlias = str | Math | Line
"""Plain words, mathematics, or a line of both."""
