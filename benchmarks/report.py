"""Rows as a table for the terminal, as JSON with what they were measured on, and as Markdown."""

from __future__ import annotations

import math
import os
import platform
import textwrap
from importlib import metadata
from pathlib import Path
from typing import Any

from measure import Row
from rich.table import Table
from turns import Setting

WIDTH = 120
DEFAULT = "default"
PACKAGES = ("numpy", "sympy", "numba", "torch", "jax", "casadi", "autograd")
UNITS = {"time": (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)), "memory": (("GB", 1e9), ("MB", 1e6))}


def table(found: list[Row]) -> Table:
    """The rows as a table; times in the unit that suits them."""
    result = Table("workload", "alternative")
    for name in ("median", "ratio", "peak memory"):
        result.add_column(name, justify="right")
    result.add_column("note")
    previous = ""
    for row in found:
        workload = row.workload if row.workload != previous else ""
        numbers = (duration(row.seconds), ratio(row.ratio), memory(row.memory))
        result.add_row(workload, row.alternative, *numbers, row.note)
        previous = row.workload
    return result


def markdown(found: dict[str, Any]) -> str:
    """A report as Markdown: how it was measured, and the table."""
    lines = [*textwrap.wrap(f"{how(found)}.", WIDTH), ""]
    lines += ["| workload | alternative | median | ratio | peak memory |", "|---|---|---:|---:|---:|"]
    previous = ""
    for row in found["rows"]:
        workload = row["workload"] if row["workload"] != previous else ""
        median, times, peak = (math.nan if row[key] is None else row[key] for key in ("seconds", "ratio", "memory"))
        note = f" ({row['note']})" if row["note"] else ""
        numbers = f"{duration(median)} | {ratio(times)} | {memory(peak)}"
        lines.append(f"| {workload} | {row['alternative']}{note} | {numbers} |")
        previous = row["workload"]
    return "\n".join(lines)


def how(found: dict[str, Any]) -> str:
    """How a report was measured, and on what."""
    machine, versions = found["machine"], ", ".join(f"{name} {each}" for name, each in found["versions"].items())
    where = f"a machine with {machine['processors']} processors ({machine['processor']}, {machine['system']})"
    quick = "with `--quick` " if found["quick"] else ""
    said = f"Measured {quick}in {threads(found['threads'])}: {found['clock']} on {where}"
    return f"{said}, Python {machine['python']}, {versions}"


def threads(count: int | str) -> str:
    """How many threads, in words."""
    if count == DEFAULT:
        return "as many threads as each library takes"
    return "1 thread" if count == 1 else f"{count} threads"


def report(found: list[Row], quick: bool, setting: Setting) -> dict[str, Any]:
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
    return {
        "quick": quick,
        "clock": setting.clock,
        "threads": setting.threads or DEFAULT,
        "machine": machine,
        "versions": versions,
        "rows": [row.as_json() for row in found],
    }


def processor() -> str:
    """The name of the processor, where the system says it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def duration(seconds: float) -> str:
    """Three digits and a unit; nothing for nan."""
    return _in_units(seconds, UNITS["time"])


def memory(size: float) -> str:
    """Three digits and a unit; nothing for nan."""
    return _in_units(size, UNITS["memory"])


def _in_units(value: float, units: tuple[tuple[str, float], ...]) -> str:
    if value != value:
        return ""
    unit, size = next((each for each in units if value >= each[1]), units[-1])
    return f"{value / size:.3g} {unit}"


def ratio(value: float) -> str:
    """Three digits; nothing for nan."""
    return "" if value != value else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
