"""backpropsym check: every number and formula of a network against independent numerics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backpropsym.cli.arguments import AsciiOption, FormatOption, JsonOption, NetworkArgument, load_network, medium_for
from backpropsym.cli.output import emit_page, progress, to_file, wrote

if TYPE_CHECKING:
    from backpropsym.checks.report import Report

MISMATCH = 1
JUNIT = ".xml"


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
    format: FormatOption = None,
    json: JsonOption = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the report: .xml in the format of JUnit, or by its suffix in another format.",
            metavar="FILE",
        ),
    ] = None,
    ascii: AsciiOption = False,
) -> None:
    """Compare every value, derivative, form and kernel of NETWORK with independent numerics; 1 where one is wrong."""
    from backpropsym.document.reports.check import check_page

    tests = output is not None and output.suffix.lower() == JUNIT
    file = medium_for(None, False, None if tests else output, (JUNIT,)) if to_file(output) else ""
    medium = medium_for(format, json or (output is not None and not to_file(output)), None)
    found = load_network(network)
    with progress("checking") as shown:
        report = found.check(samples=samples, seed=seed, seconds=seconds, thorough=thorough, progress=shown)
    if tests and output is not None:
        _write_tests(report, output)
    elif file:
        emit_page(check_page(report), file, output, ascii)
    emit_page(check_page(report), medium, None, ascii)
    raise typer.Exit(0 if report.passed else MISMATCH)


def _write_tests(report: Report, output: Path) -> None:
    """Write a report in the format of JUnit.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    from backpropsym.document.reports.junit import junit
    from backpropsym.files import write_whole

    write_whole(output, junit(report))
    wrote(output)
