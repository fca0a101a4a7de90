"""Gradient descent with a stopping rule that says why it stopped.

w(t) = w(t-1) - rate * gradient of Q at w(t-1), until the norm of w(t) - w(t-1) is below a tolerance. Q is the mean of
the objective over the objects of a step: over all, or over the next few in random order; t then counts rounds of all
objects in the rule for stopping, for a few may have no gradient where the others have one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from backpropsym.arrays import Array, Arrays, Numbers, Numeric, Values
from backpropsym.errors import ValuesError
from backpropsym.learn.data import Data

Objective = Callable[..., tuple[float, dict[str, Numeric]]]
Parameters = dict[str, Array]


class Stop(StrEnum):
    """Why a descent stopped."""

    SMALL_STEP = "small step"
    STEPS = "steps"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Plan:
    """How to descend.

    Attributes
    ----------
    rate : the length of a step over that of the gradient.
    tolerance : descent stops when a step, or with `batch` a round of all objects, moves the parameters by less than
        this, as the Euclidean norm over all.
    steps : the most steps that are made.
    batch : objects a step; 0 means all.
    seed : of the order of the objects, and of random parameters.

    Raises
    ------
    ValuesError : a rate that is not positive, or another number that makes no sense.
    """

    rate: float = 0.1
    tolerance: float = 1e-6
    steps: int = 1000
    batch: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate) and self.rate > 0.0):
            raise ValuesError(f"the rate {self.rate:g} makes no step downhill", fix="give --rate 0.1")
        if not (math.isfinite(self.tolerance) and self.tolerance >= 0.0):
            raise ValuesError(f"no step is smaller than the tolerance {self.tolerance:g}", fix="give --tolerance 1e-6")
        if self.steps < 1 or self.batch < 0:
            raise ValuesError("steps are 1 or more, and a batch 0 or more objects", fix="give --steps 1000 --batch 32")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of descent.

    Attributes
    ----------
    number : counted from 1.
    objective : the mean over the objects of the step, before it.
    gradient : the norm of its gradient.
    moved : the norm of w(t) - w(t-1).
    """

    number: int
    objective: float
    gradient: float
    moved: float


@dataclass
class Descent:
    """A descent as far as it has come.

    Attributes
    ----------
    parameters : the newest ones; where it diverged, the last ones at which the objective was finite.
    round : the steps that go over all objects once.
    history : every step.
    moved : how far the last round moved the parameters.
    stop : why it ended; None while it runs.
    before : the parameters before the last step.
    round_start : the parameters at the start of this round.
    """

    plan: Plan
    parameters: Parameters
    round: int = 1
    history: list[Step] = field(default_factory=list)
    moved: float = math.inf
    stop: Stop | None = None
    before: Parameters = field(init=False, repr=False)
    round_start: Parameters = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.before = self.round_start = self.parameters

    def advance(self, value: float, gradients: Numbers) -> bool:
        """Make one step downhill and decide whether it was the last; no step is made where a number is not finite.

        Parameters
        ----------
        value, gradients : the objective at the parameters, and its derivatives by them.

        Returns
        -------
        Whether a step was made.
        """
        length = _norm(gradients.values())
        if not (math.isfinite(value) and math.isfinite(length)):
            self.parameters, self.stop = self.before, Stop.DIVERGED
            return False
        self.before, self.parameters = self.parameters, _moved(self.parameters, gradients, self.plan.rate)
        step = Step(len(self.history) + 1, value, length, _distance(self.before, self.parameters))
        self.history.append(step)
        if step.number % self.round == 0:
            self.moved, self.round_start = _distance(self.round_start, self.parameters), self.parameters
        if self.moved < self.plan.tolerance:
            self.stop = Stop.SMALL_STEP
        elif step.number >= self.plan.steps:
            self.stop = Stop.STEPS
        return True

    @property
    def reason(self) -> str:
        """Why it stopped, as a sentence."""
        steps, moved = f"{len(self.history):,} steps", ""
        if math.isfinite(self.moved):
            last = "one" if self.round == 1 else f"round of {self.round:,}"
            moved = f"the last {last} moved the parameters by {self.moved:.3g}"
            moved += " (the gradient is zero)" if self.moved == self.history[-1].gradient == 0.0 else ""
        match self.stop:
            case Stop.SMALL_STEP:
                return f"stopped after {steps}: {moved}, less than the tolerance {self.plan.tolerance:g}"
            case Stop.DIVERGED:
                return f"diverged after {steps}: the objective or its gradient is not finite"
            case Stop.INTERRUPTED:
                return f"interrupted after {steps}"
        return f"stopped after {steps}, as many as were asked for{moved and ': '}{moved}"


def descend(
    objective: Objective,
    start: Values,
    data: Data,
    plan: Plan,
    watch: Callable[[Step, Parameters], None] | None = None,
) -> Descent:
    """Descend from `start`.

    Parameters
    ----------
    objective : called with arrays by name; returns a value and its derivatives by the parameters.
    start : the parameters by name, in their shapes; they are not modified.
    watch : is shown every step, and the parameters after it.

    Returns
    -------
    The descent. Ctrl-C ends it with what was reached.
    """
    count = data.objects
    steps_a_round = count // plan.batch if 0 < plan.batch < count else 1
    descent = Descent(plan, {name: np.array(value) for name, value in start.items()}, steps_a_round)
    batches = _batches(data, plan)
    try:
        while descent.stop is None:
            made = descent.advance(*objective(**descent.parameters, **next(batches)))
            if made and watch is not None:
                watch(descent.history[-1], descent.parameters)
    except KeyboardInterrupt:
        descent.stop = Stop.INTERRUPTED
    return descent


def _moved(parameters: Parameters, gradients: Numbers, rate: float) -> Parameters:
    with np.errstate(all="ignore"):
        return {
            name: parameter - parameter.dtype.type(rate) * gradients[name] if name in gradients else parameter
            for name, parameter in parameters.items()
        }


def _distance(before: Parameters, after: Parameters) -> float:
    with np.errstate(all="ignore"):
        return _norm([np.float64(after[name]) - np.float64(before[name]) for name in after])


def _norm(arrays: Iterable[Numeric]) -> float:
    """The Euclidean norm over all entries of all arrays, added up in float64."""
    with np.errstate(all="ignore"):
        return math.sqrt(sum(float(np.vdot(array, array)) for array in map(np.float64, arrays)))


def _batches(data: Data, plan: Plan) -> Iterator[Arrays]:
    """The objects of each step, for ever: all of them, or parts of them in a new random order each time round."""
    count = data.objects
    if not plan.batch or plan.batch >= count:
        while True:
            yield data.train
    random = np.random.default_rng(plan.seed)
    while True:
        order = random.permutation(count)
        for first in range(0, count - plan.batch + 1, plan.batch):
            chosen = order[first : first + plan.batch]
            yield {name: array[chosen] for name, array in data.train.items()}
