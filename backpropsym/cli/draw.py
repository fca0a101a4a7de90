"""backpropsym draw: the picture, each path in the colour of its term."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backpropsym.cli.arguments import (
    InitOption,
    Level,
    NetworkArgument,
    ShownAtOption,
    ThemeOption,
    level_of,
    load_network,
    path_numbers,
    read_numbers,
)
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import made, wrote
from backpropsym.errors import OutputError

if TYPE_CHECKING:
    from backpropsym.picture.options import LookOptions


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


PictureOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="The file, one of {pictures}; .tex is TikZ, .mmd and .md are Mermaid.",
    ),
]
HighlightOption = Annotated[
    str | None,
    typer.Option(
        "--wrt",
        metavar="NAME",
        help="Highlight the paths from this node; if left out none.",
        autocompletion=complete_node,
    ),
]
DrawnOption = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="NAME",
        help="The node to derive; if left out the output, or the loss where the output has axes or --wrt is left out.",
        autocompletion=complete_node,
    ),
]
PathOption = Annotated[
    str | None,
    typer.Option(
        "--path",
        metavar="K",
        help="Highlight only the paths of these numbers, such as 3 or 1,4-6; if left out all, or of more "
        "than eight the strongest.",
    ),
]
DetailOption = Annotated[
    Level | None,
    typer.Option(
        "--level",
        help="Neurons with weights on their links, every operation, or layers of a tensor network; if left out neurons "
        "for networks of numbers and entries, and the named arrays otherwise.",
    ),
]
WidthOption = Annotated[
    LineWidth | None,
    typer.Option(
        "--width", help="Lines as wide as their weights, or their shares of the derivative; if left out all alike."
    ),
]
LayoutOption = Annotated[
    Layout, typer.Option("--layout", help="Our own columns, or dot of Graphviz where it is installed.")
]
RowsOption = Annotated[
    int | None,
    typer.Option(
        "--rows",
        min=2,
        help="Show at most so many boxes of a column; if left out all up to 16, else 5.",
        show_default=False,
    ),
]
FitOption = Annotated[
    str | None,
    typer.Option(
        "--fit",
        metavar="MEDIUM",
        help="Make the picture for a slide, a column or a page of a paper, or a readme, or for a width such as 84mm: "
        "as wide as that, with no text smaller than can be read there; if left out as large as it takes.",
    ),
]
HideOption = Annotated[
    str | None,
    typer.Option(
        "--hide",
        metavar="NAMES",
        help="Leave out boxes: names with commas between them, or all inputs, targets, parameters or constants that no "
        "highlighted path runs through; if left out none.",
    ),
]
DpiOption = Annotated[
    int | None,
    typer.Option(
        "--dpi",
        min=1,
        help="Pixels to the inch of a .png; if left out 300 for --fit in millimetres or points, and else two for each "
        "pixel of the .svg.",
        show_default=False,
    ),
]
FramesOption = Annotated[
    Path | None,
    typer.Option("--frames", metavar="DIR", help="Write the steps of --wrt as numbered pictures into this folder."),
]
FramesAsOption = Annotated[Kind, typer.Option("--frames-as", help="What the pictures of --frames are.")]


def draw(
    network: NetworkArgument,
    output: PictureOption = None,
    wrt: HighlightOption = None,
    of: DrawnOption = None,
    path: PathOption = None,
    level: DetailOption = None,
    at: ShownAtOption = None,
    init: InitOption = None,
    theme: ThemeOption = "light",
    width: WidthOption = None,
    layout: LayoutOption = Layout.COLUMNS,
    rows: RowsOption = None,
    fit: FitOption = None,
    hide: HideOption = None,
    dpi: DpiOption = None,
    frames: FramesOption = None,
    frames_as: FramesAsOption = Kind.SVG,
) -> None:
    """Draw NETWORK, with the paths of a derivative highlighted."""
    if output is None and frames is None:
        raise OutputError("nothing is to be written", fix="name a file with -o, or a folder with --frames")
    loaded = load_network(network)
    values = read_numbers(at, loaded, init)
    look: LookOptions = {"theme": theme, "rows": rows, "layout": layout.value}
    if width is not None:
        look["width"], values = width.value, values or {}
    if frames is not None:
        if wrt is None:
            raise OutputError("steps are those of a derivative", fix="say by what is derived: --wrt NAME")
        slides = level_of(loaded, level).slides(of, wrt=wrt, values=values, **look)
        for written in slides.frames(made(frames), f".{frames_as.value}"):
            wrote(written)
    if output is not None:
        look |= {"path": path_numbers(path), "level": level.value if level else None}
        hidden = [name.strip() for name in hide.split(",")] if hide else []
        drawing = loaded.draw(of, wrt=wrt, values=values, fit=fit, hide=hidden, **look)
        wrote(drawing.save(output, dpi), drawing.scene.note if fit else "")
