"""Alternatives of x**2*w, among them some that must not be measured; each process that measures one imports this."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

Numbers = dict[str, float]
Prepared = tuple[Callable[..., Any], Numbers]


def right(inputs: Numbers) -> Prepared:
    """Value and gradient."""
    return (lambda x, w: (x * x * w, {"w": x * x})), inputs


def other_value(inputs: Numbers) -> Prepared:
    """A value that is not the square."""
    return (lambda x, w: (x * w, {"w": x * x})), inputs


def other_gradient(inputs: Numbers) -> Prepared:
    """A gradient that is off by a thousandth."""
    return (lambda x, w: (x * x * w, {"w": 1.001 * x * x})), inputs


def not_a_number(inputs: Numbers) -> Prepared:
    """A gradient that no comparison finds larger than a limit."""
    return (lambda x, w: (x * x * w, {"w": float("nan")})), inputs


def without_gradient(inputs: Numbers) -> Prepared:
    """A value alone."""
    return (lambda x, w: (x * x * w, {})), inputs


def raises(inputs: Numbers) -> Prepared:
    """An error before the first call."""
    raise ValueError("no such layout\nsecond line")


def ends(inputs: Numbers) -> Prepared:
    """The end of the whole process."""
    os._exit(7)


def ends_later(inputs: Numbers) -> Prepared:
    """The end of the whole process in the third call."""
    calls: list[int] = []

    def call(x: float, w: float) -> tuple[float, Mapping[str, float]]:
        calls.append(1)
        if len(calls) == 3:
            os._exit(7)
        return x * x * w, {"w": x * x}

    return call, inputs


def talks(inputs: Numbers) -> Prepared:
    """Words on the standard output, which is where the answers go."""
    print("loading", flush=True)
    os.system("echo tuning")
    return right(inputs)


def variable(inputs: Numbers) -> Prepared:
    """The threads of the process as its value."""
    return (lambda x, w: (float(os.environ.get("OMP_NUM_THREADS", "0")), {})), inputs
