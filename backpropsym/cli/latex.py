"""backpropsym latex: a derivation as LaTeX that compiles."""

from __future__ import annotations

from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AtOption,
    FormOption,
    LevelOption,
    NetworkArgument,
    OfOption,
    OutputOption,
    WrtOption,
    level_of,
    load_network,
    read_numbers,
)
from backpropsym.cli.output import emit


def latex(
    network: NetworkArgument,
    wrt: WrtOption,
    of: OfOption = None,
    level: LevelOption = None,
    form: FormOption = "paths",
    at: AtOption = None,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="A whole document, else a fragment for your own.")
    ] = False,
    underbrace: Annotated[
        bool, typer.Option("--underbrace", help="Name the path of each term of the sum in a brace under it.")
    ] = False,
    output: OutputOption = None,
) -> None:
    """Write a derivation as LaTeX, each path in the colour that it has in the picture."""
    from backpropsym.document.derivation.report import latex as written

    found = level_of(load_network(network), level)
    values, derivation = read_numbers(at, found), found.derive(of, wrt=wrt)
    emit(written(derivation, form, values, underbrace, standalone), output)
