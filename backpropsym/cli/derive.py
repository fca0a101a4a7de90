"""backpropsym derive: a derivative in any form."""

from __future__ import annotations

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    Form,
    Format,
    FormatOption,
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
    medium_for,
    read_numbers,
    to_file,
)
from backpropsym.cli.output import console, emit, needs_ascii, show


def derive(
    network: NetworkArgument,
    wrt: WrtOption,
    of: OfOption = None,
    level: LevelOption = None,
    form: FormOption = Form.PATHS,
    at: AtOption = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    limit: LimitOption = None,
    ascii: AsciiOption = False,
) -> None:
    """Derive one node by another, as a sum over paths or in another form."""
    from backpropsym.render.page_parts import LIMIT, TextView
    from backpropsym.render.report import report, terminal

    found = level_of(load_network(network), level)
    values = read_numbers(at, found)
    derivation = found.derive(of, wrt=wrt)
    medium = medium_for(format, json, output)
    if medium == Format.TEXT and not to_file(output):
        plain = needs_ascii(ascii)
        show(terminal(derivation, form, TextView(values, limit or LIMIT, plain, console().width, network)))
    else:
        emit(report(derivation, form, medium, values, limit, ascii), output)
