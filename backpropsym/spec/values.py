"""Numbers for a network from a file: TOML of scalars and lists, or NumPy's .npz without pickles."""

from __future__ import annotations

import math
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from backpropsym.errors import Problem, ValuesError, did_you_mean
from backpropsym.graph import Graph

MAX_TEXT_BYTES = 16 * 2**20
MAX_ENTRIES = 100_000_000


def read_values(path: Path, graph: Graph) -> dict[str, Any]:
    """Arrays by name from `path`: a .npz archive, else TOML (a [values] section or plain keys).

    Raises
    ------
    ValuesError : not readable, not finite, too large, or a name that the network does not have.
    """
    if not path.is_file():
        raise ValuesError(f"there is no file {path}", fix="give a TOML file of numbers, or an .npz archive")
    values = _read_archive(path) if path.suffix == ".npz" else _read_toml(path)
    problems = [
        Problem(f"{path} gives numbers to {name}, which the network does not have", fix=_hint(name, graph))
        for name in values
        if name not in graph.nodes
    ]
    problems += [
        Problem(f"the value of {name} in {path} is not finite", fix="give finite numbers")
        for name, value in values.items()
        if not np.all(np.isfinite(value))
    ]
    if problems:
        raise ValuesError(problems)
    return values


def _hint(name: str, graph: Graph) -> str:
    return did_you_mean(name, graph.nodes, "the names are in: backpropsym summary NETWORK")


def _read_toml(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise ValuesError(f"{path} has {path.stat().st_size:,} bytes", fix="store large arrays as .npz")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ValuesError(f"{path} is not TOML: {error}", fix="write one line a number: x1 = 1.0") from None
    section = data.get("values", data)
    return {name: _array(name, value, path) for name, value in section.items() if isinstance(section, dict)}


def _array(name: str, value: Any, path: Path) -> Any:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or isinstance(value, bool | str):
        raise ValuesError(f"the value of {name} in {path} is not a number", fix=f"write {name} = 1.0")
    return array[()]


def _read_archive(path: Path) -> dict[str, Any]:
    """Arrays of an .npz; the header of each is read before anything is allocated."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as stream:
                    _check_header(entry.filename, stream)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], dtype=float)[()] for name in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, KeyError) as error:
        if isinstance(error, ValuesError):
            raise
        raise ValuesError(
            f"{path} is not an .npz archive of numbers: {error}", fix="save it with numpy.savez"
        ) from None


def _check_header(name: str, stream: Any) -> None:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(stream)
    if kind.hasobject:
        raise ValuesError(f"{name} holds Python objects", fix="save plain numbers")
    if math.prod(shape) > MAX_ENTRIES:
        raise ValuesError(f"{name} claims {math.prod(shape):,} entries", fix=f"at most {MAX_ENTRIES:,} are read")
