"""Rows of the result, and the time of what is run in this process."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

OWN = "backpropsym"
NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """One measured alternative of a workload.

    Attributes
    ----------
    seconds : the median time; nan where it was not measured.
    ratio : `seconds` over that of the workload's own entry, which is named "backpropsym"; nan without both.
    note : what a reader must know, such as why it was left out.
    memory : the peak of its process in bytes, with its library; nan where it was not measured.
    failed : it was to be measured, and raised or gave other numbers than the workload's own entry.
    """

    workload: str
    alternative: str
    seconds: float
    ratio: float
    note: str = ""
    memory: float = NAN
    failed: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain data; what was not measured is null."""
        return {key: None if value != value else value for key, value in asdict(self).items()}


def rows(workload: str, times: Mapping[str, float], notes: Mapping[str, str]) -> list[Row]:
    """Rows of a workload with ratios to its own."""
    own = times.get(OWN, NAN)
    return [Row(workload, name, each, each / own, notes.get(name, "")) for name, each in times.items()]


def seconds(work: Callable[[], Any], repeats: int = 1) -> float:
    """The median time of `work`, run `repeats` times."""
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
