"""What the shell offers when a person presses Tab."""

from __future__ import annotations

from pathlib import Path

import typer


def complete_network(incomplete: str) -> list[str]:
    """Bundled examples, network files and folders."""
    from backpropsym.spec.source import examples

    return [name for name in examples() if name.startswith(incomplete)] + _files(incomplete)


def complete_node(ctx: typer.Context, incomplete: str) -> list[str]:
    """The nodes of the network that stands before on the line; none where it cannot be read."""
    from backpropsym.errors import BackpropsymError
    from backpropsym.network import load

    # While the word after an option is missing, what was typed before it is still unread.
    source = ctx.params.get("network") or next(iter(ctx.args), None)
    if not source or source == "-":
        return []
    try:
        return [name for name in load(source).graph.nodes if name.startswith(incomplete)]
    except BackpropsymError:
        return []


def complete_example(incomplete: str) -> list[str]:
    """Bundled examples."""
    from backpropsym.spec.source import examples

    return [name for name in examples() if name.startswith(incomplete)]


def complete_theme(incomplete: str) -> list[str]:
    """The looks of pictures."""
    from backpropsym.picture.look.themes import THEMES

    return [name for name in THEMES if name.startswith(incomplete)]


def complete_function(incomplete: str) -> list[str]:
    """The registered functions."""
    from backpropsym.ops.function_table import FunctionTable

    return [name for name, _ in FunctionTable().items() if name.startswith(incomplete)]


def complete_format(incomplete: str) -> list[str]:
    """The formats of results."""
    from backpropsym.document.registry import names

    return [name for name in names() if name.startswith(incomplete)]


def _files(incomplete: str) -> list[str]:
    """Network files and folders whose path starts with `incomplete`."""
    folder, _, start = incomplete.rpartition("/")
    where = Path(folder or ("/" if incomplete.startswith("/") else "."))
    try:
        found = sorted(entry for entry in where.iterdir() if entry.name.startswith(start))
    except OSError:
        return []
    prefix = incomplete[: len(incomplete) - len(start)]
    kept = [entry for entry in found if entry.suffix == ".toml" or entry.is_dir()]
    return [prefix + entry.name + ("/" if entry.is_dir() else "") for entry in kept]
