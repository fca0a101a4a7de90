"""erf and erfc of arrays, which NumPy does not have. A saved kernel that needs them carries this text.

References
----------
Cody, Rational Chebyshev approximations for the error function, Mathematics of Computation 23, 1969; the
coefficients are those of his CALERF in SPECFUN, Netlib.
Shepherd and Laframboise, Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < inf, Mathematics of
Computation 36, 1981: the form used in single precision; its coefficients are interpolated here at Chebyshev points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_BLOCK = 8192
_NEAR = 0.46875
_FAR = 4.0
_VANISHED = 30.0
_ERF = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_ERFC = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1),
        *(2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3),
        1.23033935479799725e3,
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
        *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
    ),
)
_TAIL = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
        *(1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2),
        2.33520497626869185e-3,
    ),
)
_ONE_OVER_SQRT_PI = 0.56418958354775628695
_SINGLE_CENTRE = 3.0
_SINGLE_VANISHED = 12.0
_SINGLE = (
    -0.0002601643133034042,
    -0.0007533479766788793,
    0.0020225035018595285,
    0.0025632531401427704,
    -0.023810092771728776,
    0.06829313059867897,
    -0.1192688996893254,
    0.12964703334665714,
    -0.04756250164249535,
    -0.13562116579747852,
    1.2530080598856959,
)


def erf_array(x: Any, out: Any = None) -> Any:
    """The error function, to 1e-15, entry by entry; the dtype of `x` is kept."""
    return _blockwise(_erf_of_block, x, out)


def erfc_array(x: Any, out: Any = None) -> Any:
    """The complementary error function, to a relative error of 1e-15 where not subnormal; float32 to its last bit."""
    import numpy as np

    single = np.asarray(x).dtype == np.float32
    return _blockwise(_erfc_of_single_block if single else _erfc_of_block, x, out)


def _blockwise(function: Callable[[Any], Any], x: Any, out: Any) -> Any:
    """`function` applied to blocks that stay in the cache; into `out` if that is given."""
    import numpy as np

    whole = np.asarray(x)
    flat = whole.reshape(-1)
    result = np.empty_like(flat) if out is None or not out.flags.c_contiguous else out.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        result[start : start + _BLOCK] = function(flat[start : start + _BLOCK].astype(float))
    if out is None:
        return result.reshape(whole.shape)[()]
    if not out.flags.c_contiguous:
        np.copyto(out, result.reshape(whole.shape))
    return out


def _erf_of_block(x: Any) -> Any:
    import numpy as np

    magnitude = np.abs(x)
    near = magnitude <= _NEAR
    result = np.empty_like(x)
    result[near] = x[near] * _quotient(_ERF, x[near] ** 2)
    result[~near] = np.copysign(1.0 - _erfc_of_magnitude(magnitude[~near]), x[~near])
    return result


def _erfc_of_block(x: Any) -> Any:
    import numpy as np

    magnitude = np.abs(x)
    near = magnitude <= _NEAR
    result = np.empty_like(x)
    result[near] = 1.0 - x[near] * _quotient(_ERF, x[near] ** 2)
    outer = _erfc_of_magnitude(magnitude[~near])
    result[~near] = np.where(x[~near] < 0.0, 2.0 - outer, outer)
    return result


def _erfc_of_single_block(x: Any) -> Any:
    """erfc of numbers that were float32, in float64 and without branches: a polynomial in (y - k)/(y + k), y = |x|.

    With r that of y, |1 - sign x - r| is r for x > 0 and 2 - r for x < 0.
    """
    import numpy as np

    y = np.abs(x)
    np.minimum(y, _SINGLE_VANISHED, out=y)
    t, below = y - _SINGLE_CENTRE, y + _SINGLE_CENTRE
    t /= below
    result = _SINGLE[0] * t
    for coefficient in _SINGLE[1:-1]:
        result += coefficient
        result *= t
    result += _SINGLE[-1]
    np.multiply(y, 2.0, out=below)
    below += 1.0
    result /= below
    y *= y
    np.negative(y, out=y)
    result *= np.exp(y, out=y)
    np.copysign(1.0, x, out=t)
    np.subtract(1.0, t, out=t)
    t -= result
    return np.abs(t, out=t)


def _erfc_of_magnitude(y: Any) -> Any:
    """erfc for y > 0.46875: exp(-y*y) times a rational function; y*y is split so that the exponent is exact."""
    import numpy as np

    far = y > _FAR
    factor = np.empty_like(y)
    factor[~far] = _quotient(_ERFC, y[~far])
    inverse = 1.0 / y[far]
    square = inverse * inverse
    factor[far] = inverse * (_ONE_OVER_SQRT_PI - square * _quotient(_TAIL, square))
    bounded = np.minimum(y, _VANISHED)
    head = np.trunc(bounded * 16.0) / 16.0
    return np.exp(-head * head) * np.exp((head - bounded) * (head + bounded)) * factor


def _quotient(coefficients: tuple[tuple[float, ...], tuple[float, ...]], t: Any) -> Any:
    """A quotient of two polynomials by Horner's rule, highest power first."""
    above, below = coefficients[0][0] * t, coefficients[1][0] * t
    for upper, lower in zip(coefficients[0][1:-1], coefficients[1][1:-1], strict=True):
        above += upper
        above *= t
        below += lower
        below *= t
    above += coefficients[0][-1]
    below += coefficients[1][-1]
    above /= below
    return above
