"""backpropsym draw: the picture, each path in the colour of its term."""

from __future__ import annotations

from enum import StrEnum
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


class LineWidth(StrEnum):
    """What the width of a line shows."""

    WEIGHT = "weight"
    SHARE = "share"


class Layout(StrEnum):
    """What places the boxes."""

    COLUMNS = "columns"
    DOT = "dot"


def draw(
    network: NetworkArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file: .svg, .png, .pdf, .html, .dot, or .mmd and .md for Mermaid.",
        ),
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
    width: Annotated[
        LineWidth | None,
        typer.Option("--width", help="Lines as wide as their weights, or their shares of the derivative."),
    ] = None,
    layout: Annotated[
        Layout, typer.Option("--layout", help="Our own columns, or dot of Graphviz where it is installed.")
    ] = Layout.COLUMNS,
    rows: Annotated[
        int | None,
        typer.Option("--rows", min=2, help="Show at most so many boxes of a column.", show_default=False),
    ] = None,
) -> None:
    """Draw NETWORK, with the paths of a derivative highlighted."""
    found = load_network(network)
    values = read_numbers(at, found)
    options = {"path": path, "theme": theme, "rows": rows, "layout": layout.value, "values": values}
    if width is not None:
        options |= {"width": width.value, "values": values or {}}
    drawing = found.draw(of, wrt=wrt, level=level.value if level else None, **options)
    wrote(drawing.save(output))
