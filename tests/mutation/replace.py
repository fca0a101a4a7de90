"""Put a mutant into functions that are imported already: their code is replaced, and nothing else."""

from __future__ import annotations

import gc
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType

from tests.mutation.operators import Mutant

Codes = dict[str, list[CodeType]]
Pairs = list[tuple[CodeType, CodeType]]


def codes(source: bytes, path: str) -> Codes:
    """All code of a file by qualified names, in the order of the text."""
    named: Codes = defaultdict(list)

    def walk(code: CodeType) -> None:
        named[code.co_qualname].append(code)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                walk(constant)

    walk(compile(source, path, "exec"))
    return named


def pairs(mutant: Mutant, root: Path) -> Pairs | None:
    """Code before and after, where they differ; None if the functions of the file do not correspond."""
    path = root / mutant.file
    before, after = (codes(source, str(path)) for source in (path.read_bytes(), mutant.applied(path.read_bytes())))
    if {name: len(each) for name, each in before.items()} != {name: len(each) for name, each in after.items()}:
        return None
    both = [pair for name in before for pair in zip(before[name], after[name], strict=True) if pair[0] != pair[1]]
    own = [(old, new) for old, new in both if old.co_name != "<module>"]
    return None if any(old.co_freevars != new.co_freevars for old, new in own) else own


def replace(both: Pairs) -> int:
    """Give the new code to all functions that have the old one; how many they are."""
    count = 0
    for function in [each for each in gc.get_objects() if type(each) is FunctionType]:
        for old, new in both:
            if function.__code__ == old and function.__code__.co_filename == old.co_filename:
                function.__code__ = new
                count += 1
                break
    return count
