"""Ops over the axes of whole arrays in a claim, `norm(v)` or `mean(x*w, axis=1)[i]`, written with sums over indices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import count

from backpropsym.formula.tree import Call, Expr, Index, Limits, Name, children, number, rebuild

Shape = tuple[int | str, ...]


class NoAxesError(ValueError):
    """What is to be reduced has no such axes; the message says what is missing."""


class Reductions:
    """Writes reductions of whole arrays out; every sum has an index of its own.

    Parameters
    ----------
    shapes : the nodes with their shapes, sizes in numbers.
    definitions : what each reduction is, a formula of sums over the entries x, and of their number n.
    """

    def __init__(self, shapes: Mapping[str, Shape], definitions: Mapping[str, Expr]) -> None:
        self.shapes = shapes
        self.definitions = definitions
        self._fresh = (f"_r{at}" for at in count())

    def shape(self, body: Expr) -> tuple[int, ...]:
        """The shape of a formula of whole arrays, by broadcasting; () where it names none."""
        if isinstance(body, Index):
            return ()
        if isinstance(body, Name):
            return tuple(map(int, self.shapes.get(body.name, ())))
        found: tuple[int, ...] = ()
        for part in children(body):
            found = _broadcast(found, self.shape(part))
        return found

    def rank(self, body: Expr, axis: int | None) -> int:
        """How many axes are left when `axis` is reduced; all are where it is None.

        Raises
        ------
        NoAxesError : there are no axes, or not that one.
        """
        shape = self.shape(body)
        if not shape:
            raise NoAxesError("of what has no axes")
        if axis is not None and not -len(shape) <= axis < len(shape):
            raise NoAxesError(f"over axis {axis} of what has {len(shape)} axes")
        return 0 if axis is None else len(shape) - 1

    def written(self, function: str, body: Expr, axis: int | None, kept: Sequence[Expr]) -> Expr:
        """The entry of `function(body, axis=axis)` at the positions `kept`, by sums."""
        shape = self.shape(body)
        reduced = range(len(shape)) if axis is None else (axis % len(shape),)
        size = math.prod(shape[each] for each in reduced)

        def total(inner: Expr) -> Expr:
            positions, free = list[Expr](), iter(kept)
            limits = list[Limits]()
            for at, length in enumerate(shape):
                if at in reduced:
                    limits.append(Limits(next(self._fresh), number(0), number(length - 1)))
                    positions.append(Name(limits[-1].index))
                else:
                    positions.append(next(free))
            return Call("sum", (spelled(inner, self._entry(body, positions, shape)), *limits))

        def spelled(part: Expr, entry: Expr) -> Expr:
            match part:
                case Name(name):
                    return {"x": entry, "n": number(size)}[name]
                case Call("sum", (inner,)):
                    return total(inner)
            parts = children(part)
            return rebuild(part, tuple(spelled(each, entry) for each in parts)) if parts else part

        return spelled(self.definitions[function], body)

    def _entry(self, body: Expr, positions: Sequence[Expr], whole: Sequence[int]) -> Expr:
        """An entry of a formula of whole arrays; axes of size 1 are read at 0 where the whole has more."""
        if isinstance(body, Index):
            return body
        if isinstance(body, Name):
            shape = self.shapes.get(body.name, ())
            first = len(whole) - len(shape)
            own = zip(shape, whole[first:], positions[first:], strict=True)
            return Index(body, tuple(number(0) if 1 == size != out else at for size, out, at in own)) if shape else body
        parts = tuple(self._entry(part, positions, whole) for part in children(body))
        return rebuild(body, parts) if parts else body


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape by NumPy's rules."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    if any(a != b and 1 not in (a, b) for a, b in zip(longer, padded, strict=True)):
        raise NoAxesError(f"of arrays of the shapes {one} and {other}")
    return tuple(b if a == 1 else a for a, b in zip(longer, padded, strict=True))
