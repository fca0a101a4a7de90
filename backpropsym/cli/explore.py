"""backpropsym explore: one page for a browser on which a network can be explored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backpropsym.cli.arguments import AtOption, NetworkArgument, OfOption, ThemeOption, load_network, read_numbers
from backpropsym.cli.output import wrote


def explore(
    network: NetworkArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The page, .html.")],
    of: OfOption = None,
    at: AtOption = None,
    theme: ThemeOption = "light",
) -> None:
    """Make one page for a browser: every derivative of NETWORK path by path, and numbers that follow what is changed.

    The page needs no other file and loads nothing. It computes for networks of scalars.
    """
    found = load_network(network)
    wrote(found.explore(of, values=read_numbers(at, found), theme=theme).save(output))
