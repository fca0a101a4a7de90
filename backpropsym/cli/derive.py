"""backpropsym derive: a derivative in any form."""

from __future__ import annotations

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    FormatOption,
    FormOption,
    InitOption,
    JsonOption,
    LevelOption,
    LimitOption,
    NetworkArgument,
    OfOption,
    OutputOption,
    WrtsOption,
    level_of,
    load_network,
    medium_for,
    read_numbers,
)
from backpropsym.cli.output import console, emit, needs_ascii, show, to_file


def derive(
    network: NetworkArgument,
    wrt: WrtsOption,
    of: OfOption = None,
    level: LevelOption = None,
    form: FormOption = "paths",
    at: AtOption = None,
    init: InitOption = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    limit: LimitOption = None,
    ascii: AsciiOption = False,
) -> None:
    """Derive one node by another, or by several in turn, as a sum over paths or in another form."""
    from backpropsym.document.derivation.actions import View
    from backpropsym.document.derivation.report import report, terminal
    from backpropsym.document.formats.text import LIMIT
    from backpropsym.document.registry import Layout

    found = level_of(load_network(network), level)
    values = read_numbers(at, found, init)
    derivation = found.derive(of, wrt=wrt)
    medium = medium_for(format, json, output)
    if medium == "text" and not to_file(output):
        source = network if len(wrt) == 1 else ""
        view = View(values, limit or LIMIT, source, level.value if level else "")
        show(terminal(derivation, form, view, Layout(needs_ascii(ascii), console().width)))
    else:
        emit(report(derivation, form, medium, values, limit, ascii), output)
