"""The network file: TOML, read so that every mistake keeps its line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from backpropsym.collection import collection_paused
from backpropsym.errors import NetworkError, Problem, did_you_mean
from backpropsym.graph.graph import Graph
from backpropsym.ops.kinds import Shape
from backpropsym.spec.build import build
from backpropsym.spec.declaration import Declaration
from backpropsym.spec.locate import Source, words

MAX_FILE_BYTES = 64 * 2**20
_KEYS = (
    "title",
    "inputs",
    "targets",
    "parameters",
    "output",
    "loss",
    "nodes",
    "functions",
    "values",
    "constants",
    "notation",
)


def read_network(path: Path) -> Graph:
    """The network in a TOML file.

    Raises
    ------
    NetworkError : the file cannot be read, or has mistakes; one problem a mistake, each with its line.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            fix = f"a network file has at most {MAX_FILE_BYTES:,} bytes"
            raise NetworkError(f"{path.name} has {path.stat().st_size:,} bytes", fix=fix)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NetworkError(f"cannot read {path}: {error.strerror}", fix="check the name of the file") from None
    except UnicodeDecodeError:
        raise NetworkError(f"{path} is not UTF-8 text", fix="save it as UTF-8") from None
    return parse_network(text, str(path))


def parse_network(text: str, file: str = "network.toml") -> Graph:
    """The network in the text of a TOML file; `file` names it in messages.

    Raises
    ------
    NetworkError : the text has mistakes; one problem a mistake, each with its line.
    """
    source = Source(text, file)
    data, problems = source.load()
    if problems and not data:
        first = problems[0]
        reason = first.message.removeprefix("not TOML: ")
        fix = 'give a network file, which begins with lines such as inputs = ["x1"]'
        raise NetworkError(f"{file} is not TOML: {reason}", where=first.where, fix=fix)
    declaration = Declaration(located=source.place, unreadable=source.unreadable)
    _fill(declaration, data, source, problems)
    with collection_paused():
        return build(declaration, problems)


def _fill(declaration: Declaration, data: dict[str, Any], source: Source, problems: list[Problem]) -> None:
    """Move the data of a file into `declaration`, checking the form of each entry."""
    for key in data:
        if key not in _KEYS:
            fix = did_you_mean(key, _KEYS, f"the keys are: {', '.join(_KEYS)}")
            problems.append(Problem(f"{key} is not a key of a network file", source.place("", key), fix=fix))
            source.unreadable |= words(" ".join(data[key])) if isinstance(data[key], dict) else set()
    for key in ("title", "output", "loss"):
        if key in data and not isinstance(data[key], str):
            fix = f'write {key} = "..."'
            problems.append(Problem(f"{key} is not a text", source.place("", key), fix=fix))
            source.unreadable.add(key)
        elif key in data:
            setattr(declaration, key, data[key])
    for key in ("inputs", "targets", "parameters"):
        setattr(declaration, key, _leaves(key, data.get(key, []), source, problems))
    for key in ("nodes", "functions"):
        setattr(declaration, key, _texts(key, data.get(key, {}), source, problems))
    for key in ("values", "constants", "notation"):
        setattr(declaration, key, _table(key, data.get(key, {}), source, problems))


def _leaves(key: str, entry: object, source: Source, problems: list[Problem]) -> dict[str, Shape]:
    """inputs = ["x1", "x2"] or {x = [784]} as shapes by name."""
    if isinstance(entry, dict) and all(isinstance(shape, list) for shape in entry.values()):
        return {name: tuple(shape) for name, shape in entry.items()}
    if isinstance(entry, list) and all(isinstance(name, str) for name in entry):
        for name in (name for name, count in Counter(entry).items() if count > 1):
            message = f"{name} is listed twice in {key}"
            problems.append(Problem(message, source.repeated_item(key, name), fix="remove one of them"))
        return dict.fromkeys(entry, ())
    fix = f'write {key} = ["a", "b"] for scalars, or {key} = {{a = [3, 2]}} with shapes'
    problems.append(Problem(f"{key} is neither a list of names nor a table of shapes", source.place("", key), fix=fix))
    source.forget(key)
    return {}


def _texts(key: str, entry: object, source: Source, problems: list[Problem]) -> dict[str, str]:
    """A table of texts."""
    table = _table(key, entry, source, problems)
    for name, text in table.items():
        if not isinstance(text, str):
            fix = f'write {name} = "formula"'
            problems.append(Problem(f"{name} is not a text", source.place(key, name), fix=fix))
            source.unreadable |= words(name)
    return {name: text for name, text in table.items() if isinstance(text, str)}


def _table(key: str, entry: object, source: Source, problems: list[Problem]) -> dict[str, Any]:
    if isinstance(entry, dict):
        return entry
    problems.append(Problem(f"{key} is not a table", source.place("", key), fix=f"write a section [{key}]"))
    source.forget(key)
    return {}
