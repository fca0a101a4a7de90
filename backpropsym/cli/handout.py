"""backpropsym handout: the whole story on a page or two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    DigitsOption,
    NetworkArgument,
    ShownAtOption,
    ThemeOption,
    load_network,
    read_numbers,
)
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import wrote


def handout(
    network: NetworkArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The sheet, one of {handouts}.")],
    wrt: Annotated[
        str | None,
        typer.Option(
            "--wrt",
            metavar="NAME",
            help="By what the loss is derived path by path; if left out the parameter with the most paths.",
            autocompletion=complete_node,
        ),
    ] = None,
    at: ShownAtOption = None,
    theme: ThemeOption = "light",
    digits: DigitsOption = None,
) -> None:
    """Put the whole story of NETWORK on a page or two: picture, both passes, every gradient, paths, check."""
    found = load_network(network)
    for written in found.handout(wrt, values=read_numbers(at, found), theme=theme, digits=digits).save(output):
        wrote(written)
