"""backpropsym derive: a derivative in any form."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    Form,
    FormOption,
    JsonOption,
    LevelOption,
    LimitOption,
    NetworkArgument,
    OfOption,
    OutputOption,
    WrtOption,
    level_of,
    load_network,
    read_numbers,
)
from backpropsym.cli.output import console, emit, needs_ascii, show


class Format(StrEnum):
    """What a derivation is written as."""

    TEXT = "text"
    LATEX = "latex"
    MARKDOWN = "markdown"
    JSON = "json"


def derive(
    network: NetworkArgument,
    wrt: WrtOption,
    of: OfOption = None,
    level: LevelOption = None,
    form: FormOption = Form.PATHS,
    at: AtOption = None,
    format: Annotated[
        Format | None,
        typer.Option("--format", help="What is written; else the suffix of -o decides: .txt .tex .md .json."),
    ] = None,
    json: JsonOption = False,
    output: OutputOption = None,
    limit: LimitOption = None,
    ascii: AsciiOption = False,
) -> None:
    """Derive one node by another, as a sum over paths or in another form."""
    from backpropsym.render.report import medium_of, report, terminal
    from backpropsym.render.report_text import LIMIT, TextView

    found = level_of(load_network(network), level)
    values = read_numbers(at, found)
    derivation = found.derive(of, wrt=wrt)
    to_file = output is not None and str(output) != "-"
    medium = "json" if json else format or (medium_of(output) if output and to_file else Format.TEXT)
    if medium == Format.TEXT and not to_file:
        plain = needs_ascii(ascii)
        show(terminal(derivation, form, TextView(values, limit or LIMIT, plain, console().width, network)))
    else:
        emit(report(derivation, form, medium, values, limit, ascii), output)
