"""exp and tanh of float64 in plain arithmetic without branches or tables, so that a compiler makes vectors of them.

A compiled loop over objects that calls the functions of the system's library computes one object at a time. The
argument is reduced to r = x - k ln 2 with |r| <= ln 2 / 2, where the series of exp(r) - 1 to the power 13 is exact to
the last bit; 2**k is put together from its bits. Both functions are within 3 units in the last place.

References
----------
Cody and Waite, Software manual for the elementary functions, 1980: the reduction by ln 2 in two parts.
"""

from __future__ import annotations

import math

import numpy as np

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-1
_LN2_LOW = 1.90821492927058770002e-10
_ROUND = 1.5 * 2.0**52
"""Added to a number below 2**51 in magnitude, it leaves the nearest whole number in the lowest bits."""
_MOST = 720.0
_LEAST = -760.0
_SATURATED = 22.0
_C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12, _C13 = (1.0 / math.factorial(n) for n in range(2, 14))


def power_of_two(k: float) -> float:
    """2**k for a whole number k from -1022 to 1023."""
    return np.int64((np.float64(k + _ROUND).view(np.int64) + 1023) << 52).view(np.float64)


def below_one(r: float) -> float:
    """exp(r) - 1 for |r| <= ln 2 / 2."""
    r2 = r * r
    r4 = r2 * r2
    low = (_C2 + _C3 * r) + (_C4 + _C5 * r) * r2
    high = ((_C6 + _C7 * r) + (_C8 + _C9 * r) * r2) + ((_C10 + _C11 * r) + (_C12 + _C13 * r) * r2) * r4
    return r + r2 * (low + high * r4)


def exp(x: float) -> float:
    """The exponential: inf above 709.78, nan for nan."""
    x = _MOST if x > _MOST else x
    x = _LEAST if x < _LEAST else x
    k = (x * _LOG2_E + _ROUND) - _ROUND
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    half = (k * 0.5 + _ROUND) - _ROUND
    return (below_one(r) + 1.0) * power_of_two(half) * power_of_two(k - half)


def tanh(x: float) -> float:
    """The hyperbolic tangent: m / (m + 2) with m = exp(2|x|) - 1, and the sign of x."""
    y = abs(x)
    y = _SATURATED if y > _SATURATED else y
    y = y + y
    k = (y * _LOG2_E + _ROUND) - _ROUND
    r = (y - k * _LN2_HIGH) - k * _LN2_LOW
    scale = power_of_two(k)
    m = scale * below_one(r) + (scale - 1.0)
    return math.copysign(m / (m + 2.0), x)


BRANCHLESS = {"exp": exp, "tanh": tanh}
