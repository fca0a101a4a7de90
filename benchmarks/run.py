"""Measure the workloads, print a table of medians and ratios, and write them as JSON.

    python benchmarks/run.py [--quick] [--only TEXT] [--cpu] [-o FILE]
    python benchmarks/run.py --table FILE       the Markdown of what an earlier run wrote

Peers (torch, jax, casadi) are measured where they are installed. All alternatives of a workload are measured in turns
in one process; a ratio is the time of the alternative over the time of backpropsym, except in the growth rows, where it
is the time over that of the network of a tenth of the size. Everything runs in one thread, or in as many as
OMP_NUM_THREADS says.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import textwrap
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

THREADS = os.environ.setdefault("OMP_NUM_THREADS", "1")
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, THREADS)
if THREADS == "1":
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

from calls import batch_rows, dense_rows, lecture_rows  # noqa: E402  (threads are set before any library starts them)
from growth import derivation_rows, growth_rows  # noqa: E402
from measure import CLOCK, Row  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from tensors import WORKLOADS  # noqa: E402

WIDTH = 120
PACKAGES = ("numpy", "sympy", "numba", "torch", "jax", "casadi")


def workloads(quick: bool) -> dict[str, Callable[[], list[Row]]]:
    """What is measured, by name; `quick` takes fewer rounds and smaller networks."""
    rounds = 41 if quick else 201
    widths = (4, 6, 6, 1) if quick else (8, 16, 16, 1)
    return {
        "lecture-relu": lambda: lecture_rows("relu", rounds),
        "lecture-tanh": lambda: lecture_rows("tanh", rounds),
        "dense": lambda: dense_rows(rounds),
        "batch": lambda: batch_rows(100_000, rounds // 5),
        **{
            f"tensors: {name}": lambda each=each: each.rows(rounds // 5)  # type: ignore[misc]
            for name, each in WORKLOADS.items()
        },
        "derivation": lambda: derivation_rows(widths),
        "growth": lambda: growth_rows(10_000 if quick else 100_000),
    }


def main() -> None:
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; smaller networks for sympy.diff and growth")
    parser.add_argument(
        "--only", default="", help="measure the workloads whose name holds this text, or one of several, a,b"
    )
    parser.add_argument("--table", type=Path, metavar="FILE", help="measure nothing; print FILE as Markdown")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks.json"), help="default: benchmarks.json")
    parser.add_argument(
        "--cpu", action="store_true", help="processor time instead of time: for a machine that is shared"
    )
    options = parser.parse_args()
    if options.table is not None:
        print(markdown(json.loads(options.table.read_text(encoding="utf-8"))))
        return
    CLOCK[0] = time.process_time if options.cpu else time.perf_counter
    console = Console(width=110)
    if options.quick:
        console.print("quick: fewer rounds, sympy.diff on 4-6-6-1 instead of 8-16-16-1, growth up to 10,000 links")
    found: list[Row] = []
    for name, measure in workloads(options.quick).items():
        if any(text in name for text in options.only.split(",")):
            console.print(f"measuring {name} ...", style="dim")
            found += measure()
    console.print(table(found))
    options.output.write_text(json.dumps(report(found, options.quick, options.cpu), indent=1) + "\n", encoding="utf-8")


def table(found: list[Row]) -> Table:
    """The rows as a table; times in the unit that suits them."""
    result = Table("workload", "alternative")
    result.add_column("median", justify="right")
    result.add_column("ratio", justify="right")
    result.add_column("note")
    previous = ""
    for row in found:
        workload = row.workload if row.workload != previous else ""
        result.add_row(workload, row.alternative, duration(row.seconds), ratio(row.ratio), row.note)
        previous = row.workload
    return result


def markdown(found: dict[str, Any]) -> str:
    """A report as Markdown: how it was measured, and the table."""
    machine, versions = found["machine"], ", ".join(f"{name} {each}" for name, each in found["versions"].items())
    options = " ".join([*(["--quick"] if found["quick"] else []), *(["--cpu"] if found["clock"] != "time" else [])])
    threads = f"{found['threads']} thread{'s' if found['threads'] > 1 else ''}"
    where = f"{machine['processors']} processors ({machine['processor']}, {machine['system']})"
    how = f"Measured {f'with `{options}` ' if options else ''}in {threads}: {found['clock']} on a machine with {where},"
    lines = [*textwrap.wrap(f"{how} Python {machine['python']}, {versions}.", WIDTH), ""]
    lines += ["| workload | alternative | median | ratio |", "|---|---|---:|---:|"]
    previous = ""
    for row in found["rows"]:
        workload = row["workload"] if row["workload"] != previous else ""
        median, times = (math.nan if row[key] is None else row[key] for key in ("seconds", "ratio"))
        note = f" ({row['note']})" if row["note"] else ""
        lines.append(f"| {workload} | {row['alternative']}{note} | {duration(median)} | {ratio(times)} |")
        previous = row["workload"]
    return "\n".join(lines)


def processor() -> str:
    """The name of the processor, where the system says it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def duration(seconds: float) -> str:
    """Three digits and a unit; nothing for nan."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return "" if seconds != seconds else f"{seconds * 1e9:.3g} ns"


def ratio(value: float) -> str:
    """Three digits; nothing for nan."""
    return "" if value != value else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def report(found: list[Row], quick: bool, cpu: bool) -> dict[str, object]:
    """The rows with what they were measured on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    machine = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "processor": processor(),
        "system": platform.system(),
    }
    clock = "processor time" if cpu else "time"
    return {
        "quick": quick,
        "clock": clock,
        "threads": int(THREADS),
        "machine": machine,
        "versions": versions,
        "rows": [row.as_json() for row in found],
    }


if __name__ == "__main__":
    main()
