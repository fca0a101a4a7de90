"""What a kernel gives for a batch beside what it gives for each of its objects alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import backpropsym as bp
from backpropsym.kernels.api.compile import Kernel

Array = Any
Pairs = Iterator[tuple[str, Any, Any]]
"""What is compared, what came out, and what should."""


@dataclass(frozen=True)
class Batch:
    """Numbers for the leaves of a network, some of them one for all objects.

    Attributes
    ----------
    moving : the leaves by which derivatives are taken.
    nodes : the nodes of which they are taken.
    """

    net: bp.Network
    values: Mapping[str, Array]
    objects: int
    shared: frozenset[str]
    moving: Sequence[str]
    nodes: Sequence[str]

    @cached_property
    def rows(self) -> list[dict[str, Array]]:
        """The numbers of each object."""
        return [self.row_of(self.values, row) for row in range(self.objects)]

    def differs(self, name: str) -> bool:
        """Whether a leaf has numbers of its own for each object."""
        return name not in self.shared and name not in self.net.parameters

    def row_of(self, values: Mapping[str, Array], row: int) -> dict[str, Array]:
        """The numbers of one object among arrays by leaf."""
        return {name: array[row] if self.differs(name) else array for name, array in values.items()}

    def by_leaf(self, rows: Sequence[Mapping[str, Array]], join: Callable[..., Array], share: float = 1.0) -> Any:
        """Derivatives by leaves of the batch from those of objects: rows, or joined where the leaf is shared."""
        return {
            name: np.stack([row[name] for row in rows]) * share
            if self.differs(name)
            else join([row[name] for row in rows], axis=0)
            for name in rows[0]
        }

    def of_nodes(self, rows: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """What belongs to nodes: rows where the node depends on an input or a target."""
        batched = self.net.graph.batched
        return {name: np.stack([row[name] for row in rows]) if name in batched else rows[0][name] for name in rows[0]}


def means(batch: Batch, kernel: Kernel, alone: Kernel) -> Pairs:
    """The value and the gradients by parameters, then by all leaves."""
    value, gradients = kernel(**batch.values)
    rows = [alone(**row) for row in batch.rows]
    yield "value", value, np.mean([row[0] for row in rows])
    yield from _pairs("gradient", gradients, {name: np.mean([row[1][name] for row in rows], 0) for name in gradients})
    value, gradients = kernel.gradients(batch.values, batch.moving)
    singles = [alone.gradients(row, batch.moving) for row in batch.rows]
    yield "value by gradients", value, np.mean([single[0] for single in singles])
    yield from _pairs("gradients", gradients, batch.by_leaf([each[1] for each in singles], np.mean, 1 / batch.objects))


def rows(batch: Batch, kernel: Kernel, alone: Kernel) -> Pairs:
    """Values and gradients of each object, and the values of nodes."""
    value, gradients = kernel.per_object(batch.values, batch.moving)
    singles = [alone.gradients(row, batch.moving) for row in batch.rows]
    yield "values of objects", value, [single[0] for single in singles]
    expected = {name: np.stack([single[1][name] for single in singles]) for name in batch.moving}
    yield from _pairs("per_object", gradients, expected)
    values = [alone.intermediates(row, batch.nodes) for row in batch.rows]
    yield from _pairs("intermediates", kernel.intermediates(batch.values, batch.nodes), batch.of_nodes(values))


def products(batch: Batch, kernel: Kernel, alone: Kernel) -> Pairs:
    """Push-forwards, pull-backs, and Hessians times a direction that differs from object to object."""
    random = np.random.default_rng(batch.objects)
    moved = {name: random.normal(size=np.shape(batch.values[name])) for name in batch.moving}
    if moved:
        pairs = [(row, batch.row_of(moved, index)) for index, row in enumerate(batch.rows)]
        pushed = [alone.jvp(row, each, batch.nodes) for row, each in pairs]
        yield from _pairs("jvp", kernel.jvp(batch.values, moved, batch.nodes), batch.of_nodes(pushed))
        second = [alone.hvp(row, each, batch.moving) for row, each in pairs]
        expected = batch.by_leaf(second, np.mean, 1 / batch.objects)
        yield from _pairs("hvp", kernel.hvp(batch.values, moved, batch.moving), expected)
    cotangents = {
        name: random.normal(size=np.shape(value))
        for name, value in kernel.intermediates(batch.values, batch.nodes).items()
    }
    batched, pulled = batch.net.graph.batched, []
    for index, row in enumerate(batch.rows):
        # A node that is the same for all objects counts once in the whole, so each object has its share.
        own = {name: each[index] if name in batched else each / batch.objects for name, each in cotangents.items()}
        pulled.append(alone.vjp(row, own, batch.moving))
    yield from _pairs("vjp", kernel.vjp(batch.values, cotangents, batch.moving), batch.by_leaf(pulled, np.sum))


def jacobians(batch: Batch, kernel: Kernel, alone: Kernel) -> Pairs:
    """Every node by every leaf."""
    for node in batch.nodes:
        for leaf in batch.moving:
            each = [{node: alone.jacobian(row, node, leaf)} for row in batch.rows]
            found = kernel.jacobian(batch.values, node, leaf)
            yield f"jacobian of {node} by {leaf}", found, batch.of_nodes(each)[node]


PRODUCTS = (means, rows, products, jacobians)


def _pairs(what: str, found: Mapping[str, Array], expected: Mapping[str, Array]) -> Pairs:
    assert found.keys() == expected.keys()
    for name in expected:
        yield f"{what} {name}", found[name], expected[name]
