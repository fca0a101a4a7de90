"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from backpropsym.errors import OutputError

_Thing = TypeVar("_Thing")


def write_as(path: Path, formats: Mapping[str, Callable[[_Thing], bytes]], thing: _Thing, noun: str) -> Path:
    """Write `thing`, called `noun` in messages, in the format that the suffix of `path` names.

    Raises
    ------
    OutputError : an unknown suffix, a missing folder, or a place that cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in formats:
        raise OutputError(
            f"{path.name} has no suffix that {noun} can be saved as", fix=f"end the name in one of {', '.join(formats)}"
        )
    if not path.parent.is_dir():
        raise OutputError(f"there is no folder {path.parent}", fix="create it first, or save elsewhere")
    write_whole(path, formats[suffix](thing))
    return path


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, then move it there in one step, so that no half-written file is ever seen.

    Raises
    ------
    OutputError : a missing folder, or a place that cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink()
        fix = "choose another place" if path.parent.is_dir() else "create the folder first"
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"cannot write {path}: {reason}", fix=fix) from None
