"""backpropsym functions: what a formula may call."""

from __future__ import annotations

from backpropsym.cli.arguments import JsonOption
from backpropsym.cli.output import emit, show


def functions(json: JsonOption = False) -> None:
    """List the registered functions with formula, derivative, convention at kinks, and source."""
    from backpropsym.document.reports.function_table import functions_data, functions_table
    from backpropsym.document.writers.json_text import json_text

    if json:
        emit(json_text(functions_data()), None)
    else:
        show(functions_table())
