"""A network trained on data: the descent, and how well the network does on what it saw and on what it did not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backpropsym.arrays import Array, Arrays, Numeric, Values
from backpropsym.errors import Problem, ValuesError
from backpropsym.evaluate.given_numbers import OWN_VALUES
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.api.compile import Kernel
from backpropsym.learn.data import Data, is_onehot
from backpropsym.learn.descent import Descent, Plan, Step, Stop, descend

_AT_ONCE = 1000
"""Objects that are scored at once."""
_ROUND = ("1", "2", "5")
"""The network is scored after steps whose number is one of these digits and zeros."""


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
class Checkpoint:
    """The scores after a step, on the objects that are learned from and on those of the test, if there are any."""

    step: int
    train: Score
    test: Score | None


@dataclass(frozen=True)
class Training:
    """A descent on data.

    Attributes
    ----------
    of : the objective: the loss, else the output.
    checkpoints : at the start, step 0; after steps 1, 2, 5, 10, 20, 50 and so on; and at the end.
    """

    graph: Graph
    of: str
    data: Data
    descent: Descent
    checkpoints: tuple[Checkpoint, ...]

    @property
    def before(self) -> Checkpoint:
        """The scores at the start."""
        return self.checkpoints[0]

    @property
    def after(self) -> Checkpoint:
        """The scores at the end."""
        return self.checkpoints[-1]

    @property
    def parameters(self) -> dict[str, Array]:
        """What was learned, by parameter in its shape; `--at` and `net.trace` take it."""
        return self.descent.parameters


def train(
    kernel: Kernel,
    start: Values,
    data: Data,
    plan: Plan,
    watch: Callable[[Step], None] | None = None,
) -> Training:
    """Descend on the mean objective of `data`.

    Parameters
    ----------
    start : every parameter in its shape, and numbers of inputs and targets that are the same for all objects.

    Raises
    ------
    ValuesError : something has no numbers, or the network has no parameters.
    """
    parameters, fixed = _start(kernel, start, data)
    scores = _Scores(kernel, fixed, data)

    def objective(**values: Array) -> tuple[float, dict[str, Numeric]]:
        return kernel(**fixed, **values)

    def look(step: Step, values: Values) -> None:
        if str(step.number).rstrip("0") in _ROUND:
            scores.add(step.number, values)
        if watch is not None:
            watch(step)

    scores.add(0, parameters)
    descent = descend(objective, parameters, data, plan, look)
    scores.finish(descent)
    return Training(kernel.graph, kernel.graph.objective, data, descent, tuple(scores.checkpoints))


def _start(kernel: Kernel, start: Values, data: Data) -> tuple[dict[str, Array], Values]:
    """The parameters to start from, in the precision of the data, and the numbers that stay fixed.

    Raises
    ------
    ValuesError : something has no numbers, or the objective depends on no parameter.
    """
    graph = kernel.graph
    names = graph.names(Role.PARAMETER)
    if not any(name in graph.ancestors(graph.objective) for name in names):
        raise ValuesError(f"{graph.objective} depends on no parameter", fix="declare what is to be learned: parameters")
    missing = [name for name in kernel.names if name not in start and name not in data.train]
    if missing:
        fix = f"give them with the data (--data FILE), for all objects alike with --at, or {OWN_VALUES}"
        raise ValuesError([Problem(f"no numbers are given for {name}", fix=fix) for name in missing])
    floats = [array.dtype for array in data.train.values() if array.dtype.kind == "f"]
    dtype = np.result_type(*floats) if floats else np.dtype(float)
    parameters = {name: np.asarray(start[name], dtype) for name in names if name in kernel.names}
    fixed = {
        name: value
        for name, value in start.items()
        if name in kernel.names and name not in parameters and name not in data.train
    }
    return parameters, fixed


class _Scores:
    """The scores of a network while it is trained.

    Parameters
    ----------
    fixed : the numbers that are the same for all objects and all steps.
    """

    def __init__(self, kernel: Kernel, fixed: Values, data: Data) -> None:
        self.kernel = kernel
        self.fixed = fixed
        self.data = data
        self.checkpoints: list[Checkpoint] = []

    def add(self, step: int, parameters: Values) -> None:
        """Score the parameters after a step."""
        values = {**self.fixed, **parameters}
        test = _score(self.kernel, values, self.data.test) if self.data.test else None
        self.checkpoints.append(Checkpoint(step, _score(self.kernel, values, self.data.train), test))

    def finish(self, descent: Descent) -> None:
        """Score the end; where the descent diverged, at the last parameters with a finite objective."""
        last = len(descent.history)
        if descent.stop is Stop.DIVERGED or self.checkpoints[-1].step != last:
            self.checkpoints = [checkpoint for checkpoint in self.checkpoints if checkpoint.step < last]
            self.add(last, descent.parameters)


def _score(kernel: Kernel, values: Values, objects: Arrays) -> Score:
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
    return given.shape[1:] == graph[graph.output].shape and is_onehot(given)
