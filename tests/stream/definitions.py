"""Nodes of random networks that are defined entry by entry, with free and summed indices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.stream.choices import Choices
from tests.stream.operations import Array, Pick, Term


@dataclass(frozen=True)
class Definition:
    """A node with free indices: what stands in brackets after its name, its formula, its value."""

    indices: str
    body: str
    value: Array


Define = Callable[[Choices, Pick], Definition | None]
DEFINITIONS: dict[str, Define] = {}


def definition(function: Define) -> Define:
    """Register a definition by the name of its function."""
    DEFINITIONS[function.__name__] = function
    return function


def _named(pick: Pick, rank: int, low: int = 1, make: int = 0) -> Term | None:
    """A node, for a definition reads nodes and no formulas, with so many axes of at least `low` entries.

    Where there is none, a new parameter with `make` entries an axis.
    """
    shape = (make,) * rank if make else None
    return pick(lambda value: value.ndim == rank and min(value.shape) >= low, named=True, make=shape)


def _filled(shape: tuple[int, ...], entry: Callable[..., Any]) -> Array:
    value = np.empty(shape)
    for place in np.ndindex(shape):
        value[place] = entry(*place)
    return value


@definition
def of_a_vector(choices: Choices, pick: Pick) -> Definition | None:
    """Entries of one vector at affine positions, several of them in one formula."""
    x = _named(pick, 1, 2)
    if x is None:
        return None
    n, v = x.shape[0], x.value
    return choices.pick(
        [
            Definition("i", f"{x.text}[i + 1] - {x.text}[i]", v[1:] - v[:-1]),
            Definition("i", f"{x.text}[2*i]", v[::2]),
            Definition("i", f"{x.text}[{n - 1} - i]*{x.text}[i]", v[::-1] * v),
            Definition("i, j", f"{x.text}[i]*{x.text}[j]", np.outer(v, v)),
            Definition("i, j", f"tanh({x.text}[j]) + {x.text}[i]", np.tanh(v)[None, :] + v[:, None]),
            Definition("i", f"{x.text}[i]*sum({x.text}[j]**2, (j, 0, {n - 1}))", v * np.sum(v**2)),
            Definition("i", f"{x.text}[i] - mean({x.text}[j], (j, 0, {n - 1}))", v - np.mean(v)),
            Definition("i", f"{x.text}[i]*max({x.text}[j], (j, 0, {n - 1}))", v * np.max(v)),
        ]
    )


@definition
def of_a_matrix(choices: Choices, pick: Pick) -> Definition | None:
    """Entries of one matrix: transposed, on the diagonal, shifted, summed over either index."""
    x = _named(pick, 2, 2)
    if x is None:
        return None
    (rows, columns), v, name = x.shape, x.value, x.text
    square = min(rows, columns)
    diagonal = np.diagonal(v)[:square]
    sums = f"(k, 0, {columns - 1})"
    options = [
        Definition("i, j", f"{name}[j, i]", v.T),
        Definition("j, i", f"sin({name}[i, j])", np.sin(v.T)),
        Definition("i", f"{name}[i, i]", diagonal),
        Definition("i, j", f"{name}[i, i]*{name}[j, j]", np.outer(diagonal, diagonal)),
        Definition("i, j", f"{name}[i + 1, j]*{name}[i, j]", v[1:] * v[:-1]),
        Definition("i, j", f"{name}[i, j + 1] - {name}[i, j]", v[:, 1:] - v[:, :-1]),
        Definition("i", f"sum({name}[i, k], {sums})", v.sum(axis=1)),
        Definition("j", f"mean({name}[i, j]**2, (i, 0, {rows - 1}))", (v**2).mean(axis=0)),
        Definition("i", f"max({name}[i, k], {sums})", v.max(axis=1)),
        Definition("i, j", f"{name}[i, j] - sum({name}[i, k], {sums})", v - v.sum(axis=1, keepdims=True)),
        Definition("i, j", f"sum({name}[i, k]*{name}[j, k], {sums})", v @ v.T),
        Definition("i", f"sum({name}[i, k]*{name}[j, k], {sums}, (j, 0, {rows - 1}))", v @ v.sum(axis=0)),
        Definition("", f"sum({name}[i, k]**2, {sums}, (i, 0, {rows - 1}))", np.sum(v**2)),
    ]
    return choices.pick(options)


@definition
def of_two(choices: Choices, pick: Pick) -> Definition | None:
    """A vector beside a matrix, along one axis or the other."""
    x, y = _named(pick, 1), _named(pick, 2)
    if x is None or y is None:
        return None
    (n,), (rows, columns) = x.shape, y.shape
    v, m = x.value, y.value
    high, wide = min(n, rows), min(n, columns)
    options = [
        Definition("i, j", f"{x.text}[i]*{y.text}[i, j]", v[:high, None] * m[:high]),
        Definition("i, j", f"{x.text}[j] + {y.text}[i, j]", v[None, :wide] + m[:, :wide]),
        Definition("j, i", f"{x.text}[i]*{y.text}[i, j]", (v[:high, None] * m[:high]).T),
        Definition("i, k", f"{x.text}[i]*mean({y.text}[j, k], (j, 0, {rows - 1}))", np.outer(v, m.mean(axis=0))),
    ]
    if wide == columns:
        body = f"sum({y.text}[i, j]*{x.text}[j], (j, 0, {columns - 1}))"
        options.append(Definition("i", body, m @ v[:columns]))
    return choices.pick(options)


@definition
def windows(choices: Choices, pick: Pick) -> Definition | None:
    """The convolution of the lecture, with a filter that counts from zero."""
    image, kernel = _named(pick, 2, 2), _named(pick, 2)
    if image is None or kernel is None:
        return None
    rows, columns = (big - small + 1 for big, small in zip(image.shape, kernel.shape, strict=True))
    if rows < 1 or columns < 1:
        return None
    limits = f"(i, 0, {kernel.shape[0] - 1}), (j, 0, {kernel.shape[1] - 1})"
    body = f"sum({kernel.text}[i, j]*{image.text}[r + i, c + j], {limits})"
    views = np.lib.stride_tricks.sliding_window_view(image.value, kernel.shape)
    return Definition("r, c", body, np.einsum("rcij,ij->rc", views, kernel.value))


@definition
def products(choices: Choices, pick: Pick) -> Definition | None:
    """Sums of products of two matrices over one index."""
    x, y = _named(pick, 2), _named(pick, 2)
    if x is None or y is None or x.shape[1] != y.shape[0]:
        return None
    limits = f"(k, 0, {x.shape[1] - 1})"
    options = [
        Definition("i, j", f"sum({x.text}[i, k]*{y.text}[k, j], {limits})", x.value @ y.value),
        Definition("j, i", f"sum({x.text}[i, k]*{y.text}[k, j], {limits})", (x.value @ y.value).T),
        Definition("i, j", f"tanh(sum({x.text}[i, k]*{y.text}[k, j], {limits}))", np.tanh(x.value @ y.value)),
    ]
    return choices.pick(options)


@definition
def summed_positions(choices: Choices, pick: Pick) -> Definition | None:
    """Positions computed from summed indices: every second entry, from the end, of a quotient that is whole."""
    x = _named(pick, 1, 2)
    if x is None:
        return None
    n, v, name = x.shape[0], x.value, x.text
    half = (n - 1) // 2
    options = [
        Definition("", f"sum({name}[2*k]*{name}[k], (k, 0, {half}))", np.sum(v[::2] * v[: half + 1])),
        Definition("i", f"{name}[i]*sum({name}[2*k], (k, 0, {half}))", v * np.sum(v[::2])),
        Definition("i", f"{name}[i]*sum({name}[{n} - k]**2, (k, 1, {n}))", v * np.sum(v**2)),
        Definition("", f"sum({name}[{n - 1} - k]*{name}[k], (k, 0, {n - 1}))", np.sum(v[::-1] * v)),
        Definition("i", f"{name}[i]*max({name}[2*k/2], (k, 0, {n - 1}))", v * np.max(v)),
        Definition("i", f"sum({name}[2*(k + i)/2]*{name}[k], (k, 0, 1))", v[:-1] * v[0] + v[1:] * v[1]),
        Definition("i", f"{name}[i - 1]*mean({name}[k - i + i], (k, 0, {n - 1}))", v * np.mean(v)),
    ]
    return choices.pick(options)


@definition
def of_data(choices: Choices, pick: Pick) -> Definition | None:
    """Positions computed from a whole number below three, alone and with indices."""
    q = pick(whole=True)
    x = q and _named(pick, 1, 3, make=choices.pick([3, 4, 5]))
    if x is None or q is None:
        return None
    n, v, name = x.shape[0], x.value, x.text
    if q.shape:
        return choices.pick(
            [
                Definition("i", f"{name}[{q.text}[i]]", v[q.value]),
                Definition("i", f"sin({name}[2 - {q.text}[i]])*{name}[i]", np.sin(v[2 - q.value]) * v[: q.shape[0]]),
                Definition("i, j", f"{name}[{q.text}[j]]*{name}[i]", np.outer(v, v[q.value])),
                Definition("", f"sum({name}[{q.text}[k] + 2 - k - 1]*{name}[k], (k, 1, 1))", v[q.value[1]] * v[1]),
                Definition("i", f"{name}[i]*max({name}[2 - {q.text}[k]], (k, 0, 1))", v * np.max(v[2 - q.value[:2]])),
            ]
        )
    at, rest, wide = int(q.value), n - 2, f"(k, 0, {n - 3})"
    options = [
        Definition("i", f"{name}[{q.text}]*{name}[i]", v[at] * v),
        Definition("i", f"{name}[2 - {q.text}]*{name}[i]", v[2 - at] * v),
        Definition("i", f"{name}[{n - 3} + {q.text}]*sin({name}[i])", v[n - 3 + at] * np.sin(v)),
        Definition("i", f"{name}[i]*sum({name}[{q.text} + k], {wide})", v * np.sum(v[at : at + rest])),
        Definition("", f"sum({name}[{q.text} + k]*{name}[k], {wide})", np.sum(v[at : at + rest] * v[:rest])),
        Definition("i", f"{name}[i]*mean({name}[{q.text} - 1 + k], (k, 1, {rest}))", v * np.mean(v[at : at + rest])),
        Definition(
            "i", f"{name}[i]*max({name}[{n - 1} - {q.text} - k], {wide})", v * np.max(v[n - rest - at : n - at])
        ),
        Definition("", f"sum({name}[{q.text} + k]*{name}[2*k], (k, 0, {(n - 3) // 2}))", _strided(v, at)),
    ]
    short = pick(lambda value: value.ndim == 1 and len(value) <= rest, named=True)
    if short is not None:
        body = f"{name}[{q.text} + i]*{short.text}[i]"
        options += [Definition("i", body, v[at : at + short.shape[0]] * short.value)] * 2
    return choices.pick(options)


def _strided(v: Array, at: int) -> Array:
    """The sum of v[at + k] v[2 k] for as many k as stay inside wherever a number below three stands for `at`."""
    return sum(v[at + k] * v[2 * k] for k in range((len(v) - 3) // 2 + 1))
