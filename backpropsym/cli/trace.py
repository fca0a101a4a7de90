"""backpropsym trace: both passes number by number."""

from __future__ import annotations

from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    DigitsOption,
    FormatOption,
    InitOption,
    JsonOption,
    NetworkArgument,
    OutputOption,
    RowLimitOption,
    load_network,
    medium_for,
    read_numbers,
)
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import emit_page

FollowedOption = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="NAME",
        help="The number to follow; if left out the loss, or the output where there is no loss.",
        autocompletion=complete_node,
    ),
]


def trace(
    network: NetworkArgument,
    at: AtOption = None,
    init: InitOption = None,
    of: FollowedOption = None,
    rate: Annotated[float, typer.Option("--rate", help="How far the step of gradient descent goes.")] = 0.1,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    limit: RowLimitOption = None,
    ascii: AsciiOption = False,
    digits: DigitsOption = None,
) -> None:
    """Follow one object forward and the gradient back as tables of numbers, then take one step of descent.

    What is derived is the loss, else the output. LaTeX is a whole document.
    """
    from backpropsym.document.reports.trace import trace_page

    found = load_network(network)
    followed = found.trace(read_numbers(at, found, init), of, rate)
    medium = medium_for(format, json, output)
    emit_page(
        trace_page(followed, limit, digits), medium, output, ascii, digits=digits, landscape=not followed.of_numbers
    )
