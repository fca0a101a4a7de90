"""Which tests enter a function, and how long each takes: `python -m tests.mutation.record FILE SECONDS TEST...`.

Each function notes that it was entered. That costs next to nothing, where tracing lines doubles the time of the tests.
"""

from __future__ import annotations

import ast
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

NOTES = "backpropsym/_entered.py"
IMPORT = "from backpropsym._entered import note as __entered__"


def functions(source: str) -> dict[str, ast.FunctionDef]:
    """The functions of a file by their dotted names, those of functions too."""
    named: dict[str, ast.FunctionDef] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{prefix}{child.name}."
                if isinstance(child, ast.FunctionDef):
                    named[inner[:-1]] = child
            walk(child, inner)

    walk(ast.parse(source), "")
    return named


def function_around(source: str, line: int) -> str | None:
    """The innermost function that holds a line."""
    around = [
        (node.lineno, name)
        for name, node in functions(source).items()
        if node.body[0].lineno <= line <= (node.end_lineno or 0)
    ]
    return max(around)[1] if around else None


def noted(file: str, source: str) -> str:
    """The source with a note at the start of each function."""
    lines = source.splitlines()
    starts = {}
    for name, node in functions(source).items():
        body = [part for part in node.body if not _is_docstring(part)]
        if body and body[0].lineno > node.lineno:
            first = body[0]
            starts[min([first.lineno, *(each.lineno for each in getattr(first, "decorator_list", []))])] = name, first
    for line in sorted(starts, reverse=True):
        name, first = starts[line]
        lines.insert(line - 1, " " * first.col_offset + f"__entered__({file + ':' + name!r})")
    future = lines.index("from __future__ import annotations")
    return "\n".join([*lines[: future + 1], IMPORT, *lines[future + 1 :], ""])


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def instrument(tree: Path, files: list[Path]) -> None:
    """Change the files of a copy so that their functions note when they are entered."""
    (tree / NOTES).write_text("entered = set()\nnote = entered.add\n")
    for path in files:
        source = path.read_text()
        if functions(source):
            path.write_text(noted(str(path.relative_to(tree)), source))


class Recorder:
    """A plugin of pytest: what each test enters, and how long it takes. What fails or is skipped tells nothing.

    Of a test with many cases some run, by chance, for at most `seconds` together. The others are taken to last as long.
    """

    def __init__(self, entered: set[str], seconds: float) -> None:
        self.entered, self.most = entered, seconds
        self.seconds: dict[str, float] = {}
        self.functions: dict[str, list[str]] = {}
        self.unusable: set[str] = set()
        self.spent: dict[str, list[float]] = defaultdict(list)
        self.started = 0.0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.functions[""] = sorted(self.entered)
        random.Random(1).shuffle(items)
        items.sort(key=lambda item: item.nodeid.partition("::")[0])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        spent = self.spent[item.nodeid.partition("[")[0]]
        if sum(spent) <= self.most:
            return None
        self.seconds[item.nodeid], self.functions[item.nodeid] = sum(spent) / len(spent), []
        item.session._setupstate.teardown_exact(nextitem)
        return True

    def pytest_runtest_logstart(self) -> None:
        self.entered.clear()
        self.started = time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] = time.process_time() - self.started
        self.functions[nodeid] = sorted(self.entered)
        self.spent[nodeid.partition("[")[0]].append(self.seconds[nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.unusable.add(report.nodeid)

    def text(self) -> str:
        """Tests with their seconds and what they enter; what importing enters stands under the empty name."""
        rows = {
            test: [round(self.seconds.get(test, 0.0), 3), names]
            for test, names in self.functions.items()
            if test not in self.unusable
        }
        return json.dumps(rows)


def note_when_compiled(entered: set[str], note: Callable[[str], None]) -> None:
    """A function that Numba compiles counts as entered then; compiled, its note does nothing."""

    @import_module("numba.extending").overload(note, prefer_literal=True)  # type: ignore[untyped-decorator]
    def compiled(name: Any) -> Callable[[Any], None]:
        def nothing(name: Any) -> None:
            pass

        entered.add(name.literal_value)
        return nothing


def main(file: Path, seconds: float, tests: list[str]) -> None:
    from backpropsym._entered import entered, note  # type: ignore[import-not-found]

    if find_spec("numba"):
        note_when_compiled(entered, note)
    recorder = Recorder(entered, seconds)
    pytest.main([*tests, "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"], plugins=[recorder])
    file.write_text(recorder.text())


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
