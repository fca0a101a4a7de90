"""backpropsym draw: the picture, each path in the colour of its term."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AtOption,
    Level,
    NetworkArgument,
    OfOption,
    ThemeOption,
    load_network,
    read_numbers,
)
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import wrote


def draw(
    network: NetworkArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file: .svg, .png, .pdf, .dot or .html.")
    ],
    wrt: Annotated[
        str | None,
        typer.Option("--wrt", metavar="NAME", help="Highlight the paths from this node.", autocompletion=complete_node),
    ] = None,
    of: OfOption = None,
    path: Annotated[
        int | None, typer.Option("--path", min=1, metavar="K", help="Highlight only the path of this number.")
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option("--level", help="Neurons with weights on their links, every node, or layers of a tensor network."),
    ] = None,
    at: AtOption = None,
    theme: ThemeOption = "light",
) -> None:
    """Draw NETWORK, with the paths of a derivative highlighted."""
    found = load_network(network)
    values = read_numbers(at, found)
    drawing = found.draw(of, wrt=wrt, path=path, level=level.value if level else None, values=values, theme=theme)
    wrote(drawing.save(output))
