"""backpropsym verify: whether a hand-derived formula is right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backpropsym.cli.arguments import (
    AsciiOption,
    FormatOption,
    JsonOption,
    NetworkArgument,
    OfOption,
    OutputOption,
    load_network,
    medium_for,
)
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import emit_page
from backpropsym.errors import ValuesError

if TYPE_CHECKING:
    from backpropsym.marking.verify import Verdict

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
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    ascii: AsciiOption = False,
) -> None:
    """Compare hand-derived formulas with the derivation, and name what is wrong; exit with 1 where something is."""
    from backpropsym.document.reports.claims import marks_page, verdict_page
    from backpropsym.marking.claim_files import read_claims
    from backpropsym.marking.mark import Marker

    medium = medium_for(format, json, output)
    marker = Marker(load_network(network).graph, seed)
    if claims is not None:
        if claim is not None or wrt is not None or of is not None:
            raise ValuesError("--claims and one claim at a time", fix="the file says what each claim is about")
        marks = list(marker.mark(read_claims(claims)))
        page, verdicts = marks_page(marks, marker.graph), [mark.verdict for mark in marks]
    elif claim is None or wrt is None:
        raise ValuesError("nothing to compare", fix="give --wrt NAME and --claim FORMULA, or --claims FILE")
    else:
        verdict = marker.verify(claim, wrt, of)
        page, verdicts = verdict_page(verdict), [verdict]
    emit_page(page, medium, output, ascii)
    raise typer.Exit(_status(verdicts))


def _status(verdicts: Sequence[Verdict | None]) -> int:
    """The exit code: unreadable, wrong, or all right."""
    if None in verdicts:
        return UNREADABLE
    return 0 if all(verdict is not None and verdict.right for verdict in verdicts) else WRONG
