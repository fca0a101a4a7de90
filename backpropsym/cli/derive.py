"""backpropsym derive: a derivative in any form."""

from __future__ import annotations

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    DigitsOption,
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
from backpropsym.cli.output import emit_page, to_file


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
    digits: DigitsOption = None,
) -> None:
    """Derive one node by another, or by several in turn, as a sum over paths or in another form."""
    from backpropsym.document.derivation.actions import View
    from backpropsym.document.derivation.report import page
    from backpropsym.document.registry import format_of

    found = level_of(load_network(network), level)
    values = read_numbers(at, found, init)
    derivation = found.derive(of, wrt=wrt)
    medium = medium_for(format, json, output)
    source = network if len(wrt) == 1 and not to_file(output) else ""
    view = View(values, limit or format_of(medium).limit, source, level.value if level else "")
    emit_page(page(derivation, form, view), medium, output, ascii, digits=digits, whole=False)
