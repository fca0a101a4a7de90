"""Where results go: the terminal in colour where it can show it, or a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from backpropsym.document.model import Page

PLAIN_WIDTH = 120
"""Columns of what is printed to anything but a terminal."""


def console() -> Console:
    """Standard output; colour only on a terminal that shows it and where NO_COLOR is not set.

    Nothing that is printed through it is read as markup.
    """
    from rich.console import Console

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PLAIN_WIDTH
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def show(content: RenderableType) -> None:
    """Print styled text, or a table; text is left to the terminal to wrap."""
    from rich.text import Text

    console().print(content, soft_wrap=isinstance(content, Text), end="" if isinstance(content, Text) else "\n")


@contextlib.contextmanager
def progress(task: str) -> Iterator[Callable[[str, int, int], None] | None]:
    """Shows how far a long task is, on a terminal only; the task calls what is given with (what, done, of)."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True, markup=False, emoji=False).status(task) as status:
        yield lambda what, done, total: status.update(f"{what}: {done:,} of {total:,}")


def needs_ascii(wanted: bool) -> bool:
    """Whether text is to be ASCII: because the person wants it, or standard output can show nothing else."""
    try:
        "∂·−′₁→…".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return True
    return wanted


def to_file(output: Path | None) -> bool:
    """Whether a result goes to a file, and not to the terminal."""
    return output is not None and str(output) != "-"


def look(output: Path | None, ascii: bool) -> tuple[bool, int]:
    """Whether text is to be ASCII, and how many columns it may have."""
    return (ascii, PLAIN_WIDTH) if to_file(output) else (needs_ascii(ascii), console().width)


def emit_page(
    page: Page,
    medium: str,
    output: Path | None,
    ascii: bool = False,
    whole: bool = True,
    landscape: bool = True,
    digits: int | None = None,
) -> None:
    """Print or write a page in the format `medium`; text on a terminal has colours.

    Parameters
    ----------
    whole : whether it becomes a document of its own, on wide paper or not, in a format that has parts of documents.
    digits : of numbers that were computed; None for as many as is usual.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    from backpropsym.document.registry import Layout, format_of

    format, layout = format_of(medium), Layout(*look(output, ascii), digits=digits)
    if medium == "text" and not to_file(output):
        from backpropsym.document.formats.text import styled

        show(styled(page, layout))
    elif format.document and whole:
        emit(format.document(page, layout, landscape), output)
    else:
        emit(format.write(page, layout), output)


def emit(text: str, output: Path | None) -> None:
    """Print `text`, or write it to a file.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    if output is None or str(output) == "-":
        sys.stdout.write(text)  # not echo, which writes UTF-8 where ASCII is asked for
    else:
        from backpropsym.files import write_whole

        write_whole(output, text.encode())
        wrote(output)


def made(folder: Path) -> Path:
    """The folder, made if it does not exist yet.

    Raises
    ------
    OutputError : it cannot be made.
    """
    from backpropsym.errors import OutputError

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}", fix="choose another place") from None
    return folder


def wrote(path: Path, note: str = "") -> None:
    """Say on standard error where a result is, after what was printed before, and what a person must know of it."""
    from backpropsym.errors import printable

    sys.stdout.flush()
    typer.echo(f"wrote {printable(str(path))}" + (f": {note}" if note else ""), err=True)
