"""Parts that every derivation has on a terminal: its heading, what f' stands for, and what to try next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation
from backpropsym.document.derivation.conventions import spelled_out
from backpropsym.document.palette import PALETTE
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.errors import printable
from backpropsym.formula.tree import Expr
from backpropsym.graph.unroll import entry_name

WIDTH = 120
LIMIT = 20
_WORDS = ("no", "the", "two", "three", "four", "five", "six", "seven", "eight")


@dataclass(frozen=True)
class TextView:
    """How a derivation is shown as text.

    Attributes
    ----------
    values : numbers for the numeric form, completed by the network's own.
    limit : the most paths or equations that are listed.
    ascii : whether only ASCII is used.
    width : columns of the terminal; longer rows are set on two lines.
    source : what the person called the network, for the commands to try next; nothing where there is none.
    level : the level that the person asked for, which the commands to try next carry; nothing where they left it out.
    """

    values: Values | None = None
    limit: int = LIMIT
    ascii: bool = False
    width: int = WIDTH
    source: str = ""
    level: str = ""


def style(number: int) -> str:
    """The terminal style of the path with this number, counted from 1; black becomes the terminal's own colour."""
    colour = PALETTE[(number - 1) % len(PALETTE)]
    return "bold" if colour == "#000000" else colour


def heading(left: str, right: str, room: int, width: int = 0) -> Text:
    """The first line: what is derived on the left, the conventions on the right, or below where it is long.

    Parameters
    ----------
    room : columns of the terminal.
    width : columns of what stands below.
    """
    line = Text(left, style="bold")
    if not right:
        return line
    space = max(min(width, room) - len(left) - len(right), 4)
    below = len(left) + space + len(right) > room
    return line.append("\n  " if below else " " * space, style="not bold").append(right, style="not bold dim")


def numbered(rows: Sequence[tuple[str, str]], room: int, gap: str = "      ") -> Text:
    """Numbered rows in columns, each in the colour of its path, or on two lines each where they are too wide."""
    digits = len(str(len(rows)))
    paths = max((len(path) for path, _ in rows), default=0)
    products = max((len(term) for _, term in rows), default=0)
    stacked = 2 + digits + 3 + paths + len(gap) + products > room
    result = Text()
    for number, (path, term) in enumerate(rows, 1):
        between = "\n" + " " * (digits + 5) if stacked else " " * (paths - len(path)) + gap
        result.append(f"  {number:>{digits}}   {path}{between}{term}\n", style=style(number))
    return result


def where_lines(exprs: Iterable[Expr], derivation: Derivation, writer: Writer, more: Sequence[str] = ()) -> Text:
    """What the derivatives of functions in `exprs` stand for, one line each, and `more` such lines."""
    result = Text()
    for line in (*spelled_out(exprs, derivation.graph.functions, writer), *more):
        result.append("  where   ", style="dim").append(f" {line}\n")
    return result


def widest(lines: Text) -> int:
    """The columns of the longest line."""
    return max((len(line) for line in lines.plain.splitlines()), default=0)


def quoted(view: TextView) -> str:
    """What the person called the network, for a command."""
    return shlex.quote(printable(view.source)) if view.source else "NETWORK"


def of_option(derivation: Derivation) -> str:
    """The option that asks for the same node; nothing where it is the one asked for without it."""
    graph = getattr(derivation, "whole", derivation.graph)
    of = _of(derivation)
    return "" if of == graph.default_target else f" --of {shlex.quote(of)}"


def next_steps(derivation: Derivation, view: TextView) -> Text:
    """The commands that draw and prove a derivation."""
    if not view.source or view.source == "-":
        return Text()
    count, name = derivation.count, _wrt(derivation)
    most = len(_WORDS) - 1
    which = "the path" if count == 1 else f"the {_WORDS[count]} paths" if count <= most else "some of the paths"
    file = re.sub(r"\W+", "_", name).strip("_")
    level = f" --level {view.level}" if view.level else ""
    draw = f"backpropsym draw {quoted(view)} --wrt {shlex.quote(name)}{of_option(derivation)}{level} -o {file}.svg"
    check = f"backpropsym check {quoted(view)}"
    width = max(len(draw), len(check))
    lines = Text("  next     ", style="dim")
    lines.append(f"{draw:<{width}}").append(f"     see {which}\n", style="dim")
    return lines.append(" " * 11).append(f"{check:<{width}}").append("     prove it\n", style="dim")


def _of(derivation: Derivation) -> str:
    return entry_name(derivation.of, getattr(derivation, "of_at", None) or ())


def _wrt(derivation: Derivation) -> str:
    return entry_name(derivation.wrt, getattr(derivation, "wrt_at", None) or ())
