"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import signal
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from backpropsym.errors import OutputError

_Writer = TypeVar("_Writer")

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_BINARY = getattr(os, "O_BINARY", 0)
_MOST_LINKS = 40


def writer_for(path: Path, formats: Mapping[str, _Writer], noun: str) -> _Writer:
    """What writes a thing, called `noun` in messages, in the format that the suffix of `path` names.

    Raises
    ------
    OutputError : an unknown suffix, or a missing folder: reported before the data are made.
    """
    suffix = path.suffix.lower()
    if suffix not in formats:
        raise OutputError(
            f"{path.name} has no suffix that {noun} can be saved as", fix=f"end the name in one of {', '.join(formats)}"
        )
    if not os.path.isdir(path.parent):
        raise OutputError(f"there is no folder {path.parent}", fix="create it first, or save elsewhere")
    return formats[suffix]


def write_whole(path: Path, data: bytes) -> Path:
    """Make `data` the content of the file at `path`, in one step: what is seen there is the old file or the new one.

    Links are followed. A file that is there keeps its mode and, where that is allowed, its owner; a new one has the
    mode of the umask. What is no regular file, such as a device or a named pipe, is written into, as is what a name
    such as /dev/stdout or /dev/fd/3 stands for.

    Signals that end the program wait until the new file is in its place or nothing is left of it, where the caller
    is the main thread; in others, SIGTERM may leave a file `.NAME.tmp` beside it.

    Raises
    ------
    OutputError : a missing folder, or a place that cannot be written.
    """
    try:
        place = _place(path)
        if place is None:
            with open(path, "ab", buffering=0) as stream:
                _write(stream, data)
        else:
            with _signals_wait():
                _replace(place, data)
    except (OSError, ValueError) as error:
        fix = "choose another place" if os.path.isdir(path.parent) else "create the folder first"
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"cannot write {path}: {reason}", fix=fix) from None
    return path


def _place(path: Path) -> Path | None:
    """Where the file stands, links followed; None if what is there is to be written into, and not replaced.

    Raises
    ------
    OSError : a folder, a file that may not be written, or links that lead nowhere.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists():
        if not path.is_file() or _is_descriptor(path):
            return None
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    place = Path(os.path.realpath(path))
    if place.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return place


def _is_descriptor(path: Path) -> bool:
    """Whether a path leads over /proc/.../fd: to a file that some program has open at a position of its own."""
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if folder.startswith("/proc/") and folder.endswith("/fd"):
            return True
        if not path.is_symlink():
            return False
        path = Path(folder, os.readlink(path))
    return False


def _replace(place: Path, data: bytes) -> None:
    """Write `data` beside `place`, then move it there."""
    known = place.stat() if place.exists() else None
    temporary = place.with_name(f".{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666 if known is None else 0o600)
    try:
        with open(descriptor, "wb", buffering=0) as stream:
            _write(stream, data)
        if known is not None:
            with contextlib.suppress(OSError, AttributeError):  # another owner's file; a system without owners
                os.chown(temporary, known.st_uid, known.st_gid)
            temporary.chmod(stat.S_IMODE(known.st_mode))
        temporary.replace(place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write(stream: io.FileIO, data: bytes) -> None:
    """Write all of `data`: pipes and terminals take a part at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) or 0 :]


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """Holds back the signals that end a program, and sends them again at the end."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread handles signals
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _ENDING}
    try:
        for number, handler in before.items():
            if handler is not None:  # None is a handler that was not set from Python and could not be set again
                signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)
