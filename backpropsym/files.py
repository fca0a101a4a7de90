"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from backpropsym.errors import OutputError


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
