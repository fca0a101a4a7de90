"""Derivatives from the plain truth alone: of its values at neighbouring points, by no rule of differentiation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from backpropsym.arrays import Array, Given, Numeric, Values
from backpropsym.evaluate.arithmetic import ExactArithmetic
from backpropsym.evaluate.number_systems import STEP, WatchedSteps
from backpropsym.evaluate.reference import Position, Reference
from backpropsym.evaluate.slopes import agreed, one_sided_slopes, same, two_sided_slope
from backpropsym.graph.graph import Graph

DIGITS = 60
"""Of exact differences; a step of a third of them leaves two thirds for the derivative."""


def complex_step(graph: Graph, leaves: Values, of: str, wrt: Sequence[str]) -> dict[str, Array]:
    """The derivative of a node by each leaf of `wrt`, to the precision of doubles, on the branch that values take.

    Parameters
    ----------
    leaves : arrays of one object, each in its leaf's own shape.

    Returns
    -------
    For each leaf an array with the axes of `of`, then those of the leaf. Where something on the way is infinite or
    has an infinite slope, a number only where differences in many digits have the same.

    References
    ----------
    Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40, 1998.
    """
    arrays = {name: np.asarray(value, float) for name, value in leaves.items()}
    count = sum(arrays[name].size for name in wrt)
    stepped: dict[str, Array] = dict(arrays)
    columns: dict[str, slice] = {}
    first = 0
    for name in wrt:
        columns[name] = slice(first, first + arrays[name].size)
        stepped[name] = _stepped(arrays[name], count, first)
        first += arrays[name].size
    watched = WatchedSteps()
    with np.errstate(all="ignore"):
        values = Reference(graph, stepped, watched).array(of)
    slopes = np.zeros((*values.shape, count))
    for position in np.ndindex(values.shape):
        slopes[position] = np.imag(values[position]) / STEP
    _judge(slopes, watched.doubtful((count,)), graph, arrays, of, wrt)
    return {name: slopes[..., columns[name]].reshape(values.shape + arrays[name].shape) for name in wrt}


def _judge(slopes: Array, doubtful: Array, graph: Graph, leaves: Values, of: str, wrt: Sequence[str]) -> None:
    """Keep slopes in doubtful columns where many digits confirm them; for what is no number take equal sides."""
    for column, (name, position) in enumerate(entries_of(leaves, wrt)):
        for place in np.ndindex(slopes.shape[:-1]) if doubtful[column] else ():
            entry, slope = (*place, column), slopes[(*place, column)]
            if np.isfinite(slope):
                right = agreed(one_sided_slopes(graph, leaves, (of, place), (name, position)))
                slopes[entry] = slope if right is not None and same(slope, right) else np.nan
            else:
                slopes[entry] = two_sided_slope(graph, leaves, (of, place), (name, position))


def _stepped(array: Array, count: int, first: int) -> Array:
    """Each entry as `count` equal numbers, of which the one in the entry's own column has an imaginary step."""
    entries = np.empty(array.shape, object)
    for column, position in enumerate(np.ndindex(array.shape), first):
        numbers = np.full(count, array[position], complex)
        numbers[column] += 1j * STEP
        entries[position] = numbers
    return entries


def exact_differences(
    graph: Graph, leaves: Values, of: str, wrt: Sequence[str], digits: int = DIGITS
) -> dict[str, Array]:
    """The same, in the same shapes, by central differences of many digits, rounded to doubles at the end.

    At a kink the mean of both slopes; next to one, within `10**-(digits/3)`, likewise.
    """
    point = ExactPoint(graph, leaves, digits)
    slopes: dict[str, Array] = {}
    for name in wrt:
        shape = np.shape(leaves[name])
        columns = [point.slope(of, name, position) for position in np.ndindex(shape)]
        axes = np.shape(columns[0])
        slopes[name] = np.moveaxis(
            np.array(columns, float).reshape(shape + axes), range(len(shape)), range(-len(shape), 0)
        )
    return slopes


class ExactPoint:
    """A point of a network in real numbers of `digits` digits, and its neighbours.

    Parameters
    ----------
    leaves : arrays of one object, each in its leaf's own shape; doubles are taken as exact.
    """

    def __init__(self, graph: Graph, leaves: Values, digits: int = DIGITS) -> None:
        self.graph = graph
        import mpmath  # here, for loading it takes longer than a picture

        self.context = mpmath.MPContext()
        self.context.dps = digits
        self.step = self.context.mpf(10) ** -(digits // 3)
        self._leaves = {name: self._exact(value) for name, value in leaves.items()}

    def value(self, of: str, moved: Mapping[tuple[str, Position], Numeric] | None = None) -> Array:
        """The value of a node in its shape, in mpmath's numbers; some entries of leaves are moved by what is given."""
        leaves = dict(self._leaves)
        for (name, position), distance in (moved or {}).items():
            leaves[name] = leaves[name].copy()
            leaves[name][position] = leaves[name][position] + distance
        constants = {name: self._exact(value) for name, value in self.graph.constants.items()}
        return Reference(self.graph, {**leaves, **constants}, ExactArithmetic(self.context)).array(of)

    def slope(self, of: str, name: str, position: Position = ()) -> Array:
        """The derivative of a node by one entry of a leaf, in the node's shape, by a central difference."""
        ahead, behind = (self.value(of, {(name, position): sign * self.step}) for sign in (1, -1))
        slope: Array = (ahead - behind) / (2 * self.step)
        return slope

    def one_sided_slopes(self, of: str, name: str, position: Position = ()) -> tuple[Array, Array]:
        """The slopes of a node, in its shape, left and right of one entry of a leaf; equal where there is no kink."""
        here = self.value(of)
        ahead, behind = (self.value(of, {(name, position): sign * self.step}) for sign in (1, -1))
        return (here - behind) / self.step, (ahead - here) / self.step

    def second_slope(self, of: str, first: tuple[str, Position], second: tuple[str, Position]) -> Array:
        """The second derivative of a node, in its shape, by two entries of leaves, which may be the same."""
        corners = []
        for sign in (1, -1):
            for other in (1, -1):
                moved: dict[tuple[str, Position], Numeric] = {first: sign * self.step}
                moved[second] = moved.get(second, 0) + other * self.step
                corners.append(sign * other * self.value(of, moved))
        slope: Array = sum(corners[1:], corners[0]) / (4 * self.step**2)
        return slope

    def _exact(self, value: Given) -> Array:
        array = np.asarray(value, float)
        entries = np.empty(array.shape, object)
        for position in np.ndindex(array.shape):
            entries[position] = self.context.mpf(float(array[position]))
        return entries


def entries_of(leaves: Values, wrt: Sequence[str]) -> Iterator[tuple[str, Position]]:
    """Every entry of some leaves, in order."""
    for name in wrt:
        for position in np.ndindex(np.shape(leaves[name])):
            yield name, position
