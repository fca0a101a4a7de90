"""backpropsym latex: a derivation as LaTeX that compiles."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from backpropsym.cli.arguments import (
    AtOption,
    DigitsOption,
    FormOption,
    LevelOption,
    NetworkArgument,
    OfOption,
    OutputOption,
    level_of,
    load_network,
    read_numbers,
)
from backpropsym.cli.completion import complete_node
from backpropsym.cli.output import emit


class Start(StrEnum):
    """Where indices start."""

    ZERO = "0"
    ONE = "1"


ByOption = Annotated[
    str | None,
    typer.Option(
        "--wrt",
        help="The parameter, input or node to derive by; it may be left out with --all.",
        metavar="NAME",
        autocompletion=complete_node,
        show_default=False,
    ),
]
AllOption = Annotated[
    bool, typer.Option("--all", help="Every gradient in one backward programme, each adjoint defined once.")
]
StandaloneOption = Annotated[bool, typer.Option("--standalone", help="A whole document, else a fragment for your own.")]
BracesOption = Annotated[
    bool, typer.Option("--underbrace", help="Name the path of each term of the sum in a brace under it.")
]
PlainOption = Annotated[bool, typer.Option("--plain", help="No colours, and no numbers of paths.")]
JuxtaposeOption = Annotated[
    bool, typer.Option("--juxtapose", help="Write products side by side, without dots where that can be read.")
]
TermsOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help="List at most so many terms or equations, and say how many more there are; if left out all.",
        show_default=False,
    ),
]
StartOption = Annotated[
    Start | None,
    typer.Option(
        "--from",
        help="Where indices start; if left out as the network's own notation says, else from 0.",
        show_default=False,
    ),
]


_BOTH = "--all derives by every parameter; leave out one of the two"
_NEITHER = "give the name to derive by, or --all for every parameter"


def latex(
    network: NetworkArgument,
    wrt: ByOption = None,
    all: AllOption = False,
    of: OfOption = None,
    level: LevelOption = None,
    form: FormOption = "paths",
    at: AtOption = None,
    standalone: StandaloneOption = False,
    underbrace: BracesOption = False,
    plain: PlainOption = False,
    juxtapose: JuxtaposeOption = False,
    limit: TermsOption = None,
    count_from: StartOption = None,
    digits: DigitsOption = None,
    output: OutputOption = None,
) -> None:
    """Write a derivation as LaTeX, each path in the colour that it has in the picture."""
    from backpropsym.document.derivation.report import LatexOptions
    from backpropsym.document.derivation.report import latex as written

    if all == (wrt is not None):
        raise typer.BadParameter(_BOTH if all else _NEITHER, param_hint="--wrt")
    if all and (form != "paths" or at):
        raise typer.BadParameter(
            "all gradients are one backward programme, without --form and --at", param_hint="--all"
        )
    found = level_of(load_network(network), level)
    options = LatexOptions(
        braces=underbrace,
        standalone=standalone,
        plain=plain,
        juxtaposed=juxtapose,
        limit=limit,
        count_from=None if count_from is None else int(count_from),
        digits=digits,
    )
    if wrt is None:
        emit(found.latex(of, **options), output)
    else:
        emit(written(found.derive(of, wrt=wrt), form, read_numbers(at, found), **options), output)
