"""A network trained on data: the descent, and how well the network does on what it saw and on what it did not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backpropsym.errors import Problem, ValuesError
from backpropsym.graph import Graph, Role
from backpropsym.kernels.compile import Kernel
from backpropsym.learn.data import Arrays, Data
from backpropsym.learn.descent import Descent, Plan, Step, descend

_AT_ONCE = 1000
"""Objects that are scored at once."""


@dataclass(frozen=True)
class Score:
    """How a network does on some objects.

    Attributes
    ----------
    objective : its mean.
    right : the share of objects whose largest output is that of their class; None where the target is no class.
    """

    objects: int
    objective: float
    right: float | None


@dataclass(frozen=True)
class Training:
    """A descent on data.

    Attributes
    ----------
    of : the objective: the loss, else the output.
    before, after : the scores on the objects that were learned from, at the start and at the end.
    test_before, test_after : those on the objects of the test; None where there are none.
    """

    graph: Graph
    of: str
    data: Data
    descent: Descent
    before: Score
    after: Score
    test_before: Score | None
    test_after: Score | None

    @property
    def parameters(self) -> dict[str, Any]:
        """What was learned, arrays by parameter; `--at` and `net.trace` take it."""
        return self.descent.parameters


def train(
    kernel: Kernel,
    start: Mapping[str, Any],
    data: Data,
    plan: Plan,
    watch: Callable[[Step], None] | None = None,
) -> Training:
    """Descend on the mean objective of `data`.

    Parameters
    ----------
    start : every parameter by name, and numbers of inputs and targets that are the same for all objects.

    Raises
    ------
    ValuesError : something has no numbers, or the network has no parameters.
    """
    graph = kernel.graph
    names = graph.names(Role.PARAMETER)
    if not any(name in graph.ancestors(graph.objective) for name in names):
        raise ValuesError(f"{graph.objective} depends on no parameter", fix="declare what is to be learned: parameters")
    missing = [name for name in kernel.names if name not in start and name not in data.train]
    if missing:
        fix = "give --data FILE with arrays by name, or numbers with --at or in [values]"
        raise ValuesError([Problem(f"no numbers are given for {name}", fix=fix) for name in missing])
    floats = [array.dtype for array in data.train.values() if array.dtype.kind == "f"]
    dtype = np.result_type(*floats) if floats else np.dtype(float)
    parameters = {name: np.asarray(start[name], dtype) for name in names if name in kernel.names}
    fixed = {name: value for name, value in start.items() if name not in parameters and name not in data.train}
    fixed = {name: value for name, value in fixed.items() if name in kernel.names}

    def objective(**values: Any) -> tuple[float, dict[str, Any]]:
        return kernel(**fixed, **values)

    def scores(values: Mapping[str, Any]) -> tuple[Score, Score | None]:
        seen = _score(kernel, {**fixed, **values}, data.train)
        return seen, _score(kernel, {**fixed, **values}, data.test) if data.test else None

    before, test_before = scores(parameters)
    descent = descend(objective, parameters, data, plan, watch)
    after, test_after = scores(descent.parameters)
    return Training(graph, graph.objective, data, descent, before, after, test_before, test_after)


def _score(kernel: Kernel, values: Mapping[str, Any], objects: Arrays) -> Score:
    """The mean objective and the share of right classes, some objects at a time."""
    graph, count = kernel.graph, max((len(array) for array in objects.values()), default=1)
    total, right, classes = 0.0, 0, _has_classes(graph, objects)
    wanted = [graph.objective, *([graph.output] if classes else [])]
    for first in range(0, count, _AT_ONCE):
        part = {name: array[first : first + _AT_ONCE] for name, array in objects.items()}
        found = kernel.intermediates({**values, **part}, wanted)
        size = min(_AT_ONCE, count - first)
        total += float(np.mean(found[graph.objective])) * size
        if classes:
            target = next(iter(graph.names(Role.TARGET)))
            truth = part[target] if part[target].ndim == 1 else np.argmax(part[target], axis=1)
            right += int(np.sum(np.argmax(found[graph.output], axis=-1) == truth))
    return Score(count, total / count, right / count if classes else None)


def _has_classes(graph: Graph, objects: Arrays) -> bool:
    """Whether the output has a number for each class, and the one target is a class or has a 1 at it."""
    targets = graph.names(Role.TARGET)
    if len(targets) != 1 or targets[0] not in objects or len(graph[graph.output].shape) != 1:
        return False
    given = objects[targets[0]]
    if given.ndim == 1:
        return bool(np.all(given == np.floor(given)))
    return given.shape[1:] == graph[graph.output].shape and bool(
        np.all(np.sort(given, axis=1)[:, :-1] == 0.0) and np.all(given.max(axis=1) == 1.0)
    )
