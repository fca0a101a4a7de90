"""What the paths of a derivative are like as a whole, found without listing them: one sweep a question."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backpropsym.derive.local.links import Edge
from backpropsym.derive.paths.path_space import Path, PathSpace, edges
from backpropsym.derive.paths.semiring import COUNT, ENTROPY, LENGTHS, SUM, Spread, log_magnitude


@dataclass(frozen=True)
class PathNumbers:
    """The products of the local derivatives along all paths, at one object.

    Attributes
    ----------
    value : their sum, the derivative, in units of `of` per unit of `wrt`.
    magnitude : the sum of their absolute values, in the same units.
    alive : how many of them have no factor of zero.
    strongest : the path with the largest absolute value, the first where several have it; None where all are dead.
    strongest_value, strongest_share : its product, and that as a share of the sum of the absolute values.
    entropy : of the shares of the absolute values, in nats; 0 where all is dead.
    path_norm : the root of the sum of their squares.

    References
    ----------
    Neyshabur, Tomioka and Srebro, Norm-based capacity control in neural networks, 2015, for the norm over paths; theirs
    is this one where the local derivative of every activation is one.
    """

    value: float
    magnitude: float
    alive: int
    strongest: Path | None
    strongest_value: float
    strongest_share: float
    entropy: float
    path_norm: float

    @property
    def effective(self) -> float:
        """As many equally strong paths would have the same entropy; 0 where all is dead."""
        return math.exp(self.entropy) if self.strongest is not None else 0.0

    @property
    def cancelled(self) -> float:
        """The share of the magnitude that cancels out in the sum; 0 where all paths have one sign."""
        return max(0.0, 1 - abs(self.value) / self.magnitude) if self.magnitude else 0.0


@dataclass(frozen=True)
class PathAnalytics:
    """All paths from one node to another.

    Attributes
    ----------
    count : how many there are, exact.
    lengths : how many there are of each number of links, exact, the shortest first.
    numbers : what they carry, where numbers are known.
    """

    count: int
    lengths: Mapping[int, int]
    numbers: PathNumbers | None = None

    @property
    def mean_length(self) -> float:
        """The mean number of links; nan where there is no path."""
        total = sum(length * count for length, count in self.lengths.items())
        return total / self.count if self.count else math.nan


def analyse(space: PathSpace, numbers: Mapping[Edge, float] | None = None) -> PathAnalytics:
    """Everything about the paths of a space; its cost is linear in the links, for the lengths times how many differ.

    Parameters
    ----------
    numbers : the local derivative of every link at one object.
    """
    lengths = space.over(LENGTHS, lambda link: {1: 1})
    found = _numbers(space, numbers) if numbers is not None else None
    return PathAnalytics(space.count, dict(sorted(lengths.items())), found)


def _numbers(space: PathSpace, numbers: Mapping[Edge, float]) -> PathNumbers:
    spread = space.over(ENTROPY, _weight(numbers, 1))
    squares = space.over(ENTROPY, _weight(numbers, 2))
    alive = space.over(COUNT, lambda link: int(numbers[link] != 0))
    strongest = next(space.strongest(numbers.__getitem__), None) if alive else None
    along = [numbers[link] for link in edges(strongest)] if strongest is not None else []
    share = math.exp(sum(map(log_magnitude, along)) - spread.log_total) if strongest is not None else 0.0
    return PathNumbers(
        value=space.over(SUM, numbers.__getitem__),
        magnitude=space.over(SUM, lambda link: abs(numbers[link])),
        alive=alive,
        strongest=strongest,
        strongest_value=math.prod(along) if strongest is not None else 0.0,
        strongest_share=share,
        entropy=spread.entropy,
        path_norm=_exponential(squares.log_total / 2),
    )


def _weight(numbers: Mapping[Edge, float], power: int) -> Callable[[Edge], Spread]:
    return lambda link: Spread(power * log_magnitude(numbers[link]), 0.0)


def _exponential(value: float) -> float:
    """e to the power of `value`; infinity where that is beyond the range of floats."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
