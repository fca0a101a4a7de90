"""The long run: `python -m tests.stream --count 10000 --seed 1 [--all] [--only NAME]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import backpropsym as bp
from tests.stream import batches, pictures, printed, reports  # noqa: F401  (each import registers its comparisons)
from tests.stream.compare import COMPARISONS, LIMIT, differences
from tests.stream.generate import seeded
from tests.stream.truth import Truth


def main() -> int:
    """Compare networks and print what differs; 1 if anything does."""
    parser = argparse.ArgumentParser(prog="python -m tests.stream", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many networks")
    parser.add_argument("--seed", type=int, default=1, help="of the first; the next has the next seed")
    parser.add_argument("--all", action="store_true", help="all comparisons, not only the cheap ones")
    parser.add_argument("--only", choices=sorted(COMPARISONS), action="append", help="these comparisons alone")
    parser.add_argument("--show", type=int, default=10, help="how many networks that differ are printed")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    started, shown = time.monotonic(), 0
    for seed in range(options.seed, options.seed + options.count):
        case = seeded(seed)
        try:
            truth = Truth(case)
        except bp.BackpropsymError as error:
            counts["refused: " + str(error).partition("\n")[0]] += 1
            continue
        if truth.at_kink:
            counts["at a kink"] += 1
            continue
        chosen = options.only or [name for name, entry in COMPARISONS.items() if entry.cheap or options.all]
        found = differences(truth, chosen)
        counts.update(f"refused: {each.got}".partition("\n")[0] for each in found if each.what == LIMIT)
        unequal = [each for each in found if each.what != LIMIT]
        counts["equal" if not unequal else "different"] += 1
        counts.update(f"differs in {name}" for name in {each.comparison for each in unequal})
        if unequal and shown < options.show:
            shown += 1
            print(f"seed {seed}\n{case.text}\n" + "\n".join(map(str, unequal[:4])) + "\n")
        if sys.stderr.isatty() and seed % 10 == 0:
            print(f"\r{seed - options.seed + 1:,} of {options.count:,}", end="", file=sys.stderr)
    print(f"{options.count:,} networks in {time.monotonic() - started:,.0f} s")
    for what, count in counts.most_common():
        print(f"{count:8,}  {what}")
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
