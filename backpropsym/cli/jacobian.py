"""backpropsym jacobian: several nodes by several nodes."""

from __future__ import annotations

from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    ColumnsOption,
    DigitsOption,
    EntryLimitOption,
    FormatOption,
    JsonOption,
    NetworkArgument,
    OutputOption,
    load_network,
    medium_for,
    read_numbers,
)
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import emit_page


def jacobian(
    network: NetworkArgument,
    of: Annotated[
        list[str] | None,
        typer.Option(
            "--of",
            help="What is derived, may be given several times; if left out, the output.",
            metavar="NAME",
            autocompletion=complete_node,
            show_default=False,
        ),
    ] = None,
    wrt: ColumnsOption = None,
    at: AtOption = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    limit: EntryLimitOption = None,
    ascii: AsciiOption = False,
    digits: DigitsOption = None,
) -> None:
    """Derive several nodes by several nodes: paths, formulas, and numbers where there are some.

    LaTeX is a whole document.
    """
    from backpropsym.document.reports.matrices import MatrixReport

    loaded = load_network(network)
    values, found = read_numbers(at, loaded), loaded.jacobian(of, wrt or ())
    medium = medium_for(format, json, output)
    emit_page(MatrixReport(found, values, limit).page(), medium, output, ascii, digits=digits)
