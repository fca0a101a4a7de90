"""A training as tables: some of its steps, why it stopped, and how well the network does."""

from __future__ import annotations

import numpy as np

from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.numbers import finite_data
from backpropsym.errors import counted
from backpropsym.learn.descent import Stop
from backpropsym.learn.training import Score, Training


def train_page(training: Training) -> Page:
    """`training` as a page."""
    return Page(Notation(()), lambda: (_steps(training), _scores(training)), lambda: train_data(training))


def _steps(training: Training) -> Table:
    descent, plan, objects = training.descent, training.descent.plan, training.data.objects
    told = {each.step for each in training.checkpoints}
    rows = tuple(
        (f"{step.number:,}", f"{step.objective:.6g}", f"{step.gradient:.3g}", f"{step.moved:.3g}")
        for step in descent.history
        if step.number in told
    )
    each = f"{plan.batch:,} of {objects:,} objects a step" if 0 < plan.batch < objects else counted(objects, "object")
    title = f"Gradient descent on {training.of}: rate {plan.rate:g}, {each}"
    heads = ("step", training.of, "norm of the gradient", "norm of the step")
    sentence = descent.reason
    if descent.stop is Stop.DIVERGED:
        sentence += ": try a smaller rate"
    return Table(title, heads, rows, frozenset(range(4)), notes=(f"{sentence[0].upper()}{sentence[1:]}.",))


def _scores(training: Training) -> Table:
    """The objective and the share of right classes after some steps, on both parts of the data."""
    first = training.before
    parts = [("training", first.train)] + ([("test", first.test)] if first.test is not None else [])
    heads = [f"{training.of}, {name} ({score.objects:,})" for name, score in parts]
    heads += [f"right, {name}" for name, score in parts if score.right is not None]
    rows = []
    for each in training.checkpoints:
        scores = [score for score in (each.train, each.test) if score is not None]
        shares = [f"{score.right:.1%}" for score in scores if score.right is not None]
        rows.append((f"{each.step:,}", *(f"{score.objective:.6g}" for score in scores), *shares))
    return Table("After steps, on all objects", ("step", *heads), tuple(rows), frozenset(range(len(heads) + 1)))


def train_data(training: Training) -> dict[str, object]:
    """`training` as data that JSON can hold.

    Returns
    -------
    Keys `of`; `plan` of rate, tolerance, steps, batch and seed; `stop`, one of small step, steps, diverged and
    interrupted, and `reason`; `history`, rows of step, objective, gradient and moved; `checkpoints`, rows of step,
    `train` and `test` (or None), each with objects, objective and right; `parameters`. What is not finite is None.
    """
    descent, plan = training.descent, training.descent.plan
    return {
        "of": training.of,
        "data": training.data.name,
        "plan": {
            "rate": plan.rate,
            "tolerance": plan.tolerance,
            "steps": plan.steps,
            "batch": plan.batch,
            "seed": plan.seed,
        },
        "stop": str(descent.stop),
        "reason": descent.reason,
        "history": [
            {
                "step": step.number,
                "objective": finite_data(step.objective),
                "gradient": finite_data(step.gradient),
                "moved": finite_data(step.moved),
            }
            for step in descent.history
        ],
        "checkpoints": [
            {"step": each.step, "train": _score_data(each.train), "test": _score_data(each.test)}
            for each in training.checkpoints
        ],
        "parameters": {name: finite_data(np.asarray(value)) for name, value in descent.parameters.items()},
    }


def _score_data(score: Score | None) -> dict[str, object] | None:
    if score is None:
        return None
    return {"objects": score.objects, "objective": finite_data(score.objective), "right": score.right}
