"""Files, functions and folders stay small enough to be read in one sitting, and types say what they can."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "backpropsym"
MOST_LINES = 400
MOST_LINES_BETWEEN = 40
"""From the line of `def` to the last line of the function, docstring included."""

MOST_MODULES = 20
MOST_ANY = 310
"""Uses of `Any`, imports included: what has no type that says more. It may only fall."""

REGISTRIES = {"cli", "functions", "layers", "losses", "forms", "writers", "formats", "backends"}
"""Folders with one module an entry: a command, an op, a form, a format. They grow with what the package offers."""


def long_files(package: Path) -> Iterator[str]:
    """Modules of more than 400 lines."""
    for path in sorted(package.rglob("*.py")):
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES:
            yield path.relative_to(package).as_posix()


def long_functions(package: Path) -> Iterator[str]:
    """Functions and methods whose last line is more than 40 lines below the first."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and (node.end_lineno or 0) - node.lineno > MOST_LINES_BETWEEN:
                yield f"{path.relative_to(package).as_posix()}: {node.name}"


def crowded_folders(package: Path) -> Iterator[str]:
    """Folders with more than 20 modules, those of registries aside."""
    for folder in sorted({path.parent for path in package.rglob("*.py")}):
        if folder.name not in REGISTRIES and len(list(folder.glob("*.py"))) > MOST_MODULES:
            yield folder.relative_to(package).as_posix()


def uses_of_any(package: Path) -> int:
    """How often `Any` is written, wherever it stands."""
    return sum(len(re.findall(r"\bAny\b", path.read_text(encoding="utf-8"))) for path in package.rglob("*.py"))


def test_no_file_is_long() -> None:
    assert list(long_files(PACKAGE)) == []


def test_no_function_is_long() -> None:
    assert list(long_functions(PACKAGE)) == []


def test_no_folder_is_crowded() -> None:
    assert list(crowded_folders(PACKAGE)) == []


def test_types_are_said() -> None:
    assert uses_of_any(PACKAGE) <= MOST_ANY


def test_uses_of_any_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from typing import Any\n\nx: dict[str, Any] = Anything\n")
    assert uses_of_any(tmp_path) == 2


def test_what_is_too_large_is_named(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    body = "    x = 1\n"
    (room / "long.py").write_text("x = 1\n" * (MOST_LINES + 1))
    (room / "just.py").write_text("x = 1\n" * MOST_LINES)
    (room / "functions.py").write_text(
        f"def short():\n{body * 40}\nclass A:\n    async def long(self):\n{('    ' + body) * 41}"
    )
    for count in range(MOST_MODULES - 2):
        (room / f"m{count}.py").touch()
    assert list(long_files(tmp_path)) == ["room/long.py"]
    assert list(long_functions(tmp_path)) == ["room/functions.py: long"]
    assert list(crowded_folders(tmp_path)) == ["room"]
    (room / "m0.py").unlink()
    assert list(crowded_folders(tmp_path)) == []
