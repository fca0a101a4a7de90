"""Run tests on one mutant at a time, in a process forked from one that has the libraries but not the program."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import mpmath  # noqa: F401  (imported once, for all processes that are forked)
import networkx  # noqa: F401
import numpy  # noqa: F401
import pytest
import sympy  # noqa: F401
from hypothesis import settings

from tests.mutation.entries import Entries
from tests.mutation.operators import Mutant

MEMORY = 4 * 2**30
FIRST = 60
"""Tests of the first of two rounds, in which most mutants end."""
SLOWER = 10
"""A test that takes so many times its own time, and the seconds of GRACE, hangs."""
GRACE = 60


@dataclass(frozen=True)
class Result:
    """What became of a mutant. `by` is the first test that failed."""

    status: str
    by: str
    tests: int
    seconds: float


class Selection:
    """A plugin of pytest: these tests only, in this order, and a note of the first that fails."""

    def __init__(self, tests: list[str], note: Path) -> None:
        self.order = {test: position for position, test in enumerate(tests)}
        self.note = note

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self.order]
        items[:] = sorted(chosen, key=lambda item: self.order[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.note.write_text(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.note.write_text(f"import of {report.nodeid}")


class Session:
    """The tree whose files are changed, and put back as they were."""

    def __init__(self, root: Path, entries: Entries, budget: float) -> None:
        self.root, self.entries, self.budget = root, entries, budget
        self.note = root / "failed.txt"
        settings.register_profile("mutation", database=None, derandomize=True)
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    def result(self, mutant: Mutant) -> Result:
        """Killed, survived, or not executed by any test."""
        started = time.monotonic()
        tests = self.within_budget(self.entries.tests(mutant))
        if not tests:
            return Result("not executed", "", 0, 0.0)
        path = self.root / mutant.file
        source, times = path.read_bytes(), path.stat()
        path.write_bytes(mutant.applied(source))
        try:
            for part in filter(None, (tests[:FIRST], tests[FIRST:])):
                status, by = self.tested(part)
                if status == "killed":
                    break
        finally:
            path.write_bytes(source)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return Result(status, by, len(tests), round(time.monotonic() - started, 1))

    def within_budget(self, tests: list[str]) -> list[str]:
        total, chosen = 0.0, []
        for test in tests:
            total += self.entries.seconds[test]
            if chosen and total > self.budget:
                break
            chosen.append(test)
        return chosen

    def tested(self, tests: list[str]) -> tuple[str, str]:
        """Run tests in a process of its own. Tests of one file stand together, for they share what it prepares."""
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        tests = sorted(tests, key=lambda test: files.index(test.partition("::")[0]))
        self.note.unlink(missing_ok=True)
        process = os.fork()
        if not process:
            self._child(files, tests)
        limit = GRACE + SLOWER * sum(map(self.entries.seconds.__getitem__, tests))
        code = _wait(process, limit)
        if code == 0:
            return "survived", ""
        if code is None:
            return "killed", "hangs"
        return "killed", self.note.read_text() if self.note.exists() else f"ends with {code}"

    def _child(self, files: list[str], tests: list[str]) -> None:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        settings.load_profile("mutation")
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no", "--no-header", "-o", "addopts="]
        options += ["--doctest-modules", "--import-mode=importlib"]
        code = pytest.main([*files, *options], plugins=[Selection(tests, self.note)])
        os._exit(int(code))


def _wait(process: int, limit: float) -> int | None:
    """The exit code, or None if time ran out and the process and its children were ended."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None
