"""backpropsym train: gradient descent, with the reason why it stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backpropsym.cli.arguments import AtOption, JsonOption, NetworkArgument, load_network, medium_for, read_numbers
from backpropsym.cli.output import emit_page, progress, to_file, wrote
from backpropsym.errors import OutputError

if TYPE_CHECKING:
    from backpropsym.learn.descent import Step

FAILED = 1
_REPORTS = (".json", ".md", ".txt")


DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="digits|mnist|FILE",
        help="What is learned: digits are bundled, mnist is read from mnist.npz, FILE is .npz or TOML with NAME "
        "(or NAME_train) and NAME_test for inputs and targets; if left out, the object of --at.",
    ),
]
RateOption = Annotated[float, typer.Option("--rate", help="The length of a step over that of the gradient.")]
ToleranceOption = Annotated[
    float,
    typer.Option(
        "--tolerance", help="Stop when a step, with --batch a round of all objects, moves the parameters by less."
    ),
]
StepsOption = Annotated[int, typer.Option("--steps", min=1, help="Make at most so many steps.")]
BatchOption = Annotated[int, typer.Option("--batch", min=0, help="Objects a step, in random order; 0 means all.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the first parameters and of the order.")]
LearnedOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Save what was learned as .npz or .toml, which --at takes; or the report as .json, .md or .txt.",
    ),
]


def train(
    network: NetworkArgument,
    data: DataOption = None,
    rate: RateOption = 0.1,
    tolerance: ToleranceOption = 1e-6,
    steps: StepsOption = 1000,
    batch: BatchOption = 0,
    seed: SeedOption = 0,
    at: AtOption = None,
    json: JsonOption = False,
    output: LearnedOption = None,
) -> None:
    """Train NETWORK by gradient descent: w(t) = w(t-1) - rate * gradient, until the step is smaller than a tolerance.

    Ctrl-C ends it with what was reached. Exit with 1 where it diverged.
    """
    from backpropsym.document.reports.training import train_page
    from backpropsym.learn.descent import Plan, Stop
    from backpropsym.learn.weights import WEIGHTS, save_weights

    loaded = load_network(network)
    _check_place(output)
    weights = output is not None and output.suffix.lower() in WEIGHTS
    medium = medium_for(None, json, None if weights else output)
    with _watched(steps) as watch:
        training = loaded.train(
            data, at=read_numbers(at, loaded), plan=Plan(rate, tolerance, steps, batch, seed), watch=watch
        )
    emit_page(train_page(training), medium, None if weights else output)
    if weights and output is not None:
        wrote(save_weights(training.parameters, output))
    if training.descent.stop is Stop.DIVERGED:
        raise typer.Exit(FAILED)


def _check_place(output: Path | None) -> None:
    """Report what would stop a result from being written before the training, not after it.

    Raises
    ------
    OutputError : an unknown suffix, or a missing folder.
    """
    from backpropsym.learn.weights import WEIGHTS

    if output is None or not to_file(output):
        return
    known = (*WEIGHTS, *_REPORTS)
    if output.suffix.lower() not in known:
        raise OutputError(
            f"{output.name} has no suffix that a training is saved as", fix=f"end it in {', '.join(known)}"
        )
    if not output.parent.is_dir():
        raise OutputError(f"there is no folder {output.parent}", fix="create it first, or save elsewhere")


@contextlib.contextmanager
def _watched(steps: int) -> Iterator[Callable[[Step], None] | None]:
    """Shows the steps on a terminal."""
    with progress("training") as report:
        yield None if report is None else lambda step: report(f"{step.objective:.6g} at step", step.number, steps)
