"""The program `backpropsym`: its commands, and how it ends.

Exit status 0 is done, 1 a check failed, 2 a mistake of the person who called.
"""

from __future__ import annotations

import gc
import importlib
import keyword
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from backpropsym import __version__
from backpropsym.cli.command import Command
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
            error.message = error.message.removeprefix("Value error, ")  # people need the message, not its type
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


def register(function: Callable[..., None], name: str | None = None) -> None:
    """Add a command; its name is that of the function unless one is given."""
    app.command(name, cls=Command)(function)


COMMANDS = (
    "derive",
    "paths",
    "trace",
    "train",
    "wiggle",
    "jacobian",
    "hessian",
    "quiz",
    "check",
    "verify",
    "draw",
    "latex",
    "explore",
    "slides",
    "handout",
    "kernel",
    "summary",
    "costs",
    "functions",
    "examples",
    "import",
)
"""The commands in the order of the help. Each is a module of its name with a function of its name, but `import_`."""

for command in COMMANDS:
    place = f"{command}_" if keyword.iskeyword(command) else command
    register(getattr(importlib.import_module(f"backpropsym.cli.{place}"), place), command)


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
