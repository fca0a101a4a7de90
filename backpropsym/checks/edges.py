"""The derivative on every edge by complex steps of the node's own formula, and what rounding may blur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.derive.local.links import Edge
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.number_systems import (
    STEP,
    SideRecorder,
    Spread,
    SpreadArithmetic,
    Switching,
    WatchedSteps,
    scaled,
    step_slopes,
)
from backpropsym.formula.tree import Add, Expr, Neg, names
from backpropsym.graph.graph import Graph
from backpropsym.ops.function_table import FunctionTable

EPS = float(np.finfo(float).eps)
FLOOR = 1e-200
MAX_ENTRIES = 1_000_000


@dataclass(frozen=True)
class EdgeNumerics:
    """Numbers of the edges into some nodes at points; arrays of shape (points,).

    Attributes
    ----------
    slope : d target / d source by a complex step; nan where it tells nothing.
    size : the same derivative with every part of it counted by its absolute value.
    kink : for each target, whether a switch in it is exactly at zero, so that no slope is defined.
    sides : for each target that branches, the sign of each switch, shape (switches, points).
    """

    slope: Mapping[Edge, Array]
    size: Mapping[Edge, Array]
    kink: Mapping[str, Array]
    sides: Mapping[str, Array]


def edge_numerics(graph: Graph, nodes: Iterable[str], values: Mapping[str, Array]) -> EdgeNumerics:
    """The numbers of all edges into `nodes` at the points of `values`."""
    switching = Switching(graph.functions)
    slope: dict[Edge, Array] = {}
    size: dict[Edge, Array] = {}
    kink: dict[str, Array] = {}
    sides: dict[str, Array] = {}
    with np.errstate(all="ignore"):
        for name in nodes:
            node = graph.nodes[name]
            if node.op is None:
                continue
            points = np.shape(values[name])
            slopes, sizes = _slopes(node.op.formula, values, graph.functions)
            for parent in node.parents:
                slope[Edge(parent, name)] = np.broadcast_to(slopes[parent], points)
                size[Edge(parent, name)] = np.broadcast_to(sizes[parent], points)
            kink[name] = np.zeros(points, bool)
            if switching.branches(node.op.formula):
                sides[name] = _sides(node.op.formula, values, switching.table, points)
                kink[name] = (sides[name] == 0).any(axis=0)
    return EdgeNumerics(slope, size, kink, sides)


def _sides(formula: Expr, values: Mapping[str, Array], table: FunctionTable, points: tuple[int, ...]) -> Array:
    recorder = SideRecorder()
    evaluate(formula, values, table, recorder)
    return np.stack([np.broadcast_to(sign, points) for sign in recorder.signs])


def _slopes(
    formula: Expr, values: Mapping[str, Array], table: FunctionTable
) -> tuple[dict[str, Numeric], dict[str, Numeric]]:
    """Slope and size of the derivative of `formula` by each of its names.

    A sum is taken term by term, so that a neuron with many links costs as much as its links.
    """
    slopes: dict[str, Numeric] = dict.fromkeys(names(formula), 0.0)
    sizes: dict[str, Numeric] = dict.fromkeys(names(formula), 0.0)
    for term in _terms(formula):
        sign = 1.0
        while isinstance(term, Neg):
            term, sign = term.operand, -sign
        for parents in _chunks(names(term), values):
            slope, size = _term(term, parents, values, table)
            for row, parent in enumerate(parents):
                slopes[parent] = slopes[parent] + sign * slope[row]
                sizes[parent] = sizes[parent] + size[row]
    return slopes, sizes


def _terms(formula: Expr) -> Iterator[Expr]:
    if isinstance(formula, Add):
        for term in formula.terms:
            yield from _terms(term)
    else:
        yield formula


def _chunks(parents: tuple[str, ...], values: Mapping[str, Array]) -> Iterator[tuple[str, ...]]:
    if parents:
        entries = len(parents) * np.size(values[parents[0]])
        width = max(1, MAX_ENTRIES // max(entries, 1))
        for start in range(0, len(parents), width):
            yield parents[start : start + width]


def _term(
    term: Expr, parents: tuple[str, ...], values: Mapping[str, Array], table: FunctionTable
) -> tuple[Array, Array]:
    """Slope and size by each of `parents`, shape (parents, points), all in one evaluation each."""
    directions = np.eye(len(parents))
    stepped: dict[str, Any] = {}
    spread: dict[str, Spread] = {}
    for name in names(term):
        value = values[name][None, :]
        direction = directions[:, [parents.index(name)]] if name in parents else 0.0
        stepped[name] = value + 1j * STEP * direction
        spread[name] = Spread(value, direction)
    shape = (len(parents), np.shape(value)[1])
    watched = WatchedSteps()
    slope = step_slopes(evaluate(term, stepped, table, watched))
    slope = np.where(watched.doubtful(shape), np.nan, slope)
    size = evaluate(term, spread, table, SpreadArithmetic()).spread
    return np.broadcast_to(slope, shape), np.broadcast_to(size, shape)


def reverse_sweep(graph: Graph, of: str, factors: Mapping[Edge, Array]) -> dict[str, Numeric]:
    """For every node that `of` depends on, the sum over paths to `of` of the absolute products of `factors`.

    The check's own accumulation: it shares no code with the derivation's programmes.
    """
    within = graph.ancestors(of)
    totals: dict[str, Numeric] = dict.fromkeys(within, 0.0)
    totals[of] = np.ones_like(next(iter(factors.values()), 1.0), dtype=float)
    with np.errstate(all="ignore"):
        for name in reversed(graph.order):
            if name in within:
                for parent in graph.nodes[name].parents:
                    totals[parent] = totals[parent] + scaled(totals[name], factors[Edge(parent, name)])
    return totals


def kinks_on_paths(graph: Graph, of: str, numerics: EdgeNumerics) -> dict[str, Any]:
    """For every node that `of` depends on, whether a path to `of` crosses a kink, shape (points,).

    A path that is cut by a zero slope before it reaches the kink crosses nothing.
    """
    within = graph.ancestors(of)
    reaching: dict[str, Any] = {name: np.False_ for name in within}
    crossing: dict[str, Any] = {name: np.False_ for name in within}
    reaching[of] = np.True_
    for name in reversed(graph.order):
        if name not in within:
            continue
        for parent in graph.nodes[name].parents:
            kink = numerics.kink[name]
            open_edge = (numerics.size[Edge(parent, name)] != 0) | kink
            reaching[parent] = reaching[parent] | (reaching[name] & open_edge)
            crossing[parent] = crossing[parent] | (reaching[name] & kink) | (crossing[name] & open_edge)
    return crossing


def ratio(derived: Numeric, numeric: Numeric, size: Numeric) -> Array:
    """|derived - numeric| in units of eps * size; infinite where one of them is not a number."""
    with np.errstate(all="ignore"):
        gap = np.abs(derived - numeric)
        found = gap / (EPS * size + FLOOR)
    return np.where(np.isnan(found), np.inf, found)
