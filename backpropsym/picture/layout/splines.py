"""Sampled curves as the few Bezier pieces that they came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

from backpropsym.picture.layout.geometry import Point, direction

_LONG = 3.0
"""A piece of a sampled curve that is so many times as long as its neighbour is a straight run of its own."""

_SAMPLES = 5
"""Fewer points than this are corners, not samples of a curve."""

_STRAIGHT = 1 - 1e-9
"""The cosine between two pieces of one straight line, at least."""

Piece = tuple[Point, Point, Point, Point]
"""Start, two control points, end; a straight piece has its control points at its ends."""


def spline(line: Sequence[Point]) -> list[Piece]:
    """`line` as straight pieces and cubic curves, each fitted by least squares."""
    found: list[Piece] = []
    for run in _runs(line):
        pieces = [_fitted(run)] if len(run) >= _SAMPLES else [_straight(a, b) for a, b in pairwise(run)]
        for piece in pieces:
            if found and _goes_on(found[-1], piece):
                found[-1] = _straight(found[-1][0], piece[3])
            else:
                found.append(piece)
    return found


def _goes_on(before: Piece, after: Piece) -> bool:
    """Whether two straight pieces are one."""
    if any(start != first or second != end for start, first, second, end in (before, after)):
        return False
    return _dot(direction(before[0], before[3]), direction(after[0], after[3])) > _STRAIGHT


def _straight(start: Point, end: Point) -> Piece:
    return start, start, end, end


def _runs(line: Sequence[Point]) -> Iterator[Sequence[Point]]:
    """Straight runs of two points, and the sampled curves between them."""
    lengths = [hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(line)]
    start = 0
    for i, length in enumerate(lengths):
        neighbours = [lengths[j] for j in (i - 1, i + 1) if 0 <= j < len(lengths)]
        if not neighbours or length > _LONG * min(neighbours) or _level(line[i], line[i + 1]):
            if i > start:
                yield line[start : i + 1]
            yield line[i : i + 2]
            start = i + 1
    if start < len(lengths):
        yield line[start:]


def _level(start: Point, end: Point) -> bool:
    """Whether a piece runs exactly along a lane, as no piece of a curve does."""
    return abs(end[1] - start[1]) < 1e-9


def _fitted(points: Sequence[Point]) -> Piece:
    """The cubic through the ends of `points`, sampled evenly in its parameter, that fits the others best."""
    start, end, count = points[0], points[-1], len(points) - 1
    aa = ab = bb = 0.0
    sums = [0.0, 0.0, 0.0, 0.0]
    for i, point in enumerate(points):
        t = i / count
        a, b = 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t)
        aa, ab, bb = aa + a * a, ab + a * b, bb + b * b
        for axis in (0, 1):
            rest = point[axis] - (1 - t) ** 3 * start[axis] - t**3 * end[axis]
            sums[axis] += a * rest
            sums[axis + 2] += b * rest
    determinant = aa * bb - ab * ab
    first = (sums[0] * bb - sums[2] * ab) / determinant, (sums[1] * bb - sums[3] * ab) / determinant
    second = (sums[2] * aa - sums[0] * ab) / determinant, (sums[3] * aa - sums[1] * ab) / determinant
    return start, first, second, end


def _dot(a: Point, b: Point) -> float:
    return a[0] * b[0] + a[1] * b[1]
