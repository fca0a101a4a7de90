"""The program `backpropsym`: its commands, and how it ends.

Exit status 0 is done, 1 a check failed, 2 a mistake of the person who called.
"""

from __future__ import annotations

import gc
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from backpropsym import __version__
from backpropsym.cli import (
    check,
    costs,
    derive,
    draw,
    examples,
    explore,
    functions,
    handout,
    hessian,
    importing,
    jacobian,
    kernel,
    latex,
    paths,
    quiz,
    slides,
    summary,
    trace,
    train,
    verify,
    wiggle,
)
from backpropsym.cli.streams import USER_MISTAKE, run
from backpropsym.errors import BackpropsymError


class Commands(TyperGroup):
    """Commands whose errors are messages, not tracebacks."""

    def invoke(self, ctx: Any) -> object:
        """Run a command; what a person can cause ends with its message on standard error and status 2."""
        try:
            return super().invoke(ctx)
        except BackpropsymError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(USER_MISTAKE) from None
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")  # the kind of exception is no news to a person
            if error.message.startswith("'bricks' is not one of"):
                error.message += " The bricks are the form factored: --form factored."
            raise


app = typer.Typer(
    name="backpropsym",
    cls=Commands,
    help="Derivatives of neural networks as explicit sums over paths: derived, proved, drawn and compiled.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    derive.derive,
    paths.paths,
    trace.trace,
    train.train,
    wiggle.wiggle,
    jacobian.jacobian,
    hessian.hessian,
    quiz.quiz,
    check.check,
    verify.verify,
    draw.draw,
    latex.latex,
    explore.explore,
    slides.slides,
    handout.handout,
    kernel.kernel,
    summary.summary,
    costs.costs,
    functions.functions,
    examples.examples,
):
    app.command()(command)
app.command("import")(importing.import_)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"backpropsym {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Derivatives of neural networks as explicit sums over paths: derived, proved, drawn and compiled."""


def main() -> None:
    """Run the program on the arguments of the command line."""
    # What a command loads and builds lives until it ends: looking for garbage at Python's pace takes a fifth of it.
    gc.set_threshold(100_000, 50, 50)
    run(app)
