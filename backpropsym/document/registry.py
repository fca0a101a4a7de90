"""The formats of documents: one entry each, read by every report, by the commands and by the docs.

A format is one module in the folder `formats`, with the name of the format, that calls `define`; it is imported when a
format is first asked for. A name or a suffix without an entry is an error, and it is raised here alone.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backpropsym.errors import OutputError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from backpropsym.document.model import Page

COLUMN = 62
"""Room for a formula in an article's column, in letters."""

WIDTH = 120
"""Columns of a terminal that does not say how many it has."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a page is laid out.

    Attributes
    ----------
    ascii : whether text is ASCII only.
    width : columns of a terminal.
    room : for a formula on a line, in letters.
    braces : whether a brace under each term of a sum names its path.
    plain : whether formulas that are set have no colours, and terms no numbers of paths.
    juxtaposed : whether products in them are written side by side, without a sign.
    digits : of numbers that were computed; None for as many as is usual.
    """

    ascii: bool = False
    width: int = WIDTH
    room: int = COLUMN
    braces: bool = False
    plain: bool = False
    juxtaposed: bool = False
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A format of documents.

    Attributes
    ----------
    name : what `--format` calls it.
    suffixes : of the files that are written in it.
    write : the text of a page.
    limit : the most paths or equations that are listed where nobody says how many; None lists all of what is not too
        long to be written out.
    document : a whole file that shows a page, on wide paper or not; None where `write` gives a whole file.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Page, Layout], str]
    limit: int | None = None
    document: Callable[[Page, Layout, bool], str] | None = None


_FOLDER = "backpropsym.document.formats"
FORMATS: dict[str, Format] = {}


def define(format: Format) -> None:
    """Register a format; with this entry everything that is a page is written in it, and commands offer it."""
    FORMATS[format.name] = format


def names() -> tuple[str, ...]:
    """The names of all formats; none of them is imported for that."""
    return tuple(sorted({*_modules(), *FORMATS}))


def formats() -> Mapping[str, Format]:
    """All formats, by name and in the order of names."""
    for name in _modules():
        importlib.import_module(f"{_FOLDER}.{name}")
    return dict(sorted(FORMATS.items()))


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(importlib.import_module(_FOLDER).__path__)]


def format_of(name: str) -> Format:
    """The format of this name.

    Raises
    ------
    UnknownNameError : no such format.
    """
    known = formats()
    if name not in known:
        fix = did_you_mean(name, known, f"choose one of {', '.join(known)}")
        raise UnknownNameError(f"nothing is written as {name!r}", fix=fix)
    return known[name]


def format_for(path: Path, besides: tuple[str, ...] = ()) -> Format:
    """The format that the suffix of `path` names; the error names suffixes that a command takes `besides`, too.

    Raises
    ------
    OutputError : it names none.
    """
    suffixes = {suffix: format for format in formats().values() for suffix in format.suffixes}
    found = suffixes.get(path.suffix.lower())
    if found is None:
        message = f"{path.name} has no suffix that a result can be saved as"
        raise OutputError(message, fix=f"end it in {', '.join(dict.fromkeys((*suffixes, *besides)))}")
    return found


def write(page: Page, name: str, layout: Layout | None = None) -> str:
    """`page` in the format called `name`.

    Raises
    ------
    UnknownNameError : no such format.
    """
    return format_of(name).write(page, layout or Layout())
