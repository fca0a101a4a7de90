"""A network file as text: what stands where, and as much of a broken file as can be read."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from backpropsym.errors import Location, Problem
from backpropsym.formula.tree import Span

_MAX_SYNTAX_ERRORS = 20
_SHOWN = 160
_SECTIONS = "inputs|targets|parameters|nodes|functions|values|constants|notation"
_KEY = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_PART = re.compile(_KEY)
_ENTRY = re.compile(rf"[ \t]*(?P<key>{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*)[ \t]*=[ \t]*")
_HEADER = re.compile(rf"[ \t]*\[\[?[ \t]*(?P<key>{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*)")
_NEXT_STATEMENT = re.compile(rf"{_ENTRY.pattern}|[ \t]*\[[ \t]*(?:{_SECTIONS})[ \t]*\]")
_VALUE = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|[^\[\]{}"'#\n]+|.''', re.DOTALL
)
_MANY_DOTS = re.compile(r"""(?<![\w"'-])(?:[\w"'-]+[ \t]*\.[ \t]*){20}""")
_SYNTAX_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)|\(at end of document\)")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """A header or an entry of a TOML text, as offsets: the whole, its key, and for an entry its value."""

    start: int
    end: int
    key: Span
    value: int | None


def is_file(path: Path) -> bool:
    """Whether `path` is a file; a text that cannot be a path is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_stream(path: Path) -> bool:
    """Whether `path` is a pipe or a device of characters, such as what <(...) of a shell names."""
    try:
        return path.is_fifo() or path.is_char_device()
    except (OSError, ValueError):
        return False


def words(text: str) -> set[str]:
    """What may be a name in `text`."""
    return set(_WORD.findall(text))


def statements(text: str) -> Iterator[Statement]:
    """The statements of a TOML text in order, broken ones included; a line is skipped only where it is empty.

    A list that is never closed ends before the next line that starts a statement.
    """
    position = 0
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end].strip()
        if line and not line.startswith("#"):
            entry, header = _ENTRY.match(text, position, end), _HEADER.match(text, position, end)
            if entry:
                end = _value_end(text, entry.end())
                yield Statement(position, end, entry.span("key"), entry.end())
            else:
                yield Statement(position, end, header.span("key") if header else (position, position), None)
        position = end + 1


def _value_end(text: str, start: int) -> int:
    """The end of the line on which the value that begins at `start` is complete."""
    brackets = []
    for token in _VALUE.finditer(text, start):
        piece = token.group()
        if piece in ("[", "{"):
            brackets.append(piece)
        elif piece in ("]", "}") and brackets:
            brackets.pop()
        elif piece == "\n" and (not brackets or (brackets[-1] == "[" and _NEXT_STATEMENT.match(text, token.end()))):
            return token.start()
    return len(text)


class Source:
    """The text of a network file.

    Parameters
    ----------
    text : with line ends of any system.
    file : its name in messages.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        self.unreadable: set[str] = set()
        self._listed: dict[str, dict[str, list[Span]]] = {}

    @cached_property
    def statements(self) -> tuple[tuple[tuple[str, ...], Statement], ...]:
        """Each statement with its path: the section and the key."""
        found: list[tuple[tuple[str, ...], Statement]] = []
        section: tuple[str, ...] = ()
        for statement in statements(self.text):
            keys = self._keys(statement)
            if statement.value is None and keys:
                section = keys
            found.append((section if statement.value is None else section + keys, statement))
        return tuple(found)

    def _keys(self, statement: Statement) -> tuple[str, ...]:
        return tuple(part.strip("\"'") for part in _PART.findall(self.text[slice(*statement.key)]))

    @cached_property
    def index(self) -> dict[tuple[str, ...], Statement]:
        """The first statement of each path."""
        return dict(reversed(self.statements))

    @cached_property
    def _first(self) -> dict[tuple[str, ...], Statement]:
        """The first statement of each path, or of what lies inside it where it has none of its own."""
        within = (
            (path[:end], statement) for path, statement in reversed(self.statements) for end in range(1, len(path))[:2]
        )
        return dict(within) | self.index

    def load(self) -> tuple[dict[str, Any], list[Problem]]:
        """The TOML data, and one problem for each statement that is not TOML.

        The names in what could not be read are collected in `unreadable`.
        """
        try:
            return _parsed(self.text), []
        except (ValueError, RecursionError) as error:
            data, problems = self._salvaged()
            return data, problems[:_MAX_SYNTAX_ERRORS] or [self._syntax(error, 0, None)]

    def _salvaged(self) -> tuple[dict[str, Any], list[Problem]]:
        data: dict[str, Any] = {}
        problems: list[Problem] = []
        for path, statement in self.statements:
            try:
                entry = _parsed(self.text[statement.start : statement.end])
            except (ValueError, RecursionError) as error:
                problems.append(self._syntax(error, statement.start, statement))
                self._forget(path, statement)
                continue
            if self.index[path] is not statement:
                problems.append(self._repeated(path, statement))
            if statement.value is not None and self.index[path] is statement:
                for _ in self._keys(statement):
                    entry = next(iter(entry.values()))
                _put(data, path, entry)
        return data, problems

    def forget(self, key: str) -> None:
        """Remember the names in all statements of a key that stands outside sections."""
        for path, statement in self.statements:
            if path[:1] == (key,):
                self.unreadable |= words(self.text[statement.start : statement.end])

    def _forget(self, path: tuple[str, ...], statement: Statement) -> None:
        """Remember the names in a statement that is left out: its key, or every word of one without."""
        if statement.value is not None and len(path) > 1:
            self.unreadable |= words(path[-1].partition("(")[0])
        elif statement.value is not None or statement.key[0] == statement.key[1]:
            self.unreadable |= words(self.text[statement.start : statement.end])

    def _repeated(self, path: tuple[str, ...], statement: Statement) -> Problem:
        line = self.text.count("\n", 0, self.index[path].start) + 1
        name = path[-1] if statement.value is not None else f"[{'.'.join(path)}]"
        fix = "remove one, or give it another name" if statement.value is not None else "put their lines together"
        message = f"{name} is defined twice; the first time in line {line}"
        return Problem(message, self.location(*statement.key), fix=fix)

    def _syntax(self, error: Exception, start: int, statement: Statement | None) -> Problem:
        """The problem for an error of the TOML reader in the text that starts at `start`."""
        if not isinstance(error, tomllib.TOMLDecodeError):
            place = self.location(*statement.key) if statement else Location(self.file)
            return Problem("a value is too deep or too long to read", place, fix="write a text, a number or a list")
        message, place = str(error), Location(self.file)
        match = _SYNTAX_PLACE.search(message)
        if match and match.group(1):
            start = self._line_starts[bisect_right(self._line_starts, start) + int(match.group(1)) - 2]
            start += int(match.group(2)) - 1
            place = self.location(start, start + 1)
        elif statement is not None:
            at = statement.start if statement.value is None else statement.value
            place = self.location(at, at + 1)
        return Problem(f"not TOML: {_SYNTAX_PLACE.sub('', message).strip()}", place, fix=self._fix(statement))

    def _fix(self, statement: Statement | None) -> str:
        if statement is None or statement.key[0] == statement.key[1]:
            return 'write name = "formula", texts in quotes'
        key = self.text[slice(*statement.key)][:_SHOWN]
        if statement.value is None:
            return f"write [{key}]"
        value = self.text[statement.value : statement.end].strip()
        if value.startswith("["):
            return f'write {key} = ["a", "b"]: names in quotes, commas between, brackets closed'
        plain = value.strip("\"'")
        simple = plain and len(plain) <= _SHOWN and not set(plain) & set("\"'\\\n#")
        return f'write {key} = "{plain}"' if simple else f'write {key} = "formula", texts in quotes'

    def location(self, start: int, end: int) -> Location:
        """The location of the text from offset `start` to `end`, cut off at the end of its line."""
        number = bisect_right(self._line_starts, start)
        first = self._line_starts[number - 1]
        last = self._line_starts[number] - 1 if number < len(self._line_starts) else len(self.text)
        shown = max(first, start - _SHOWN // 2) if last - first > _SHOWN else first
        line = self.text[shown : min(last, shown + _SHOWN)]
        width = max(min(end, last, shown + _SHOWN) - start, 1)
        return Location(self.file, number, line, start - shown, width)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def place(self, section: str, key: str, span: Span | None = None) -> Location:
        """Where `key` of `section` stands; with `span`, those characters of its quoted text.

        What has no statement of its own is looked for in the statement of its section.
        """
        statement = self._first.get((section, key) if section else (key,))
        if statement is not None:
            inside = self._quoted(statement.value, span)
            return self.location(*(inside or statement.key))
        whole = self._first.get((section,)) if section else None
        if whole is None:
            return Location(self.file)
        items = self._items(section).get(key)
        if items is None:
            return self.location(*whole.key)
        assigned = _ENTRY.match(self.text, items[0][0])
        return self.location(*(self._quoted(assigned.end() if assigned else None, span) or items[0]))

    def repeated_item(self, section: str, key: str) -> Location:
        """Where `key` stands for the second time in the list `section`."""
        return self.location(*[*self._items(section).get(key, ()), self._first[section,].key][1])

    def _items(self, section: str) -> dict[str, list[Span]]:
        """Where each word stands in the list or inline table `section`."""
        if section not in self._listed:
            self._listed[section] = {}
            statement = self._first[section,]
            start = statement.end if statement.value is None else statement.value
            for match in _WORD.finditer(self.text, start, statement.end):
                self._listed[section].setdefault(match.group(), []).append(match.span())
        return self._listed[section]

    def _quoted(self, value: int | None, span: Span | None) -> Span | None:
        """The offsets of `span` in the quoted text at `value`; None where its characters are written as escapes."""
        if value is None or span is None:
            return None
        quote = self.text[value : value + 3]
        start = value + (3 if quote in ('"""', "'" * 3) else 1)
        if start == value + 3 and self.text[start : start + 1] == "\n":
            start += 1
        escaped = quote[:1] == '"' and "\\" in self.text[start : start + span[1]]
        return None if quote[:1] not in ("'", '"') or escaped else (start + span[0], start + span[1])


def _parsed(text: str) -> dict[str, Any]:
    if _MANY_DOTS.search(text):
        raise ValueError("a key of very many parts, which the TOML reader takes very long for")
    return tomllib.loads(text)


def _put(data: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """`value` at `path` of nested tables; left out where something else than a table is in the way."""
    for key in path[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            return
    data.setdefault(path[-1], value)
