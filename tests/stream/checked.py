"""`check` calls no right network wrong: `python -m tests.stream.checked --count 1000 [--near 1e-7]`.

With `--near`, the numbers of each network are moved until a switch of it (an argument of relu, the two of max) is so
close to its kink.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

import backpropsym as bp
from backpropsym.checks.plan import SECONDS
from backpropsym.evaluate.reference import Reference
from tests.stream.generate import Case, seeded
from tests.stream.truth import SwitchRecorder

TRIES, STEPS = 12, 25


class _Distances(SwitchRecorder):
    """Records how far each switch is from zero, with its sign."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[float] = []

    def _note(self, distance: Any) -> None:
        self.all.extend(np.ravel(distance))


def distances(case: Case, values: Mapping[str, Any]) -> Any:
    """How far each switch is from zero, in the order in which the reference interpreter meets them."""
    recorder = _Distances()
    with np.errstate(all="ignore"):
        Reference(case.net.graph.sized(case.sizes), values, recorder).array(case.output)
    return np.array(recorder.all, float)


def near_a_kink(case: Case, near: float) -> dict[str, Any] | None:
    """The numbers of a case, one of them moved so that a switch is `near` its kink; None where none can be.

    The entry that is moved and the switch are random, and so is the side.
    """
    random = np.random.default_rng(case.seed)
    usable = np.flatnonzero(np.isfinite(distances(case, case.values)))
    if not usable.size or not case.smooth_leaves:
        return None
    for _ in range(TRIES):
        name, switch = random.choice(case.smooth_leaves), random.choice(usable)
        position = tuple(int(random.integers(size)) for size in np.shape(case.values[name]))
        moved = _moved(case, name, position, switch, near * random.choice([-1, 1]))
        if moved is not None:
            return moved
    return None


def _moved(case: Case, name: str, position: tuple[int, ...], switch: int, wanted: float) -> dict[str, Any] | None:
    """The numbers with one entry such that the distance of a switch is the wanted one, by the secant method."""

    def with_entry(number: float) -> dict[str, Any]:
        array = np.array(case.values[name], float)
        array[position] = number
        return {**case.values, name: array}

    def error(number: float) -> float:
        every = distances(case, with_entry(number))
        return every[switch] - wanted if switch < every.size else np.nan

    before = float(np.asarray(case.values[name])[position])
    now = before + 0.25
    error_before, error_now = error(before), error(now)
    for _ in range(STEPS):
        if not np.isfinite(error_now) or error_now == error_before:
            return None
        if abs(error_now) <= abs(wanted) / 2:
            return with_entry(now)
        before, now = now, now - error_now * (now - before) / (error_now - error_before)
        error_before, error_now = error_now, error(now)
    return None


def outcome(seed: int, near: float | None, seconds: float = SECONDS) -> str:
    """What `check` says of the network of a seed; what begins with `WRONG` is a fault of ours."""
    case = seeded(seed)
    try:
        values = near_a_kink(case, near) if near else case.values
        if values is None:
            return "has no kink to come close to"
        at = values if near or seed % 2 else None
        report = case.net.check(at=at, seed=seed, seconds=seconds)
    except bp.BackpropsymError as error:
        return "refused: " + str(error).partition("\n")[0]
    if not report.passed:
        return f"WRONG: {report}"
    return "right" if report.complete else "right, as far as the time reached"


def main() -> int:
    """Check networks and print those that are called wrong; 1 if any is."""
    parser = argparse.ArgumentParser(prog="python -m tests.stream.checked", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many networks")
    parser.add_argument("--seed", type=int, default=1, help="of the first; the next has the next seed")
    parser.add_argument("--near", type=float, default=None, help="how close to a kink")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    started, seed, checked = time.monotonic(), options.seed, 0
    while checked < options.count:
        said = outcome(seed, options.near)
        if said.startswith("WRONG"):
            print(f"seed {seed}\n{seeded(seed).text}\n{said}\n", flush=True)
        counts[said.partition(":")[0] if said.startswith("WRONG") else said] += 1
        checked += not said.startswith(("has no kink", "refused"))
        seed += 1
        if sys.stderr.isatty():
            print(f"\r{checked:,} of {options.count:,}", end="", file=sys.stderr)
    print(f"{checked:,} networks in {time.monotonic() - started:,.0f} s")
    for what, count in counts.most_common():
        print(f"{count:8,}  {what}")
    return 1 if counts["WRONG"] else 0


if __name__ == "__main__":
    sys.exit(main())
