"""Compiled kernels of arrays against the reverse sweep: both accuracies, and single precision against double."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from backpropsym.checks.arrays.points import ArrayPoint
from backpropsym.checks.arrays.switches import sizes
from backpropsym.checks.comparison import TOLERANCE
from backpropsym.checks.edges import EPS
from backpropsym.checks.kernels import COPIES, ROUNDINGS, KernelsVerdict, without_accurate
from backpropsym.checks.number_systems import Array
from backpropsym.checks.report import Fault
from backpropsym.derive.arrays import ArrayNetwork
from backpropsym.derive.unroll import entry_name
from backpropsym.errors import CompilerError, LimitError
from backpropsym.graph import Graph, Role
from backpropsym.kernels.array_verify import verification
from backpropsym.kernels.compile import compile_kernel
from backpropsym.ops.arithmetic import Arithmetic
from backpropsym.ops.function import Primitive

SINGLE = float(np.finfo(np.float32).eps)
FEW = 3
LARGE = 100_000


class _Rounded(Arithmetic):
    """Real arithmetic in which functions and powers are off by a few roundings, also inside a derivative.

    A kernel may keep tanh(x) in its own precision and derive 1 - tanh(x)**2 from that.
    """

    def __init__(self, eps: float, random: np.random.Generator) -> None:
        self.eps = eps
        self.random = random

    def off(self, value: Any) -> Any:
        """A value with an error of rounding."""
        return value * (1 + ROUNDINGS * self.eps * self.random.uniform(-1, 1, np.shape(value)))

    def apply(self, primitive: Primitive, arguments: tuple[Any, ...]) -> Any:
        """The value of a primitive, off."""
        return self.off(super().apply(primitive, arguments))

    def power(self, base: Any, exponent: Fraction) -> Any:
        """A power, off."""
        return self.off(super().power(base, exponent))


class _Perturbed(ArrayNetwork):
    """A network in which every value is off by a few roundings."""

    def __init__(self, graph: Graph, leaves: Mapping[str, Any], rounded: _Rounded) -> None:
        super().__init__(graph, leaves, arithmetic=rounded)
        self.rounded = rounded

    def apply(self, name: str) -> Any:
        """The value of a node, off."""
        return self.rounded.off(super().apply(name))


def compare_kernels(graph: Graph, points: Sequence[ArrayPoint], random: np.random.Generator) -> KernelsVerdict:
    """The gradients of compiled kernels against those of the reverse sweep, in double and in single precision.

    What a derivative moves by when every value is off by a few roundings is allowed for.
    """
    if not graph.names(Role.PARAMETER):
        return KernelsVerdict()
    agree: list[str] = []
    faults: list[Fault] = []
    notes: list[str] = []
    for accuracy in ("full", "default"):
        try:
            with verification():
                kernel = compile_kernel(graph, accuracy=accuracy)
        except CompilerError as error:
            faults.append(Fault(f"kernel reverse ({accuracy} accuracy)", error.problems[0].message, math.nan))
            continue
        except LimitError as error:
            notes.append(f"kernel reverse not compared: {error.problems[0].message}")
            break
        for kind, eps in ((np.float64, EPS), (np.float32, SINGLE)):
            name = f"reverse ({accuracy} accuracy{', single precision' if kind is np.float32 else ''})"
            wrong = _wrong_gradient(graph, points, kernel, kind, eps, random)
            faults += [] if wrong is None else [Fault(f"kernel {name}, {wrong[0]}", f"{wrong[1]:.12g}", wrong[2])]
            agree += [name] if wrong is None else []
    return KernelsVerdict(tuple(agree), tuple(faults), tuple(notes))


def _wrong_gradient(
    graph: Graph, points: Sequence[ArrayPoint], kernel: Any, kind: Any, eps: float, random: np.random.Generator
) -> tuple[str, float, float] | None:
    """The first entry of a gradient that is wrong: its name, the kernel's number and the right one."""
    for point in points:
        given = {
            name: value.astype(kind) if np.asarray(value).dtype.kind == "f" else value
            for name, value in point.leaves.items()
            if name in kernel.names
        }
        given |= {name: np.zeros(sizes(graph[name])) for name in kernel.names if name not in given}
        gradients = kernel(**given)[1]
        blur: dict[str, Array] = {}
        for name, gradient in gradients.items():
            right = point.adjoints.get(name, np.zeros(np.shape(gradient)))
            size = point.magnitudes.get(name, np.zeros(np.shape(gradient)))
            allowed = TOLERANCE * (eps * size + float(np.finfo(kind).tiny))
            with np.errstate(invalid="ignore"):
                gap = np.abs(np.asarray(gradient, float) - right)
            if np.all((gap <= allowed) | ~np.isfinite(right)):
                continue
            blur = blur or _blur(graph, point, eps, random)
            off = np.asarray(gap - allowed - TOLERANCE * blur.get(name, 0.0))
            off = np.where(np.isfinite(right), off, 0.0)
            if not np.all(off <= 0):
                worst = tuple(int(index) for index in np.unravel_index(int(np.argmax(off)), off.shape))
                place = f"d{graph.objective}/d{entry_name(name, worst)}"
                return place, float(np.asarray(gradient)[worst]), float(np.asarray(right)[worst])
    return None


def _blur(graph: Graph, point: ArrayPoint, eps: float, random: np.random.Generator) -> dict[str, Array]:
    """By how much each derivative moves when every value is off by a few roundings."""
    largest = max((np.size(value) for value in point.values.values()), default=0)
    found: dict[str, Array] = {}
    plain = replace(graph, functions=without_accurate(graph.functions))
    for _ in range(FEW if largest > LARGE else COPIES):
        moved = _Perturbed(plain, point.leaves, _Rounded(eps, random))
        moved.forward(graph.objective)
        adjoints = moved.reverse(graph.objective, 1.0)
        for name, right in point.adjoints.items():
            with np.errstate(invalid="ignore"):
                gap = np.abs(adjoints[name] - right)
            found[name] = np.maximum(found[name], gap) if name in found else gap
    return found
