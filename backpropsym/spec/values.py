"""Numbers for a network from a file: TOML of scalars and lists, or NumPy's .npz without pickles."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.errors import Location, Problem, ValuesError, did_you_mean
from backpropsym.evaluate.given_numbers import has_boolean, listed_tensors
from backpropsym.graph.graph import Graph, Role
from backpropsym.ops.real_numbers import real_array
from backpropsym.spec.locate import Source, is_file, is_stream
from backpropsym.spec.source import STANDARD_INPUT, standard_input

MAX_TEXT_BYTES = 16 * 2**20
MAX_ENTRIES = 100_000_000


def read_values(path: Path, graph: Graph) -> dict[str, Numeric]:
    """Arrays by name from `path`: a .npz archive, else TOML (a [values] section or plain keys); - is standard input.

    Raises
    ------
    ValuesError : not readable, not finite, too large, or a name that the network does not have.
    """
    arrays, places = read_arrays(path)
    problems = []
    for name, array in arrays.items():
        message, fix = _mistake(name, array, graph)
        if message:
            problems.append(Problem(message, places.get(name, Location(str(path))), fix=fix))
    if problems:
        raise ValuesError(problems)
    return {name: array.astype(float)[()] for name, array in arrays.items()}


def read_arrays(path: Path) -> tuple[dict[str, Array], dict[str, Location]]:
    """Arrays by name from `path`, as they are there, and their places; - is standard input.

    Raises
    ------
    ValuesError : not readable, or too large.
    """
    if str(path) == STANDARD_INPUT:
        values, places = _read_source(Source(standard_input(), "standard input"))
    elif is_stream(path):
        values, places = _read_stream(path)
    elif not is_file(path):
        raise ValuesError(f"there is no file {path}", fix="give a TOML file of numbers, or an .npz archive")
    else:
        values, places = _read_archive(path) if path.suffix == ".npz" else _read_toml(path)
    return {name: _array(value) for name, value in values.items()}, places


def _mistake(name: str, array: Array, graph: Graph) -> tuple[str, str]:
    """What is wrong with one entry, and the fix; empty texts where nothing is."""
    if name not in graph.nodes and name not in listed_tensors(graph):
        fix = did_you_mean(name, graph.nodes, "the names are in: backpropsym summary NETWORK")
        return f"numbers are given to {name}, which the network does not have", fix
    if name in graph.nodes and graph[name].role in (Role.VALUE, Role.CONSTANT):
        return f"the number of {name} is not free", "give numbers to inputs, targets and parameters"
    if array.dtype.kind not in "iuf":
        return f"the value of {name} is not a number", f"write {name} = 1.0"
    if not np.all(np.isfinite(array)):
        return f"the value of {name} is not finite", "give finite numbers"
    return "", ""


def _array(value: object) -> Array:
    """`value` as an array of real numbers; of kind object where it is no such thing."""
    array, wrong = real_array(value)
    return np.asarray(None) if wrong or has_boolean(value) else array


def _read_toml(path: Path) -> tuple[Mapping[str, object], dict[str, Location]]:
    """Values and their places."""
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise ValuesError(f"{path} has {path.stat().st_size:,} bytes", fix="store large arrays as .npz")
    try:
        source = Source(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ValuesError(f"{path} is not readable text: {error}", fix="save it as UTF-8") from None
    return _read_source(source)


def _read_stream(path: Path) -> tuple[Mapping[str, object], dict[str, Location]]:
    """Values and their places from a pipe, whose length is known only once it has been read."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_TEXT_BYTES + 1)
        if len(data) > MAX_TEXT_BYTES:
            raise ValuesError(f"{path} has more than {MAX_TEXT_BYTES:,} bytes", fix="store large arrays as .npz")
        return _read_source(Source(data.decode("utf-8"), str(path)))
    except (OSError, UnicodeDecodeError) as error:
        raise ValuesError(f"{path} is not readable text: {error}", fix="write TOML in UTF-8 into it") from None


def _read_source(source: Source) -> tuple[Mapping[str, object], dict[str, Location]]:
    data, problems = source.load()
    if problems:
        raise ValuesError(problems)
    inner = data.get("values")
    section, values = ("values", inner) if isinstance(inner, dict) else ("", data)
    return values, {name: source.place(section, name) for name in values}


def _read_archive(path: Path) -> tuple[Mapping[str, object], dict[str, Location]]:
    """Arrays of an .npz; the headers are read before anything is allocated."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_headers(archive)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}, {}
    except ValuesError:
        raise
    except Exception as error:  # a broken archive raises errors of zipfile, zlib, NumPy and others
        raise ValuesError(
            f"{path} is not an .npz archive of numbers: {error}", fix="save it with numpy.savez"
        ) from None


def _check_headers(archive: zipfile.ZipFile) -> None:
    """Refuse Python objects, and more entries than are read or than the archive holds."""
    total = 0
    for entry in archive.infolist():
        with archive.open(entry) as stream:
            version = np.lib.format.read_magic(stream)
            old = version == (1, 0)
            read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
            shape, _, kind = read(stream)
            held = entry.file_size - stream.tell()
        if kind.hasobject:
            raise ValuesError(f"{entry.filename} holds Python objects", fix="save plain numbers")
        total += math.prod(shape)
        if total > MAX_ENTRIES or min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize > held:
            fix = f"at most {MAX_ENTRIES:,} entries are read from a file, and no more than it holds"
            raise ValuesError(f"{entry.filename} claims {math.prod(shape):,} entries", fix=fix)
