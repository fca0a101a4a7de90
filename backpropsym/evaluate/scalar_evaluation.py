"""A graph of scalars in numbers: values given, values computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from backpropsym.arrays import Given, Numbers, Numeric, Values
from backpropsym.errors import ValuesError
from backpropsym.evaluate.arithmetic import REAL, Arithmetic, ExactArithmetic, evaluate
from backpropsym.evaluate.given_numbers import given_numbers, missing_numbers
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph, Role
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.real_numbers import real_array

if TYPE_CHECKING:
    import mpmath

Evaluate = Callable[[Expr], Numeric]
_DIGITS = 50


def given_values(graph: Graph, values: Values, needed: Iterable[str]) -> dict[str, Numeric]:
    """Numbers for the leaves among `needed`: from `values`, else from the network's own, as floats.

    Each has the shape (), or (batch,) with one number an object.

    Raises
    ------
    ValuesError : numbers are missing, are not numbers, or are given to what the network does not have.
    """
    wanted = set(needed)
    leaves = [name for name, node in graph.nodes.items() if name in wanted and node.role is not Role.VALUE]
    pool = {**graph.values, **given_numbers(graph, values), **graph.constants}
    missing = [name for name in leaves if name not in pool]
    if missing:
        raise ValuesError([missing_numbers(graph, missing)])
    found = {name: _array(name, pool[name]) for name in leaves}
    batches = {np.size(value): name for name, value in found.items() if np.ndim(value)}
    if len(batches) > 1:
        raise ValuesError(
            "batches of different lengths: " + ", ".join(f"{name} has {count}" for count, name in batches.items()),
            fix="give each name one number, or one number an object for the same objects",
        )
    return found


def _array(name: str, value: Given) -> Numeric:
    array, wrong = real_array(value)
    if wrong or not array.size:
        reason = f": {wrong}" if wrong else ", for it has no objects"
        raise ValuesError(f"the value of {name} is not a number{reason}", fix=f"give {name} = 1.0")
    if array.ndim > 1:
        raise ValuesError(
            f"the value of {name} has the shape {array.shape}",
            fix=f"{name} is a scalar: give a number, or one number an object, shape (batch,)",
        )
    numbers: Numeric = array.astype(float)[()]
    return numbers


def forward(graph: Graph, leaves: Numbers, of: str | None = None, arithmetic: Arithmetic = REAL) -> dict[str, Numeric]:
    """The value of every node that `of` (or, without it, the whole graph) depends on, shape () or (batch,) each."""
    wanted = graph.ancestors(of) if of is not None else graph.nodes.keys()
    values = dict(leaves)
    with np.errstate(all="ignore"):
        for name in graph.order:
            formula = graph.nodes[name].formula
            if formula is not None and name in wanted:
                values[name] = evaluate(formula, values, graph.functions, arithmetic)
    return values


def in_range(compute: Callable[[Evaluate], Numeric], values: Numbers, table: FunctionTable) -> Numeric:
    """What `compute` makes of formulas in double precision; in fifty digits where a part of them overflows.

    exp(s)/(exp(s) + exp(t)) is a number for any s, but its parts are none in double precision.

    Parameters
    ----------
    compute : given how a formula is evaluated, the number; its formulas are over the names of `values`.
    values : numbers of one shape, () or (batch,), which is that of the result; single numbers may stand beside.
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


def _exactly(point: _Point, table: FunctionTable, formula: Expr) -> Numeric:
    return evaluate(formula, point, table, ExactArithmetic(point.context))


class _Point(dict[str, Numeric]):
    """The numbers at one place of arrays, in a context's precision; each is made when it is asked for."""

    def __init__(self, values: Numbers, place: tuple[int, ...], context: mpmath.MPContext) -> None:
        self._values, self._place, self.context = values, place, context

    def __missing__(self, name: str) -> Numeric:
        value = np.asarray(self._values[name])
        self[name] = self.context.mpf(float(value[self._place] if value.ndim else value))
        return self[name]
