"""backpropsym costs: why backprop."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from backpropsym.cli.arguments import AsciiOption, JsonOption, LevelOption, NetworkArgument, level_of, load_network
from backpropsym.cli.output import emit, needs_ascii, show


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
    json: JsonOption = False,
    ascii: AsciiOption = False,
) -> None:
    """Count the multiplications and additions of every way to the gradient; formulas where widths are symbolic."""
    from backpropsym.document.reports.costs import (
        costs_data,
        costs_text,
        elimination_data,
        elimination_of,
        elimination_text,
    )
    from backpropsym.document.writers.json_text import json_text

    graph = level_of(load_network(network), level).graph
    if order is None:
        if json:
            emit(json_text(costs_data(graph)), None)
        else:
            show(costs_text(graph))
        return
    found = elimination_of(graph, order.value)
    if json:
        emit(json_text(elimination_data(found)), None)
    else:
        show(elimination_text(graph, found, needs_ascii(ascii)))
