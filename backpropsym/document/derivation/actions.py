"""The commands to try next beside a derivation, as a person would type them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation
from backpropsym.errors import printable

_WORDS = ("no", "the", "two", "three", "four", "five", "six", "seven", "eight")


@dataclass(frozen=True)
class View:
    """What of a derivation is shown.

    Attributes
    ----------
    values : numbers for the numeric form, completed by the network's own.
    limit : the most paths or equations that are listed; None lists all of what is not too long to be written out.
    source : what the person called the network, for the commands to try next; nothing where there is none.
    level : the level that the person asked for, which the commands to try next carry; nothing where they left it out.
    """

    values: Values | None = None
    limit: int | None = None
    source: str = ""
    level: str = ""


def next_steps(derivation: Derivation, view: View) -> tuple[tuple[str, str], ...]:
    """The commands that draw and prove a derivation, each with what it shows."""
    if not view.source or view.source == "-":
        return ()
    count, name = derivation.count, derivation.ends[1]
    most = len(_WORDS) - 1
    which = "the path" if count == 1 else f"the {_WORDS[count]} paths" if count <= most else "some of the paths"
    file = re.sub(r"\W+", "_", name).strip("_")
    level = f" --level {view.level}" if view.level else ""
    draw = f"backpropsym draw {_quoted(view)} --wrt {shlex.quote(name)}{_of_option(derivation)}{level} -o {file}.svg"
    return (draw, f"see {which}"), (f"backpropsym check {_quoted(view)}", "prove it")


def strongest(derivation: Derivation, view: View) -> str:
    """The command that lists the strongest paths; nothing for a derivative of higher order, which no command lists."""
    if derivation.graph.derivatives:
        return ""
    wrt = shlex.quote(derivation.wrt)
    return f"backpropsym paths {_quoted(view)} --wrt {wrt}{_of_option(derivation)} --top 10"


def _quoted(view: View) -> str:
    """What the person called the network, for a command."""
    return shlex.quote(printable(view.source)) if view.source else "NETWORK"


def _of_option(derivation: Derivation) -> str:
    """The option that asks for the same node; nothing where it is the one asked for without it."""
    of = derivation.ends[0]
    return "" if of == derivation.network.default_target else f" --of {shlex.quote(of)}"
