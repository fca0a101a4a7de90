"""Slopes of a whole network to the left and to the right of a point, by the plain truth in many digits."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from backpropsym.arrays import Array, Given, Numeric, Values
from backpropsym.errors import ValuesError
from backpropsym.evaluate.arithmetic import ExactArithmetic
from backpropsym.evaluate.cut_off import derivatives
from backpropsym.evaluate.reference import Reference
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import entry_name
from backpropsym.ops.function import Primitive

if TYPE_CHECKING:
    import mpmath

Entry = tuple[str, tuple[int, ...]]
MOST_ENTRIES = 2_000
"""A network with more entries than this is not evaluated entry by entry."""

_DIGITS = 90
_STEP = 25
"""Of the step against the point, in digits; what a one-sided difference leaves out is as small."""

_LEAST = 1e-12
_MOST_LOST = 64
_SAME = 1e-9


def one_sided_slopes(graph: Graph, values: Values, of: Entry, wrt: Entry) -> tuple[float, float] | None:
    """The slopes of one entry by another, to the left and to the right; nan where there is none.

    Only what the numbers need is computed: of a choice the branch that is taken.

    Parameters
    ----------
    values : an array by node, at least of the leaves and of `wrt`, which may be a computed node.

    Returns
    -------
    None for a network that is too large for that.
    """
    opened = _opened(graph, wrt[0])
    needed = opened.ancestors(of[0])
    if _entries(opened, of[0]) > MOST_ENTRIES:
        return None
    leaves = {name for name in needed if opened[name].op is None and name not in graph.constants}
    if wrt[0] not in leaves:
        return 0.0, 0.0
    return _slopes(opened, {name: values[name] for name in leaves}, of, wrt)


def _slopes(graph: Graph, values: Values, of: Entry, wrt: Entry) -> tuple[float, float]:
    """The slopes of one entry by an entry of a leaf, to the left and to the right; nan where there is none."""
    import mpmath  # here, for loading it takes longer than a picture

    context = mpmath.MPContext()
    context.dps = _DIGITS
    leaves = {name: _exact(context, value) for name, value in {**values, **graph.constants}.items()}
    here = leaves[wrt[0]][wrt[1]]
    step = max(abs(here), context.mpf(_LEAST)) / context.mpf(10) ** _STEP

    def value(moved: mpmath.mpf) -> mpmath.mpf | None:
        point = leaves[wrt[0]].copy()
        point[wrt[1]] = here + moved
        return _value(graph, {**leaves, wrt[0]: point}, context, of)

    at = value(0)
    left, right = (
        _limit(*(_slope(value(side * part), at, side * part) for part in (step, step / 1024))) for side in (-1, 1)
    )
    return left, right


def two_sided_slope(graph: Graph, values: Values, of: Entry, wrt: Entry) -> float:
    """The slope that both sides of a point have; nan where they have none in common."""
    left, right = one_sided_slopes(graph, values, of, wrt) or (math.nan, math.nan)
    return right if math.isfinite(right) and same(left, right) else math.nan


def with_slopes(graph: Graph, values: Values, of: Entry, name: str, derivative: Numeric) -> Numeric:
    """A derivative by a node in its shape, mended where products of local derivatives have no number.

    That is where what is not taken, or a dead path, is multiplied by an infinite or an undefined local derivative. Zero
    where a choice cuts it off, at a kink by convention; else the true slope. At most 64 entries are looked at.
    """
    lost = np.argwhere(~np.isfinite(derivative))
    if not 0 < len(lost) <= _MOST_LOST:
        return derivative
    kept = np.array(derivative, dtype=float)
    by_convention = derivatives(graph, values, of) if _entries(graph, of[0]) <= MOST_ENTRIES else {}
    for place in map(tuple, lost):
        slope: float | None = by_convention.get(entry_name(name, place), math.nan)
        if slope is None or not math.isfinite(slope):
            slope = agreed(one_sided_slopes(graph, values, of, (name, place)))
        kept[place] = kept[place] if slope is None else slope
    return kept[()]


def _entries(graph: Graph, of: str) -> float:
    """How many numbers are computed for a node; infinitely many where sizes are symbols."""
    sizes = [graph[name].shape for name in graph.ancestors(of)]
    if not all(isinstance(size, int) for shape in sizes for size in shape):
        return math.inf
    return sum(math.prod(int(size) for size in shape) for shape in sizes)


def agreed(slopes: tuple[float, float] | None) -> float | None:
    """The slope that both sides have, or the one of the only side on which the network is defined, as of sqrt(w)**2.

    None at a kink, and where there is none.
    """
    found = [slope for slope in slopes or () if not math.isnan(slope)]
    if not found or not all(map(math.isfinite, found)):
        return None
    return found[-1] if same(found[0], found[-1]) else None


def same(first: float, second: float) -> bool:
    """Whether two numbers are the same up to rounding."""
    return math.isclose(first, second, rel_tol=_SAME, abs_tol=1e-15)


def _opened(graph: Graph, name: str) -> Graph:
    """The graph in which a node is given, and not computed."""
    node = graph[name]
    if node.op is None:
        return graph
    return replace(graph, nodes={**graph.nodes, name: Node(name, Role.PARAMETER, node.shape)})


def _exact(context: mpmath.MPContext, value: Given) -> Array:
    """Doubles as numbers of the context."""
    array = np.asarray(value, dtype=float)
    entries = np.empty(array.shape, object)
    for position in np.ndindex(array.shape):
        entries[position] = context.mpf(float(array[position]))
    return entries


class _RealNumbers(ExactArithmetic):
    """Exact arithmetic in which what is no real number, such as the root of a negative one, has no value.

    A maximum would pass over it.
    """

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Numeric:
        """The value of a primitive."""
        return self._real(super().apply(primitive, arguments))

    def power(self, base: Numeric, exponent: Fraction) -> Numeric:
        """A power."""
        return self._real(super().power(base, exponent))

    def _real(self, number: Numeric) -> Numeric:
        if isinstance(number, self.context.mpc) or self.context.isnan(number):
            raise ValueError("no real number")
        return number


def _value(graph: Graph, leaves: Values, context: mpmath.MPContext, of: Entry) -> mpmath.mpf | None:
    """One entry as a number of the context; None where there is none."""
    try:
        value = Reference(graph, leaves, _RealNumbers(context)).entry(*of)
    except (ArithmeticError, TypeError, ValueError, RecursionError, ValuesError):
        return None
    return value if isinstance(value, context.mpf) and context.isfinite(value) else None


def _slope(moved: mpmath.mpf | None, at: mpmath.mpf | None, step: mpmath.mpf) -> float:
    return math.nan if moved is None or at is None else float((moved - at) / step)


def _limit(coarse: float, fine: float) -> float:
    """The slope that two steps agree on; infinite where the shorter one is steeper, as at sqrt(0)."""
    return fine if same(coarse, fine) or math.isnan(coarse) else math.copysign(math.inf, fine)
