"""backpropsym kernel: value and gradients as a module of its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from backpropsym.cli.arguments import NetworkArgument, OutputOption, load_network
from backpropsym.cli.output import emit
from backpropsym.cli.registries import complete_engine


class Mode(StrEnum):
    """How the gradients are computed."""

    REVERSE = "reverse"
    FORWARD = "forward"
    PATHS = "paths"


def kernel(
    network: NetworkArgument,
    output: OutputOption = None,
    mode: Annotated[Mode, typer.Option("--mode", help="How the gradients are computed.")] = Mode.REVERSE,
    wrt: Annotated[
        list[str] | None,
        typer.Option(
            "--wrt", help="A parameter that gradients are given by, may be given several times; if left out every one."
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="{engines}",
            autocompletion=complete_engine,
            help="What the module is written for.",
        ),
    ] = "numpy",
) -> None:
    """Write a module that computes the value and all gradients, and needs nothing but NumPy, or its engine."""
    from backpropsym.kernels.api.compile import kernel_source

    emit(kernel_source(load_network(network).graph, mode.value, parameters=wrt, engine=engine), output)
