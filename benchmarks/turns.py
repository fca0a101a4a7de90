"""Alternatives of a workload measured in turns, each in a process of its own with the same threads."""

from __future__ import annotations

import math
import os
import pickle
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

from measure import NAN, OWN, Row, rows
from workload import Numbers, Ready, Refusal, Task, Workload, difference

PROGRAM = Path(__file__).with_name("worker.py")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "PJRT_NPROC")


@dataclass(frozen=True)
class Setting:
    """How everything is measured.

    Attributes
    ----------
    threads : how many each library may use; None for its own choice.
    clock : "time", or "processor time".
    """

    threads: int | None = 1
    clock: str = "time"

    def environment(self) -> dict[str, str]:
        """The variables of a process that measures: threads, and the places of modules, as in this process."""
        found = {name: each for name, each in os.environ.items() if name not in (*THREADS, "XLA_FLAGS")}
        found["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        if self.threads is not None:
            found |= dict.fromkeys(THREADS, str(self.threads))
        if self.threads == 1:
            found["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        return found


class Worker:
    """A process that measures one alternative, for as long as the context lasts."""

    def __init__(self, setting: Setting) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=setting.environment()
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, request: Any) -> Any:
        """The answer to a request; a refusal where the process ends without one."""
        assert self.process.stdin and self.process.stdout
        try:
            pickle.dump(request, self.process.stdin)
            self.process.stdin.flush()
            return pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError):
            return Refusal(f"failed: its process ended with {self.process.wait()}")


@dataclass(frozen=True)
class Found:
    """What one set of processes has found, by alternative.

    Attributes
    ----------
    samples : seconds a call, one a round.
    first : seconds to the end of the first call, where something is compiled.
    memory : the peak in bytes.
    refused : those that are not measured.
    """

    samples: Mapping[str, list[float]]
    first: Mapping[str, float]
    memory: Mapping[str, float]
    refused: Mapping[str, Refusal]


def in_turns(workload: Workload, rounds: int, setting: Setting, sets: int = 1) -> list[Row]:
    """Median times of one call, and of everything up to the end of the first call where something is compiled.

    The rounds are shared by `sets` of new processes: where the numbers of a process happen to lie decides how often it
    gives memory back to the system and asks for it again, for all its life.
    """
    found = [_set(workload, math.ceil(rounds / sets), setting) for _ in range(sets)]
    refused = {name: each for one in found for name, each in one.refused.items()}
    result = []
    for name, alternative in workload.alternatives.items():
        if name in refused:
            result.append(Row(workload.name, name, NAN, NAN, refused[name].note, failed=refused[name].failed))
            continue
        time, own = (_median(one.samples.get(each, []) for one in found) for each in (name, OWN))
        peak = max(one.memory[name] for one in found)
        result.append(Row(workload.name, name, time, time / own, alternative.note, peak))
    first = {name: _median([one.first[name]] for one in found) for name in found[0].first if name not in refused}
    return result + rows(f"{workload.name}: to the end of the first call", first, {})


def _median(samples: Iterable[list[float]]) -> float:
    """The median of the samples of all sets; nan without any."""
    every = list(chain.from_iterable(samples))
    return statistics.median(every) if every else NAN


def _set(workload: Workload, rounds: int, setting: Setting) -> Found:
    """One process for each alternative: all are prepared before the first sample; in each round each gives one."""
    with ExitStack() as stack:
        workers, ready = _prepared(workload, setting, stack)
        refused = {name: each for name, each in ready.items() if isinstance(each, Refusal)}
        samples = _samples({name: each for name, each in workers.items() if name not in refused}, rounds, refused)
        peaks = {name: workers[name].ask(False) for name in samples}
    refused |= {name: each for name, each in peaks.items() if isinstance(each, Refusal)}
    compiled = {name for name, each in workload.alternatives.items() if each.compiles and name not in refused}
    first = {name: each.seconds for name, each in ready.items() if isinstance(each, Ready) and name in compiled}
    return Found(samples, first, peaks, refused)


def _prepared(
    workload: Workload, setting: Setting, stack: ExitStack
) -> tuple[dict[str, Worker], dict[str, Ready | Refusal]]:
    """Every process after its first call, started when the one before waits; only the same numbers are compared."""
    workers: dict[str, Worker] = {}
    found: dict[str, Ready | Refusal] = {}
    expected: Numbers | None = None
    for name, alternative in workload.alternatives.items():
        workers[name] = stack.enter_context(Worker(setting))
        answer = workers[name].ask(Task(alternative, workload.inputs, setting.clock))
        if name == OWN and isinstance(answer, Ready):
            expected = answer.numbers
        found[name] = _compared(answer, expected, workload.tolerance)
    return workers, found


def _compared(answer: Ready | Refusal, expected: Numbers | None, tolerance: float) -> Ready | Refusal:
    """The answer, or a refusal where its numbers are not those expected."""
    if isinstance(answer, Refusal) or answer.numbers is None:
        return answer
    if expected is None:
        return Refusal(f"left out: {OWN} gives no numbers to compare with")
    wrong = difference(answer.numbers, expected, tolerance)
    return Refusal(f"failed: the {wrong} differs from that of {OWN}") if wrong else answer


def _samples(workers: Mapping[str, Worker], rounds: int, refused: dict[str, Refusal]) -> dict[str, list[float]]:
    """Seconds a call by alternative, one a round; one that fails is added to `refused`."""
    samples: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name in list(samples):
            answer = workers[name].ask(True)
            if isinstance(answer, Refusal):
                refused[name] = answer
                del samples[name]
            else:
                samples[name].append(answer)
    return samples
