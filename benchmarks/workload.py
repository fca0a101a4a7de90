"""What is measured: a workload and its alternatives, and what its processes tell each other.

Everything here is sent to the process that measures an alternative; functions are sent by name. The modules that such a
process reads import none of the libraries that are measured, so that it holds the one it measures and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Inputs = Mapping[str, Any]
Numbers = tuple[Any, Mapping[str, Any]]
Prepared = tuple[Callable[..., Any], Inputs]


def numbers(found: Any) -> Numbers:
    """Value and gradients of any library as NumPy's arrays; those of PyTorch without their graph."""
    return _array(found[0]), {name: _array(each) for name, each in found[1].items()}


def _array(found: Any) -> Any:
    return np.asarray(found.detach() if hasattr(found, "detach") else found)


@dataclass(frozen=True)
class Alternative:
    """One way to the numbers of a workload.

    Attributes
    ----------
    prepare : the function to call and its keyword arguments, from the inputs of the workload.
    libraries : imported before the clock starts; one that is not installed leaves the alternative out.
    compiles : the time to the end of the first call is shown too.
    read : value and gradients from what a call returns; None where it is a part of the work and gives no numbers.
    """

    prepare: Callable[[Inputs], Prepared]
    libraries: tuple[str, ...] = ()
    compiles: bool = False
    read: Callable[[Any], Numbers] | None = numbers
    note: str = ""


@dataclass(frozen=True)
class Workload:
    """Inputs, and the ways to value and gradients, first that of backpropsym, with which the others are compared."""

    name: str
    inputs: Inputs
    alternatives: Mapping[str, Alternative]
    tolerance: float


@dataclass(frozen=True)
class Task:
    """What a process is to prepare, and the clock that it reads."""

    alternative: Alternative
    inputs: Inputs
    clock: str


@dataclass(frozen=True)
class Ready:
    """An alternative was called once: the time from its inputs to the end of that call, and what it gave."""

    seconds: float
    numbers: Numbers | None


@dataclass(frozen=True)
class Refusal:
    """Why an alternative is not measured; it failed, or its library is not installed."""

    note: str
    failed: bool = True


def difference(found: Numbers, expected: Numbers, tolerance: float) -> str:
    """Which number is another than expected, by more than `tolerance` of the largest of its array; empty for none."""
    pairs = {"value": (found[0], expected[0])}
    pairs |= {f"gradient of {name}": (found[1].get(name), each) for name, each in expected[1].items()}
    for name, (one, other) in pairs.items():
        if one is None or np.size(one) != np.size(other):
            return name
        size = max(float(np.abs(other).max()), 1e-6)
        if not np.abs(np.reshape(one, np.shape(other)) - other).max() <= tolerance * size:
            return name
    return ""
