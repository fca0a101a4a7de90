"""The network file: TOML, read so that every mistake keeps its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from backpropsym.errors import Location, NetworkError, Problem, did_you_mean
from backpropsym.formula.tree import Span
from backpropsym.graph import Graph
from backpropsym.spec.build import build
from backpropsym.spec.declaration import Declaration

MAX_FILE_BYTES = 64 * 2**20
_MAX_SYNTAX_ERRORS = 20
_HEADER = re.compile(r"\s*\[\s*([A-Za-z0-9_\"'-]+)\s*\]\s*(?:#.*)?$")
_ENTRY = re.compile(r"""\s*(?P<key>"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*=\s*(?P<value>.*)""")
_SYNTAX_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")
_KEYS = ("title", "inputs", "targets", "parameters", "output", "loss", "nodes", "functions", "values", "constants")


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
    """The network in the text of a TOML file; `file` names it in messages."""
    source = _Source(text, file)
    data, problems = source.load()
    declaration = Declaration(places=source.place)
    _fill(declaration, data, source, problems)
    return build(declaration, problems)


class _Source:
    """The text of a file and where its keys stand."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = text.splitlines()
        self.keys: dict[tuple[str, str], tuple[int, int]] = {}
        self.duplicates: list[tuple[str, str, int]] = []
        self._index()

    def _index(self) -> None:
        """Record line and column of every `key = value`, and remember keys that come twice."""
        section = ""
        for number, line in enumerate(self.lines):
            if header := _HEADER.match(line):
                section = header.group(1).strip("\"'")
            elif entry := _ENTRY.match(line):
                key = entry.group("key").strip("\"'")
                if (section, key) in self.keys:
                    self.duplicates.append((section, key, number))
                else:
                    self.keys[section, key] = (number, entry.start("value"))

    def load(self) -> tuple[dict[str, Any], list[Problem]]:
        """The TOML data, and the mistakes of syntax; a broken line is left out so that the rest is still read."""
        problems, lines = [], list(self.lines)
        for section, key, number in self.duplicates:
            first = self.keys[section, key][0] + 1
            place = self.line(number, self.lines[number].find(key), len(key))
            message = f"{key} is defined twice; the first time in line {first}"
            problems.append(Problem(message, place, fix="remove one, or give it another name"))
            lines[number] = ""
        while len(problems) < _MAX_SYNTAX_ERRORS:
            try:
                return tomllib.loads("\n".join(lines)), problems
            except tomllib.TOMLDecodeError as error:
                match = _SYNTAX_LINE.search(str(error))
                number = int(match.group(1)) - 1 if match else len(lines) - 1
                column = int(match.group(2)) - 1 if match else 0
                what = _SYNTAX_LINE.sub("", str(error)).strip()
                place = self.line(number, column, 1)
                problems.append(Problem(f"not TOML: {what}", place, fix='write name = "formula", texts in quotes'))
                if not match or number >= len(lines) or not lines[number]:
                    break
                lines[number] = ""
            except (RecursionError, ValueError):
                problems.append(Problem("the file has values too deep or too long to read", Location(self.file)))
                break
        raise NetworkError(problems)

    def line(self, number: int, column: int = 0, width: int = 0) -> Location:
        """The location of a line, 0-based."""
        text = self.lines[number] if 0 <= number < len(self.lines) else ""
        return Location(self.file, number + 1, text[:200], column, width if column + width <= 200 else 0)

    def place(self, section: str, key: str, span: Span | None) -> Location:
        """Where `key` of `section` stands; with `span`, the columns of its quoted formula."""
        at = self.keys.get((section, key))
        if at is not None:
            number, column = at
            line = self.lines[number]
            if span is not None and line[column : column + 1] in ("'", '"') and line[column : column + 3] != '"""':
                return self.line(number, column + 1 + span[0], span[1] - span[0])
            return self.line(number, line.find(key), len(key))
        return self._list_item(section, key)

    def _list_item(self, section: str, key: str) -> Location:
        """Where an item of a list such as inputs = ["x1", "x2"] stands."""
        at = self.keys.get(("", section)) or self.keys.get((section, ""))
        if at is None:
            return Location(self.file)
        for number in range(at[0], min(at[0] + 10_000, len(self.lines))):
            start = at[1] if number == at[0] else 0
            match = re.search(rf"(?<![A-Za-z0-9_]){re.escape(key)}(?![A-Za-z0-9_])", self.lines[number][start:])
            if match:
                return self.line(number, start + match.start(), len(key))
            if "]" in self.lines[number][start:]:
                break
        return self.line(at[0])


def _fill(declaration: Declaration, data: dict[str, Any], source: _Source, problems: list[Problem]) -> None:
    """Move the data of a file into `declaration`, checking the form of each entry."""
    for key in data:
        if key not in _KEYS:
            fix = did_you_mean(key, _KEYS, f"the keys are: {', '.join(_KEYS)}")
            problems.append(Problem(f"{key} is not a key of a network file", source.place("", key, None), fix=fix))
    for key in ("title", "output", "loss"):
        if key in data and not isinstance(data[key], str):
            fix = f'write {key} = "..."'
            problems.append(Problem(f"{key} is not a text", source.place("", key, None), fix=fix))
        elif key in data:
            setattr(declaration, key, data[key])
    for key in ("inputs", "targets", "parameters"):
        setattr(declaration, key, _leaves(key, data.get(key, []), source, problems))
    for key in ("nodes", "functions"):
        setattr(declaration, key, _texts(key, data.get(key, {}), source, problems))
    for key in ("values", "constants"):
        setattr(declaration, key, _table(key, data.get(key, {}), source, problems))


def _leaves(key: str, entry: Any, source: _Source, problems: list[Problem]) -> dict[str, tuple[Any, ...]]:
    """inputs = ["x1", "x2"] or {x = [784]} as shapes by name."""
    if isinstance(entry, dict) and all(isinstance(shape, list) for shape in entry.values()):
        return {name: tuple(shape) for name, shape in entry.items()}
    if isinstance(entry, list) and all(isinstance(name, str) for name in entry):
        seen: dict[str, tuple[Any, ...]] = {}
        for name in entry:
            if name in seen:
                message = f"{name} is listed twice in {key}"
                problems.append(Problem(message, source.place(key, name, None), fix="remove one of them"))
            seen[name] = ()
        return seen
    fix = f'write {key} = ["a", "b"] for scalars, or {key} = {{a = [3, 2]}} with shapes'
    problems.append(Problem(f"{key} is neither a list of names nor a table of shapes", source.place("", key, None), fix=fix))
    return {}


def _texts(key: str, entry: Any, source: _Source, problems: list[Problem]) -> dict[str, str]:
    """A table of texts."""
    table = _table(key, entry, source, problems)
    for name, text in table.items():
        if not isinstance(text, str):
            fix = f'write {name} = "formula"'
            problems.append(Problem(f"{name} is not a text", source.place(key, name, None), fix=fix))
    return {name: text for name, text in table.items() if isinstance(text, str)}


def _table(key: str, entry: Any, source: _Source, problems: list[Problem]) -> dict[str, Any]:
    if isinstance(entry, dict):
        return entry
    problems.append(Problem(f"{key} is not a table", source.place("", key, None), fix=f"write a section [{key}]"))
    return {}
