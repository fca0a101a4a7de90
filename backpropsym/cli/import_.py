"""backpropsym import: a network from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backpropsym.cli.output import emit, to_file, wrote


def import_(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL.onnx", help="A model in ONNX; its first axis is that of the batch.")
    ],
    loss: Annotated[
        str | None,
        typer.Option(
            "--loss",
            metavar="NAME",
            help="Add a loss of the output and a new target y, as cross_entropy; if left out none.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The network file, .toml; the parameters go beside it, as .npz for --at. Else it is printed.",
        ),
    ] = None,
) -> None:
    """Make a network file of a model that another framework exported.

    Needs the extra `onnx`.
    """
    from backpropsym.interop.onnx_model import import_onnx, saved

    found = import_onnx(model, loss)
    if output is None or not to_file(output):
        emit(found.text, output)
        return
    for path in saved(found, output):
        wrote(path)
