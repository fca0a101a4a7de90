"""What a kernel gives besides value and gradients: each product, of one object and of batches."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from backpropsym.arrays import Array
from backpropsym.checks.arrays.switches import sizes
from backpropsym.checks.comparisons.expected import Expected, mean, stacked
from backpropsym.checks.comparisons.kernels import shared_sets
from backpropsym.checks.comparisons.objects import SingleObject
from backpropsym.checks.comparisons.registry import Comparison, Pair
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.graph.graph import Role

COUNT = 3
FEW = 2
"""Parameters, and as many inputs, by which there are Jacobians: each is compiled on its own."""

MOST_COLUMNS = 200
"""Of Jacobians: rows or columns, whichever are fewer."""

Case = tuple[list[SingleObject], dict[str, Array], frozenset[str], str]


def _cases(subject: Subject) -> Iterator[Case]:
    """One object, a batch, and batches beside a shared input: objects, arrays, what is shared, a label."""
    first = subject.first
    yield [first], subject.given(first), frozenset(), ""
    if subject.varying:
        objects = subject.objects(COUNT)
        yield objects, dict(subject.batch(objects)), frozenset(), f", batch of {COUNT}"
    for shared in shared_sets(subject)[:1]:
        objects = subject.objects(COUNT, shared)
        label = f", batch of {COUNT} beside one {', '.join(shared)}"
        yield objects, dict(subject.batch(objects, shared)), shared, label


def _has_rows(subject: Subject, name: str, label: str, shared: frozenset[str]) -> bool:
    """Whether a leaf differs from object to object."""
    return bool(label) and subject.graph[name].role is not Role.PARAMETER and name not in shared


def gradients_by_leaves(subject: Subject) -> Iterator[Pair]:
    """The mean objective and its derivative by every leaf."""
    kernel, leaves = subject.kernel(), subject.leaves
    for objects, given, shared, label in _cases(subject):
        value, gradients = kernel.gradients(given, leaves)
        yield Pair(f"{subject.of}{label}", value, mean([single.value(subject.of) for single in objects]))
        for name in leaves:
            parts = [single.adjoint(name) for single in objects]
            rows = _has_rows(subject, name, label, shared)
            yield Pair(
                f"d{subject.of}/d{name}{label}",
                gradients[name],
                stacked(parts, len(parts)) if rows else mean(parts),
            )


def per_object(subject: Subject) -> Iterator[Pair]:
    """One row an object."""
    kernel, leaves = subject.kernel(), subject.leaves
    for objects, given, _, label in _cases(subject):
        value, gradients = kernel.per_object(given, leaves)
        yield Pair(f"{subject.of}{label}", value, _rows([each.value(subject.of) for each in objects], label))
        for name in leaves:
            expected = _rows([each.adjoint(name) for each in objects], label)
            yield Pair(f"d{subject.of}/d{name}{label}", gradients[name], expected)


def _rows(parts: list[Expected], label: str) -> Expected:
    return stacked(parts) if label else parts[0]


def intermediates(subject: Subject) -> Iterator[Pair]:
    """The values of all nodes that a person named."""
    kernel = subject.kernel()
    for objects, given, shared, label in _cases(subject):
        if shared:
            continue
        for name, value in kernel.intermediates(given).items():
            parts = [each.value(name) for each in objects]
            yield Pair(f"{name}{label}", value, _rows(parts, label if name in subject.graph.batched else ""))


def _inner_node(subject: Subject) -> str:
    """The last node with axes that a person named, else the output: what is pulled back from and pushed forward to."""
    graph = subject.graph
    needed, leaves = graph.ancestors(subject.of), set(subject.leaves)
    named = [name for name in graph.order if name in needed and graph[name].op is not None and graph[name].named]
    inner = [name for name in named if graph[name].shape and leaves & graph.ancestors(name)]
    return inner[-1] if inner else subject.of


def pulled_back(subject: Subject) -> Iterator[Pair]:
    """A cotangent of an inner node, pulled back to each leaf."""
    kernel, node = subject.kernel(), _inner_node(subject)
    leaves = [name for name in subject.leaves if name in subject.graph.ancestors(node)]
    cotangent = subject.random.standard_normal(sizes(subject.graph[node]))
    for objects, given, shared, label in _cases(subject):
        same = subject.graph.ancestors(node).isdisjoint(set(subject.varying) - shared)
        if not leaves or (label and same):
            continue  # a node that is the same for all objects counts once
        found = kernel.vjp(given, {node: cotangent}, leaves)
        for name in leaves:
            parts = [each.pulled(node, cotangent, name) for each in objects]
            rows = _has_rows(subject, name, label, shared)
            yield Pair(f"vjp of {node} by {name}{label}", found[name], stacked(parts) if rows else _total(parts))


def _total(parts: list[Expected]) -> Expected:
    """The sum of several arrays of one shape."""
    whole = mean(parts)
    count = len(parts)
    return Expected(whole.right * count, whole.size * count, lambda: whole.blur() * count)


def pushed_forward(subject: Subject) -> Iterator[Pair]:
    """The derivative of an inner node and of the objective along a direction in all leaves."""
    kernel = subject.kernel()
    direction = _direction(subject, subject.leaves)
    if not direction:
        return
    for objects, given, _, label in _cases(subject):
        for node in dict.fromkeys((_inner_node(subject), subject.of)):
            found = kernel.jvp(given, direction, node)[node]
            parts = [each.pushed(node, direction) for each in objects]
            rows = label if node in subject.graph.batched else ""
            yield Pair(f"jvp of {node}{label}", found, _rows(parts, rows))


def _direction(subject: Subject, names: tuple[str, ...]) -> dict[str, Array]:
    return {name: subject.random.standard_normal(sizes(subject.graph[name])) for name in names}


def jacobians(subject: Subject) -> Iterator[Pair]:
    """Every entry of an inner node by every entry of a leaf: along directions, and column by column."""
    kernel, node = subject.kernel(), _inner_node(subject)
    rows = math.prod(sizes(subject.graph[node]))
    parameters = [name for name in subject.leaves if name not in subject.varying]
    for name in (*parameters[:FEW], *subject.varying[:FEW]):
        if name not in subject.leaves or min(rows, math.prod(sizes(subject.graph[name]))) > MOST_COLUMNS:
            continue
        direction = _direction(subject, (name,))
        for objects, given, shared, label in _cases(subject):
            if shared:
                continue
            batched = bool(label) and node in subject.graph.batched
            found = np.asarray(kernel.jacobian(given, node, name))
            for number, single in enumerate(objects if batched else objects[:1]):
                own = found[number] if batched and found.ndim else found
                axes = direction[name].ndim
                along = np.tensordot(own, direction[name], axes) if own.ndim >= axes else own
                what = f"jacobian of {node} by {name}{label}" + (f", object {number}" if batched else "")
                yield Pair(what, along, single.pushed(node, direction))


def second_derivatives(subject: Subject) -> Iterator[Pair]:
    """The Hessian times a direction in all leaves, and for a batch in the parameters."""
    kernel = subject.kernel()
    direction = _direction(subject, subject.leaves)
    if not direction:
        return
    first, parameters = subject.first, [name for name in subject.leaves if name not in subject.varying]
    found = kernel.hvp(subject.given(first), direction, subject.leaves)
    for name, expected in first.second(direction, subject.leaves).items():
        yield Pair(f"hvp by {name}", found[name], expected)
    if not parameters or not subject.varying:
        return
    objects = subject.objects(COUNT)
    direction = {name: direction[name] for name in parameters}
    found = kernel.hvp(subject.batch(objects), direction, parameters)
    each = [single.second(direction, parameters) for single in objects]
    for name in parameters:
        yield Pair(f"hvp by {name}, batch of {COUNT}", found[name], mean([one[name] for one in each]))


DEFAULT = (
    Comparison("gradients", "derivatives by every leaf, inputs too, with each object on its own", gradients_by_leaves),
    Comparison("per_object", "one row an object, with each object on its own", per_object),
    Comparison("intermediates", "values of nodes, with each object on its own", intermediates),
    Comparison("vjp", "cotangents pulled back, with the reverse sweep of each object", pulled_back),
    Comparison("jvp", "derivatives along a direction, with complex steps of each object", pushed_forward),
    Comparison("hvp", "the Hessian times a direction, with differences of gradients", second_derivatives),
)
COSTLY = (Comparison("jacobian", "Jacobians along directions, with complex steps of each object", jacobians),)
