"""backpropsym summary: what is in a network."""

from __future__ import annotations

from backpropsym.cli.arguments import (
    AsciiOption,
    FormatOption,
    JsonOption,
    NetworkArgument,
    OutputOption,
    load_network,
    medium_for,
)
from backpropsym.cli.output import emit_page


def summary(
    network: NetworkArgument,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    ascii: AsciiOption = False,
) -> None:
    """Show nodes, parameters, functions, paths, and what each form of the gradient costs."""
    from backpropsym.document.reports.summary import summary_page

    medium = medium_for(format, json, output)
    emit_page(summary_page(load_network(network).graph), medium, output, ascii)
