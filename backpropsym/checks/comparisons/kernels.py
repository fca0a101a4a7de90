"""Compiled kernels: value and gradients in every mode, accuracy and precision, of one object and of batches."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Arrays, Given, Numeric
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.comparisons.expected import mean, stacked
from backpropsym.checks.comparisons.objects import SingleObject
from backpropsym.checks.comparisons.registry import Comparison, Pair
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.edges import EPS
from backpropsym.kernels.api.compile import Kernel
from backpropsym.kernels.backends.registry import BACKENDS, backend_of

BATCHES = (1, 2, 5)
SINGLE = float(np.finfo(np.float32).eps)
Results = tuple[Numeric, Arrays]


def one_object(subject: Subject, kernel: Kernel, eps: float = EPS) -> Iterator[Pair]:
    """Value and gradients at every point; in single precision where rounded numbers take the same branches."""
    for single in subject.singles:
        given = subject.given(single)
        if eps != EPS:
            given = {name: _single_precision(value) for name, value in given.items()}
            leaves = {name: np.asarray(given.get(name, value), float) for name, value in single.point.leaves.items()}
            if not single.same_branches(ArrayPoint(subject.graph, leaves, single.point.switching)):
                continue
            single = SingleObject(single.point, subject.random, eps)
        yield from results(subject, kernel(**given), [single], "", eps)


def _single_precision(value: Given) -> Array:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def results(
    subject: Subject, found: Results, objects: list[SingleObject], label: str, eps: float = EPS
) -> Iterator[Pair]:
    """Value and gradients found against the means over objects."""
    value, gradients = found
    yield Pair(f"{subject.of}{label}", value, mean([single.value(subject.of) for single in objects]), eps)
    for name, gradient in gradients.items():
        expected = mean([single.adjoint(name) for single in objects])
        yield Pair(f"d{subject.of}/d{name}{label}", gradient, expected, eps)


def compiled(mode: str, accuracy: str, engine: str, eps: float, subject: Subject) -> Iterator[Pair]:
    """A kernel of one mode, one accuracy and one engine, where the engine takes the network."""
    if not backend_of(engine).accepts(subject.graph, mode):
        return
    kernel = subject.kernel(mode, accuracy, engine)
    yield from one_object(subject, kernel, eps)
    if subject.varying and (mode, accuracy) != ("reverse", "default"):
        objects = subject.objects(2)
        yield from results(subject, kernel(**subject.batch(objects)), objects, ", batch of 2")


def batches(subject: Subject) -> Iterator[Pair]:
    """Means over batches."""
    if not subject.varying:
        return
    kernel: Kernel = subject.kernel()
    for count in BATCHES:
        objects = subject.objects(count)
        yield from results(subject, kernel(**subject.batch(objects)), objects, f", batch of {count}")


def shared_sets(subject: Subject) -> list[frozenset[str]]:
    """Each input alone, where there are several."""
    names = subject.varying
    return [frozenset([name]) for name in names[:3]] if len(names) > 1 else []


def shared_inputs(subject: Subject) -> Iterator[Pair]:
    """Batches in which one input is the same for all objects and has no axis of objects."""
    kernel = subject.kernel()
    for shared in shared_sets(subject):
        objects = subject.objects(3, shared)
        label = f", batch of 3 beside one {', '.join(shared)}"
        yield from results(subject, kernel(**subject.batch(objects, shared)), objects, label)


def parts(subject: Subject) -> Iterator[Pair]:
    """A batch that is worked two objects at a time, the last one alone."""
    if not subject.varying:
        return
    kernel, count = subject.kernel(objects_at_once=2), BATCHES[-1]
    objects = subject.objects(count)
    given = subject.batch(objects)
    label = f", batch of {count} in parts"
    yield from results(subject, kernel(**given), objects, label)
    value, gradients = kernel.per_object(given, subject.leaves)
    yield Pair(f"{subject.of} of each object{label}", value, stacked([each.value(subject.of) for each in objects]))
    for name in subject.leaves:
        expected = stacked([each.adjoint(name) for each in objects])
        yield Pair(f"d{subject.of}/d{name} of each object{label}", gradients[name], expected)


def pickled(subject: Subject) -> Iterator[Pair]:
    """A kernel after a call, written and read back, and one of its products."""
    kernel = subject.kernel()
    kernel(**subject.given(subject.first))
    copy = pickle.loads(pickle.dumps(kernel))
    yield from one_object(subject, copy)
    if subject.varying:
        objects = subject.objects(2)
        yield from results(subject, copy(**subject.batch(objects)), objects, ", batch of 2")
    value, gradients = pickle.loads(pickle.dumps(kernel.gradients))(subject.given(subject.first), subject.leaves)
    yield from results(subject, (value, gradients), [subject.first], ", of a product")


def saved_module(subject: Subject) -> Iterator[Pair]:
    """The text of a kernel, run as a module of its own."""
    namespace: dict[str, Any] = {"__name__": "saved"}
    exec(compile(subject.kernel().source, "<saved>", "exec"), namespace)
    kernel = namespace["kernel"]
    yield from one_object(subject, kernel)
    if subject.varying:
        objects = subject.objects(2)
        yield from results(subject, kernel(**subject.batch(objects)), objects, ", batch of 2")


def _kernel(mode: str, accuracy: str, eps: float = EPS, engine: str = "numpy", thorough: bool = False) -> Comparison:
    kind = ", single precision" if eps == SINGLE else f", engine {engine}" if engine != "numpy" else ""
    about = "value and gradients of one object, with the derivation's"
    run = partial(compiled, mode, accuracy, engine, eps)
    return Comparison(f"kernel {mode} ({accuracy} accuracy{kind})", about, run, thorough)


DEFAULT = (
    _kernel("reverse", "default"),
    Comparison("batches", "means over 1, 2 and 5 objects, with each object on its own", batches),
    Comparison("shared inputs", "batches beside an input without objects, with each object on its own", shared_inputs),
)
OTHERS = (
    Comparison("parts", "a batch worked two objects at a time, with each object on its own", parts),
    Comparison("pickle", "a kernel written and read back, with the derivation", pickled),
    _kernel("reverse", "full"),
    _kernel("reverse", "default", SINGLE),
    _kernel("reverse", "full", SINGLE),
    _kernel("forward", "default"),
    _kernel("forward", "full"),
    _kernel("paths", "default"),
    Comparison("saved module", "the kernel as a file of its own, with the derivation", saved_module),
)


def other_engines() -> tuple[Comparison, ...]:
    """A kernel of every backend that runs in Python, NumPy aside, of which all others are."""
    names = [backend.name for backend in BACKENDS.values() if backend.runtime is not None and backend.name != "numpy"]
    return tuple(_kernel("reverse", "default", engine=name, thorough=True) for name in names)
