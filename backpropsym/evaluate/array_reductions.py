"""Reductions over axes of arrays, and their derivatives, by the formulas of their entries."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.evaluate.arithmetic import COMPLEX, REAL, evaluate
from backpropsym.formula.tree import Expr, names
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.reducer import REDUCERS, computed, read

Size = Callable[[Expr, Mapping[str, Any], FunctionTable], Numeric]


def reduced(function: str, value: Array, axes: tuple[int, ...], keep: bool, table: FunctionTable) -> Any:
    """A reduction of an array over axes, which stay with size 1 if `keep`; real, or complex for a complex step."""
    total = _computed(REDUCERS[function].numeric, {"x": value}, axes, table)
    return total if keep else np.squeeze(total, axis=axes)[()]


def weights(function: str, value: Array, axes: tuple[int, ...], table: FunctionTable, size: Size | None = None) -> Any:
    """d reduction / d entry, in a shape that broadcasts to that of `value`; `size` computes the formula."""
    reducer = REDUCERS[function]
    if reducer.extreme:
        return first(function, value, axes)
    formula = reducer.accurate or reducer.derivative
    whole = {"y": reduced(function, value, axes, True, table)} if "y" in names(read(formula)) else {}
    found = _computed(formula, {"x": value, **whole}, axes, table, size)
    return found / math.prod(value.shape[axis] for axis in axes) if reducer.averaged else found


def first(function: str, value: Array, axes: tuple[int, ...]) -> Array:
    """1 at the first extreme over `axes`, 0 elsewhere."""
    kept = tuple(axis for axis in range(value.ndim) if axis not in axes)
    moved = np.transpose(np.real(value), kept + axes)
    flat = moved.reshape(moved.shape[: len(kept)] + (-1,))
    best = np.argmax(flat, axis=-1) if REDUCERS[function].extreme == ">" else np.argmin(flat, axis=-1)
    marks = np.zeros(flat.shape)
    np.put_along_axis(marks, best[..., None], 1.0, axis=-1)
    return np.transpose(marks.reshape(moved.shape), np.argsort(kept + axes))


def _computed(
    formula: str, known: dict[str, Any], axes: tuple[int, ...], table: FunctionTable, size: Size | None = None
) -> Any:
    """A formula of an entry on arrays, whose reduced axes have size 1; outside of reductions by `size`."""
    shape = known["x"].shape
    arithmetic = COMPLEX if np.iscomplexobj(known["x"]) else REAL

    def value(expr: Expr, values: Mapping[str, Any]) -> Any:
        return evaluate(expr, values, table, arithmetic)

    def fold(name: str, body: Expr, values: Mapping[str, Any], inside: bool) -> Any:
        entries = np.broadcast_to(value(body, values), shape)
        if name == "sum":
            return np.sum(entries, axis=axes, keepdims=True)
        if name == "shift":
            top = np.max(np.real(entries), axis=axes, keepdims=True)
            return np.where(np.isfinite(top), top, 0.0)
        # The entry with the first largest real part, so that a complex step keeps its branch.
        return np.sum(np.where(first(name, entries, axes), entries, 0.0), axis=axes, keepdims=True)

    names = {**known, "n": np.float64(math.prod(shape[axis] for axis in axes))}
    return computed(formula, names, value, fold, table, size and (lambda expr, values: size(expr, values, table)))
