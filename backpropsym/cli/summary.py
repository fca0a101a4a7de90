"""backpropsym summary: what is in a network."""

from __future__ import annotations

from backpropsym.cli.arguments import JsonOption, NetworkArgument, load_network
from backpropsym.cli.output import emit, show


def summary(network: NetworkArgument, json: JsonOption = False) -> None:
    """Show nodes, parameters, functions, paths, and what each form of the gradient costs."""
    from backpropsym.document.reports.summary import summary_data, summary_text
    from backpropsym.document.writers.json_text import json_text

    graph = load_network(network).graph
    if json:
        emit(json_text(summary_data(graph)), None)
    else:
        show(summary_text(graph))
