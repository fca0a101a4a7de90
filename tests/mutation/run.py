"""Run tests on one mutant at a time, in a process forked from one that has the libraries but not the program.

`python -m tests.mutation.run WORK JOB JOBS COUNT SEED BUDGET ONLY` takes the mutants
of the sample that fall to this of several jobs; it runs in the tree whose files it changes.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import graphviz  # noqa: F401  (imported once, for all processes that are forked)
import hypothesis
import mpmath  # noqa: F401
import networkx  # noqa: F401
import numpy  # noqa: F401
import pytest
import rich  # noqa: F401
import sympy  # noqa: F401
import typer  # noqa: F401
import ziamath  # noqa: F401

from tests.mutation.entries import Entries
from tests.mutation.operators import Mutant
from tests.mutation.sample import description, sample

MEMORY = 4 * 2**30
FIRST = 60
"""Tests of the first of two rounds, in which most mutants end."""
SLOWER, GRACE = 10, 20
"""A test hangs if it computes for more than so many times its own time, and so many seconds."""
LONGEST = 1800
"""Seconds by the clock, for one that waits and computes nothing."""
OPTIONS = """-W ignore::pytest.PytestAssertRewriteWarning -x -q -p no:cacheprovider -p no:xdist --tb=no --no-header
-o addopts= --doctest-modules --import-mode=importlib"""


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
        self.changes = 0
        hypothesis.settings.register_profile("mutation", database=None, derandomize=True)

    def result(self, mutant: Mutant) -> Result:
        """Killed, survived, not executed by any test, or no result, which counts as survived."""
        started = time.monotonic()
        tests = self.within_budget(self.entries.tests(mutant))
        if not tests:
            return Result("not executed", "", 0, 0.0)
        path = self.root / mutant.file
        source, times = path.read_bytes(), path.stat()
        path.write_bytes(mutant.applied(source))
        self.changes += 1  # a time of its own for each change, else Python may run what it compiled for another
        os.utime(path, (times.st_atime, int(times.st_mtime) + self.changes))
        try:
            for part in filter(None, (tests[:FIRST], tests[FIRST:])):
                status, by = self.tested(part)
                if status != "survived":
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

    @staticmethod
    def grouped(tests: list[str]) -> list[str]:
        """Tests of one file stand together, for they share what it prepares."""
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        return sorted(tests, key=lambda test: files.index(test.partition("::")[0]))

    def tested(self, tests: list[str]) -> tuple[str, str]:
        """Run tests in a process of its own."""
        tests = self.grouped(tests)
        self.note.unlink(missing_ok=True)
        process = os.fork()
        if not process:
            limited(self.limit(tests))
            functions = dict.fromkeys(test.partition("[")[0] for test in tests)
            hypothesis.settings.load_profile("mutation")
            code = pytest.main([*functions, *OPTIONS.split()], plugins=[Selection(tests, self.note)])
            os._exit(int(code))
        return self.ended(process, self.note)

    def limit(self, tests: list[str]) -> int:
        """Seconds of computing after which tests hang."""
        return math.ceil(GRACE + SLOWER * sum(map(self.entries.seconds.__getitem__, tests)))

    @staticmethod
    def ended(process: int, note: Path) -> tuple[str, str]:
        """Wait for a process that runs tests; its status, and what failed."""
        code = _wait(process)
        if code is None or code == -signal.SIGXCPU:
            return "killed", "hangs"
        if note.exists():
            return "killed", note.read_text()
        if code < 0:
            return "killed", signal.Signals(-code).name
        return ("survived", "") if code == 0 else ("no result", f"pytest ends with {code}")


def limited(seconds: int) -> None:
    """Make this process silent, the first of its group, and bound its memory and how long it computes."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)


def _wait(process: int) -> int | None:
    """The exit code, or None if time ran out and the process and its children were ended."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def known_results(work: Path, seed: int) -> dict[Mutant, dict[str, Any]]:
    """What earlier runs, of all jobs, tell."""
    lines = [line for path in work.glob(f"results-{seed}-*.jsonl") for line in path.read_text().splitlines()]
    return {Mutant(**entry["mutant"]): entry for entry in map(json.loads, lines)}


def write(file: Path, mutant: Mutant, tree: Path, result: Result) -> None:
    """Add a result to those of a job, and show it."""
    entry = {"mutant": asdict(mutant)} | description(mutant, tree) | asdict(result)
    with file.open("a") as lines:
        lines.write(json.dumps(entry) + "\n")
    print(f"{result.status:13} {mutant.file}:{mutant.line} {mutant.operator}  {result.by}", file=sys.stderr)


def main(work: Path, job: int, jobs: int, count: int, seed: int, budget: float, only: str) -> None:
    tree = Path.cwd()
    session = Session(tree, Entries(work / "entries", tree), budget)
    known = known_results(work, seed)
    for mutant in sample(tree, count, seed, only)[job::jobs]:
        if mutant not in known:
            write(work / f"results-{seed}-{job}.jsonl", mutant, tree, session.result(mutant))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:6]), float(sys.argv[6]), sys.argv[7])
