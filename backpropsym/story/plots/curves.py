"""A function and its derivative as points: pieces between jumps, what is taken at each jump, and the kinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.formula.tree import Call, Expr, Name
from backpropsym.ops.function_table import FunctionTable

Point = tuple[float, float]
Floats = npt.NDArray[np.float64]

POINTS = 600
"""Samples of a piece of a curve."""

_BESIDE = 1e-7
"""How far beside a jump its limits are taken."""

_STEEP = 0.01
"""A step between two samples that is this share of the whole range may be a jump."""

_WIDER = 1 / 6
"""What is drawn at each side beyond the interval from which checks take samples, as a share of it."""

_HIGHEST = 0.97
"""A curve that goes to infinity is drawn as far as this share of its samples, and a quarter beyond."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Pieces of a curve, each without a jump; at a jump the point that is taken is filled, the limits are open."""

    pieces: tuple[tuple[Point, ...], ...]
    filled: tuple[Point, ...] = ()
    open: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionCurves:
    """A registered function by its first argument, and its derivative.

    Attributes
    ----------
    argument : the name of that argument.
    others : the numbers of all other arguments.
    interval : what is drawn of the axis.
    """

    name: str
    argument: str
    others: Mapping[str, Fraction]
    interval: tuple[float, float]
    value: Curve
    slope: Curve


def curves(name: str, table: FunctionTable | None = None) -> FunctionCurves:
    """The function called `name` as curves; its other arguments have their defaults, else the middle of their domain.

    Raises
    ------
    UnknownNameError : there is no such function, or it is not one of a number.
    """
    table = table if table is not None else FunctionTable()
    known = [each for each, entry in table.items() if not entry.abstract and each not in ("where", "KroneckerDelta")]
    if name not in known:
        fix = did_you_mean(name, known, "choose one that `backpropsym functions` lists with a formula in numbers")
        raise UnknownNameError(f"no function of numbers is called {name!r}", fix=fix)
    entry = table[name]
    argument, *rest = entry.arguments
    middles = {each: _middle(*limits) for each, limits in zip(rest, entry.domain[1:], strict=False)}
    others = {each: entry.starts.get(each, middles.get(each, Fraction(0))) for each in rest}
    low, high = entry.domain[0]
    low, high = low - _WIDER * (high - low), high + _WIDER * (high - low)

    def sampled(expr: Expr) -> Callable[[Floats], Floats]:
        def at(points: Floats) -> Floats:
            values: dict[str, float | Floats] = {each: float(number) for each, number in others.items()}
            values[argument] = points
            with np.errstate(all="ignore"):
                found = np.asarray(evaluate(expr, values, table), dtype=float)
            return np.broadcast_to(found, points.shape)

        return at

    value = sampled(Call(name, (Name(argument), *map(Name, rest))))
    derivative = sampled(table.written_partial(name, argument))

    def slope(points: Floats) -> Floats:
        """The derivative, where there is a function."""
        return np.where(np.isfinite(value(points)), derivative(points), np.nan)

    kinks = tuple(_jumps(slope, low, high))
    drawn = _curve(value, low, high, kinks), _curve(slope, low, high)
    return FunctionCurves(name, argument, others, (low, high), *drawn)


def _middle(low: float, high: float) -> Fraction:
    return Fraction((low + high) / 2).limit_denominator(100)


def _curve(at: Callable[[Floats], Floats], low: float, high: float, kinks: Sequence[float] = ()) -> Curve:
    jumps = tuple(_jumps(at, low, high))
    filled, opened = [], []
    for place in jumps:
        taken = float(at(np.array([place]))[0])
        limits = at(np.array([place - _BESIDE, place + _BESIDE]))
        filled.append((place, taken))
        opened += [(place, float(limit)) for limit in limits if np.isfinite(limit) and not _near(limit, taken)]
    at_kinks = [(place, float(at(np.array([place]))[0])) for place in kinks if place not in jumps]
    pieces = [piece for start, end in pairwise((low, *jumps, high)) for piece in _pieces(at, start, end)]
    marks = tuple(point for point in (*filled, *at_kinks) if np.isfinite(point[1]))
    most = _most(pieces)
    return Curve(_cut(pieces, most), marks, tuple(point for point in opened if abs(point[1]) <= most))


def _near(one: float, other: float) -> bool:
    return bool(abs(one - other) <= 1e-4 * max(1.0, abs(one), abs(other)))


def _jumps(at: Callable[[Floats], Floats], low: float, high: float) -> Iterator[float]:
    """Where the curve jumps, found by halving each interval in which it is steep until a step is left or is not."""
    places = np.linspace(low, high, POINTS)
    values = at(places)
    whole = float(np.ptp(values[np.isfinite(values)])) if np.isfinite(values).any() else 0.0
    found: list[float] = []
    for start, end in pairwise(places.tolist()):
        step = abs(float(np.subtract(*at(np.array([start, end])))))
        if not _STEEP * whole < step < np.inf:
            continue
        left, right = start, end
        for _ in range(40):
            middle = (left + right) / 2
            ends = at(np.array([left, middle, right]))
            left, right = (left, middle) if abs(ends[1] - ends[0]) > abs(ends[2] - ends[1]) else (middle, right)
        rest = abs(float(np.subtract(*at(np.array([left, right])))))
        place = round((left + right) / 2, 6) + 0.0
        if np.isfinite(rest) and rest > step / 4 and place not in found:
            found.append(place)
            yield place


def _pieces(at: Callable[[Floats], Floats], start: float, end: float) -> Iterator[tuple[Point, ...]]:
    """The finite pieces between two jumps."""
    places = np.linspace(start + _BESIDE, end - _BESIDE, POINTS)
    piece: list[Point] = []
    for place, value in zip(places.tolist(), at(places).tolist(), strict=True):
        if np.isfinite(value):
            piece.append((place, value))
        elif piece:
            yield tuple(piece)
            piece = []
    if piece:
        yield tuple(piece)


def _most(pieces: Sequence[tuple[Point, ...]]) -> float:
    """How high a curve is drawn: all of it, or where it goes to infinity a little beyond most of its samples."""
    heights = np.abs([height for piece in pieces for _, height in piece])
    most = 1.25 * float(np.quantile(heights, _HIGHEST)) if len(heights) else 0.0
    return most if len(heights) and heights.max() > 4 * most else np.inf


def _cut(pieces: Sequence[tuple[Point, ...]], most: float) -> tuple[tuple[Point, ...], ...]:
    """The pieces without the ends that go to infinity."""
    return tuple(cut for piece in pieces for cut in _below(piece, most))


def _below(piece: Sequence[Point], most: float) -> Iterator[tuple[Point, ...]]:
    """The parts of a piece between the places at which it is higher than `most`."""
    for low, part in groupby(piece, lambda point: abs(point[1]) <= most):
        points = tuple(part)
        if low and len(points) > 1:
            yield points
