"""backpropsym draw: the picture, each path in the colour of its term."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from backpropsym.cli.arguments import (
    AtOption,
    InitOption,
    Level,
    NetworkArgument,
    OfOption,
    ThemeOption,
    level_of,
    load_network,
    path_numbers,
    read_numbers,
)
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import made, wrote
from backpropsym.errors import OutputError


class Kind(StrEnum):
    """What the picture of a step is written as."""

    SVG = "svg"
    PNG = "png"
    PDF = "pdf"


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
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file: .svg, .png, .pdf, .html, .tex, .dot, or .mmd and .md for Mermaid.",
        ),
    ] = None,
    wrt: Annotated[
        str | None,
        typer.Option("--wrt", metavar="NAME", help="Highlight the paths from this node.", autocompletion=complete_node),
    ] = None,
    of: OfOption = None,
    path: Annotated[
        str | None,
        typer.Option("--path", metavar="K", help="Highlight only the paths of these numbers, such as 3 or 1,4-6."),
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option(
            "--level", help="Neurons with weights on their links, every operation, or layers of a tensor network."
        ),
    ] = None,
    at: AtOption = None,
    init: InitOption = None,
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
    frames: Annotated[
        Path | None,
        typer.Option("--frames", metavar="DIR", help="Write the steps of --wrt as numbered pictures into this folder."),
    ] = None,
    frames_as: Annotated[Kind, typer.Option("--frames-as", help="What the pictures of --frames are.")] = Kind.SVG,
) -> None:
    """Draw NETWORK, with the paths of a derivative highlighted."""
    if output is None and frames is None:
        raise OutputError("nothing is to be written", fix="name a file with -o, or a folder with --frames")
    found = load_network(network)
    values = read_numbers(at, found, init)
    options: dict[str, Any] = {"theme": theme, "rows": rows, "layout": layout.value, "values": values}
    if width is not None:
        options |= {"width": width.value, "values": values or {}}
    if frames is not None:
        if wrt is None:
            raise OutputError("steps are those of a derivative", fix="say by what is derived: --wrt NAME")
        slides = level_of(found, level).slides(of, wrt=wrt, **options)
        for written in slides.frames(made(frames), f".{frames_as.value}"):
            wrote(written)
    if output is None:
        return
    drawing = found.draw(of, wrt=wrt, path=path_numbers(path), level=level.value if level else None, **options)
    wrote(drawing.save(output))
