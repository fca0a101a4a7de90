"""backpropsym kernel: value and gradients as a Python module of its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from backpropsym.cli.arguments import NetworkArgument, OutputOption, load_network
from backpropsym.cli.output import emit


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
        list[str] | None, typer.Option("--wrt", help="A parameter that gradients are given by; may be repeated.")
    ] = None,
) -> None:
    """Write a Python module that computes the value and all gradients, and needs nothing but NumPy."""
    found = load_network(network).compile(mode=mode.value, parameters=wrt)
    emit(found.source, output)
