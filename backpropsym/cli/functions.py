"""backpropsym functions: what a formula may call."""

from __future__ import annotations

from backpropsym.cli.arguments import AsciiOption, FormatOption, JsonOption, OutputOption, medium_for
from backpropsym.cli.output import emit_page


def functions(
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    ascii: AsciiOption = False,
) -> None:
    """List the registered functions with formula, derivative, convention at kinks, and source."""
    from backpropsym.document.reports.function_table import functions_page

    emit_page(functions_page(), medium_for(format, json, output), output, ascii)
