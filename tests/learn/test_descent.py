"""Gradient descent against the same written by hand, and the reasons for which it stops."""

import math

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import ValuesError
from backpropsym.learn.data import Data
from backpropsym.learn.descent import Plan, Step, Stop, descend

LINE = bp.loads("""
inputs = ["x"]
targets = ["y"]
parameters = ["w", "b"]
output = "a"
loss = "(a - y)**2"
[nodes]
a = "w*x + b"
""")
X = np.array([0.0, 1.0, 2.0, 4.0])
Y = 3.0 * X - 1.0


def test_a_line_is_found_as_by_hand() -> None:
    w, b = 0.5, 0.25
    found = LINE.train({"x": X, "y": Y}, at={"w": w, "b": b}, plan=Plan(rate=0.05, tolerance=0.0, steps=40))
    for step in found.descent.history:
        wrong = w * X + b - Y
        slope = np.array([2 * np.mean(wrong * X), 2 * np.mean(wrong)])
        assert step.objective == pytest.approx(np.mean(wrong**2), rel=1e-12)
        assert step.gradient == pytest.approx(np.linalg.norm(slope), rel=1e-12)
        assert step.moved == pytest.approx(0.05 * np.linalg.norm(slope), rel=1e-9)
        w, b = w - 0.05 * slope[0], b - 0.05 * slope[1]
    assert found.descent.stop is Stop.STEPS
    assert len(found.descent.history) == 40
    assert found.parameters == pytest.approx({"w": w, "b": b}, rel=1e-12)
    assert found.after.train.objective == pytest.approx(np.mean((w * X + b - Y) ** 2), rel=1e-9)


def test_it_stops_at_the_first_step_that_is_smaller_than_the_tolerance() -> None:
    found = LINE.train({"x": X, "y": Y}, plan=Plan(rate=0.05, tolerance=1e-4, steps=10_000)).descent
    moved = [step.moved for step in found.history]
    assert found.stop is Stop.SMALL_STEP
    assert moved[-1] < 1e-4 <= min(moved[:-1])
    assert "less than the tolerance 0.0001" in found.reason


def test_a_descent_that_diverges_says_so_and_keeps_finite_parameters() -> None:
    found = LINE.train({"x": X, "y": Y}, plan=Plan(rate=1.0, steps=100_000))
    assert found.descent.stop is Stop.DIVERGED
    assert all(math.isfinite(value) for value in found.parameters.values())
    assert math.isfinite(LINE.compile()(x=1.0, y=1.0, **found.parameters)[0])


def test_it_is_scored_after_round_numbers_of_steps_and_at_the_end() -> None:
    found = LINE.train({"x": X, "y": Y}, {"x": X[:1], "y": Y[:1]}, plan=Plan(rate=0.01, steps=60))
    assert [each.step for each in found.checkpoints] == [0, 1, 2, 5, 10, 20, 50, 60]
    for each in found.checkpoints[:-1]:
        assert each.train.objective == pytest.approx(found.descent.history[each.step].objective, rel=1e-12)
    w, b = found.parameters["w"], found.parameters["b"]
    assert found.after.test is not None
    assert found.after.test.objective == pytest.approx((w * X[0] + b - Y[0]) ** 2, rel=1e-12)
    assert found.after.test.right is None


def test_a_gradient_of_zero_is_named() -> None:
    dead = bp.loads('parameters = ["w"]\noutput = "a"\n[nodes]\na = "relu(w)"')
    found = dead.train(at={"w": -1.0}).descent
    assert found.stop is Stop.SMALL_STEP
    assert "the gradient is zero" in found.reason


def test_an_interruption_keeps_what_was_reached() -> None:
    def impatient(step: Step) -> None:
        if step.number == 3:
            raise KeyboardInterrupt

    found = LINE.train({"x": X, "y": Y}, plan=Plan(rate=0.01), watch=impatient).descent
    assert (found.stop, len(found.history)) == (Stop.INTERRUPTED, 3)
    whole = LINE.train({"x": X, "y": Y}, plan=Plan(rate=0.01, steps=3)).descent
    assert found.parameters == whole.parameters


def test_what_is_given_is_not_modified() -> None:
    start, x = {"w": np.array(1.0), "b": np.array(2.0)}, X.copy()
    LINE.train({"x": x, "y": Y}, at=start)
    assert start == {"w": 1.0, "b": 2.0}
    assert np.array_equal(x, X)


@pytest.mark.parametrize("batch", [1, 3, 5, 10, 11])
def test_parts_go_round_all_objects_in_a_new_order(batch: int) -> None:
    seen: list[list[float]] = []

    def objective(w: float, x: np.ndarray) -> tuple[float, dict[str, float]]:
        seen.append(list(x))
        return 1.0, {"w": 1.0}

    data = Data("ten", {"x": np.arange(10.0)}, {})
    steps = 10 // min(batch, 10)
    descend(objective, {"w": 0.0}, data, Plan(steps=2 * steps, batch=batch))
    assert {len(each) for each in seen} == {min(batch, 10)}
    rounds = [sorted(sum(seen[:steps], [])), sorted(sum(seen[steps:], []))]
    assert all(len(set(each)) == steps * min(batch, 10) for each in rounds)
    assert batch >= 10 or seen[:steps] != seen[steps:]


def test_a_few_objects_without_a_gradient_do_not_end_it() -> None:
    half = bp.loads('inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "relu(w*x)"')
    found = half.train({"x": np.array([1.0, -1.0])}, at={"w": 1.0}, plan=Plan(rate=0.25, batch=1, steps=100)).descent
    assert 0.0 in [step.moved for step in found.history[:-2]]
    assert found.parameters["w"] <= 0.0
    assert found.stop is Stop.SMALL_STEP
    assert "the last round of 2 moved the parameters by 0" in found.reason


def test_the_seed_decides() -> None:
    net = bp.parse("x[2] -> dense(3, tanh) -> dense(1) -> mse")
    data = {"x": np.random.default_rng(0).normal(size=(20, 2)), "y": np.ones((20, 1))}
    first, same, other = (
        net.train(data, plan=Plan(batch=4, steps=9, seed=seed)).descent.history[-1] for seed in (1, 1, 2)
    )
    assert first == same != other


def test_what_has_no_numbers_is_named() -> None:
    with pytest.raises(ValuesError, match="no numbers are given for x"):
        LINE.train({"y": Y})


def test_a_network_without_parameters_learns_nothing() -> None:
    fixed = bp.loads('inputs = ["x"]\noutput = "a"\n[nodes]\na = "2*x"')
    with pytest.raises(ValuesError, match="depends on no parameter"):
        fixed.train({"x": X})
