"""backpropsym quiz: exercises with worked solutions."""

from __future__ import annotations

from typing import Annotated

import typer

from backpropsym.cli.arguments import AsciiOption, FormatOption, JsonOption, OutputOption, load_network, medium_for
from backpropsym.cli.completion import complete_network
from backpropsym.cli.output import emit_page

RANDOM = "random"


def quiz(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="A network as elsewhere, or random for one made by chance.",
            autocompletion=complete_network,
            show_default=False,
        ),
    ],
    count: Annotated[int, typer.Option("--count", min=1, max=200, help="How many exercises.")] = 5,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Chooses exercises and numbers; the same gives the same.")
    ] = 0,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Only these of derive, dead, compute, bricks, count; may be given several times; if left out, all.",
            show_default=False,
        ),
    ] = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    ascii: AsciiOption = False,
) -> None:
    """Make exercises on NETWORK and, on a second sheet, their worked solutions, each of them proved.

    LaTeX is a whole document.
    """
    from backpropsym.network import loads
    from backpropsym.quiz.make import make_quiz
    from backpropsym.quiz.sheets import quiz_page
    from backpropsym.spec.random_network import random_network

    found = loads(random_network(seed)) if network == RANDOM else load_network(network)
    made = make_quiz(found.graph, count, seed, kind or ())
    emit_page(quiz_page(made), medium_for(format, json, output), output, ascii, landscape=False)
