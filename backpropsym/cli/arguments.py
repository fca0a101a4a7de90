"""The arguments and options that several commands share, and what becomes of them."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backpropsym.arrays import Numeric
from backpropsym.cli.completion import complete_format, complete_network, complete_node, complete_theme
from backpropsym.cli.output import to_file
from backpropsym.cli.registries import complete_form, known_form
from backpropsym.document.registry import format_for, format_of

if TYPE_CHECKING:
    from backpropsym.network import Network


_NUMBERS = re.compile(r"\s*(\d{1,300})\s*(?:-\s*(\d{1,300})\s*)?", re.ASCII)
_LONGEST_RANGE = 1_000
"""More numbers than this in one range are too many for any picture, which says so."""

_MOST_NAMED = 8

_NUMBERS_FILE = "Numbers by name, TOML or .npz, - for standard input"


class Level(StrEnum):
    """What counts as one node."""

    NEURONS = "neurons"
    OPS = "ops"
    LAYERS = "layers"


NetworkArgument = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="A network file (TOML), - for standard input, a bundled example such as lecture, "
        "or an architecture such as 'x[2] -> dense(1) -> mse'.",
        autocompletion=complete_network,
        show_default=False,
    ),
]
WrtOption = Annotated[
    str,
    typer.Option(
        "--wrt", help="The parameter, input or node to derive by.", metavar="NAME", autocompletion=complete_node
    ),
]
WrtsOption = Annotated[
    list[str],
    typer.Option(
        "--wrt",
        help="The parameter, input or node to derive by; given several times, a derivative of higher order.",
        metavar="NAME",
        autocompletion=complete_node,
    ),
]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--wrt",
        help="What is derived by, may be given several times; if left out, every parameter.",
        metavar="NAME",
        autocompletion=complete_node,
        show_default=False,
    ),
]
OfOption = Annotated[
    str | None,
    typer.Option(
        "--of",
        help="The node to derive; if left out the output, or the loss where the output has axes.",
        metavar="NAME",
        autocompletion=complete_node,
    ),
]
LevelOption = Annotated[
    Level | None,
    typer.Option(
        "--level",
        help="What counts as one node: every neuron, every op inside formulas, or whole layers; if left out, "
        "what the network names.",
    ),
]
FormOption = Annotated[
    str,
    typer.Option(
        "--form",
        metavar="{forms}",
        callback=known_form,
        help="How the derivative is written.",
        autocompletion=complete_form,
    ),
]
AtOption = Annotated[
    Path | None,
    typer.Option(
        "--at",
        metavar="FILE",
        help=f"{_NUMBERS_FILE}; they win over the network's own values.",
    ),
]
ShownAtOption = Annotated[
    Path | None,
    typer.Option(
        "--at",
        metavar="FILE",
        help=f"{_NUMBERS_FILE}; they win over the network's own values. Without an option that gives numbers "
        "none are shown.",
    ),
]
InitOption = Annotated[
    int | None,
    typer.Option(
        "--init",
        metavar="SEED",
        min=0,
        help="Draw the numbers that are given nowhere, by this seed: parameters to start from, and one object.",
        show_default=False,
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="What is written; else the suffix of -o decides, such as .tex or .md.",
        metavar="{documents}",
        autocompletion=complete_format,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data for scripts.")]
AsciiOption = Annotated[bool, typer.Option("--ascii", help="Use ASCII only.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead of the terminal.")
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help="List at most so many paths or equations; if left out 20 in the terminal, 1,000 in Markdown and HTML, and "
        "elsewhere all.",
        show_default=False,
    ),
]
RowLimitOption = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="List at most so many rows of a table; if left out all.", show_default=False),
]
EntryLimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help="List at most so many entries of the matrix; if left out 40, in JSON 1,000.",
        show_default=False,
    ),
]
DigitsOption = Annotated[
    int | None,
    typer.Option(
        "--digits",
        min=1,
        max=17,
        help="Print numbers to so many digits; if left out 6, or 4 where many stand together.",
        show_default=False,
    ),
]
ThemeOption = Annotated[
    str,
    typer.Option(
        "--theme",
        metavar="NAME",
        help="The look: light, dark, print, contrast, or a TOML file of your own.",
        autocompletion=complete_theme,
    ),
]


def medium_for(format: str | None, json: bool, output: Path | None, besides: tuple[str, ...] = ()) -> str:
    """The format that options ask for, else the one that the suffix of the output names.

    Parameters
    ----------
    besides : suffixes that the command takes too.

    Raises
    ------
    UnknownNameError : no such format.
    OutputError : the suffix names none.
    """
    if json or format:
        return "json" if json else format_of(format or "").name
    return format_for(output, besides).name if output is not None and to_file(output) else "text"


def load_network(source: str) -> Network:
    """The network that a command names; its warnings go to standard error.

    Raises
    ------
    NetworkError : nothing of that name, or mistakes in it.
    """
    from backpropsym.network import load

    network = load(source)
    for warning in network.graph.warnings:
        typer.echo(str(warning), err=True)
    return network


def level_of(network: Network, level: Level | None) -> Network:
    """The network at the level of `--level`, or as it is."""
    return network if level is None else network.at_level(level.value)


def path_numbers(text: str | None) -> list[int] | None:
    """The numbers of paths in a text such as "3" or "1,4-6", or None without a text.

    Raises
    ------
    typer.BadParameter : it is no such text.
    """
    if text is None:
        return None
    found: list[int] = []
    for part in text.split(","):
        match = _NUMBERS.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 1 <= first <= last:
            raise typer.BadParameter(f"{part.strip()!r} is no number of a path; write 3, or 1,4-6", param_hint="--path")
        found += range(first, min(last, first + _LONGEST_RANGE) + 1)
    return found


def read_numbers(at: Path | None, network: Network, init: int | None = None) -> dict[str, Numeric] | None:
    """The numbers of `--at`, and those that `--init` draws, whose names go to standard error; None without either.

    Raises
    ------
    ValuesError : the file cannot be read as numbers.
    NetworkError : numbers are to be drawn for an array of symbolic size.
    """
    if at is None and init is None:
        return None
    from backpropsym.spec.values import read_values

    graph = network.graph
    given = read_values(at, graph) if at is not None else {}
    if init is None:
        return given
    from backpropsym.learn.starting_values import random_numbers

    drawn = random_numbers(graph, init, {*graph.values, *given})
    if drawn:
        names = ", ".join(list(drawn)[:_MOST_NAMED])
        more = f" and {len(drawn) - _MOST_NAMED:,} more" if len(drawn) > _MOST_NAMED else ""
        typer.echo(f"random, seed {init}: the numbers of {names}{more}", err=True)
    return {**drawn, **given}
