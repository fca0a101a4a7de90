"""Fifty digits: the judge where double precision cannot tell a wrong formula from rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import mpmath
import numpy as np

from backpropsym.arrays import Numbers
from backpropsym.derive.forms.programme import adjoints
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.evaluate.arithmetic import ExactArithmetic, evaluate
from backpropsym.formula.tree import Expr

DIGITS = 120
STEP_DIGITS = 40
MAX_ZEROS = 2000
AGREE = 1e-30
_FAILURES = (ArithmeticError, ValueError, TypeError)


class ExactPoint:
    """A network at one point in `DIGITS` digits: derived formulas against differences of forward values.

    Differences use a step of 10**-40, or 10**-40 of the smallest value where that is below one, so that their own
    error is below 10**-60 of what they measure.

    Parameters
    ----------
    leaves : the number of each leaf.
    """

    def __init__(self, local: LocalDerivatives, of: str, leaves: Mapping[str, float]) -> None:
        self.local = local
        self.graph = local.graph
        self.of = of
        self.within = self.graph.ancestors(of) | self.graph.ancestors(self.graph.output)
        self.context = mpmath.MPContext()
        self.context.dps = DIGITS
        self.arithmetic = ExactArithmetic(self.context)
        self.leaves = {name: self.context.mpf(float(value)) for name, value in leaves.items()}

    def number(self, expr: Expr, values: Numbers | None = None) -> mpmath.mpf:
        """The value of a formula over the nodes."""
        return evaluate(expr, self.values if values is None else values, self.graph.functions, self.arithmetic)

    @cached_property
    def values(self) -> dict[str, mpmath.mpf]:
        """The value of every node, with as many digits as differences need.

        Raises
        ------
        ArithmeticError : a value is so small that too many digits would be needed.
        """
        values = self._forward(self.leaves)
        exponents = [self.context.mag(value) for value in values.values() if value]
        zeros = max(0, math.ceil(-min(exponents, default=0) * math.log10(2)))
        if zeros > MAX_ZEROS:
            raise ArithmeticError(f"a value begins with {zeros} zeros")
        self.context.dps = DIGITS + 2 * zeros
        self._zeros = zeros
        return self._forward(self.leaves) if zeros else values

    @cached_property
    def step(self) -> mpmath.mpf:
        """The step of differences."""
        self.values  # noqa: B018  (sets the precision)
        return self.context.mpf(10) ** (-STEP_DIGITS - self._zeros)

    def _forward(self, leaves: Numbers) -> dict[str, mpmath.mpf]:
        values = dict(leaves)
        for name in self.graph.order:
            op = self.graph.nodes[name].op
            if op is not None and name in self.within:
                values[name] = self.number(op.formula, values)
        return values

    @cached_property
    def derived(self) -> dict[str, mpmath.mpf]:
        """The adjoint of every node by the backward programme; nan where a local derivative does not exist."""
        numbers: dict[str, mpmath.mpf] = {}
        for equation in adjoints(self.local, self.of).equations:
            parts = (numbers[name] * self._local(link) for name, link in equation.parts)
            numbers[equation.by] = sum(parts, self.context.mpf(0)) if equation.parts else self.context.mpf(1)
        return numbers

    def _local(self, edge: Edge) -> mpmath.mpf:
        try:
            return self.number(self.local[edge])
        except _FAILURES:
            return self.context.nan

    def slope(self, direction: Mapping[str, float]) -> mpmath.mpf:
        """The derivative of the objective along a direction in the leaves, by a difference."""
        ends = []
        for sign in (1, -1):
            moved = {name: self.leaves[name] + sign * self.step * weight for name, weight in direction.items()}
            ends.append(self._forward(self.leaves | moved)[self.of])
        return (ends[0] - ends[1]) / (2 * self.step)

    def edge_slope(self, edge: Edge) -> mpmath.mpf:
        """d target / d source by a difference of the target's formula."""
        op = self.graph.nodes[edge.target].op
        assert op is not None, "a leaf has no edges into it"
        ends = []
        for sign in (1, -1):
            moved = self.values | {edge.source: self.values[edge.source] + sign * self.step}
            ends.append(self.number(op.formula, moved))
        return (ends[0] - ends[1]) / (2 * self.step)

    def disagreement(self, derived: mpmath.mpf, numeric: mpmath.mpf, size: float) -> float:
        """|derived - numeric| relative to `size`, the sum of the absolute values of what adds up to it."""
        floor = self.context.mpf(10) ** (5 - self.context.dps) / self.step * (1 + abs(self.values[self.of])) / AGREE
        return float(abs(derived - numeric) / (self.context.mpf(float(size)) + floor))

    def gap(self, pair: Callable[[], tuple[mpmath.mpf, mpmath.mpf]], size: float) -> float:
        """The disagreement of a pair of numbers; nan where one of them does not exist."""
        try:
            return self.disagreement(*pair(), size)
        except _FAILURES:
            return math.nan

    def edge_gap(self, edge: Edge, formula: Expr, size: float) -> float:
        """How far `formula`, the derivative of an edge, is from the numeric one."""
        return self.gap(lambda: (self.number(formula), self.edge_slope(edge)), size)

    def gradient_gap(self, name: str, size: float) -> float:
        """How far the derived derivative by a leaf is from the numeric one."""
        return self.gap(lambda: (self.derived[name], self.slope({name: 1.0})), size)

    def numeric(self, name: str) -> float:
        """The derivative by a leaf, by a difference; nan where it does not exist."""
        try:
            return float(self.slope({name: 1.0}))
        except _FAILURES:
            return math.nan

    def disagreeing(
        self, names: Sequence[str], sizes: Mapping[str, float], random: np.random.Generator
    ) -> dict[str, float]:
        """Those of `names` whose derived derivative disagrees, with the disagreement.

        They are found by derivatives along random directions: a right gradient costs two forward passes however
        many names there are, and each other name is searched by halving.
        """
        direction = {name: float(random.uniform(0.5, 1.5)) for name in names}
        size = sum(sizes[name] * weight for name, weight in direction.items())
        found = self.gap(lambda: (self.along(direction), self.slope(direction)), size)
        if found <= AGREE:
            return {}
        if len(names) == 1:
            return {names[0]: found}
        middle = len(names) // 2
        return self.disagreeing(names[:middle], sizes, random) | self.disagreeing(names[middle:], sizes, random)

    def along(self, direction: Mapping[str, float]) -> mpmath.mpf:
        """The derived derivative of the objective along a direction; leaves without a path to it add nothing."""
        return sum(self.derived[name] * weight for name, weight in direction.items() if name in self.derived)
