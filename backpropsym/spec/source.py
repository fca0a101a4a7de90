"""Where networks come from: a file, standard input, or a bundled example."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from backpropsym.errors import NetworkError, UnknownNameError, did_you_mean
from backpropsym.graph.graph import Graph
from backpropsym.spec.architecture import ARROW, parse_architecture
from backpropsym.spec.locate import is_file
from backpropsym.spec.toml import MAX_FILE_BYTES, parse_network, read_network

STANDARD_INPUT = "-"


def examples() -> tuple[str, ...]:
    """The names of the bundled examples."""
    folder = resources.files("backpropsym").joinpath("examples")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def example_text(name: str) -> str:
    """The network file of a bundled example.

    Raises
    ------
    UnknownNameError : no such example.
    """
    if name not in examples():
        fix = did_you_mean(name, examples(), f"the examples are: {', '.join(examples())}")
        raise UnknownNameError(f"no example is called {name!r}", fix=fix)
    return resources.files("backpropsym").joinpath("examples", f"{name}.toml").read_text(encoding="utf-8")


def read_source(source: str) -> Graph:
    """The network that a command line names: `-` for standard input, a file, an example, or an architecture.

    Raises
    ------
    NetworkError : the network has mistakes, or nothing of that name exists.
    """
    if source == STANDARD_INPUT:
        return parse_network(standard_input(), "standard input")
    if is_file(Path(source)):
        return read_network(Path(source))
    if source in examples():
        return parse_network(example_text(source), f"{source}.toml")
    if is_architecture(source):
        return parse_architecture(source)
    known = ", ".join(examples())
    if "=>" in source:
        raise NetworkError(
            f"{source!r} is no architecture: its layers are joined by =>",
            fix=f"join them by {ARROW}: {source.replace('=>', ARROW)!r}",
        )
    raise NetworkError(
        f"there is no network file {source!r}, and no example of that name",
        fix=did_you_mean(source, examples(), f"give a .toml file, - for standard input, or an example: {known}"),
    )


def is_architecture(source: str) -> bool:
    """Whether a command line names a network by its layers, and no file, example or standard input."""
    return ARROW in source and source not in examples() and not is_file(Path(source))


def standard_input() -> str:
    """The text on standard input.

    Raises
    ------
    NetworkError : it is not UTF-8, or too long.
    """
    if sys.stdin is None:
        raise NetworkError("standard input is closed", fix="name a file, or write the network to standard input")
    try:
        text = sys.stdin.read(MAX_FILE_BYTES + 1)
    except UnicodeDecodeError:
        raise NetworkError("standard input is not UTF-8 text") from None
    if len(text) > MAX_FILE_BYTES:
        raise NetworkError("standard input is too long", fix=f"a network file has at most {MAX_FILE_BYTES:,} bytes")
    return text
