"""backpropsym examples: the bundled networks."""

from __future__ import annotations

from typing import Annotated

import typer

from backpropsym.cli.arguments import JsonOption, OutputOption
from backpropsym.cli.completion import complete_example
from backpropsym.cli.output import emit


def examples(
    copy: Annotated[
        str | None,
        typer.Option(
            "--copy",
            metavar="NAME",
            help="Print this example's file, or write it to -o.",
            autocompletion=complete_example,
        ),
    ] = None,
    output: OutputOption = None,
    json: JsonOption = False,
) -> None:
    """List the bundled examples, or copy one to start from."""
    from backpropsym.document.writers.json_text import json_text
    from backpropsym.network import example
    from backpropsym.spec.source import example_text
    from backpropsym.spec.source import examples as names

    if copy is not None:
        emit(example_text(copy), output)
        return
    titles = {name: example(name).title for name in names()}
    width = max(map(len, titles))
    lines = "".join(f"{name:<{width}}   {title}\n" for name, title in titles.items())
    emit(json_text(titles) if json else lines, output)
