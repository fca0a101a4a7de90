"""Times of alternatives measured side by side: interleaved rounds in one process, medians, ratios."""

from __future__ import annotations

import gc
import statistics
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measured alternative of a workload.

    Attributes
    ----------
    seconds : the median time; nan where it was not measured.
    ratio : `seconds` over that of the workload's own entry, which is named "backpropsym"; nan without both.
    note : what a reader must know, such as why it was left out.
    """

    workload: str
    alternative: str
    seconds: float
    ratio: float
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data; what was not measured is null."""
        return {key: None if value != value else value for key, value in asdict(self).items()}


OWN = "backpropsym"
CLOCK: list[Callable[[], float]] = [time.perf_counter]


def interleaved(
    workload: str,
    calls: Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]],
    rounds: int,
    notes: Mapping[str, str],
) -> list[Row]:
    """Median times of calls, one sample of each a round, so that all see the same machine.

    Before each sample the call runs for a while unmeasured: libraries with threads of their own need to wake up.

    Parameters
    ----------
    calls : a function and its keyword arguments, by the name of the alternative.
    notes : facts about alternatives, and about those that are missing.
    """
    timers = {name: _timer(call, keywords) for name, (call, keywords) in calls.items()}
    for timer in timers.values():
        timer.autorange()
    repeats = {name: max(1, timer.autorange()[0] // 40) for name, timer in timers.items()}
    samples: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            timer.timeit(repeats[name])
            samples[name].append(timer.timeit(repeats[name]) / repeats[name])
    return rows(workload, {name: statistics.median(times) for name, times in samples.items()}, notes)


def _timer(call: Callable[..., Any], keywords: Mapping[str, Any]) -> timeit.Timer:
    """A call with its keywords spelled out, as in call(x=..., w=...)."""
    text = ", ".join(f"{name}=_{name}" for name in keywords)
    return timeit.Timer(
        f"call({text})", timer=CLOCK[0], globals={"call": call, **{f"_{name}": each for name, each in keywords.items()}}
    )


def rows(workload: str, medians: Mapping[str, float], notes: Mapping[str, str]) -> list[Row]:
    """Rows of a workload, its own first, with ratios to it; what is only noted was not measured."""
    own = medians.get(OWN, float("nan"))
    measured = [Row(workload, name, each, each / own, notes.get(name, "")) for name, each in medians.items()]
    missing = [Row(workload, name, float("nan"), float("nan"), notes[name]) for name in notes if name not in medians]
    return measured + missing


def seconds(work: Callable[[], Any], repeats: int = 1) -> float:
    """The median time of `work`, run `repeats` times."""
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
