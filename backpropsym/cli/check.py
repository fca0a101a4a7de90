"""backpropsym check: every number and formula of a network against independent numerics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backpropsym.cli.arguments import JsonOption, NetworkArgument, load_network
from backpropsym.cli.output import emit, progress, show, to_file, wrote

if TYPE_CHECKING:
    from backpropsym.checks.report import Report

MISMATCH = 1
SUFFIXES = (".json", ".xml")


def check(
    network: NetworkArgument,
    samples: Annotated[
        int, typer.Option("--samples", min=1, help="Random points to check at, besides those that each kink needs.")
    ] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the random points.")] = 0,
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=0.0, help="How long it may take; what is not reached by then is named."),
    ] = 20.0,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Compare all, without a limit of time.", show_default=False)
    ] = False,
    json: JsonOption = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the report: .json, or .xml in the format of JUnit.", metavar="FILE"),
    ] = None,
) -> None:
    """Compare every value, derivative, form and kernel of NETWORK with independent numerics; 1 where one is wrong."""
    from backpropsym.document.reports.check import check_text
    from backpropsym.document.writers.json_text import json_text

    _known_suffix(output)
    found = load_network(network)
    with progress("checking") as shown:
        report = found.check(samples=samples, seed=seed, seconds=seconds, thorough=thorough, progress=shown)
    if to_file(output):
        assert output is not None
        _write(report, output)
    if json or (output is not None and not to_file(output)):
        emit(json_text(report.json()), None)
    else:
        show(check_text(report))
    raise typer.Exit(0 if report.passed else MISMATCH)


def _known_suffix(output: Path | None) -> None:
    """Return where a report can be written so.

    Raises
    ------
    OutputError : the suffix names no format of reports.
    """
    from backpropsym.errors import OutputError

    if output is not None and to_file(output) and output.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{output.name} has no suffix that a report can be saved as",
            fix=f"end the name in one of {', '.join(SUFFIXES)}",
        )


def _write(report: Report, output: Path) -> None:
    """Write a report in the format that the suffix names.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    from backpropsym.document.reports.junit import junit
    from backpropsym.document.writers.json_text import json_text
    from backpropsym.files import write_whole, writer_for

    formats = {".json": lambda each: json_text(each.json()).encode(), ".xml": junit}
    write_whole(output, writer_for(output, formats, "a report")(report))
    wrote(output)
