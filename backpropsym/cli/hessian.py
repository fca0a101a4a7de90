"""backpropsym hessian: all second derivatives."""

from __future__ import annotations

from pathlib import Path
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
    OfOption,
    OutputOption,
    load_network,
    medium_for,
    read_numbers,
)
from backpropsym.cli.output import emit_page


def hessian(
    network: NetworkArgument,
    wrt: ColumnsOption = None,
    of: OfOption = None,
    at: AtOption = None,
    times: Annotated[
        Path | None,
        typer.Option("--times", metavar="FILE", help="A direction, numbers by name: show the product with it instead."),
    ] = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    limit: EntryLimitOption = None,
    ascii: AsciiOption = False,
    digits: DigitsOption = None,
) -> None:
    """Derive a number twice by every pair of parameters: paths, formulas, and numbers where there are some.

    LaTeX is a whole document.
    """
    from backpropsym.document.reports.matrices import MatrixReport, product_page

    loaded = load_network(network)
    values, found = read_numbers(at, loaded), loaded.hessian(of, wrt or ())
    medium = medium_for(format, json, output)
    if times is not None:
        product = found.times(read_numbers(times, loaded) or {}, **(values or {}))
        page = product_page(found, product)
    else:
        page = MatrixReport(found, values, limit).page()
    emit_page(page, medium, output, ascii, digits=digits)
