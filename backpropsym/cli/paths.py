"""backpropsym paths: the paths themselves, counted and listed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AsciiOption,
    AtOption,
    JsonOption,
    LevelOption,
    LimitOption,
    NetworkArgument,
    OfOption,
    WrtOption,
    level_of,
    load_network,
    read_numbers,
)
from backpropsym.cli.output import emit, needs_ascii, show


class By(StrEnum):
    """What paths are chosen by."""

    SHARE = "share"
    LENGTH = "length"


CountOption = Annotated[bool, typer.Option("--count", help="Print only how many there are, exactly.")]
TopOption = Annotated[
    int | None, typer.Option("--top", min=1, help="List only so many, the strongest first.", show_default=False)
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
    json: JsonOption = False,
    limit: LimitOption = None,
    ascii: AsciiOption = False,
) -> None:
    """List the paths between two nodes: all, the strongest, and how many carry nothing."""
    from backpropsym.document.reports.analytics import analytics_data, analytics_of, analytics_text
    from backpropsym.document.reports.paths import PathsView, exact_count, path_data, path_text
    from backpropsym.document.writers.json_text import json_text

    loaded = level_of(load_network(network), level)
    values = read_numbers(at, loaded)
    derivation = loaded.derive(of, wrt=wrt)
    if stats:
        whole = analytics_of(derivation, values)
        if json:
            emit(json_text({"of": derivation.of, "wrt": derivation.wrt, **analytics_data(whole)}), None)
        else:
            show(analytics_text(derivation, whole, needs_ascii(ascii)))
        return
    view = PathsView(values, top, by.value, limit, needs_ascii(ascii))
    if count and not json:
        emit(f"{exact_count(derivation.count)}\n", None)
    elif json:
        emit(json_text(path_data(derivation, view, listed=not count)), None)
    else:
        show(path_text(derivation, view))
