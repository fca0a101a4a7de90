"""A graph in numbers: values given, values computed, derivatives accumulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from backpropsym.derive.local import Edge, LocalDerivatives
from backpropsym.derive.slopes import agreed, one_sided_slopes
from backpropsym.errors import ValuesError
from backpropsym.formula.tree import ZERO, Expr, names
from backpropsym.graph import Graph, Node, Role
from backpropsym.ops.arithmetic import REAL, Arithmetic, ExactArithmetic, evaluate
from backpropsym.ops.real_numbers import real_array
from backpropsym.ops.table import FunctionTable
from backpropsym.spec.given import given_numbers

Evaluate = Callable[[Expr], Any]
_DIGITS = 50


def given_values(graph: Graph, values: Mapping[str, Any], needed: Iterable[str]) -> dict[str, Any]:
    """Numbers for the leaves among `needed`: from `values`, else from the network's own, as float arrays.

    Raises
    ------
    ValuesError : numbers are missing, are not numbers, or are given to what the network does not have.
    """
    wanted = set(needed)
    leaves = [name for name, node in graph.nodes.items() if name in wanted and node.role is not Role.VALUE]
    pool = {**graph.values, **given_numbers(graph, values), **graph.constants}
    missing = [name for name in leaves if name not in pool]
    if missing:
        example = ", ".join(f"{name} = 1.0" for name in missing[:3])
        raise ValuesError(
            f"numbers are missing for {', '.join(missing[:10])}" + (" and more" if len(missing) > 10 else ""),
            fix=f"give them in a file with --at, as keywords, or in the network's [values]: {example}",
        )
    found = {name: _array(name, pool[name]) for name in leaves}
    batches = {len(value): name for name, value in found.items() if np.ndim(value)}
    if len(batches) > 1:
        raise ValuesError(
            "batches of different lengths: " + ", ".join(f"{name} has {count}" for count, name in batches.items()),
            fix="give each name one number, or one number an object for the same objects",
        )
    return found


def _array(name: str, value: Any) -> Any:
    array, wrong = real_array(value)
    if wrong or not array.size:
        reason = f": {wrong}" if wrong else ", for it has no objects"
        raise ValuesError(f"the value of {name} is not a number{reason}", fix=f"give {name} = 1.0")
    if array.ndim > 1:
        raise ValuesError(
            f"the value of {name} has the shape {array.shape}",
            fix=f"{name} is a scalar: give a number, or one number an object, shape (batch,)",
        )
    return array.astype(float)[()]


def forward(
    graph: Graph, leaves: Mapping[str, Any], of: str | None = None, arithmetic: Arithmetic = REAL
) -> dict[str, Any]:
    """The value of every node that `of` (or, without it, the whole graph) depends on."""
    wanted = graph.ancestors(of) if of is not None else graph.nodes.keys()
    values = dict(leaves)
    with np.errstate(all="ignore"):
        for name in graph.order:
            formula = graph.nodes[name].formula
            if formula is not None and name in wanted:
                values[name] = evaluate(formula, values, graph.functions, arithmetic)
    return values


def local_numbers(local: LocalDerivatives, links: Iterable[Edge], values: Mapping[str, Any]) -> dict[Edge, Any]:
    """The number of the local derivative on each link; where its formula has none, the slope of the node itself."""
    table = local.graph.functions
    found = {link: in_range(partial(_of_one, local[link]), values, table) for link in links}
    lost = [link for link, number in found.items() if not np.all(np.isfinite(number))]
    return found | {link: _with_slopes(local, link, found[link], values) for link in lost}


def _with_slopes(local: LocalDerivatives, link: Edge, numbers: Any, values: Mapping[str, Any]) -> Any:
    """The numbers of a link, with the slope of the node where its formula multiplies in a branch that is not taken."""
    node = local.graph[link.target]
    if link in local.replaced:
        return numbers
    kept = np.array(numbers, dtype=float)
    for place in map(tuple, np.argwhere(~np.isfinite(kept))):
        arrays = {name: np.asarray(values[name]) for name in names(node.formula or ZERO)}
        point = {name: array[place] if array.ndim else array for name, array in arrays.items()}
        slope = agreed(link_slopes(local.graph, link, point))
        kept[place] = kept[place] if slope is None else slope
    return kept[()]


def link_slopes(graph: Graph, link: Edge, values: Mapping[str, Any]) -> tuple[float, float] | None:
    """The slopes of a node of a network of scalars by one of its parents, to the left and to the right."""
    node = graph[link.target]
    parents = names(node.formula or ZERO)
    nodes = {name: Node(name, Role.PARAMETER) for name in parents}
    alone = Graph({**nodes, node.name: replace(node, parents=parents)}, node.name, functions=graph.functions)
    return one_sided_slopes(alone, values, (node.name, ()), (link.source, ()))


def _of_one(formula: Expr, number: Evaluate) -> Any:
    return number(formula)


def in_range(compute: Callable[[Evaluate], Any], values: Mapping[str, Any], table: FunctionTable) -> Any:
    """What `compute` makes of formulas in double precision; in fifty digits where a part of them overflows.

    exp(s)/(exp(s) + exp(t)) is a number for any s, but its parts are none in double precision.

    Parameters
    ----------
    compute : given how a formula is evaluated, the number; its formulas are over the names of `values`.
    """
    with np.errstate(all="ignore"):
        found = compute(lambda expr: evaluate(expr, values, table))
    lost = np.argwhere(~np.isfinite(found))
    if not len(lost):
        return found
    import mpmath  # here, since a picture without numbers needs none of it

    kept = np.array(found, dtype=float)
    for place in map(tuple, lost):
        context = mpmath.MPContext()
        context.dps = _DIGITS
        point = _Point(values, place, context)
        try:
            kept[place] = float(compute(partial(_exactly, point, table)))
        except (ArithmeticError, TypeError, ValueError):
            continue
    return kept[()]


def _exactly(point: _Point, table: FunctionTable, formula: Expr) -> Any:
    return evaluate(formula, point, table, ExactArithmetic(point.context))


class _Point(dict[str, Any]):
    """The numbers at one place of arrays, in a context's precision; each is made when it is asked for."""

    def __init__(self, values: Mapping[str, Any], place: tuple[int, ...], context: Any) -> None:
        self._values, self._place, self.context = values, place, context

    def __missing__(self, name: str) -> Any:
        value = np.asarray(self._values[name])
        self[name] = self.context.mpf(float(value[self._place] if value.ndim else value))
        return self[name]
