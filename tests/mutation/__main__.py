"""Mutation testing, a long run: `python -m tests.mutation --count 300 --seed 1 [--only derive/]`.

Copies the tree, runs the tests once to learn which lines each executes, then changes one thing at a time, and runs the
tests that execute it. Stopped and begun again, it goes on where it was. `survivors.toml` explains what survives.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.mutation.record import instrument
from tests.mutation.run import known_results
from tests.mutation.sample import sample, sources

TESTS = "evaluate ops stream derive kernels marking checks network formula"
NUMBA = ["tests/peers/test_fused.py"] if find_spec("numba") else []
"""The only tests of what Numba compiles."""
GROUPS = [*(f"tests/{name}" for name in TESTS.split()), "tests/spec", *NUMBA, "backpropsym"]
CASES, NETWORKS = 3.0, 60.0
"""Seconds for the cases of one test, when it is recorded; random networks notice most, and get more."""
SURVIVORS = Path(__file__).with_name("survivors.toml")


def explained() -> dict[tuple[str, ...], Mapping[str, Any]]:
    """Survivors that are known, by what they change."""
    known = tomllib.loads(SURVIVORS.read_text())["survivor"] if SURVIVORS.exists() else []
    return {tuple(entry[key] for key in ("file", "line", "before", "after")): entry for entry in known}


def copy(tree: Path) -> None:
    """The committed and the new files of this checkout, in a folder of their own."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in filter(os.path.isfile, listed.stdout.splitlines()):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, tree / name)


def record(work: Path) -> None:
    """Run each group of tests once that has no recording yet."""
    tree = work / "recorded"
    (work / "entries").mkdir(exist_ok=True)
    for group in GROUPS:
        file = work / "entries" / f"{Path(group).name}.json"
        if not file.exists():
            seconds = NETWORKS if group == "tests/stream" else CASES
            print(f"recording {group}", flush=True)
            command = [sys.executable, "-m", "tests.mutation.record", str(file), str(seconds), group]
            environment = os.environ | {"PYTHONPATH": str(tree)}
            subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, check=True)


def results(options: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    """What became of each mutant, by as many processes as there are jobs; what an earlier run tells is not repeated."""
    common = [str(options.count), str(options.seed), str(options.budget), options.only]
    _run(work, [["served", str(work), str(options.jobs), *common]])
    _run(work, [["run", str(work), str(job), str(options.jobs), *common] for job in range(options.jobs)])
    chosen = sample(work / "tree", options.count, options.seed, options.only)
    entries = known_results(work, options.seed)
    return [entries[mutant] for mutant in chosen]


def _run(work: Path, commands: list[list[str]]) -> None:
    """Run parts of this package at the same time, each in a tree of its own."""
    running = []
    for position, (name, *arguments) in enumerate(commands):
        tree = work / f"tree-{position}"
        shutil.rmtree(tree, ignore_errors=True)  # a run that was stopped leaves its change behind
        shutil.copytree(work / "tree", tree)
        command = [sys.executable, "-m", f"tests.mutation.{name}", *arguments]
        environment = os.environ | {"PYTHONPATH": str(tree)}  # what tests print is of no interest
        running.append(subprocess.Popen(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL))
    if any([process.wait() for process in running]):
        raise SystemExit("a process of the mutation testing ended early")


def summary(entries: list[dict[str, Any]]) -> int:
    """Print the counts and the survivors that nothing explains; 1 if less than 95 % of those that matter are killed."""
    known = explained()
    keys = [tuple(entry[key] for key in ("file", "line", "before", "after")) for entry in entries]
    alive = [(key, entry) for key, entry in zip(keys, entries, strict=True) if entry["status"] != "killed"]
    equal = sum(bool(known.get(key, {}).get("equivalent")) for key, _ in alive)
    killed = len(entries) - len(alive)
    share = killed / max(1, len(entries) - equal)
    print(Counter(entry["status"] for entry in entries))
    print(f"{len(entries)} mutants, {equal} equivalent, {killed} killed: {share:.1%} of those that are not equivalent")
    for key, entry in alive:
        if key not in known:
            line = entry["mutant"]["line"]
            print(f"\n{entry['status']} after {entry['tests']} tests: {entry['file']}:{line}")
            print(f"  {entry['line']}\n  {entry['before']}  ->  {entry['after']}")
    return 0 if share >= 0.95 else 1


def main() -> int:
    """Copy, record, change: nothing of this checkout is imported where mutants run."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="of the choice")
    parser.add_argument("--only", default="", help="files whose path holds this")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of tests for one mutant at most")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    parser.add_argument("--work", type=Path, default=Path("build/mutation"), help="folder of the copy and of results")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    work = options.work.resolve()
    if not (work / "recorded").exists():
        copy(work / "tree")
        copy(work / "recorded")
        instrument(work / "recorded", sources(work / "recorded"))
    record(work)
    return summary(results(options, work))


if __name__ == "__main__":
    sys.exit(main())
