"""backpropsym check: every gradient against independent numerics."""

from __future__ import annotations

from typing import Annotated

import typer

from backpropsym.cli.arguments import JsonOption, NetworkArgument, load_network
from backpropsym.cli.output import emit, progress, show

MISMATCH = 1


def check(
    network: NetworkArgument,
    samples: Annotated[
        int, typer.Option("--samples", min=1, help="Random points to check at, besides those that each kink needs.")
    ] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the random points.")] = 0,
    json: JsonOption = False,
) -> None:
    """Prove every gradient of NETWORK against independent numerics; exit with 1 where one is wrong."""
    from backpropsym.render.json_text import json_text
    from backpropsym.render.report_check import check_text

    found = load_network(network)
    with progress("checking") as shown:
        report = found.check(samples=samples, seed=seed, progress=shown)
    if json:
        emit(json_text(report.json()), None)
    else:
        show(check_text(report))
    raise typer.Exit(0 if report.passed else MISMATCH)
