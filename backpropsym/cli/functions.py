"""backpropsym functions: what a formula may call."""

from __future__ import annotations

from typing import Annotated

import typer

from backpropsym.cli.arguments import AsciiOption, FormatOption, JsonOption, OutputOption, ThemeOption, medium_for
from backpropsym.cli.completion import complete_function
from backpropsym.cli.output import emit_page, wrote
from backpropsym.errors import OutputError

NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="One function; if left out all.", autocompletion=complete_function, show_default=False
    ),
]


def functions(
    name: NameArgument = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    theme: ThemeOption = "light",
    ascii: AsciiOption = False,
) -> None:
    """List the registered functions with formula, derivative, convention at kinks, and source.

    With NAME and -o FILE, its suffix one of {plots}, a plot of the function and its derivative, kinks marked.
    """
    from backpropsym.document.reports.function_table import functions_page

    plots: tuple[str, ...] = ()
    if output is not None and format is None and not json:
        from backpropsym.picture.look.theme_file import theme as named_theme
        from backpropsym.story.plots.formats import FORMATS
        from backpropsym.story.plots.plot import function_plot

        plots = tuple(FORMATS)
        if name is None and output.suffix.lower() in {*plots} - {".tex"}:
            raise OutputError("a plot is of one function", fix=f"name it: backpropsym functions relu -o {output.name}")
        if name is not None and output.suffix.lower() in plots:
            wrote(function_plot(name, named_theme(theme)).save(output))
            return
    medium = medium_for(format, json, output, plots if name is not None else ())
    emit_page(functions_page(name), medium, output, ascii)
