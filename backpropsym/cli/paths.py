"""backpropsym paths: the paths themselves, counted and listed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    DigitsOption,
    FormatOption,
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
)
from backpropsym.cli.output import emit, emit_page


class By(StrEnum):
    """What paths are chosen by."""

    SHARE = "share"
    LENGTH = "length"


CountOption = Annotated[bool, typer.Option("--count", help="Print only how many there are, exactly.")]
TopOption = Annotated[
    int | None,
    typer.Option(
        "--top",
        min=1,
        help="List only so many, the strongest first; if left out, in the order of derive.",
        show_default=False,
    ),
]
ByOption = Annotated[By, typer.Option("--by", help="With --top: the largest share first, or the shortest first.")]
StatsOption = Annotated[
    bool, typer.Option("--stats", help="Tell what all paths are like: how long, how strong, how even, how dead.")
]


def paths(
    network: NetworkArgument,
    wrt: WrtOption,
    of: OfOption = None,
    level: LevelOption = None,
    count: CountOption = False,
    top: TopOption = None,
    by: ByOption = By.SHARE,
    stats: StatsOption = False,
    at: AtOption = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    limit: LimitOption = None,
    ascii: AsciiOption = False,
    digits: DigitsOption = None,
) -> None:
    """List the paths between two nodes: all, the strongest, and how many carry nothing."""
    from backpropsym.document.registry import format_of
    from backpropsym.document.reports.analytics import analytics_page
    from backpropsym.document.reports.paths import PathsView, exact_count, paths_page

    medium = medium_for(format, json, output)
    loaded = level_of(load_network(network), level)
    values = read_numbers(at, loaded)
    derivation = loaded.derive(of, wrt=wrt)
    if stats:
        page = analytics_page(derivation, values)
    elif count and medium == "text":
        emit(f"{exact_count(derivation.count)}\n", output)
        return
    else:
        view = PathsView(values, top, by.value, limit or format_of(medium).limit)
        page = paths_page(derivation, view, listed=not count)
    emit_page(page, medium, output, ascii, digits=digits)
