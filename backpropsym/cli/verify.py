"""backpropsym verify: whether a hand-derived formula is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backpropsym.cli.arguments import AsciiOption, JsonOption, NetworkArgument, OfOption, load_network
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import emit, needs_ascii, show
from backpropsym.errors import ValuesError

if TYPE_CHECKING:
    from backpropsym.marking.mark import Marker

WRONG = 1
UNREADABLE = 2


ClaimWrtOption = Annotated[
    str | None,
    typer.Option(
        "--wrt",
        metavar="NAME",
        help="What the formula is the derivative by; an entry such as 'W1[2,0]', or all as 'W1[i,j]'.",
        autocompletion=complete_node,
    ),
]
ClaimOption = Annotated[
    str | None,
    typer.Option("--claim", metavar="FORMULA", help='The formula, as "p11*f\'(u1)*v11" or in LaTeX.'),
]
ClaimsOption = Annotated[
    Path | None,
    typer.Option("--claims", metavar="FILE", help="Mark many: .toml, .csv or .json with name, wrt and claim."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random points.")]


def verify(
    network: NetworkArgument,
    wrt: ClaimWrtOption = None,
    claim: ClaimOption = None,
    claims: ClaimsOption = None,
    of: OfOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    ascii: AsciiOption = False,
) -> None:
    """Compare hand-derived formulas with the derivation, and name what is wrong; exit with 1 where something is."""
    from backpropsym.document.reports.claims import verdict_data, verdict_text
    from backpropsym.document.writers.json_text import json_text
    from backpropsym.marking.mark import Marker

    marker = Marker(load_network(network).graph, seed)
    if claims is not None:
        if claim is not None or wrt is not None or of is not None:
            raise ValuesError("--claims and one claim at a time", fix="the file says what each claim is about")
        raise typer.Exit(_mark_file(marker, claims, json, ascii))
    if claim is None or wrt is None:
        raise ValuesError("nothing to compare", fix="give --wrt NAME and --claim FORMULA, or --claims FILE")
    verdict = marker.verify(claim, wrt, of)
    if json:
        emit(json_text(verdict_data(verdict)), None)
    else:
        show(verdict_text(verdict, needs_ascii(ascii)))
    raise typer.Exit(0 if verdict.right else WRONG)


def _mark_file(marker: Marker, claims: Path, json: bool, ascii: bool) -> int:
    """Print the marks of all claims of a file; the exit code."""
    from backpropsym.document.reports.claims import marks_data, marks_text
    from backpropsym.document.writers.json_text import json_text
    from backpropsym.marking.claim_files import read_claims

    marks = list(marker.mark(read_claims(claims)))
    if json:
        emit(json_text(marks_data(marks)), None)
    else:
        show(marks_text(marks, needs_ascii(ascii)))
    if any(mark.verdict is None for mark in marks):
        return UNREADABLE
    return 0 if all(mark.verdict is not None and mark.verdict.right for mark in marks) else WRONG
