"""backpropsym derive: a derivative in any form."""

from __future__ import annotations

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    Form,
    Format,
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
    form: FormOption = Form.PATHS,
    at: AtOption = None,
    init: InitOption = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    limit: LimitOption = None,
    ascii: AsciiOption = False,
) -> None:
    """Derive one node by another, or by several in turn, as a sum over paths or in another form."""
    from backpropsym.document.derivation.report import report, terminal
    from backpropsym.document.derivation.terminal_parts import LIMIT, TextView

    found = level_of(load_network(network), level)
    values = read_numbers(at, found, init)
    derivation = found.derive(of, wrt=wrt)
    medium = medium_for(format, json, output)
    if medium == Format.TEXT and not to_file(output):
        plain = needs_ascii(ascii)
        source = network if len(wrt) == 1 else ""
        view = TextView(values, limit or LIMIT, plain, console().width, source, level.value if level else "")
        show(terminal(derivation, form, view))
    else:
        emit(report(derivation, form, medium, values, limit, ascii), output)
