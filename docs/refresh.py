"""Run what the documentation shows, and put the real results into it.

    python docs/refresh.py            rewrite README.md and docs/*.md
    python docs/refresh.py --check    change nothing; exit 1 with the differences

Comments in the Markdown say what stands below them:

    <!-- run: COMMAND -->             a fenced block: the command and what it prints
    <!-- run, exit 2: COMMAND -->     the same for a command that ends with this code
    <!-- run, 12 lines: COMMAND -->   the same, cut after so many lines
    <!-- file: NAME -->               a fenced block: a file that the commands below it may use
    <!-- session -->                  a fenced block: Python statements and what they print; one session a page
    <!-- picture: COMMAND -->         the command writes a picture, kept in docs/images
    <!-- table: NAME --> <!-- end --> made by docs/tables.py

The commands of one page run in one new folder, in the order of the page.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tables
from typer.testing import CliRunner

from backpropsym.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
IMAGES = Path("docs", "images")
WIDTH = 100
_MARKER = re.compile(
    r"^<!-- (?P<kind>run|file|session|picture|table)(?P<options>[^:\n]*?)(?:: (?P<what>[^\n]+?))? -->\n", re.MULTILINE
)
_FENCE = re.compile(r"\n*```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r".*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
_ROUNDING = re.compile(r"[\d.]+ eps|\d(\.\d+)?e-[1-9]\d\b| +")
_OPTION = re.compile(r"exit (?P<exit>\d+)|(?P<lines>\d+) lines")


class RefreshError(Exception):
    """A page asks for something that cannot be done, or a command ends in another way than the page says."""


class Shell:
    """Runs commands in one folder; `backpropsym` in this process, other programs in their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runner = CliRunner(env={"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"})
        programs = Path(sys.executable).parent
        self.environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}

    def run(self, command: str, exit_code: int = 0) -> str:
        """What `command` prints, errors included.

        Raises
        ------
        RefreshError : it ends with another exit code.
        """
        program, *arguments = shlex.split(command)
        if program == "backpropsym":
            found, printed = self._run_here(arguments)
        else:
            found, printed = self._run_there([program, *arguments])
        if found != exit_code:
            raise RefreshError(f"{command}\nended with {found}, expected {exit_code}:\n{printed}")
        return "\n".join(line.rstrip() for line in printed.rstrip().splitlines())

    def _run_here(self, arguments: list[str]) -> tuple[int, str]:
        with contextlib.chdir(self.folder):
            done = self.runner.invoke(app, arguments, prog_name="backpropsym")
        unexpected = "" if done.exception is None or isinstance(done.exception, SystemExit) else repr(done.exception)
        return done.exit_code, done.output + unexpected

    def _run_there(self, words: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.decode()


class Page:
    """One Markdown file, rewritten marker by marker."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.shell = Shell(folder)
        self.namespace: dict[str, Any] = {}
        self.pictures: dict[Path, bytes] = {}

    def refreshed(self) -> str:
        """The text of the page with every result made anew."""
        text = self.path.read_text(encoding="utf-8")
        parts: list[str] = []
        position = 0
        for marker in _MARKER.finditer(text):
            if marker.start() < position:
                continue
            parts.append(text[position : marker.end()])
            made, position = self._replaced(marker, text)
            parts.append(made)
        return "".join([*parts, text[position:]])

    def _replaced(self, marker: re.Match[str], text: str) -> tuple[str, int]:
        """What belongs below a marker, and where the old text of it ends."""
        kind, what = marker["kind"], marker["what"] or ""
        if kind == "picture":
            self._draw(what)
            return "", marker.end()
        below = (_TABLE if kind == "table" else _FENCE).match(text, marker.end())
        if below is None:
            raise RefreshError(f"{self.path.name}: nothing to fill in below {marker[0].strip()}")
        if kind == "table":
            return f"\n{tables.table(what)}\n\n<!-- end -->", below.end()
        body, language = below["body"], below["language"]
        if kind == "file":
            self.shell.folder.joinpath(what).write_text(body, encoding="utf-8")
        elif kind == "session":
            with contextlib.chdir(self.shell.folder):
                body = session(body, self.namespace)
        else:
            body = self._output(what, marker["options"])
        return f"```{language}\n{body}```", below.end()

    def _output(self, command: str, options: str) -> str:
        found = {
            key: int(value) for each in _OPTION.finditer(options) for key, value in each.groupdict().items() if value
        }
        lines = self.shell.run(command, found.get("exit", 0)).splitlines()
        if "lines" in found and len(lines) > found["lines"]:
            lines = [*lines[: found["lines"]], "..."]
        return "".join(f"{line}\n" for line in (f"$ {command}", *lines))

    def _draw(self, command: str) -> None:
        self.shell.run(command)
        words = shlex.split(command)
        name = words[words.index("-o") + 1]
        self.pictures[IMAGES / name] = self.shell.folder.joinpath(name).read_bytes()


def session(text: str, namespace: dict[str, Any]) -> str:
    """The Python session `text` with the output of each statement made anew.

    Raises
    ------
    RefreshError : a statement raises, and the page does not show a traceback below it.
    """
    parts = []
    for part in doctest.DocTestParser().parse(text):
        if isinstance(part, str):
            parts.append(part)
            continue
        first, *others = part.source.splitlines()
        parts.append("".join([f">>> {first}\n", *(f"... {line}\n" for line in others)]))
        parts.append(_printed(part, namespace))
    return "".join(parts)


def _printed(example: doctest.Example, namespace: dict[str, Any]) -> str:
    """What a statement prints; an exception only where the page shows one already."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(example.source, "<session>", "single"), namespace)  # the page's own statements
        except Exception as error:
            if example.exc_msg is None:
                raise RefreshError(f"{example.source}raised {error!r}") from error
            output.write("Traceback (most recent call last):\n    ...\n")
            output.write("".join(traceback.format_exception_only(error)))
    return output.getvalue()


def pages() -> list[Path]:
    """The Markdown files that are refreshed."""
    return [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]


def results(paths: Sequence[Path]) -> Iterator[tuple[Path, bytes]]:
    """Each file that the pages are or show, with the content it should have."""
    for path in paths:
        with tempfile.TemporaryDirectory() as base:
            folder = Path(base, "work")
            folder.mkdir()
            page = Page(path, folder)
            yield path, page.refreshed().encode()
            for name, data in page.pictures.items():
                yield ROOT / name, data


def difference(path: Path, wanted: bytes) -> str:
    """How the file differs from `wanted`; empty where it does not.

    Rounding errors that a check prints differ from machine to machine, and are no difference.
    """
    found = path.read_bytes() if path.is_file() else b""
    if found == wanted:
        return ""
    name = path.relative_to(ROOT)
    if path.suffix != ".md":
        return f"{name} is not what its command writes\n"
    if _ROUNDING.sub(" ", found.decode()) == _ROUNDING.sub(" ", wanted.decode()):
        return ""
    old, new = (data.decode().splitlines(keepends=True) for data in (found, wanted))
    return "".join(difflib.unified_diff(old, new, str(name), "made anew"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh or check the pages; the exit code."""
    parser = argparse.ArgumentParser(description="Run what the documentation shows, and put the results into it.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a page differs")
    parser.add_argument("pages", nargs="*", type=Path, help="Markdown files (default: README.md and docs/*.md)")
    options = parser.parse_args(arguments)
    stale = 0
    try:
        for path, wanted in results([page.resolve() for page in options.pages] or pages()):
            found = difference(path, wanted)
            stale += bool(found)
            if found and options.check:
                print(found, end="")
            elif found:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(wanted)
                print(f"refreshed {path.relative_to(ROOT)}")
    except RefreshError as error:
        print(error, file=sys.stderr)
        return 1
    if options.check and stale:
        print("run: python docs/refresh.py", file=sys.stderr)
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
