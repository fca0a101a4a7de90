"""Mutation testing, a long run: `python -m tests.mutation --count 300 --seed 1 [--only derive/]`.

Copies the tree, runs the tests once to learn which lines each executes, then changes one thing at a time, and runs the
tests that execute it. Stopped and begun again, it goes on where it was. `survivors.toml` explains what survives.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.mutation.entries import Entries
from tests.mutation.operators import Mutant, changes, mutants
from tests.mutation.record import instrument
from tests.mutation.run import Session

PACKAGES = ("ops", "derive", "kernels", "checks", "evaluate")
TESTS = (
    "evaluate ops stream elimination higher derive analytics trace wiggle kernels tensors verify check network formula"
)
GROUPS = [*(f"tests/{name}" for name in TESTS.split()), "tests/spec", "backpropsym"]
CASES, NETWORKS = 3.0, 60.0
"""Seconds for the cases of one test, when it is recorded; random networks notice most, and get more."""
SURVIVORS = Path(__file__).with_name("survivors.toml")
INSIDE = "MUTATION_TREE"


def sources(root: Path) -> list[Path]:
    """The files that are changed."""
    return sorted(path for name in PACKAGES for path in root.glob(f"backpropsym/{name}/*.py"))


def sample(root: Path, count: int, seed: int, only: str = "") -> list[Mutant]:
    """`count` of all mutants, by chance; the same for the same seed and files."""
    texts = {str(path.relative_to(root)): path.read_text() for path in sources(root)}
    every = [mutant for file, text in texts.items() if only in file for mutant in mutants(file, text)]
    random.Random(seed).shuffle(every)
    able = (mutant for mutant in every if changes(mutant, texts[mutant.file]))
    return [mutant for mutant, _ in zip(able, range(count), strict=False)]


def description(mutant: Mutant, root: Path) -> dict[str, str]:
    """A mutant in words that stay true when lines move."""
    source = (root / mutant.file).read_bytes()
    line = source.splitlines()[source.count(b"\n", 0, mutant.start)].decode().strip()
    before = source[mutant.start : mutant.stop].decode()
    return {
        "file": mutant.file,
        "line": line,
        "before": " ".join(before.split()),
        "after": " ".join(mutant.text.split()),
    }


def explained() -> dict[tuple[str, ...], Mapping[str, Any]]:
    """Survivors that are known, by what they change."""
    known = tomllib.loads(SURVIVORS.read_text())["survivor"] if SURVIVORS.exists() else []
    return {tuple(entry[key] for key in ("file", "line", "before", "after")): entry for entry in known}


def copy(tree: Path) -> None:
    """The committed and the new files of this checkout, in a folder of their own."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    )
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


def results(options: argparse.Namespace, work: Path, tree: Path) -> Iterator[dict[str, Any]]:
    """What became of each mutant; those of an earlier run are read, not repeated."""
    session = Session(tree, Entries(work / "entries", tree), options.budget)
    path = work / f"results-{options.seed}.jsonl"
    earlier = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {tuple(sorted(entry["mutant"].items())): entry for entry in earlier}
    with path.open("a") as file:
        for mutant in sample(tree, options.count, options.seed, options.only):
            entry = known.get(tuple(sorted(asdict(mutant).items())))
            if entry is None:
                entry = {"mutant": asdict(mutant)} | description(mutant, tree) | asdict(session.result(mutant))
                file.write(json.dumps(entry) + "\n")
                file.flush()
                print(f"{entry['status']:13} {mutant.file}:{mutant.line} {mutant.operator}  {entry['by']}", flush=True)
            yield entry


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
            print(
                f"\n{entry['status']} after {entry['tests']} tests: {entry['mutant']['file']}:{entry['mutant']['line']}"
            )
            print(f"  {entry['line']}\n  {entry['before']}  ->  {entry['after']}")
    return 0 if share >= 0.95 else 1


def main() -> int:
    """Copy, then go on in the copy, so that nothing of this checkout is imported."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="of the choice")
    parser.add_argument("--only", default="", help="files whose path holds this")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of tests for one mutant at most")
    parser.add_argument("--work", type=Path, default=Path("build/mutation"), help="folder of the copy and of results")
    options = parser.parse_args()
    work = options.work.resolve()
    if os.environ.get(INSIDE) != str(work):
        tree = work / "tree"
        if not tree.exists():
            copy(tree)
            copy(work / "recorded")
            instrument(work / "recorded", sources(work / "recorded"))
        environment = os.environ | {INSIDE: str(work), "PYTHONPATH": str(tree)}
        command = [sys.executable, "-m", "tests.mutation", *sys.argv[1:], "--work", str(work)]
        return subprocess.run(command, cwd=tree, env=environment, check=False).returncode
    record(work)
    return summary(list(results(options, work, work / "tree")))


if __name__ == "__main__":
    sys.exit(main())
