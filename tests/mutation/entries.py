"""Tests for a mutant: those that enter its function, quickest first."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

from tests.mutation.operators import Mutant
from tests.mutation.record import function_around

NAME = re.compile(r'["\'](\w+)["\']')


class Entries:
    """What recordings below a folder tell, one file for each group of tests."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.root = root
        self.seconds: dict[str, float] = {}
        self.by_function: dict[str, set[str]] = defaultdict(set)
        self.by_file: dict[str, set[str]] = defaultdict(set)
        for path in sorted(folder.glob("*.json")):
            for test, (seconds, functions) in json.loads(path.read_text()).items():
                if test:
                    self.seconds[test] = seconds
                for function in functions:
                    self.by_function[function].add(test)
                    self.by_file[function.partition(":")[0]].add(test)

    def executing(self, mutant: Mutant) -> set[str]:
        """The tests that enter the function of a mutant; the empty name if importing them does."""
        function = function_around((self.root / mutant.file).read_text(), mutant.line)
        return self.by_function[f"{mutant.file}:{function}"] if function else {""}

    def in_a_test(self, mutant: Mutant) -> bool:
        """Whether a test enters the function of a mutant."""
        return bool(self.executing(mutant) - {""})

    def at_import(self, mutant: Mutant) -> bool:
        """Whether importing the tests enters the function of a mutant."""
        return "" in self.executing(mutant)

    def tests(self, mutant: Mutant) -> list[str]:
        """Quickest first. What runs only at import belongs to no test: then those that name what it defines come first,
        after them those that enter any function of the file, then all others.
        """
        executing = self.executing(mutant)
        if executing != {""}:
            return sorted(executing - {""}, key=self.seconds.__getitem__)
        lines = (self.root / mutant.file).read_text().splitlines()
        name = _defined(lines, mutant) if function_around("\n".join(lines), mutant.line) is None else None
        named = re.compile(rf"(?<![a-zA-Z]){name}(?![a-zA-Z])") if name else None

        def rank(test: str) -> tuple[bool, bool, float]:
            return not (named and named.search(test)), test not in self.by_file[mutant.file], self.seconds[test]

        return sorted(self.seconds, key=rank)


def _defined(lines: list[str], mutant: Mutant) -> str:
    """The first string, or else the first word, of the statement of the module around a mutant."""
    first = next(at for at in range(mutant.line - 1, -1, -1) if lines[at] and lines[at][0] not in " )]}")
    quoted = NAME.search("\n".join(lines[first : mutant.last_line]))
    return quoted[1] if quoted else re.split(r"\W", lines[first])[0]
