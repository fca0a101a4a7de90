"""Run tests on mutants in processes forked from one that has imported the program and collected all tests.

`python -m tests.mutation.served WORK JOBS COUNT SEED BUDGET ONLY` in a tree decides on mutants inside functions. It
leaves to `tests.mutation.run`, which imports the program anew, those that change what runs at import.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import hypothesis
import pytest

from tests.mutation.entries import Entries
from tests.mutation.operators import Mutant
from tests.mutation.replace import Pairs, pairs, replace
from tests.mutation.run import OPTIONS, Result, Session, known_results, limited, write
from tests.mutation.sample import sample


class Server:
    """A plugin of pytest: instead of running all tests, it runs some on each mutant."""

    def __init__(self, session: Session, work: Path, jobs: int, seed: int, chosen: list[Mutant]) -> None:
        self.session, self.work, self.jobs, self.seed, self.chosen = session, work, jobs, seed, chosen
        self.items: dict[str, pytest.Item] = {}
        self.note = work / "unused"

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Divide the mutants among processes."""
        self.items = {item.nodeid: item for item in session.items}
        workers = []
        for job in range(self.jobs):
            worker = os.fork()
            if not worker:
                self._work(job)
                os._exit(0)
            workers.append(worker)
        for worker in workers:
            os.waitpid(worker, 0)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.note.write_text(report.nodeid)
            os._exit(1)

    def _work(self, job: int) -> None:
        self.note = self.work / f"failed-{job}.txt"
        for mutant in self.chosen[job :: self.jobs]:
            if result := self.result(mutant):
                write(self.work / f"results-{self.seed}-{job}.jsonl", mutant, self.session.root, result)

    def result(self, mutant: Mutant) -> Result | None:
        """What becomes of a mutant, or None if only a new import can tell."""
        started = time.monotonic()
        entries = self.session.entries
        both = pairs(mutant, self.session.root) if entries.in_a_test(mutant) else None
        if not both:
            return None
        tests = self.session.grouped(self.session.within_budget(entries.tests(mutant)))
        status, by = self.tested(both, tests)
        unsure = by in self.items and self.tested([], [by])[0] == "killed"  # it fails without the mutant too
        if unsure or (status != "killed" and entries.at_import(mutant)):
            return None
        return Result(status, by, len(tests), round(time.monotonic() - started, 1))

    def tested(self, both: Pairs, tests: list[str]) -> tuple[str, str]:
        """Run tests in a process of their own, in which code is replaced."""
        self.note.unlink(missing_ok=True)
        process = os.fork()
        if not process:
            limited(self.session.limit(tests))
            replace(both)
            self._run([self.items[test] for test in tests if test in self.items])
        return self.session.ended(process, self.note)

    @staticmethod
    def _run(items: list[pytest.Item]) -> None:
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        os._exit(0)


def main(work: Path, jobs: int, count: int, seed: int, budget: float, only: str) -> None:
    tree = Path.cwd()
    session = Session(tree, Entries(work / "entries", tree), budget)
    known = known_results(work, seed)
    chosen = [mutant for mutant in sample(tree, count, seed, only) if mutant not in known]
    files = sorted({test.partition("::")[0] for test in session.entries.seconds})
    hypothesis.settings.load_profile("mutation")
    options = [option for option in OPTIONS.split() if option != "-x"]
    pytest.main([*files, *options], plugins=[Server(session, work, jobs, seed, chosen)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]), float(sys.argv[5]), sys.argv[6])
