"""Number systems in which a forward formula shows what a check needs to know about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Numbers, Numeric
from backpropsym.evaluate.arithmetic import (
    COMPLEX,
    REAL,
    Arithmetic,
    ComplexArithmetic,
    evaluate,
    imaginary_part,
    real_part,
)
from backpropsym.formula.tree import Compare, Expr, called, walk
from backpropsym.ops.function import Function, Primitive
from backpropsym.ops.function_table import FunctionTable

STEP = 1e-100
STEEPEST = 1e40
"""A complex step of a root at zero gives a large number for infinity."""

_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Spread:
    """A value and the sum, over the places where a variable stands, of |product of derivatives| up to here.

    It bounds how much rounding can blur a derivative: what cancels in the derivative adds up here.
    """

    value: Numeric
    spread: Numeric

    def __add__(self, other: Spread) -> Spread:
        return Spread(self.value + other.value, self.spread + other.spread)

    def __mul__(self, other: Spread) -> Spread:
        spread = scaled(self.spread, other.value) + scaled(other.spread, self.value)
        return Spread(self.value * other.value, spread)

    def __neg__(self) -> Spread:
        return Spread(-self.value, self.spread)


class SpreadArithmetic:
    """Arithmetic on `Spread`; the derivatives of the primitives come from complex steps, not from the table."""

    def number(self, value: Fraction) -> Spread:
        """A constant."""
        return Spread(REAL.number(value), 0.0)

    def apply(self, primitive: Primitive, arguments: tuple[Spread | Numeric, ...]) -> Spread:
        """The value of a primitive."""
        plain = [each.value if isinstance(each, Spread) else each for each in arguments]
        spread: Numeric = 0.0
        for index, argument in enumerate(arguments):
            if isinstance(argument, Spread):
                stepped = [*plain[:index], plain[index] + 1j * STEP, *plain[index + 1 :]]
                slope = step_slopes(primitive.complex(*stepped))
                spread = spread + scaled(argument.spread, slope)
        return Spread(primitive.real(*plain), spread)

    def divide(self, above: Spread, below: Spread) -> Spread:
        """A quotient."""
        quotient = above.value / below.value
        spread = scaled(above.spread, 1.0 / below.value) + scaled(below.spread, quotient / below.value)
        return Spread(quotient, spread)

    def power(self, base: Spread, exponent: Fraction) -> Spread:
        """A power with a constant exponent."""
        moved: Any = base.value + 1j * STEP
        stepped = COMPLEX.power(moved, exponent)
        return Spread(real_part(stepped), scaled(base.spread, step_slopes(stepped)))

    def compare(self, symbol: str, left: Spread, right: Spread) -> Numeric:
        """Which branch a comparison chooses."""
        return REAL.compare(symbol, left.value, right.value)

    def real(self, number: Spread | Numeric) -> Numeric:
        """The value."""
        return number.value if isinstance(number, Spread) else number


def step_slopes(stepped: Numeric) -> Numeric:
    """The slopes that a complex step of `STEP` shows; infinite where the function begins steeply, as sqrt at 0."""
    slopes: Array = imaginary_part(stepped) / STEP
    return np.where(np.abs(slopes) > STEEPEST, np.copysign(np.inf, slopes), slopes)


def scaled(spread: Numeric, slope: Numeric) -> Numeric:
    """`spread` times |slope|, where nothing times infinity is nothing."""
    with np.errstate(all="ignore"):
        return np.where((spread == 0) | (slope == 0), 0.0, spread * np.abs(slope))


class WatchedSteps(ComplexArithmetic):
    """Complex steps, which notes where a result is infinite, or moves by far more than its arguments.

    What follows from such a result may be finite and yet no derivative: exp(log(w)) at w = 0 does not move.
    """

    def __init__(self) -> None:
        self._notes: list[Array] = []

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Numeric:
        """The value of a primitive."""
        return self._watched(super().apply(primitive, arguments), arguments)

    def divide(self, above: Numeric, below: Numeric) -> Numeric:
        """A quotient."""
        return self._watched(super().divide(above, below), (above, below))

    def power(self, base: Numeric, exponent: Fraction) -> Numeric:
        """A power."""
        return self._watched(super().power(base, exponent), (base,))

    def doubtful(self, shape: tuple[int, ...]) -> Array:
        """Where something is noted, in a shape that results broadcast to; axes behind it are taken together."""
        found = np.zeros(shape, bool)
        for note in self._notes:
            found |= note.any(axis=tuple(range(len(shape), note.ndim)))
        return found

    def _watched(self, result: Numeric, arguments: tuple[Numeric, ...]) -> Numeric:
        moved = sum(np.abs(imaginary_part(each)) for each in arguments)
        note = (moved != 0) & ((np.abs(imaginary_part(result)) > STEEPEST * moved) | ~np.isfinite(result))
        if np.any(note):
            self._notes.append(np.asarray(note))
        return result


class BranchRecorder(Arithmetic):
    """Real arithmetic over a stencil of points, the last axis, that records which branches each point takes.

    Parameters
    ----------
    rows : the number of stencils.
    reference : for each column, the column whose branches it must share.
    nearest : the columns nearest to column 0, the base point.

    Attributes
    ----------
    same : (rows, columns), whether a point takes all branches of its reference.
    touching : (rows,), whether a switch is exactly zero at the base point and not so at the nearest points.
    """

    def __init__(self, rows: int, reference: Array, nearest: Array) -> None:
        self.reference = reference
        self.nearest = nearest
        self.same = np.ones((rows, len(reference)), bool)
        self.touching = np.zeros(rows, bool)

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Numeric:
        """The value of a primitive."""
        if primitive.switch is not None:
            self.note(primitive.switch(*arguments))
        return super().apply(primitive, arguments)

    def compare(self, symbol: str, left: Numeric, right: Numeric) -> Numeric:
        """Which branch a comparison chooses."""
        self.note(left - right)
        return super().compare(symbol, left, right)

    def note(self, switch: Numeric) -> None:
        """Take in the sign of a switching quantity."""
        sign = np.sign(switch)
        if np.ndim(sign) < 2 or sign.shape[-1] == 1:
            return
        self.same &= sign == sign[:, self.reference]
        self.touching |= (sign[:, 0] == 0) & (sign[:, self.nearest] != 0).any(axis=1)


class SideRecorder(Arithmetic):
    """Real arithmetic that keeps the sign of every switching quantity, in the order of evaluation."""

    def __init__(self) -> None:
        self.signs: list[Array] = []

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Numeric:
        """The value of a primitive."""
        if primitive.switch is not None:
            self.signs.append(np.sign(primitive.switch(*arguments)))
        return super().apply(primitive, arguments)

    def compare(self, symbol: str, left: Numeric, right: Numeric) -> Numeric:
        """Which branch a comparison chooses."""
        self.signs.append(np.sign(left - right))
        return super().compare(symbol, left, right)


class Switching:
    """Which formulas have branches, by their definitions: a stable spelling may branch where the function is smooth.

    Attributes
    ----------
    table : the functions with their definitions in place of their stable spellings.
    """

    def __init__(self, table: FunctionTable) -> None:
        own: Mapping[str, Function] = {name: replace(entry, stable="") for name, entry in table.items() if entry.stable}
        self.table = table.with_own(own)
        self._known: dict[str, bool] = {}

    def branches(self, expr: Expr) -> bool:
        """Whether `expr` compares, or calls a function that branches."""
        return any(isinstance(part, Compare) for part in walk(expr)) or any(map(self._function, called(expr)))

    def departs(self, expr: Expr, values: Numbers, table: FunctionTable) -> bool:
        """Whether `expr` has numbers by a convention at some point, where its definition has none or another."""
        if not any(table[name].clamped for name in called(expr) if name in table):
            return False
        with np.errstate(all="ignore"):
            defined, given = (evaluate(expr, values, each) for each in (self.table, table))
        return not np.allclose(defined, given, rtol=_SAME, atol=0.0)

    def _function(self, name: str) -> bool:
        if name not in self._known:
            entry, definition = self.table[name], self.table.definition(name)
            switch = entry.primitive is not None and entry.primitive.switch is not None
            self._known[name] = switch or (definition is not None and self.branches(definition))
        return self._known[name]
