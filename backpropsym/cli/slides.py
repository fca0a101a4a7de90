"""backpropsym slides: a derivation step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    LevelOption,
    NetworkArgument,
    OfOption,
    ShownAtOption,
    ThemeOption,
    WrtOption,
    level_of,
    load_network,
    read_numbers,
)
from backpropsym.cli.output import wrote


def slides(
    network: NetworkArgument,
    wrt: WrtOption,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The deck, one of {slides}; .tex is Beamer, .html is reveal.js, .svg and .gif are animated.",
        ),
    ],
    of: OfOption = None,
    steps: Annotated[
        str | None,
        typer.Option(
            "--steps",
            metavar="LIST",
            help="Which steps, with commas: network, forward, paths, sum, bricks, backward; if left out all.",
            show_default=False,
        ),
    ] = None,
    level: LevelOption = None,
    at: ShownAtOption = None,
    theme: ThemeOption = "light",
) -> None:
    """Show a derivation step by step, each path lit in the picture with its term."""
    found = level_of(load_network(network), level)
    chosen = None if steps is None else [step.strip() for step in steps.split(",")]
    wrote(found.slides(of, wrt=wrt, values=read_numbers(at, found), steps=chosen, theme=theme).save(output))
