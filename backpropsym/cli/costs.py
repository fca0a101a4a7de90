"""backpropsym costs: why backprop."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AsciiOption,
    FormatOption,
    JsonOption,
    LevelOption,
    NetworkArgument,
    OutputOption,
    level_of,
    load_network,
    medium_for,
)
from backpropsym.cli.output import emit_page


class Order(StrEnum):
    """In which order nodes are eliminated."""

    REVERSE = "reverse"
    FORWARD = "forward"
    MARKOWITZ = "markowitz"
    BEST = "best"


def costs(
    network: NetworkArgument,
    order: Annotated[
        Order | None, typer.Option("--order", help="Show the elimination of the nodes in this order, step by step.")
    ] = None,
    level: LevelOption = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    ascii: AsciiOption = False,
) -> None:
    """Count the multiplications and additions of every way to the gradient; formulas where widths are symbolic."""
    from backpropsym.document.reports.costs import costs_page, elimination_of, elimination_page

    graph = level_of(load_network(network), level).graph
    page = costs_page(graph) if order is None else elimination_page(graph, elimination_of(graph, order.value))
    emit_page(page, medium_for(format, json, output), output, ascii)
