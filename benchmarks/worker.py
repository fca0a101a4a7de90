"""A process that measures one alternative: it reads a task, and then gives a sample whenever it is asked for one.

    turns.py starts it; requests come on the standard input, answers go to the standard output, both pickled.

Whatever a library prints goes to the standard error.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
import timeit
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from workload import Inputs, Ready, Refusal, Task

CLOCKS = {"time": time.perf_counter, "processor time": time.process_time}


class Sampler:
    """Times a call by many calls in a row.

    A sample takes 5 to 12 ms, and 20 to 50 ms of unmeasured calls go before it: the caches are then those of this
    process, its threads are awake, and those of another library, which wait for work in a loop, sleep.
    """

    def __init__(self, call: Callable[..., Any], keywords: Inputs, clock: Callable[[], float]) -> None:
        self.timer = _timer(call, keywords, clock)
        number, _ = self.timer.autorange()
        self.warm, self.timed = max(1, number // 10), max(1, number // 40)

    def sample(self) -> float:
        """Seconds a call."""
        self.timer.timeit(self.warm)
        return self.timer.timeit(self.timed) / self.timed


def _timer(call: Callable[..., Any], keywords: Inputs, clock: Callable[[], float]) -> timeit.Timer:
    """A call with its keywords spelled out, as in call(x=..., w=...)."""
    text = ", ".join(f"{name}=_{name}" for name in keywords)
    values = {f"_{name}": each for name, each in keywords.items()}
    return timeit.Timer(f"call({text})", timer=clock, globals={"call": call, **values})


def answers(requests: BinaryIO) -> Iterator[Any]:
    """The answer to the task, a sample for every True that follows, and the peak of memory for False.

    It works only between a request and its answer, when all other processes wait.

    Raises
    ------
    Whatever the alternative raises.
    """
    task: Task = pickle.load(requests)
    missing = _missing(task.alternative.libraries)
    if missing:
        yield Refusal(f"left out: {missing} is not installed", failed=False)
        return
    clock = CLOCKS[task.clock]
    start = clock()
    call, keywords = task.alternative.prepare(task.inputs)
    found = call(**keywords)
    first = clock() - start
    yield Ready(first, task.alternative.read and task.alternative.read(found))
    del found, task
    sampler = None
    while pickle.load(requests):
        sampler = sampler or Sampler(call, keywords, clock)
        yield sampler.sample()
    yield peak_memory()


def _missing(libraries: tuple[str, ...]) -> str | None:
    """Imports libraries; the name of one that is not installed."""
    try:
        for name in libraries:
            import_module(name)
    except ModuleNotFoundError as error:
        return error.name
    return None


def peak_memory() -> float:
    """The most memory that this process has held, in bytes; nan where the system does not say.

    Not `getrusage`, which starts a new program with the peak of the process that started it.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024.0 for line in lines if line.startswith("VmHWM:")), float("nan"))


def main() -> None:
    """Answer until the requests end; an error is an answer too, and the last one."""
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)

        def reply(answer: Any) -> None:
            pickle.dump(answer, replies)
            replies.flush()

        try:
            for answer in answers(sys.stdin.buffer):
                reply(answer)
        except Exception as error:
            reply(Refusal(f"failed: {type(error).__name__}: {str(error).partition(chr(10))[0]}"))


if __name__ == "__main__":
    main()
