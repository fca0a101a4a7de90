"""The words of printed formulas beside the registered functions: what each is, in text and in numbers.

Words over whole arrays follow NumPy, their options behind the arguments: `sum(x, axes(1))`, on a
page `sum(x, axis=1)`. Words over indices
take `(index, low, high)`, both ends included.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, SupportsFloat, TypeAlias

import numpy as np

from backpropsym.arrays import Array, Given, Numeric
from backpropsym.ops.reducer import REDUCERS

Scope = Mapping[str, int]
"""The indices in scope."""

Term = Callable[[Scope], Any]
"""A formula as a function of the indices in scope."""

Axis: TypeAlias = "int | tuple[int, ...] | None"
Places: TypeAlias = "float | tuple[float, ...]"
"""One position, or one an axis; whole numbers are read from text, and may be floats."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of printed formulas.

    Attributes
    ----------
    example : how it is written.
    meaning : what it is, for people.
    run : the same over arrays and numbers; None where its arguments are formulas over indices.
    """

    example: str
    meaning: str
    run: Callable[..., Any] | None = None


def whole(value: SupportsFloat) -> int:
    """A number that is a position.

    Raises
    ------
    ValueError : it is not whole.
    """
    number = float(value)
    if not number.is_integer():
        raise ValueError(f"{number} is no position")
    return int(number)


def delta(first: Given, second: Given) -> Numeric:
    """1 where two positions are equal, else 0."""
    equal: Numeric = np.asarray(np.equal(first, second), float)[()]
    return equal


def _axes(value: Given, axis: Axis) -> tuple[int, ...]:
    given = range(np.ndim(value)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(int(each) for each in given)


def _over_axes(function: Callable[..., Numeric]) -> Callable[..., Numeric]:
    """A function of an array over axes, of all where none are given; they stay with size 1 where `keepdims` is 1."""

    def reduced(value: Given, axis: Axis = None, keepdims: int = 0) -> Numeric:
        array = np.asarray(value, float)
        return function(array, axis=_axes(array, axis), keepdims=bool(keepdims))

    return reduced


def _norm(array: Array, axis: tuple[int, ...], keepdims: bool) -> Numeric:
    root: Numeric = np.sqrt(np.sum(array * array, axis=axis, keepdims=keepdims))
    return root


def _softmax(value: Given, axis: Axis = None) -> Numeric:
    array = np.asarray(value, float)
    over = _axes(array, -1 if axis is None else axis)
    share: Numeric = np.exp(array - REDUCERS["logsumexp"].numbers(array, axis=over, keepdims=True))
    return share


def _rows(value: Given, axis: Axis) -> tuple[Array, tuple[int, ...], tuple[int, ...]]:
    """The entries over axes as rows, what remains first, and those axes."""
    array = np.asarray(value, float)
    axes = tuple(sorted(each % max(array.ndim, 1) for each in _axes(array, axis)))
    moved = np.moveaxis(array, axes, range(array.ndim - len(axes), array.ndim))
    return moved.reshape((*moved.shape[: array.ndim - len(axes)], -1)), axes, moved.shape


def _first(position: Callable[..., Array]) -> Callable[..., Array]:
    """The position of the first extreme, its axes counted in one row."""
    return lambda value, axis=None: position(_rows(value, axis)[0], axis=-1)


def _is_first(position: Callable[..., Array]) -> Callable[..., Array]:
    """1 at the first extreme over axes, else 0."""

    def marked(value: Given, axis: Axis = None) -> Array:
        rows, axes, shape = _rows(value, axis)
        marks = np.arange(rows.shape[-1]) == np.asarray(position(rows, axis=-1))[..., None]
        last = range(len(shape) - len(axes), len(shape))
        return np.moveaxis(marks.reshape(shape).astype(float), last, axes)

    return marked


def _outer(a: Given, b: Given) -> Array:
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        raise ValueError(f"outer takes two vectors, found the shapes {np.shape(a)} and {np.shape(b)}")
    products: Array = np.multiply.outer(np.asarray(a), np.asarray(b))
    return products


def _einsum(*arguments: Any) -> Any:
    if isinstance(arguments[0], str):
        return np.einsum(*arguments)
    return np.einsum(*(list(map(int, each)) if isinstance(each, tuple) else np.asarray(each) for each in arguments))


def _onehot(position: Places, size: Places) -> Array:
    places = position if isinstance(position, tuple) else (position,)
    found = np.zeros(tuple(map(whole, size)) if isinstance(size, tuple) else (whole(size),))
    place = tuple(map(whole, places))
    if min(place) < 0:
        raise IndexError(f"onehot at {place}")
    found[place] = 1.0
    return found


def _reshape(value: Given, *sizes: float) -> Array:
    return np.reshape(value, [whole(size) for size in sizes])


def _slices(value: Given, *parts: Places) -> Array:
    """Python's range for each axis: (start, stop, step), () for a whole one, or one position."""
    array, axis = np.asarray(value), 0
    for part in parts:
        if isinstance(part, tuple):
            places = range(*map(int, part)) if part else range(array.shape[axis])
            _require_inside([*places[:1], *places[-1:]], array.shape[axis])
            array, axis = np.take(array, list(places), axis=axis), axis + 1
        else:
            _require_inside([whole(part)], array.shape[axis])
            array = np.take(array, whole(part), axis=axis)
    return array


def _require_inside(places: Sequence[int], size: int) -> None:
    if any(not 0 <= place < size for place in places):
        raise IndexError(f"position {places} on an axis of {size}")


def _concat(*parts: Any, axis: float = 0) -> Array:
    if isinstance(parts[-1], tuple):
        *parts, (axis,) = parts  # type: ignore[assignment]
    return np.concatenate(list(map(np.asarray, parts)), axis=int(axis))


def _windows(
    value: Given,
    sizes: tuple[int, ...],
    stride: tuple[int, ...] = (),
    padding: tuple[int, ...] = (),
    dilation: tuple[int, ...] = (),
) -> Array:
    """Every window over the last axes: places of windows, then places inside a window; zeros in the padding."""
    space = len(sizes)
    stride, padding, dilation = stride or (1,) * space, padding or (0,) * space, dilation or (1,) * space
    array = np.asarray(value, float)
    array = np.pad(array, [(0, 0)] * (array.ndim - space) + [(whole(each), whole(each)) for each in padding])
    lead = array.ndim - space
    reach = tuple(step * (size - 1) + 1 for size, step in zip(sizes, dilation, strict=True))
    found = np.lib.stride_tricks.sliding_window_view(array, reach, axis=tuple(range(lead, array.ndim)))
    outer = (slice(None),) * lead + tuple(slice(None, None, step) for step in stride)
    return found[(*outer, *(slice(None, None, step) for step in dilation))]


def _gather(value: Given, index: Given, axis: float) -> Any:
    positions = np.vectorize(whole, otypes=[int])(index)
    _require_inside(positions.ravel().tolist(), np.shape(value)[int(axis)])
    return np.take(np.asarray(value), positions, axis=int(axis))


def _ranges(limits: Sequence[tuple[str, Term, Term]], scope: Scope) -> Iterator[dict[str, int]]:
    """The scope of each term; the limits of an index may name later ones, as SymPy has them: the last is outermost."""
    if not limits:
        yield dict(scope)
        return
    *inner, (index, low, high) = limits
    for place in range(whole(low(scope)), whole(high(scope)) + 1):
        yield from _ranges(inner, {**scope, index: place})


def _listed(limits: Sequence[tuple[str, Term, Term]], scope: Scope) -> Iterator[dict[str, int]]:
    """The scope of each entry of an array, the last axis running fastest."""
    places = [range(whole(low(scope)), whole(high(scope)) + 1) for _, low, high in limits]
    for place in itertools.product(*places):
        yield {**scope, **dict(zip((index for index, *_ in limits), place, strict=True))}


def _reduction(word: str, arguments: Sequence[Any]) -> Term:
    """A sum or another reduction over indices."""
    body, *limits = arguments
    combine = _OF_TERMS.get(word) or (
        lambda terms: float(REDUCERS[word].numbers(np.array(terms, float), axis=(0,), keepdims=False))
    )
    if word.startswith("arg"):  # positions count the last index fastest
        return lambda scope: combine([body(inner) for inner in _listed(limits, scope)])
    return lambda scope: combine([body(inner) for inner in _ranges(limits, scope)])


def _choice(word: str, arguments: Sequence[Any]) -> Term:
    """Piecewise: the first part whose condition holds; the others are not read."""

    def chosen(scope: Scope) -> Any:
        return next(part(scope) for part, condition in arguments if condition(scope))

    return chosen


def _guarded(word: str, arguments: Sequence[Any]) -> Term:
    """inside and present: a part that is read only where a position lies in [low, high)."""
    position, low, high, kept, *otherwise = arguments

    def chosen(scope: Scope) -> Any:
        if low(scope) <= position(scope) < high(scope):
            return kept(scope)
        return -math.inf if word == "present" else otherwise[0](scope) if otherwise else 0.0

    return chosen


def _array(word: str, arguments: Sequence[Any]) -> Term:
    """The array whose entries a formula gives."""
    body, *limits = arguments

    def listed(scope: Scope) -> Array:
        shape = [whole(high(scope)) + 1 - whole(low(scope)) for _, low, high in limits]
        return np.array([body(inner) for inner in _listed(limits, scope)], float).reshape(shape)

    return listed


def _scatter(word: str, arguments: Sequence[Any]) -> Term:
    """Zeros like an array, to whose entries a formula's values are added."""
    body, like, *limits, place = arguments

    def scattered(scope: Scope) -> Array:
        found = np.zeros(np.shape(like(scope)))
        for inner in _listed(limits, scope):
            value = body(inner)
            if value:  # a value that a condition switches off has no place
                at = tuple(whole(each(inner)) for each in place)
                _require_inside([min(at, default=0)], max(found.shape, default=1))
                found[at] += value
        return found

    return scattered


_OF_TERMS: Mapping[str, Callable[[list[Any]], Any]] = MappingProxyType(
    {
        "Sum": lambda terms: sum(terms),
        "sum": lambda terms: sum(terms),
        "argmax": lambda terms: int(np.argmax(terms)),
        "argmin": lambda terms: int(np.argmin(terms)),
    }
)

DELAYED: Mapping[str, Callable[[str, Sequence[Any]], Term]] = MappingProxyType(
    {
        "Sum": _reduction,
        "Piecewise": _choice,
        "inside": _guarded,
        "present": _guarded,
        "array": _array,
        "scatter": _scatter,
    }
)
"""Words whose arguments are formulas over indices."""

_REDUCED = "over all axes, or over those given, which a 1 behind them keeps with size 1"

_WORDS: Mapping[str, Word] = MappingProxyType(
    {
        "matmul": Word("matmul(W, x)", "the matrix product, on a page W @ x or W x", np.matmul),
        "transpose": Word("transpose(W)", "the axes in reverse order", np.transpose),
        "permute": Word("permute(x, 1, 0, 2)", "the axes in another order", lambda x, *order: np.transpose(x, order)),
        "outer": Word("outer(a, b)", "the matrix of all products of two vectors", _outer),
        "entrywise": Word("entrywise(a, b)", "the product entry by entry", lambda a, b: a * b),
        "einsum": Word("einsum(A, (0, 1), B, (1, 2), (0, 2))", "the sum of products, as in NumPy", _einsum),
        "axes": Word("axes(0, 2)", "several axes", lambda *axes: tuple(map(whole, axes))),
        "norm": Word("norm(x, axes(1))", f"the root of the sum of squares {_REDUCED}", _over_axes(_norm)),
        "softmax": Word("softmax(x, axes(0))", "exp(x - logsumexp(x)) over the axes given, else the last", _softmax),
        "argmax": Word("argmax(x, axes(1))", "the position of the first largest entry", _first(np.argmax)),
        "argmin": Word("argmin(x, axes(1))", "the position of the first smallest entry, likewise", _first(np.argmin)),
        "is_argmax": Word("is_argmax(x, axes(1))", "1 at the first largest entry, else 0", _is_first(np.argmax)),
        "is_argmin": Word("is_argmin(x, axes(1))", "1 at the first smallest entry, else 0", _is_first(np.argmin)),
        "onehot": Word("onehot(y, 10)", "1 at position y of 10, else 0; onehot((0, 1), (2, 3)) likewise", _onehot),
        "ones": Word("ones(x)", "ones in the shape of x", lambda x: np.ones(np.shape(x))),
        "zeros": Word("zeros(x)", "zeros in the shape of x", lambda x: np.zeros(np.shape(x))),
        "expand_dims": Word(
            "expand_dims(x, axes(1))", "new axes of size 1", lambda x, axis: np.expand_dims(x, _axes(x, axis))
        ),
        "flatten": Word("flatten(x)", "all entries in a row, the last axis running fastest", np.ravel),
        "reshape": Word("reshape(x, 3, 4)", "the same entries in the same order under other axes", _reshape),
        "reshape_like": Word(
            "reshape_like(x, y)", "the entries of x under the axes of y", lambda x, y: np.reshape(x, np.shape(y))
        ),
        "slices": Word("slices(x, (0, 4, 2), ())", "entries 0 and 2 (start, stop, step), then a whole axis", _slices),
        "gather": Word("gather(x, i, 0)", "the entries i along axis 0", _gather),
        "concat": Word("concat(a, b, axes(0))", "arrays laid one after another along an axis", _concat),
        "windows": Word(
            "windows(x, (3, 3), (1, 1), (0, 0), (1, 1))",
            "the windows of 3 x 3 over the last axes as further axes, with stride, padding and dilation",
            _windows,
        ),
        "array": Word("array(x[2*i], (i, 0, 3))", "the array with these entries"),
        "scatter": Word("scatter(d[i], x, (i, 0, 3), (2*i,))", "zeros like x, d[i] added to entry 2*i for each i"),
        "Sum": Word("Sum(x[i], (i, 0, 3))", "the sum over an index; so mean, max and others where limits stand"),
        "Piecewise": Word("Piecewise((a, c), (0, True))", "a where the condition c holds, else 0"),
        "And": Word("And(0 <= i, i <= 3)", "whether all hold", lambda *parts: all(parts)),
        "KroneckerDelta": Word(
            "KroneckerDelta(i, j)", "1 where two positions are equal, else 0: a term that is not there", delta
        ),
        "floor": Word("floor(i/2)", "the whole part", lambda value: math.floor(value)),
        "Mod": Word("Mod(i, 2)", "the remainder, not negative", lambda above, below: above % below),
        "quotient": Word("quotient(i, 2)", "the whole part, on a page", lambda above, below: above // below),
        "remainder": Word("remainder(i, 2)", "the remainder, on a page", lambda above, below: above % below),
        "inside": Word("inside(i, 0, 3, e)", "e where 0 <= i < 3, else 0, on a page"),
        "present": Word("present(i, 0, 3, e)", "e where 0 <= i < 3, else no entry of an extreme, on a page"),
    }
)


def words() -> dict[str, Word]:
    """Every word by its name: those of the registered reductions, and the others."""
    reductions = {
        name: Word(
            f"{name}(x, axes(1))",
            f"{reducer.meaning[0].lower()}{reducer.meaning[1:]} {_REDUCED}"
            + (f"; {name}(a, b): of two" if reducer.extreme else ""),
            _over_axes(reducer.numbers),
        )
        for name, reducer in REDUCERS.items()
    }
    return {**_WORDS, **reductions}
