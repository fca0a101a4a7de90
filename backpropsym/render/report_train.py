"""A training as tables: some of its steps, why it stopped, and how well the network does."""

from __future__ import annotations

from typing import Any

import numpy as np

from backpropsym.errors import UnknownNameError, counted
from backpropsym.learn.descent import Step, Stop
from backpropsym.learn.training import Score, Training
from backpropsym.render.json_text import json_text
from backpropsym.render.numbers import finite_data
from backpropsym.render.table import WIDTH, Table, markdown_tables, text_tables

_TOLD = ("1", "2", "5")
"""Steps are told whose number is one of these digits and zeros."""


def train_report(training: Training, medium: str = "text", width: int = WIDTH) -> str:
    """`training` written for `medium`: text, markdown or json.

    Raises
    ------
    UnknownNameError : no such medium.
    """
    match medium:
        case "json":
            return json_text(train_data(training))
        case "text":
            return text_tables(_tables(training), width)
        case "markdown":
            return markdown_tables(_tables(training))
        case _:
            raise UnknownNameError(f"nothing here is written as {medium!r}", fix="choose text, markdown or json")


def _tables(training: Training) -> list[Table]:
    return [_steps(training), _scores(training)]


def _steps(training: Training) -> Table:
    descent, plan = training.descent, training.descent.plan
    rows = tuple(
        (f"{step.number:,}", f"{step.objective:.6g}", f"{step.gradient:.3g}", f"{step.moved:.3g}")
        for step in descent.history
        if _told(step) or step is descent.history[-1]
    )
    objects = training.data.objects
    each = (
        f"{plan.batch:,} of {objects:,} objects a step" if 0 < plan.batch < objects else f"{counted(objects, 'object')}"
    )
    title = f"Gradient descent on {training.of}: rate {plan.rate:g}, {each}"
    heads = ("step", training.of, "norm of the gradient", "norm of the step")
    sentence = descent.reason
    if descent.stop is Stop.DIVERGED:
        sentence += ": try a smaller rate"
    return Table(title, heads, rows, frozenset(range(4)), notes=(f"{sentence[0].upper()}{sentence[1:]}.",))


def _told(step: Step) -> bool:
    return str(step.number).rstrip("0") in _TOLD


def _scores(training: Training) -> Table:
    pairs = [("training", training.before, training.after), ("test", training.test_before, training.test_after)]
    rows = [
        (name, f"{after.objects:,}", f"{before.objective:.6g}", f"{after.objective:.6g}", *_shares(before, after))
        for name, before, after in pairs
        if before is not None and after is not None
    ]
    heads = ("objects", "number", f"{training.of} at the start", "at the end")
    right = ("right at the start", "at the end") if training.after.right is not None else ()
    return Table("", (*heads, *right), tuple(rows), frozenset(range(1, 6)))


def _shares(before: Score, after: Score) -> tuple[str, ...]:
    return tuple(f"{each.right:.1%}" for each in (before, after) if each.right is not None)


def train_data(training: Training) -> dict[str, Any]:
    """`training` as data that JSON can hold.

    Returns
    -------
    Keys `of`; `plan` of rate, tolerance, steps, batch and seed; `stop`, one of small step, steps, diverged and
    interrupted, and `reason`; `history`, rows of step, objective, gradient and moved; `train` and `test` (or None),
    each with objects, and objective and right before and after; `parameters`. What is not finite is None.
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
        "train": _score_data(training.before, training.after),
        "test": _score_data(training.test_before, training.test_after),
        "parameters": {name: finite_data(np.asarray(value)) for name, value in descent.parameters.items()},
    }


def _score_data(before: Score | None, after: Score | None) -> dict[str, Any] | None:
    if before is None or after is None:
        return None
    return {
        "objects": after.objects,
        "objective": {"before": finite_data(before.objective), "after": finite_data(after.objective)},
        "right": None if after.right is None else {"before": before.right, "after": after.right},
    }
