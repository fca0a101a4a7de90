"""The choice of mutants, and their description."""

from __future__ import annotations

import random
from pathlib import Path

from tests.mutation.operators import Mutant, changes, mutants

PACKAGES = ("ops", "graph", "derive", "kernels", "checks", "evaluate")


def sources(root: Path) -> list[Path]:
    """The files that are changed."""
    return sorted(path for name in PACKAGES for path in root.glob(f"backpropsym/{name}/**/*.py"))


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
