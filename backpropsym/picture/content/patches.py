"""Images and what convolutions make of them, as grids of cells with the patch that one cell is computed from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from backpropsym.arrays import Given
from backpropsym.derive.entry_derivation import read_entry
from backpropsym.errors import LimitError
from backpropsym.formula.tree import Add, names
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import EntryReader
from backpropsym.ops.kinds import View
from backpropsym.picture.scene import Cells

MAX_CELLS = 64
"""A tensor with more rows or columns than this is drawn as a plate."""

Patch = tuple[int, int, int, int]


def image_cells(graph: Graph, at: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Cells]:
    """The tensors that windows slide over or fill, by name, each with the patch of one window.

    Parameters
    ----------
    at : the entry whose window is shown, by node; else it is the second of each axis where there is one, so that it
        stands inside the image.
    """
    found: dict[str, Cells] = {}
    for name, image in _windows(graph):
        place = (at or {}).get(name) or tuple(min(1, int(size) - 1) for size in graph[name].shape)
        patches = _patches(graph, name, place[: len(place) - 2] + place[-2:])
        for read, patch in patches.items():
            if graph[read].role is Role.PARAMETER and len(graph[read].shape) >= 2:
                found.setdefault(read, _cells(graph, read, None))
            elif read == image:
                found[read] = _cells(graph, read, patch)
        found[name] = _cells(graph, name, (place[-2], place[-1], 1, 1))
    for name in graph.named.order:
        node = graph.named[name]
        if name not in found and _drawable(graph, name):
            like = next(
                (parent for parent in node.parents if parent in found and graph[parent].shape == node.shape), None
            )
            if like is not None and node.role is Role.VALUE:
                found[name] = _cells(graph, name, None)
    return found


def shaded(cells: Cells, values: Given) -> Cells:
    """`cells` with numbers of shape (..., rows, columns) as shades, those of the front sheet; the largest becomes 1."""
    front = np.asarray(values, dtype=float).reshape((-1, cells.rows, cells.columns))[0]
    top = float(np.max(np.abs(front))) or 1.0
    shades = tuple(round(float(value) / top, 3) for value in front.ravel())
    return Cells(cells.rows, cells.columns, cells.sheets, cells.patch, shades)


def _windows(graph: Graph) -> Iterator[tuple[str, str]]:
    """The named nodes computed by sliding windows, each with the image they slide over."""
    for node in graph.nodes.values():
        if isinstance(node.op, View) and any(isinstance(source, Add) for source in node.op.source):
            owner, image = _named_user(graph, node.name), node.op.operand
            if owner and graph[image].named and _drawable(graph, owner) and _drawable(graph, image):
                yield owner, image


def _named_user(graph: Graph, name: str) -> str | None:
    while not graph[name].named:
        if not graph.consumers[name]:
            return None
        name = graph.consumers[name][0]
    return name


def _drawable(graph: Graph, name: str) -> bool:
    shape = graph[name].shape
    return (
        len(shape) in (2, 3)
        and all(isinstance(size, int) and size > 0 for size in shape)
        and all(int(size) <= MAX_CELLS for size in shape[-2:])
    )


def _cells(graph: Graph, name: str, patch: Patch | None) -> Cells:
    shape = tuple(int(size) for size in graph[name].shape)
    return Cells(shape[-2], shape[-1], math.prod(shape[:-2]), patch)


def _patches(graph: Graph, name: str, place: tuple[int, ...]) -> Mapping[str, Patch]:
    """For one entry of a node, the smallest rectangle of the last two axes that it reads of each tensor."""
    try:
        read = names(EntryReader(graph).entry(name, place))
    except LimitError:
        return {}
    seen: dict[str, list[tuple[int, ...]]] = {}
    for entry in read:
        node, position = read_entry(entry, graph)
        if position is not None and len(position) >= 2:
            seen.setdefault(node, []).append(position[-2:])
    return {node: _around(places) for node, places in seen.items()}


def _around(places: list[tuple[int, ...]]) -> Patch:
    rows, columns = [at[0] for at in places], [at[1] for at in places]
    return min(rows), min(columns), max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
