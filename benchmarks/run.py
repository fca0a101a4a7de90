"""Measure the workloads, print a table of medians and ratios, and write them as JSON.

    python benchmarks/run.py [--quick] [--only TEXT] [--threads N|default] [--cpu] [-o FILE]
    python benchmarks/run.py --table FILE       the Markdown of what an earlier run wrote

Peers (torch, jax, casadi, autograd) are measured where they are installed. Each alternative of a workload has a process
of its own, and a new one for each third of the rounds; they are measured in turns. A ratio is the time of the
alternative over the time of backpropsym, except in the growth rows, where it is the time over that of the network of a
tenth of the size. The exit code is 1 where an alternative failed, or gave other numbers than backpropsym.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from calls import batch, dense, lecture
from growth import derivation_rows, growth_rows
from measure import Row
from report import DEFAULT, markdown, report, table, threads
from rich.console import Console
from tensors import TENSORS
from turns import Setting, in_turns
from workload import Workload

SETS = 3


def workloads(quick: bool, setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """What is measured, by name; `quick` takes fewer rounds and smaller networks."""
    rounds = 41 if quick else 201
    widths = (4, 6, 6, 1) if quick else (8, 16, 16, 1)

    def turns(workload: Callable[[], Workload], rounds: int) -> Callable[[], list[Row]]:
        return lambda: in_turns(workload(), rounds, setting, SETS)

    return {
        "lecture-relu": turns(partial(lecture, "relu"), rounds),
        "lecture-tanh": turns(partial(lecture, "tanh"), rounds),
        "dense": turns(dense, rounds),
        "batch": turns(partial(batch, 100_000), rounds // 5),
        **{f"tensors: {each.title}": turns(each.workload, rounds // 5) for each in TENSORS},
        "derivation": partial(derivation_rows, widths),
        "growth": partial(growth_rows, 10_000 if quick else 100_000),
    }


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; smaller networks for sympy.diff and growth")
    parser.add_argument(
        "--only", default="", help="measure the workloads whose name holds this text, or one of several, a,b"
    )
    parser.add_argument("--table", type=Path, metavar="FILE", help="measure nothing; print FILE as Markdown")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks.json"), help="default: benchmarks.json")
    parser.add_argument(
        "--threads", type=count, default=1, metavar="N|default", help="threads of each library; default: its own choice"
    )
    parser.add_argument(
        "--cpu", action="store_true", help="processor time instead of time: for a machine that is shared; one thread"
    )
    options = parser.parse_args(arguments)
    if options.cpu and options.threads != 1:
        parser.error("--cpu adds up the time of all threads: leave it out, or take --threads 1")
    return options


def count(text: str) -> int | None:
    """A number of threads; None for `default`."""
    if text == DEFAULT:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is neither a number of threads nor default")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure, print, write; the exit code."""
    options = parsed(arguments)
    if options.table is not None:
        print(markdown(json.loads(options.table.read_text(encoding="utf-8"))))
        return 0
    setting = Setting(options.threads, "processor time" if options.cpu else "time")
    console = Console(width=120)
    console.print(f"in {threads(setting.threads or DEFAULT)}: {setting.clock}")
    if options.quick:
        console.print("quick: fewer rounds, sympy.diff on 4-6-6-1 instead of 8-16-16-1, growth up to 10,000 links")
    found: list[Row] = []
    for name, measure in workloads(options.quick, setting).items():
        if any(text in name for text in options.only.split(",")):
            console.print(f"measuring {name} ...", style="dim")
            found += measure()
    console.print(table(found))
    result = report(found, options.quick, setting)
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if any(row.failed for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
