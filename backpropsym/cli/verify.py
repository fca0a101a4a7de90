"""backpropsym verify: whether a hand-derived formula is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backpropsym.cli.arguments import AsciiOption, JsonOption, NetworkArgument, OfOption, load_network
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import emit, needs_ascii, show
from backpropsym.errors import ValuesError

WRONG = 1
UNREADABLE = 2


def verify(
    network: NetworkArgument,
    wrt: Annotated[
        str | None,
        typer.Option(
            "--wrt",
            metavar="NAME",
            help="What the formula is the derivative by; an entry such as 'W1[2,0]', or all as 'W1[i,j]'.",
            autocompletion=complete_node,
        ),
    ] = None,
    claim: Annotated[
        str | None,
        typer.Option("--claim", metavar="FORMULA", help='The formula, as "p11*f\'(u1)*v11" or in LaTeX.'),
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option("--claims", metavar="FILE", help="Mark many: .toml, .csv or .json with name, wrt and claim."),
    ] = None,
    of: OfOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the random points.")] = 0,
    json: JsonOption = False,
    ascii: AsciiOption = False,
) -> None:
    """Compare hand-derived formulas with the derivation, and name what is wrong; exit with 1 where something is."""
    from backpropsym.document.reports.claims import marks_data, marks_text, verdict_data, verdict_text
    from backpropsym.document.writers.json_text import json_text
    from backpropsym.marking.claim_files import read_claims
    from backpropsym.marking.mark import Marker

    marker = Marker(load_network(network).graph, seed)
    if claims is not None:
        if claim is not None or wrt is not None or of is not None:
            raise ValuesError("--claims and one claim at a time", fix="the file says what each claim is about")
        marks = list(marker.mark(read_claims(claims)))
        if json:
            emit(json_text(marks_data(marks)), None)
        else:
            show(marks_text(marks, needs_ascii(ascii)))
        unreadable = any(mark.verdict is None for mark in marks)
        wrong = any(mark.verdict is not None and not mark.verdict.right for mark in marks)
        raise typer.Exit(UNREADABLE if unreadable else WRONG if wrong else 0)
    if claim is None or wrt is None:
        raise ValuesError("nothing to compare", fix="give --wrt NAME and --claim FORMULA, or --claims FILE")
    verdict = marker.verify(claim, wrt, of)
    if json:
        emit(json_text(verdict_data(verdict)), None)
    else:
        show(verdict_text(verdict, needs_ascii(ascii)))
    raise typer.Exit(0 if verdict.right else WRONG)
