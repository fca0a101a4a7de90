"""exp and tanh without branches against mpmath, at random points of every size and at the ends."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from backpropsym.kernels.backends.numba.branchless import BRANCHLESS

UNITS = 3.0
ENDS = (0.0, -0.0, 5e-324, math.inf, -math.inf, math.nan, 1e300, -1e300, 709.0, 710.0, -745.0, -746.0, 22.0)
RANDOM = np.random.default_rng(5)
POINTS = np.concatenate(
    [RANDOM.uniform(-low, low, 1500) for low in (0.2, 0.4, 1.2, 23.0, 700.0)]
    + [10.0 ** RANDOM.uniform(-300, 0, 500), -(10.0 ** RANDOM.uniform(-300, 0, 500))]
)


@pytest.mark.parametrize("name", BRANCHLESS)
def test_within_three_units_in_the_last_place(name: str) -> None:
    function: Callable[[float], float] = BRANCHLESS[name]
    with mpmath.workdps(40):
        for x in POINTS.tolist():
            exact = getattr(mpmath, name)(mpmath.mpf(x))
            unit = mpmath.mpf(float(np.spacing(abs(float(exact)))))
            assert abs(mpmath.mpf(float(function(x))) - exact) <= UNITS * unit, x


@pytest.mark.parametrize("name", BRANCHLESS)
def test_ends_as_in_the_library_of_the_system(name: str) -> None:
    for x in ENDS:
        with np.errstate(all="ignore"):
            found, expected = float(BRANCHLESS[name](x)), float(getattr(np, name)(x))
        assert found == pytest.approx(expected, rel=1e-15, abs=0.0, nan_ok=True), x
        assert math.copysign(1.0, found) == math.copysign(1.0, expected), x
