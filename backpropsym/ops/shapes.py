"""Shapes: what joins, what broadcasts, and what to say when it does not."""

from __future__ import annotations

from collections.abc import Sequence

from backpropsym.errors import Problem, ShapeError
from backpropsym.formula.tree import Span
from backpropsym.ops.kinds import Shape
from backpropsym.ops.sizes import Dimension

_LETTERS = "ijklmnopqrstuvwxyzabcdefgh"


def shape_text(shape: Shape) -> str:
    """(784,) as a person reads it."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def refuse(message: str, details: Sequence[str] = (), fix: str | None = None, span: Span | None = None) -> ShapeError:
    """The error of a shape that does not fit; `span` marks the formula's columns."""
    return ShapeError([Problem(message, None, tuple(details), fix, span=span)])


def broadcast(shapes: Sequence[Shape], what: str, span: Span | None = None) -> Shape:
    """The common shape of operands, as NumPy's broadcasting defines it.

    Raises
    ------
    ShapeError : two sizes differ and neither is 1.
    """
    width = max(map(len, shapes), default=0)
    if len({*shapes} - {()}) <= 1:
        return next((shape for shape in shapes if shape), ())
    result: list[Dimension] = []
    for axis in range(width):
        own = [shape[axis - width] for shape in shapes if len(shape) >= width - axis]
        sizes = list(dict.fromkeys(size for size in own if size != 1))
        if len(sizes) > 1:
            shown = " and ".join(dict.fromkeys(map(shape_text, shapes)))
            detail = f"the sizes of axis {axis - width} differ: {sizes[0]} and {sizes[1]}"
            raise refuse(f"{what} cannot join {shown}", [detail], "make the sizes equal, or 1", span)
        result.append(sizes[0] if sizes else 1)
    return tuple(result)


def matmul(left: tuple[str, Shape], right: tuple[str, Shape], span: Span | None = None) -> tuple[str, Shape]:
    """Subscripts and shape of `left @ right`, each given as (text, shape).

    The subscripts are for operands without the axes that are `stretched`.

    Raises
    ------
    ShapeError : a scalar, or inner sizes that differ.
    """
    (left_text, a), (right_text, b) = left, right
    if not a or not b:
        scalar = left_text if not a else right_text
        raise refuse(f"matmul needs axes, and {scalar} is a scalar", fix="write a product with *", span=span)
    inner = _LETTERS[0]
    rows = _LETTERS[1] if len(a) > 1 else ""
    columns = _LETTERS[2] if len(b) > 1 else ""
    if a[-1] != b[-2 if len(b) > 1 else 0]:
        raise _inner_sizes(left_text, a, right_text, b, span)
    outer = broadcast([a[:-2], b[:-2]], "matmul", span)
    batch = _LETTERS[3 : 3 + len(outer)]
    batch_a, batch_b = (_outer_letters(batch, shape[:-2], outer) for shape in (a, b))
    second = f"{batch_b}{inner}{columns}"
    subscripts = f"{batch_a}{rows}{inner},{second}->{batch}{rows}{columns}"
    return subscripts, (*outer, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


def stretched(shape: Shape, whole: Shape) -> tuple[int, ...]:
    """The axes of size 1 of `shape` that are longer where it is broadcast to `whole`."""
    if shape == whole:
        return ()
    pairs = zip(shape, whole[len(whole) - len(shape) :], strict=True)
    return tuple(axis for axis, (size, wide) in enumerate(pairs) if size == 1 != wide)


def _outer_letters(letters: str, shape: Shape, whole: Shape) -> str:
    own = letters[len(letters) - len(shape) :]
    gone = stretched(shape, whole)
    return "".join(letter for axis, letter in enumerate(own) if axis not in gone)


def _inner_sizes(left_text: str, a: Shape, right_text: str, b: Shape, span: Span | None) -> ShapeError:
    second = b[-2 if len(b) > 1 else 0]
    message = f"matmul cannot join {left_text} {shape_text(a)} and {right_text} {shape_text(b)}"
    fix = "make the inner sizes equal"
    if len(b) == 2 and b[1] == a[-1]:
        fix = f"{left_text} @ transpose({right_text}), or declare {right_text} as [{b[1]}, {b[0]}]"
    elif len(a) == 2 and a[0] == second:
        fix = f"transpose({left_text}) @ {right_text}, or declare {left_text} as [{a[1]}, {a[0]}]"
    return refuse(message, [f"inner sizes differ: {a[-1]} and {second}"], fix, span)


def axes_of(axis: int | Sequence[int] | None, rank: int, what: str, span: Span | None = None) -> tuple[int, ...]:
    """The axes that `axis=` names, non-negative and in order; all of them without it."""
    if axis is None:
        return tuple(range(rank))
    listed = (axis,) if isinstance(axis, int) else tuple(axis)
    for each in listed:
        if not -rank <= each < rank:
            fix = f"use an axis from {-rank} to {rank - 1}" if rank else "leave axis out: a scalar has no axes"
            raise refuse(f"{what} has no axis {each}", fix=fix, span=span)
    found = tuple(sorted(each % rank for each in listed))
    if len(set(found)) < len(found):
        raise refuse(f"{what} names an axis twice", fix="name each axis once", span=span)
    return found
