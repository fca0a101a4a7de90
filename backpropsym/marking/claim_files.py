"""Files of hand-derived formulas to be marked: TOML, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from backpropsym.errors import Location, Problem, ValuesError, did_you_mean
from backpropsym.spec.locate import Source, is_file

MAX_BYTES = 16 * 2**20
MAX_CLAIMS = 10_000
_KEYS = ("name", "of", "wrt", "claim")


@dataclass(frozen=True)
class Claim:
    """One formula to be marked.

    Attributes
    ----------
    name : what it is called in the report, such as a student's number.
    wrt, of : the derivative that it claims to be; `of` may be left to the network.
    text : the formula.
    """

    name: str
    wrt: str
    text: str
    of: str | None = None


def read_claims(path: Path) -> list[Claim]:
    """The claims in a file.

    TOML has a table [[claims]] for each, JSON a list of objects, CSV a row under a header; the keys are name, wrt,
    claim and, where it is not the network's own choice, of.

    Raises
    ------
    ValuesError : not readable, or entries that lack a key; one problem for each.
    """
    if not is_file(path):
        raise ValuesError(f"there is no file {path}", fix="give a .toml, .csv or .json file of claims")
    if path.stat().st_size > MAX_BYTES:
        raise ValuesError(f"{path} has {path.stat().st_size:,} bytes", fix=f"at most {MAX_BYTES:,} are read")
    readers = {".toml": _toml, ".csv": _csv, ".json": _json}
    if path.suffix.lower() not in readers:
        raise ValuesError(f"{path.name} is not a file of claims", fix=f"its name ends in {', '.join(readers)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValuesError(f"{path} is not readable text: {error}", fix="save it as UTF-8") from None
    problems: list[Problem] = []
    found = []
    for number, (line, entry) in enumerate(readers[path.suffix.lower()](text, str(path)), 1):
        if number > MAX_CLAIMS:
            raise ValuesError(f"{path} has more than {MAX_CLAIMS:,} claims", fix="split the file")
        claim = _claim(number, entry, Location(str(path), line), problems)
        if claim is not None:
            found.append(claim)
    if problems:
        raise ValuesError(problems)
    if not found:
        raise ValuesError(f"{path} holds no claims", fix='write [[claims]], name = "...", wrt = "...", claim = "..."')
    return found


def _claim(number: int, entry: object, where: Location, problems: list[Problem]) -> Claim | None:
    """One entry; what is wrong with it is added to `problems`."""
    before = len(problems)
    if not isinstance(entry, Mapping):
        problems.append(Problem(f"claim {number} is not a table", where, fix='write {"wrt": "...", "claim": "..."}'))
        return None
    for key in entry:
        if key not in _KEYS:
            fix = did_you_mean(str(key), _KEYS, f"the keys are: {', '.join(_KEYS)}")
            problems.append(Problem(f"{key} is not a key of a claim", where, fix=fix))
    for key in ("wrt", "claim"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            problems.append(Problem(f"claim {number} has no {key}", where, fix=f'write {key} = "..."'))
    if len(problems) > before:
        return None
    name, of = entry.get("name"), entry.get("of")
    return Claim(str(name) if name not in (None, "") else str(number), entry["wrt"], entry["claim"], of or None)


def _toml(text: str, file: str) -> Iterator[tuple[int | None, object]]:
    data, problems = Source(text, file).load()
    if problems:
        raise ValuesError(problems)
    entries = data.get("claims")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[claims]]"]
    if not isinstance(entries, list):
        raise ValuesError(f"{file} has no claims", fix='write [[claims]], name = "...", wrt = "...", claim = "..."')
    places: list[int | None] = [*lines] if len(lines) == len(entries) else [None] * len(entries)
    yield from zip(places, entries, strict=True)


def _csv(text: str, file: str) -> Iterator[tuple[int | None, object]]:
    rows = csv.DictReader(io.StringIO(text), restkey="more", strict=True)
    try:
        for row in rows:
            yield rows.line_num, {key: value for key, value in row.items() if value is not None}
    except csv.Error as error:
        where = Location(file, rows.line_num)
        raise ValuesError([Problem(f"not a row of CSV: {error}", where, fix="put quotes around formulas")]) from None


def _json(text: str, file: str) -> Iterator[tuple[int | None, object]]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        where = Location(file, error.lineno)
        raise ValuesError([Problem(f"not JSON: {error.msg}", where, fix="check the mark before it")]) from None
    except (RecursionError, ValueError) as error:
        raise ValuesError(f"{file} is not JSON that can be read: {error}", fix="write a list of objects") from None
    entries = data.get("claims") if isinstance(data, dict) else data
    if not isinstance(entries, list):
        raise ValuesError(f"{file} is not a list of claims", fix='write [{"wrt": "...", "claim": "..."}]')
    yield from ((None, entry) for entry in entries)
