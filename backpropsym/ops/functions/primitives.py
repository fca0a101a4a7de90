"""The functions that are not defined by others: NumPy, math, mpmath and SymPy each have them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from backpropsym.arrays import Array
from backpropsym.formula.tree import ONE, ZERO, Call, Name
from backpropsym.ops.function import Function, Primitive, define

if TYPE_CHECKING:
    import sympy as sp

erf_array = np.vectorize(math.erf, otypes=[float])
erfc_array = np.vectorize(math.erfc, otypes=[float])


def _inside(condition: Array, function: Callable[[Array], Array], z: Array) -> Array:
    """`function(z)` where the real function is defined, nan elsewhere: complex branches are not ours."""
    safe = np.where(condition, z, 1.0)
    return np.where(condition, function(safe), np.nan)


def _complex_error_function(real: Callable[[Array], Array], sign: float) -> Callable[[Array], Any]:
    """erf or erfc beside the real axis, by its first Taylor term; exact for a step of 1e-100."""

    def evaluate(z: Array) -> Any:
        x = np.real(z)
        return real(x) + 1j * np.imag(z) * sign * 2 / math.sqrt(math.pi) * np.exp(-x * x)

    return evaluate


def _sympy(name: str) -> Callable[..., sp.Expr]:
    """SymPy's function of that name, looked up when it is called: SymPy takes a while to load."""

    def call(*arguments: sp.Expr) -> sp.Expr:
        import sympy

        return getattr(sympy, name)(*arguments)

    return call


def _elementary(name: str, **facts: Any) -> None:
    """A function that all four libraries call by the same name and that is smooth where it is defined."""
    own = facts.pop("complex", getattr(np, name, None))
    define(
        Function(
            name=name,
            primitive=Primitive(
                scalar=facts.pop("scalar", f"math.{name}({{0}})"),
                array=facts.pop("array", f"np.{name}({{0}})"),
                real=facts.pop("real", getattr(np, name, None)),
                complex=own,
                mpmath=facts.pop("mpmath", lambda mp, x: getattr(mp, name)(x)),
                symbolic=facts.pop("symbolic", _sympy(name)),
            ),
            named=facts.pop("named", False),
            **facts,
        )
    )


_elementary(
    "exp",
    derivatives={"x": "exp(x)"},
    by_value={"x": "value"},
    probes=((-1000.0,), (0.0,), (700.0,)),
    source="Euler 1748",
)
_elementary(
    "log",
    derivatives={"x": "1/x"},
    complex=lambda z: _inside(np.real(z) > 0, np.log, z),
    mpmath=lambda mp, x: mp.nan if x < 0 else mp.log(x),
    domain=((0.1, 5.0),),
    probes=((1e-300,), (1.0,), (1000.0,)),
    latex=r"\ln",
    unicode="ln",
    source="Napier 1614",
)
_elementary(
    "log1p",
    derivatives={"x": "1/(1 + x)"},
    complex=lambda z: _inside(np.real(z) > -1, np.log1p, z),
    mpmath=lambda mp, x: mp.nan if x < -1 else mp.log1p(x),
    symbolic=lambda x: _sympy("log")(1 + x),
    domain=((-0.9, 5.0),),
    probes=((-0.999,), (0.0,), (1000.0,)),
    source="Kahan 1987, log(1 + x)",
)
_elementary(
    "expm1",
    derivatives={"x": "exp(x)"},
    symbolic=lambda x: _sympy("exp")(x) - 1,
    probes=((-1000.0,), (0.0,), (700.0,)),
    source="Kahan 1987, exp(x) - 1",
)
_elementary(
    "sqrt",
    derivatives={"x": "1/(2*sqrt(x))"},
    by_value={"x": "1/(2*value)"},
    complex=lambda z: _inside(np.real(z) >= 0, np.sqrt, z),
    mpmath=lambda mp, x: mp.nan if x < 0 else mp.sqrt(x),
    domain=((0.1, 5.0),),
    probes=((1e-300,), (1.0,), (1000.0,)),
    kink="sqrt'(0) is infinite",
    source="square root",
)
_elementary("sin", derivatives={"x": "cos(x)"}, source="sine, x in radians")
_elementary("cos", derivatives={"x": "-sin(x)"}, source="cosine, x in radians")
_elementary(
    "atan",
    derivatives={"x": "1/(1 + x**2)"},
    array="np.arctan({0})",
    real=np.arctan,
    complex=lambda z: np.arctan(np.real(z)) + 1j * np.imag(z) / (1 + np.real(z) ** 2),
    latex=r"\arctan",
    source="inverse tangent, in radians",
)
_elementary(
    "tanh",
    derivatives={"x": "1 - tanh(x)**2"},
    accurate={"x": "4*exp(-2*abs(x))/(1 + exp(-2*abs(x)))**2"},
    by_value={"x": "1 - value**2"},
    named=True,
    source="hyperbolic tangent",
)
_elementary(
    "erf",
    derivatives={"x": "2*exp(-x**2)/sqrt(3.141592653589793238462643383279502884)"},
    array="erf({0})",
    real=erf_array,
    complex=_complex_error_function(erf_array, 1.0),
    named=True,
    source="Gauss error function",
)
_elementary(
    "erfc",
    derivatives={"x": "-2*exp(-x**2)/sqrt(3.141592653589793238462643383279502884)"},
    array="erfc({0})",
    real=erfc_array,
    complex=_complex_error_function(erfc_array, -1.0),
    named=True,
    source="complementary error function, 1 - erf(x)",
)

define(
    Function(
        name="abs",
        primitive=Primitive(
            scalar="abs({0})",
            array="np.abs({0})",
            real=np.abs,
            complex=lambda z: np.where(np.real(z) >= 0, z, -z),
            mpmath=lambda mp, x: mp.fabs(x),
            symbolic=_sympy("Abs"),
            switch=np.real,
        ),
        derivatives={"x": "sign(x)"},
        named=False,
        kink="abs'(0) = 0",
        source="absolute value",
    )
)
define(
    Function(
        name="KroneckerDelta",
        arguments=("i", "j"),
        primitive=Primitive(
            scalar="(1.0 if abs({0} - {1}) < 0.5 else 0.0)",
            array="(np.multiply(np.abs({0} - {1}) < 0.5, _real(1.0)))",
            real=lambda i, j: np.where(np.abs(i - j) < 0.5, 1.0, 0.0),
            complex=lambda i, j: np.where(np.abs(np.real(i - j)) < 0.5, 1.0, 0.0) + 0j,
            mpmath=lambda mp, i, j: mp.mpf(1 if abs(i - j) < 0.5 else 0),
        ),
        derivatives={"i": "0", "j": "0"},
        named=False,
        domain=((-3.0, 3.0), (-3.0, 3.0)),
        probes=((-1000.0, 1000.0), (2.0, 2.0)),
        source="1 where two whole numbers are equal, such as a class and a position, else 0",
    )
)
define(
    Function(
        name="sign",
        primitive=Primitive(
            scalar="(1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else {0})",
            array="np.sign({0})",
            real=np.sign,
            complex=lambda z: np.sign(np.real(z)) + 0j,
            mpmath=lambda mp, x: mp.sign(x),
            switch=np.real,
        ),
        derivatives={"x": "0"},
        named=False,
        kink="sign(0) = 0, sign' = 0 everywhere",
        source="signum",
    )
)
define(
    Function(
        name="step",
        primitive=Primitive(
            scalar="(1.0 if {0} > 0.0 else 0.0 if {0} <= 0.0 else {0})",
            array="np.heaviside({0}, 0.0)",
            real=lambda x: np.heaviside(x, 0.0),
            complex=lambda z: np.heaviside(np.real(z), 0.0) + 0j,
            mpmath=lambda mp, x: mp.mpf(1 if x > 0 else 0),
            switch=np.real,
        ),
        derivatives={"x": "0"},
        named=False,
        kink="step(0) = 0, step' = 0 everywhere",
        source="Heaviside 1893",
    )
)
define(
    Function(
        name="max",
        arguments=("a", "b"),
        primitive=Primitive(
            scalar="({0} if {0} >= {1} or {0} != {0} else {1})",
            array="np.maximum({0}, {1})",
            real=np.maximum,
            complex=lambda a, b: np.where(np.real(a) >= np.real(b), a, b),
            mpmath=lambda mp, a, b: a if a >= b or a != a else b,
            switch=lambda a, b: np.real(a) - np.real(b),
        ),
        derivatives={"a": "1 - step(b - a)", "b": "step(b - a)"},
        named=False,
        kink="a tie of max goes to the first argument",
        domain=((-3.0, 3.0), (-3.0, 3.0)),
        probes=((-1000.0, 0.0), (0.0, 0.0), (1000.0, 0.0)),
        source="the larger of two",
    )
)
define(
    Function(
        name="min",
        arguments=("a", "b"),
        primitive=Primitive(
            scalar="({0} if {0} <= {1} or {0} != {0} else {1})",
            array="np.minimum({0}, {1})",
            real=np.minimum,
            complex=lambda a, b: np.where(np.real(a) <= np.real(b), a, b),
            mpmath=lambda mp, a, b: a if a <= b or a != a else b,
            switch=lambda a, b: np.real(a) - np.real(b),
        ),
        derivatives={"a": "1 - step(a - b)", "b": "step(a - b)"},
        named=False,
        kink="a tie of min goes to the first argument",
        domain=((-3.0, 3.0), (-3.0, 3.0)),
        probes=((-1000.0, 0.0), (0.0, 0.0), (1000.0, 0.0)),
        source="the smaller of two",
    )
)
define(
    Function(
        name="where",
        arguments=("condition", "a", "b"),
        primitive=Primitive(
            scalar="({1} if {0} else {2})",
            array="np.where({0}, {1}, {2})",
            real=np.where,
            complex=np.where,
            mpmath=lambda mp, condition, a, b: a if condition else b,
        ),
        derivatives={
            "a": Call("where", (Name("condition"), ONE, ZERO)),
            "b": Call("where", (Name("condition"), ZERO, ONE)),
        },
        named=False,
        kink="where takes the derivative of the branch it takes",
        domain=((-3.0, 3.0), (-3.0, 3.0), (-3.0, 3.0)),
        probes=((-1000.0, 1.0, 2.0), (0.0, 1.0, 2.0), (1000.0, 1.0, 2.0)),
        source="choice between two branches by a comparison",
    )
)
