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
_SINGLE_BLOCK = 12288
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
_BITS_OF_TWO = 0x40000000
_ONE_OVER_SQRT_PI = 0.56418958354775628695
_SINGLE_CENTRE = 3.25
_SINGLE_VANISHED = 10.1
_SINGLE = (
    -0.0012036251626515672,
    -1.255424610363856e-05,
    0.010248927105167806,
    -0.037002339157256946,
    0.08012653758864617,
    -0.11897340822846068,
    0.11350918795156033,
    -0.027457124942693895,
    -0.1386113576528916,
    1.2475151170559273,
)


def erf_array(x: Any, out: Any = None) -> Any:
    """The error function, to 1e-15, entry by entry; the dtype of `x` is kept."""
    return _blockwise(lambda block: _erf_of_block(block.astype(float)), x, out)


def erfc_array(x: Any, out: Any = None) -> Any:
    """The complementary error function, to a relative error of 1e-15 where not subnormal; float32 to 4 last bits."""
    import numpy as np

    if np.asarray(x).dtype != np.float32:
        return _blockwise(lambda block: _erfc_of_block(block.astype(float)), x, out)
    size = min(np.size(x), _SINGLE_BLOCK)
    scratch = [*np.empty((3, size), np.float32), np.full(size, _SINGLE_VANISHED, np.float32), *np.empty((2, size))]
    halves = [each / 2.0 for each in _SINGLE[:-1]]
    numbers = [np.array(each, np.float32) for each in (_SINGLE_CENTRE, *halves)]

    def function(block: Any) -> Any:
        return _erfc_of_single_block(block, numbers, [each[: block.size] for each in scratch])

    return _blockwise(function, x, out, size)


def _blockwise(function: Callable[[Any], Any], x: Any, out: Any, size: int = _BLOCK) -> Any:
    """`function` applied to blocks that stay in the cache, in the order in memory; into `out` if that is given."""
    import numpy as np

    whole = np.asarray(x)
    axes = sorted(range(whole.ndim), key=lambda axis: -abs(whole.strides[axis]))
    flat = whole.transpose(axes).reshape(-1)
    result = out if out is not None else np.empty_like(whole, whole.dtype if whole.dtype.kind == "f" else float)
    lying = result.transpose(axes)
    written = lying.reshape(-1) if lying.flags.c_contiguous else np.empty(flat.size, result.dtype)
    for start in range(0, flat.size, max(size, 1)):
        written[start : start + size] = function(flat[start : start + size])
    if not lying.flags.c_contiguous:
        np.copyto(lying, written.reshape(lying.shape))
    return out if out is not None else result[()]


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


def _erfc_of_single_block(x: Any, numbers: Any, scratch: Any) -> Any:
    """erfc of float32 without branches: half a polynomial in (y - k)/(y + k), y = |x|, over y + 1/2, times exp(-y*y).

    What an error of float32 would be seen in is float64: the largest coefficient, the quotient, the exponential. With s
    the bits of 2 where x < 0, else of 0, the result r for y becomes |s - r|.
    """
    import numpy as np

    y, t, result, vanished, double, exponential = scratch
    np.minimum(np.abs(x, out=y), vanished, out=y)
    centre, first, *middle = numbers
    np.add(y, centre, out=result)
    np.subtract(y, centre, out=t)
    t /= result
    np.multiply(t, first, out=result)
    for coefficient in middle:
        result += coefficient
        result *= t
    np.copyto(exponential, y)
    np.add(exponential, 0.5, out=double)
    exponential *= exponential
    np.exp(np.negative(exponential, out=exponential), out=exponential)
    exponential /= double
    np.add(result, _SINGLE[-1] / 2.0, out=double, dtype=float)
    double *= exponential
    np.copyto(result, double, casting="same_kind")
    signs = y.view(np.int32)
    np.right_shift(np.ascontiguousarray(x).view(np.int32), 31, out=signs)
    signs &= _BITS_OF_TWO
    np.subtract(y, result, out=result)
    return np.abs(result, out=result)


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
