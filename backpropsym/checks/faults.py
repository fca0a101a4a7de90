"""Where a derivation is wrong: the edge, the sum of an adjoint, or the spelling of a derivative."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from backpropsym.arrays import Array
from backpropsym.checks.edges import ratio
from backpropsym.checks.exact import AGREE
from backpropsym.checks.gradients import Numbers, is_wrong
from backpropsym.checks.judgement import TOLERANCE
from backpropsym.checks.report import Fault
from backpropsym.derive.local.links import Edge
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Expr, called

JUDGED = 8
SPELLINGS = 3
LARGE = 1_000


def wrong_edges(numbers: Numbers) -> list[Fault]:
    """The edges whose local derivative disagrees with a complex step of the target's formula."""
    found = []
    at = numbers.points.edges
    for edge, derived in numbers.edges.items():
        told = np.isfinite(at.slope[edge]) & np.isfinite(at.size[edge]) & ~at.kink[edge.target]
        off = np.where(told, ratio(derived, at.slope[edge], at.size[edge]), 0.0)
        for point in _worst(off):
            gap = numbers.exact(point).edge_gap(edge, numbers.local[edge], float(at.size[edge][point]))
            if is_wrong(gap, float(derived[point])):
                found.append(_edge_fault(numbers, edge, numbers.local[edge], point, float(derived[point])))
                break
    return found


def wrong_sums(numbers: Numbers) -> list[Fault]:
    """The nodes whose adjoint is not the sum over all their consumers of adjoint times local derivative."""
    graph, found = numbers.graph, []
    within = graph.ancestors(numbers.of)
    adjoints = numbers.adjoints
    for name in graph.order:
        if name not in within or name == numbers.of:
            continue
        users = [user for user in graph.consumers[name] if user in within]
        if name not in adjoints or not all(user in adjoints for user in users):
            found.append(Fault(f"the adjoint of {name}", "nothing", float("nan")))
            continue
        with np.errstate(all="ignore"):
            parts = [adjoints[user] * numbers.edges[Edge(name, user)] for user in users]
            total = sum(parts[1:], parts[0])
            size = sum(map(np.abs, parts))
        finite = np.isfinite(total)
        off = np.where(finite, ratio(adjoints[name], total, size), 0.0)
        point = int(np.argmax(off)) if len(off) else 0
        if len(off) and off[point] > max(TOLERANCE, float(len(parts))):
            place = f"the adjoint of {name}, a sum over {', '.join(users[:5])}"
            found.append(Fault(place, f"{adjoints[name][point]:.12g}", float(total[point])))
    return found


def wrong_spellings(numbers: Numbers, known: Iterable[Fault]) -> list[Fault]:
    """Edges besides the `known` ones whose derivative, as it is printed, is wrong though its numbers are right.

    A function may print its derivative in one spelling and compute it in another; for each set of functions a few
    edges are taken, in fifty digits.
    """
    table, found = numbers.graph.functions, []
    named = {fault.edge for fault in known}
    for edge in _representatives(numbers):
        if edge in named:
            continue
        printed = table.written(numbers.local[edge])
        if printed == numbers.local[edge]:
            continue
        for point in _judges(numbers, edge):
            size = float(numbers.points.edges.size[edge][point])
            if numbers.exact(point).edge_gap(edge, printed, size) > AGREE:
                found.append(_edge_fault(numbers, edge, printed, point, None))
                break
    return found


def _judges(numbers: Numbers, edge: Edge) -> list[int]:
    """Points off the kinks of an edge's target: several, which see its branches, unless the network is large."""
    chosen = numbers.points.chosen
    free = chosen[~numbers.points.edges.kink[edge.target][chosen]]
    return [int(point) for point in free[: JUDGED if len(numbers.edges) <= LARGE else 1]]


def _representatives(numbers: Numbers) -> Iterator[Edge]:
    """A few edges for each set of derivatives of registered functions."""
    table = numbers.graph.functions
    counts: dict[tuple[str, ...], int] = {}
    for edge in numbers.edges:
        primes = tuple(name for name in called(numbers.local[edge]) if table.parent(name) is not None)
        if primes and counts.setdefault(primes, 0) < SPELLINGS:
            counts[primes] += 1
            yield edge


def _worst(off: Array) -> list[int]:
    """The points beyond the tolerance, the worst first, a few of them."""
    beyond = np.flatnonzero(off > TOLERANCE)
    return [int(point) for point in beyond[np.argsort(-off[beyond])][:JUDGED]]


def _edge_fault(numbers: Numbers, edge: Edge, formula: Expr, point: int, value: float | None) -> Fault:
    values = numbers.points.values
    parents = numbers.graph.nodes[edge.target].parents
    at = ", ".join(f"{name} = {values[name][point]:.9g}" for name in parents[:4])
    number = "" if value is None else f" = {value:.12g}"
    text = to_text(numbers.graph.functions.written(formula))
    shown = text if len(text) <= 120 else f"{text[:117]}..."
    numeric = float(numbers.points.edges.slope[edge][point])
    return Fault(f"{edge.source} -> {edge.target}", f"{shown}{number} at {at}", numeric, edge)
