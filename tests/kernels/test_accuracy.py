"""Every registered function far from zero and near it, against mpmath with as many digits as the cancellation takes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

import mpmath
import numpy as np
import pytest

from backpropsym.evaluate.arithmetic import ExactArithmetic, call
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.ops.function import FUNCTIONS, Function
from backpropsym.ops.function_table import FunctionTable
from tests.kernels.networks import one_function

DIGITS = 600
MOST_UNITS = 6
POINTS = (0.0, 1e-9, 1e-3, 0.5, 1.5, 7.0, 30.0, 300.0, 1000.0)
SECOND = (1.0, 0.25, -2.0)
EVERY = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=attrgetter("name"))
Exact = Callable[[str, tuple[Any, ...]], Any]
UNDEFINED = (ValueError, ZeroDivisionError, OverflowError)


def points(function: Function) -> list[tuple[float, ...]]:
    """Arguments from -1000 to 1000, the others near 1."""
    signed = sorted({sign * x for x in POINTS for sign in (-1.0, 1.0)})
    if len(function.arguments) == 1:
        return [(x,) for x in signed]
    rest = (-1.0, 1.0) if function.name == "clip" else ()
    optional = rest or tuple(map(float, function.defaults.values()))
    free = len(function.arguments) - len(optional) - 1
    return [(x, *(y,) * free, *optional) for x, y in itertools.product(signed, SECOND if free else SECOND[:1])]


@cache
def exact(name: str, at: tuple[Any, ...]) -> Any:
    """The value, or None where the function has none there, or none that a float holds."""
    try:
        value = call(name, tuple(map(mpmath.mpf, at)), FunctionTable(), ExactArithmetic(mpmath))
    except UNDEFINED:
        return None
    real = not isinstance(value, mpmath.mpc) and mpmath.isfinite(value)
    return value if real and abs(value) < 1e300 else None


@cache
def exact_derivative(name: str, at: tuple[Any, ...]) -> Any:
    """A central difference with a step far below every digit that counts; None at a kink and where it has none."""
    step, (x, *rest) = mpmath.mpf(10) ** -60, at
    around = [exact(name, (mpmath.mpf(x) + shift * step, *rest)) for shift in (-1, 0, 1)]
    if any(each is None for each in around):
        return None
    left, right = (around[1] - around[0]) / step, (around[2] - around[1]) / step
    same = abs(left - right) <= 1e-20 * (abs(left) + abs(right) + step)
    return (left + right) / 2 if same and abs(left) < 1e25 else None


@cache
def conditioned(measure: Exact, name: str, at: tuple[float, ...]) -> Any:
    """How far the exact result moves, per unit of relative change in each argument, together with its own size."""
    value, step = measure(name, at), mpmath.mpf(10) ** -40
    total = abs(value)
    for index, x in enumerate(at):
        moved = measure(name, (*at[:index], mpmath.mpf(x) * (1 + step), *at[index + 1 :]))
        total += 0 if moved is None else abs(moved - value) / step
    return total


def error(found: float, measure: Exact, name: str, at: tuple[float, ...], dtype: type) -> float:
    """The error in units of the precision: one unit is what rounding the arguments and the result may cause."""
    limits = np.finfo(dtype)
    allowed = conditioned(measure, name, at) * mpmath.mpf(float(limits.eps)) + mpmath.mpf(float(limits.tiny))
    return float(abs(mpmath.mpf(found) - measure(name, at)) / allowed)


@EVERY
@pytest.mark.parametrize("dtype", [float, np.float64, np.float32])
def test_values_and_derivatives_are_exact_to_a_few_units(function: Function, dtype: type) -> None:
    """Without a warning, in numbers and in both precisions of arrays; warnings are errors here."""
    kernel = compile_kernel(one_function(function), accuracy="full")
    largest = float(np.finfo(dtype).max)
    with mpmath.workdps(DIGITS):
        for given in points(function):
            at = tuple(float(dtype(x)) for x in given)
            arguments = {f"x{i}": x if dtype is float else np.array([x], dtype) for i, x in enumerate(at)}
            found, gradients = kernel(**arguments, **{f"p{i}": 0.0 for i in range(len(at))})
            for number, measure in ((found, exact), (gradients["p0"], exact_derivative)):
                expected = measure(function.name, at)
                if expected is not None and abs(expected) < largest:
                    assert math.isfinite(number), at
                    assert error(number, measure, function.name, at, dtype) <= MOST_UNITS, (at, number, float(expected))


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stored_values_leave_no_nan_far_from_zero(function: Function, dtype: type) -> None:
    """In the default accuracy, where value and derivative are defined, they are numbers within range."""
    kernel = compile_kernel(one_function(function))
    largest = float(np.finfo(dtype).max)
    with mpmath.workdps(DIGITS):
        for at in points(function):
            arrays = {f"x{i}": np.array([x], dtype) for i, x in enumerate(at)}
            found, gradients = kernel(**arrays, **{f"p{i}": 0.0 for i in range(len(at))})
            for number, measure in ((found, exact), (gradients["p0"], exact_derivative)):
                expected = measure(function.name, at)
                if expected is not None and abs(expected) < largest:
                    assert math.isfinite(number), at
