"""Checks of networks of tensors: every gradient, and every link, against a complex step of the forward pass.

A parameter is stepped along random directions, which see all its entries at once, and along some entries one by
one. The tolerance is the rounding of the sum of absolute path products, by a reverse sweep on magnitudes.

References
----------
Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40, 1998.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backpropsym.checks.report import Fault, Report, Row, Verdict
from backpropsym.derive.array_values import array_leaves, choices
from backpropsym.derive.arrays import ArrayNetwork
from backpropsym.derive.local import Edge
from backpropsym.errors import LimitError
from backpropsym.graph import Graph, Role
from backpropsym.kernels.compile import compile_kernel
from backpropsym.ops.arithmetic import COMPLEX
from backpropsym.ops.size_values import size_value

STEP = 1e-100
ACCEPTED = 32.0
DIRECTIONS = 2
ENTRIES = 6
HOW = "value is the Euclidean norm of a derivative; compared along random directions and single entries"
_EPS = float(np.finfo(float).eps)
_SIZES = (3, 4, 2, 5)
_ATTEMPTS = 2_000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Comparison:
    """Derived and numeric directional derivatives, and their difference in units of eps * magnitude."""

    derived: float
    numeric: float
    ratio: float


def check_tensors(
    graph: Graph, samples: int = 3, seed: int = 0, at: Mapping[str, Any] | None = None, progress: Progress | None = None
) -> Report:
    """Prove the gradient of the objective by every parameter, else by every input.

    Parameters
    ----------
    samples : random points; symbolic sizes get small numbers.
    at : arrays that take precedence over random ones.
    """
    random = np.random.default_rng(seed)
    sized = graph.sized(_sizes(graph))
    wanted = [name for name in sized.names(Role.PARAMETER) or sized.names(Role.INPUT)]
    wanted = [name for name in wanted if name in sized.ancestors(sized.objective)]
    found: dict[str, list[_Comparison]] = {name: [] for name in wanted}
    faults: dict[str, Fault] = {}
    notes: set[str] = set()
    norms: dict[str, float] = {}
    for sample in range(samples):
        point = _Point(sized, _leaves(sized, random, at or {}), random)
        for done, name in enumerate(wanted):
            norms.setdefault(name, float(np.linalg.norm(point.adjoints[name])))
            if progress is not None:
                progress(f"point {sample + 1}", done, len(wanted))
            found[name] += point.compare(name)
        faults |= {fault.place: fault for fault in point.wrong_links()}
        notes |= point.kernel_notes()
    rows = tuple(_row(name, norms[name], found[name], tuple(faults.values())) for name in wanted)
    return Report(
        of=sized.objective,
        rows=rows,
        points=samples,
        stepped=samples,
        seed=seed,
        title=sized.title,
        faults=tuple(faults.values()),
        notes=(*sorted(notes), HOW),
        kernels=() if notes else ("reverse",),
    )


def _row(name: str, norm: float, found: list[_Comparison], faults: tuple[Fault, ...]) -> Row:
    worst = max((each.ratio for each in found), default=0.0)
    undefined = not found or not all(math.isfinite(each.numeric) for each in found)
    wrong = not worst <= ACCEPTED
    verdict = Verdict.UNDEFINED if undefined else Verdict.MISMATCH if wrong else Verdict.OK
    passed = sum(each.ratio <= ACCEPTED for each in found)
    return Row(name, verdict, (norm,), ratio=worst, faults=faults if wrong else (), passed=passed)


def _sizes(graph: Graph) -> dict[str, int]:
    """Small numbers for symbolic sizes, drawn until every size such as n - 3 is positive."""
    shapes = {size for node in graph.nodes.values() for size in node.shape}
    sizes = {symbol: _SIZES[index % len(_SIZES)] for index, symbol in enumerate(graph.symbols)}
    random = np.random.default_rng(0)
    for attempt in range(_ATTEMPTS):
        if all((size_value(size, sizes) or 0) > 0 for size in shapes):
            return sizes
        sizes = {symbol: int(random.integers(1, 4 + attempt // 100)) for symbol in graph.symbols}
    shown = ", ".join(sorted(size for size in shapes if isinstance(size, str)))
    raise LimitError(f"no small numbers make all sizes positive: {shown}", fix="declare the sizes as numbers")


def _leaves(graph: Graph, random: np.random.Generator, at: Mapping[str, Any]) -> dict[str, Any]:
    """Random arrays for one object; what chooses an entry is a whole number within its axis."""
    chosen = choices(graph)
    values: dict[str, Any] = {}
    for name, node in graph.nodes.items():
        if node.op is None and node.role is not Role.CONSTANT:
            shape = tuple(int(size) for size in node.shape)
            if name in chosen:
                values[name] = random.integers(0, int(chosen[name]), size=shape)
            else:
                size = random.uniform(0.1, 1.0, size=shape) * random.choice([-1.0, 1.0], size=shape)
                values[name] = size / math.sqrt(max(math.prod(shape[1:]), 1)) if len(shape) > 1 else size
                values[name] = np.abs(values[name]) if node.role is Role.TARGET else values[name]
    leaves, _, _ = array_leaves(graph, {**values, **at}, graph.ancestors(graph.objective))
    return leaves


class _Point:
    """One point: values, adjoints, magnitudes, and complex steps from there."""

    def __init__(self, graph: Graph, leaves: dict[str, Any], random: np.random.Generator) -> None:
        self.graph = graph
        self.leaves = leaves
        self.random = random
        self.network = ArrayNetwork(graph, leaves)
        self.value = self.network.forward(graph.objective)
        self.seed = np.ones_like(self.value, dtype=float)
        self.adjoints = self.network.reverse(graph.objective, self.seed)
        self.magnitudes = self.network.reverse(graph.objective, self.seed, magnitudes=True)

    def compare(self, name: str) -> list[_Comparison]:
        """Directional derivatives by one leaf: random directions, then single entries."""
        shape = np.shape(self.leaves[name])
        directions = [self.random.standard_normal(shape) for _ in range(DIRECTIONS)]
        positions = list(np.ndindex(*shape)) if math.prod(shape) <= ENTRIES else self._some(shape)
        for position in positions:
            entry = np.zeros(shape)
            entry[position] = 1.0
            directions.append(entry)
        return [self._along(name, direction) for direction in directions]

    def _some(self, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        return [tuple(int(self.random.integers(0, size)) for size in shape) for _ in range(ENTRIES)]

    def _along(self, name: str, direction: Any) -> _Comparison:
        moved = {key: np.asarray(value, dtype=complex) for key, value in self.leaves.items()}
        moved[name] = moved[name] + 1j * STEP * direction
        stepped = ArrayNetwork(self.graph, moved, arithmetic=COMPLEX).forward(self.graph.objective)
        numeric = float(np.sum(np.imag(stepped))) / STEP
        derived = float(np.sum(self.adjoints[name] * direction))
        scale = float(np.sum(self.magnitudes[name] * np.abs(direction)))
        gap = abs(derived - numeric)
        return _Comparison(derived, numeric, 0.0 if gap == 0 else gap / (_EPS * scale) if scale else math.inf)

    def wrong_links(self) -> list[Fault]:
        """The links whose local derivative disagrees with a complex step of the one node."""
        faults = []
        for name in self.graph.order:
            node = self.graph[name]
            if node.op is None or name not in self.network.values:
                continue
            seed = self.random.standard_normal(np.shape(self.network.values[name]))
            derived, scales = self.network.pulled(name, seed), self.network.pulled(name, np.abs(seed), magnitudes=True)
            for parent in derived:
                direction = self.random.standard_normal(np.shape(self.network.values[parent]))
                numeric = self._link(name, parent, direction, seed)
                found = float(np.sum(derived[parent] * direction))
                scale = float(np.sum(np.abs(scales[parent]) * np.abs(direction)))
                if abs(found - numeric) > ACCEPTED * _EPS * scale:
                    place = f"{parent} -> {name}"
                    faults.append(Fault(place, f"{found:.12g} along a direction", numeric, Edge(parent, name)))
        return faults

    def _link(self, name: str, parent: str, direction: Any, seed: Any) -> float:
        values = {key: np.asarray(value, dtype=complex) for key, value in self.network.values.items()}
        values[parent] = values[parent] + 1j * STEP * direction
        del values[name]
        stepped = ArrayNetwork(self.graph, values, arithmetic=COMPLEX)
        with np.errstate(all="ignore"):
            return float(np.sum(np.imag(stepped.apply(name)) * seed)) / STEP

    def kernel_notes(self) -> set[str]:
        """What is to be said of the compiled kernel, empty where it agrees."""
        if np.ndim(self.value):
            return {"the objective has axes: no kernel was compared"}
        kernel = compile_kernel(self.graph)
        given = {name: value for name, value in self.leaves.items() if self.graph[name].role is not Role.CONSTANT}
        _, gradients = kernel(**given)
        for name, gradient in gradients.items():
            if name in self.adjoints:
                gap = np.abs(gradient - self.adjoints[name])
                if np.any(gap > 1e3 * _EPS * np.maximum(self.magnitudes[name], 1e-300)):
                    return {f"the compiled kernel gives another gradient by {name}"}
        return set()
