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
    level_of,
    load_network,
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


def draw(
    network: NetworkArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file: .svg, .png, .pdf, .tex, .dot or .html."),
    ] = None,
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
    values = read_numbers(at, found)
    if frames is not None:
        if wrt is None:
            raise OutputError("steps are those of a derivative", fix="say by what is derived: --wrt NAME")
        slides = level_of(found, level).slides(of, wrt=wrt, values=values, theme=theme)
        for written in slides.frames(made(frames), f".{frames_as.value}"):
            wrote(written)
    if output is None:
        return
    drawing = found.draw(of, wrt=wrt, path=path, level=level.value if level else None, values=values, theme=theme)
    wrote(drawing.save(output))
