"""backpropsym wiggle: what each parameter does, and why some do nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    ColumnsOption,
    DigitsOption,
    FormatOption,
    InitOption,
    JsonOption,
    NetworkArgument,
    OfOption,
    OutputOption,
    RowLimitOption,
    ThemeOption,
    load_network,
    medium_for,
    read_numbers,
)
from backpropsym.cli.output import emit_page, wrote

if TYPE_CHECKING:
    from backpropsym.derive.analyses.dead_neurons import DeadShares
    from backpropsym.derive.analyses.sensitivity import Wiggles

SmallOption = Annotated[float, typer.Option("--small", help="How far the small push goes.")]
PushOption = Annotated[float, typer.Option("--push", help="How far the finite push goes.")]
ObjectsOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Objects, .npz with a leading axis: show on which share of them each neuron is dead.",
    ),
]


def wiggle(
    network: NetworkArgument,
    at: AtOption = None,
    init: InitOption = None,
    wrt: ColumnsOption = None,
    of: OfOption = None,
    small: SmallOption = 1e-3,
    push: PushOption = 1.0,
    data: ObjectsOption = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    theme: ThemeOption = "light",
    limit: RowLimitOption = None,
    ascii: AsciiOption = False,
    digits: DigitsOption = None,
) -> None:
    """Push each parameter both ways at one object: what moves, and which links cut every path of what does not.

    With -o FILE and without --format, its suffix one of {pictures}, a picture in which the links that cut are barred.
    """
    from backpropsym.document.reports.sensitivity import wiggle_page
    from backpropsym.picture.cut_links import wiggle_drawing
    from backpropsym.picture.drawing import FORMATS

    loaded = load_network(network)
    values = read_numbers(at, loaded, init) or {}
    result: Wiggles | DeadShares
    if data is not None:
        result = loaded.dead({**values, **(read_numbers(data, loaded) or {})})
    else:
        result = loaded.wiggle(values, of, wrt or (), small, push)
        if format is None and output is not None and output.suffix.lower() in FORMATS:
            wrote(wiggle_drawing(result, theme).save(output))
            return
    medium = medium_for(format, json, output)
    emit_page(wiggle_page(result, limit), medium, output, ascii, digits=digits)
