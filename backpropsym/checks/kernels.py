"""Compiled kernels against the derivation that they were compiled from."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from backpropsym.checks.edges import EPS
from backpropsym.checks.gradients import Numbers, row_names
from backpropsym.checks.number_systems import Array
from backpropsym.checks.report import Fault
from backpropsym.derive.local import Edge, LocalDerivatives
from backpropsym.errors import LimitError
from backpropsym.graph import Role
from backpropsym.kernels.compile import Kernel, compile_kernel
from backpropsym.ops.arithmetic import evaluate
from backpropsym.ops.table import FunctionTable

LINKS = 5_000
FORWARD_LINKS = 300
COPIES = 16
ROUNDINGS = 4.0


@dataclass(frozen=True)
class KernelsVerdict:
    """How compiled kernels compare: those that agree, what is wrong, and what was not compared."""

    agree: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def compare_kernels(numbers: Numbers, random: np.random.Generator) -> KernelsVerdict:
    """The gradients of compiled kernels against those of the derivation.

    A kernel rounds its values otherwise than the check does, and with its default accuracy computes derivatives from
    stored values; what a derivative moves by when every value is off by a few roundings is allowed for.
    """
    if not numbers.graph.names(Role.PARAMETER):
        return KernelsVerdict()
    if len(numbers.edges) > LINKS:
        return KernelsVerdict(notes=("kernels not compared: the network is large",))
    modes = ["reverse", "forward"] if len(numbers.edges) <= FORWARD_LINKS else ["reverse"]
    agree: list[str] = []
    faults: list[Fault] = []
    notes: list[str] = []
    for mode, accuracy in itertools.product(modes, ("full", "default")):
        name = f"{mode} ({accuracy} accuracy)"
        try:
            wrong = _wrong_gradient(numbers, compile_kernel(numbers.graph, mode=mode, accuracy=accuracy), random)
        except LimitError as error:
            notes.append(f"kernel {name} not compared: {error.problems[0].message}")
            continue
        faults += [] if wrong is None else [wrong]
        agree += [name] if wrong is None else []
    return KernelsVerdict(tuple(agree), tuple(faults), tuple(notes))


def _wrong_gradient(numbers: Numbers, kernel: Kernel, random: np.random.Generator) -> Fault | None:
    """The first gradient of a kernel that is wrong."""
    names = row_names(numbers.graph)
    spelled = _spelled(numbers) if kernel.accuracy == "default" else numbers.local
    values = numbers.points.values
    for point in numbers.points.chosen.tolist():
        given = {name: float(values[name][point]) if name in values else 0.0 for name in kernel.names}
        gradients = kernel(**given)[1]
        blur: dict[str, float] = {}
        for name in names:
            derived, found = float(numbers.derivative(name)[point]), float(gradients[name])
            gap, allowed = abs(found - derived), numbers.tolerance * EPS * float(numbers.magnitude(name)[point])
            if not np.isfinite(derived) or gap <= allowed:
                continue
            blur = blur or _blur(numbers, spelled, point, random)
            if not gap <= allowed + numbers.tolerance * blur[name]:
                place = f"kernel {kernel.mode} ({kernel.accuracy} accuracy), d{numbers.of}/d{name}"
                return Fault(place, f"{found:.12g}", derived)
    return None


def _spelled(numbers: Numbers) -> LocalDerivatives:
    """The local derivatives without their accurate spellings: what derivatives by stored values amount to."""
    return LocalDerivatives(replace(numbers.graph, functions=without_accurate(numbers.graph.functions)))


def without_accurate(table: FunctionTable) -> FunctionTable:
    """The functions with derivatives as they are printed, which lose what stored values lose."""
    plain = {name: replace(entry, accurate={}) for name, entry in table.items() if entry.accurate}
    return table.with_own(plain)


def _blur(numbers: Numbers, local: LocalDerivatives, point: int, random: np.random.Generator) -> dict[str, float]:
    """By how much each derivative, computed by `local`, moves when every value is off by a few roundings."""
    graph, names = numbers.graph, row_names(numbers.graph)
    values: dict[str, Array] = {}
    adjoints: dict[str, Array] = {numbers.of: np.ones(COPIES)}
    within = graph.ancestors(numbers.of)
    with np.errstate(all="ignore"):
        for name in graph.order:
            if name in within:
                op = graph.nodes[name].op
                given = numbers.points.values[name][point]
                value = given if op is None else evaluate(op.formula, values, graph.functions)
                values[name] = value * (1 + ROUNDINGS * EPS * random.uniform(-1, 1, COPIES))
        for equation in numbers.programme.equations[1:]:
            links: list[tuple[str, Edge]] = list(equation.parts)
            parts = [adjoints[node] * evaluate(local[link], values, local.graph.functions) for node, link in links]
            adjoints[equation.by] = sum(parts, np.zeros(COPIES))
    exact = {name: numbers.derivative(name)[point] for name in names}
    return {name: float(np.max(np.abs(adjoints[name] - exact[name]))) if name in adjoints else 0.0 for name in names}
