"""Formulas of entries in numbers: free indices are arrays, each bound index is one more axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Values
from backpropsym.checks.time_budget import Budget
from backpropsym.errors import LimitError
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.array_evaluation import whole
from backpropsym.formula.tree import Call, Expr, Index, Limits, Name, children, names, rebuild
from backpropsym.graph.definitions import FIRST
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.reducer import REDUCERS

MAX_NUMBERS = 4_000_000
Grid = Mapping[str, Array]


class IndexNumbers:
    """Evaluates formulas with entries, sums over indices, deltas and conditions, in double precision.

    It shares no code with the rules that move arrays: it reads each entry where the formula says that it is.

    Parameters
    ----------
    values : the array of each node.
    budget : the time that evaluations may take.
    """

    def __init__(self, values: Values, table: FunctionTable, budget: Budget | None = None) -> None:
        self.values = {name: np.asarray(value) for name, value in values.items()}
        self.table = table
        self.budget = budget or Budget()

    def at(self, expr: Expr, grid: Grid) -> Array:
        """The value of `expr` for each combination of the indices in `grid`, whose arrays broadcast.

        Raises
        ------
        LimitError : a sum has too many terms to be computed at once.
        OutOfTimeError : the time is over.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._at(expr, dict(grid)))

    def _at(self, expr: Expr, grid: Grid) -> Any:
        known: dict[str, Array] = {}
        return evaluate(self._plain(expr, grid, known), known, self.table)

    def _plain(self, expr: Expr, grid: Grid, known: dict[str, Array]) -> Expr:
        """`expr` with everything that is not arithmetic replaced by a name, whose value goes into `known`."""
        found = self._special(expr, grid)
        if found is None:
            parts = children(expr)
            return rebuild(expr, tuple(self._plain(part, grid, known) for part in parts)) if parts else expr
        name = f"#{len(known)}"
        known[name] = found
        return Name(name)

    def _special(self, expr: Expr, grid: Grid) -> Any:
        """The value of an entry, an index, a sum, a delta or a condition; None for arithmetic."""
        match expr:
            case Index(Name(name), subscripts):
                return self.values[name][
                    tuple(self._within(each, name, axis, grid) for axis, each in enumerate(subscripts))
                ]
            case Name(name):
                return grid[name] if name in grid else self.values[name]
            case Call("log", (Call("Sum" | "sum", (Call("exp", (inner,)), *limits)),)) if limits:
                return self._reduced("logsumexp", (inner, *limits), grid)
            case Call(function, arguments) if arguments and isinstance(arguments[-1], Limits):
                return self._reduced(function, arguments, grid)
            case Call(function, (by_sums, _)) if function == FIRST:
                return self._at(by_sums, grid)
            case Call("KroneckerDelta", (first, second)):
                return (self._position(first, grid) == self._position(second, grid)).astype(float)
            case Call("inside" | "present" as switch, (position, low, high, kept, *otherwise)):
                where = self._position(position, grid)
                inside = (where >= self._position(low, grid)) & (where < self._position(high, grid))
                outside = -np.inf if switch == "present" else self._at(otherwise[0], grid) if otherwise else 0.0
                return np.where(inside, self._at(kept, grid), outside)
            case _:
                return None

    def _within(self, subscript: Expr, name: str, axis: int, grid: Grid) -> Array:
        """A subscript in numbers; one outside, which only a condition that is false can meet, reads the edge."""
        found = self._position(subscript, grid)
        return np.clip(found, 0, self.values[name].shape[axis] - 1)

    def _position(self, expr: Expr, grid: Grid) -> Array:
        read: dict[str, Array] = {}
        plain = self._without_reads(expr, grid, read)
        chosen = {name: self.values[name].astype(int) for name in names(plain) if name not in grid and name not in read}
        return np.asarray(whole(plain, {**grid, **chosen, **read}))

    def _without_reads(self, expr: Expr, grid: Grid, read: dict[str, Array]) -> Expr:
        """A position with each entry of an array in it, as in E[t[i]], and each choice between them, by a name."""
        found = self._special(expr, grid) if isinstance(expr, Index | Call) else None
        if found is not None:
            name = f"#{len(read)}"
            read[name] = np.asarray(found).astype(int)
            return Name(name)
        parts = children(expr)
        return rebuild(expr, tuple(self._without_reads(part, grid, read) for part in parts)) if parts else expr

    def _reduced(self, function: str, arguments: tuple[Expr, ...], grid: Grid) -> Any:
        """A sum, mean, extreme or logsumexp: each bound index gets an axis of its own behind the others."""
        body, inner = arguments[0], dict(grid)
        inside: Any = np.True_
        limits = [each for each in arguments[1:] if isinstance(each, Limits)]
        for each in limits:
            low, high = self._position(each.low, inner), self._position(each.high, inner)
            index = np.arange(int(low.min()), int(high.max()) + 1)
            self._check_size(math.prod(np.broadcast_shapes(inside.shape, low.shape, high.shape)) * len(index))
            inner = {name: value[..., None] for name, value in inner.items()} | {each.index: index}
            inside = inside[..., None] & (index >= low[..., None]) & (index <= high[..., None])
        self.budget.keep()
        value = self._at(body, inner)
        value, inside = np.broadcast_arrays(value, inside)
        return _over(function, value, inside, tuple(range(value.ndim - len(limits), value.ndim)))

    def _check_size(self, count: int) -> None:
        if count > MAX_NUMBERS:
            raise LimitError(f"a sum of {count:,} numbers", fix="ask for fewer entries")


def _over(function: str, value: Array, inside: Array, axes: tuple[int, ...]) -> Array:
    """A reduction of the values that are `inside`; a sum of none is 0."""
    if function in ("sum", "Sum"):
        return np.asarray(np.where(inside, value, 0.0).sum(axis=axes))
    numbers = REDUCERS[function].numbers
    if inside.all():
        return np.asarray(numbers(value, axis=axes, keepdims=False))
    shape = value.shape[: axes[0]]
    rows = zip(value.reshape(math.prod(shape), -1), inside.reshape(math.prod(shape), -1), strict=True)
    return np.reshape([numbers(row[held], axis=(0,), keepdims=False) for row, held in rows], shape)
