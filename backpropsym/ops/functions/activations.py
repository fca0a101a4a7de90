"""Activations and scalar losses, each defined by a formula over the primitives."""

from __future__ import annotations

from fractions import Fraction
from typing import Unpack

from backpropsym.ops.function import Facts, Function, define

_SLOPE = Fraction(1, 100)
_ROOT = "sqrt(0.6366197723675813430755350534900574)"
_TANH_ARGUMENT = f"{_ROOT}*(x + 0.044715*x**3)"


def _activation(name: str, formula: str, **facts: Unpack[Facts]) -> None:
    define(Function(name=name, formula=formula, **facts))


_activation("identity", "x", derivatives={"x": "1"}, named=False, source="f(x) = x")
_activation(
    "relu",
    "max(x, 0)",
    derivatives={"x": "step(x)"},
    kink="relu'(0) = 0",
    latex=r"\operatorname{ReLU}",
    source="Nair and Hinton 2010",
)
_activation(
    "leaky_relu",
    "where(x > 0, x, slope*x)",
    arguments=("x", "slope"),
    defaults={"slope": _SLOPE},
    derivatives={"x": "where(x > 0, 1, slope)", "slope": "min(x, 0)"},
    kink="leaky_relu'(0) = slope",
    domain=((-3.0, 3.0), (0.01, 0.3)),
    source="Maas, Hannun and Ng 2013",
)
_activation(
    "prelu",
    "where(x > 0, x, slope*x)",
    arguments=("x", "slope"),
    start={"slope": Fraction(1, 4)},
    derivatives={"x": "where(x > 0, 1, slope)", "slope": "min(x, 0)"},
    named=False,
    kink="prelu'(0) = slope",
    domain=((-3.0, 3.0), (0.01, 0.3)),
    probes=((-1000.0, 0.25), (0.0, 0.25), (1000.0, 0.25)),
    source="He et al. 2015",
)
_activation(
    "elu",
    "where(x > 0, x, alpha*(exp(x) - 1))",
    stable="where(x > 0, x, alpha*expm1(min(x, 0)))",
    arguments=("x", "alpha"),
    defaults={"alpha": Fraction(1)},
    derivatives={"x": "where(x > 0, 1, alpha*exp(x))", "alpha": "where(x > 0, 0, exp(x) - 1)"},
    accurate={"x": "where(x > 0, 1, alpha*exp(min(x, 0)))", "alpha": "expm1(min(x, 0))"},
    kink="elu'(0) = alpha",
    domain=((-3.0, 3.0), (0.5, 1.5)),
    source="Clevert, Unterthiner and Hochreiter 2015",
)
_activation(
    "celu",
    "where(x > 0, x, alpha*(exp(x/alpha) - 1))",
    stable="where(x > 0, x, alpha*expm1(min(x, 0)/alpha))",
    arguments=("x", "alpha"),
    defaults={"alpha": Fraction(1)},
    derivatives={"x": "where(x > 0, 1, exp(x/alpha))"},
    accurate={
        "x": "where(x > 0, 1, exp(min(x, 0)/alpha))",
        "alpha": "where(x > 0, 0, expm1(min(x, 0)/alpha) - min(x, 0)*exp(min(x, 0)/alpha)/alpha)",
    },
    kink="celu'(0) = 1",
    domain=((-3.0, 3.0), (0.5, 1.5)),
    source="Barron 2017",
)
_activation(
    "selu",
    "1.050700987355480493419334985294*where(x > 0, x, 1.673263242354377284817042991672*(exp(x) - 1))",
    stable="1.050700987355480493419334985294*where(x > 0, x, 1.673263242354377284817042991672*expm1(min(x, 0)))",
    derivatives={
        "x": "1.050700987355480493419334985294*where(x > 0, 1, 1.673263242354377284817042991672*exp(x))",
    },
    accurate={
        "x": "1.050700987355480493419334985294*where(x > 0, 1, 1.673263242354377284817042991672*exp(min(x, 0)))",
    },
    kink="selu'(0) is the left slope, 1.7581",
    source="Klambauer et al. 2017",
)
_activation(
    "sigmoid",
    "1/(1 + exp(-x))",
    stable="where(x >= 0, 1, exp(-abs(x)))/(1 + exp(-abs(x)))",
    derivatives={"x": "sigmoid(x)*(1 - sigmoid(x))"},
    accurate={"x": "exp(-abs(x))/(1 + exp(-abs(x)))**2"},
    by_value={"x": "value*(1 - value)"},
    latex=r"\sigma",
    unicode="σ",
    source="logistic function, Verhulst 1845",
)
_activation(
    "softplus",
    "log(1 + exp(x))",
    stable="max(x, 0) + log1p(exp(-abs(x)))",
    derivatives={"x": "sigmoid(x)"},
    source="Dugas et al. 2000",
)
_activation(
    "silu",
    "x*sigmoid(x)",
    derivatives={"x": "sigmoid(x) + x*sigmoid(x)*(1 - sigmoid(x))"},
    accurate={"x": "sigmoid(x) + x*(exp(-abs(x))/(1 + exp(-abs(x)))**2)"},
    source="Elfwing, Uchibe and Doya 2017; swish with beta = 1",
)
_activation(
    "mish",
    "x*tanh(softplus(x))",
    derivatives={"x": "tanh(softplus(x)) + x*sigmoid(x)*(1 - tanh(softplus(x))**2)"},
    accurate={
        "x": "tanh(softplus(x)) + x*sigmoid(x)*(4*exp(-2*softplus(x))/(1 + exp(-2*softplus(x)))**2)",
    },
    source="Misra 2019",
)
_activation(
    "gelu",
    "x*(1 + erf(x/sqrt(2)))/2",
    stable="x*erfc(-x/sqrt(2))/2",
    derivatives={"x": "(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(6.283185307179586476925286766559005768)"},
    accurate={"x": "erfc(-x/sqrt(2))/2 + x*exp(-x**2/2)/sqrt(6.283185307179586476925286766559005768)"},
    source="Hendrycks and Gimpel 2016, exact",
)
_activation(
    "gelu_tanh",
    f"x*(1 + tanh({_TANH_ARGUMENT}))/2",
    stable=f"x*sigmoid(2*{_TANH_ARGUMENT})",
    derivatives={
        "x": f"(1 + tanh({_TANH_ARGUMENT}))/2 + x*(1 - tanh({_TANH_ARGUMENT})**2)*{_ROOT}*(1 + 0.134145*x**2)/2",
    },
    accurate={
        "x": f"sigmoid(2*{_TANH_ARGUMENT}) + 2*x*{_ROOT}*(1 + 0.134145*x**2)"
        f"*(exp(-2*abs({_TANH_ARGUMENT}))/(1 + exp(-2*abs({_TANH_ARGUMENT})))**2)",
    },
    source="Hendrycks and Gimpel 2016, tanh approximation",
)
_activation(
    "hard_sigmoid",
    "min(max(x/6 + 0.5, 0), 1)",
    derivatives={"x": "step(x + 3)*step(3 - x)/6"},
    kink="hard_sigmoid'(-3) = hard_sigmoid'(3) = 0",
    source="Courbariaux, Bengio and David 2015, in PyTorch's form",
)
_activation(
    "hard_tanh",
    "min(max(x, -1), 1)",
    derivatives={"x": "step(x + 1)*step(1 - x)"},
    kink="hard_tanh'(-1) = hard_tanh'(1) = 0",
    source="Collobert 2004",
)
_activation(
    "relu6",
    "min(max(x, 0), 6)",
    derivatives={"x": "step(x)*step(6 - x)"},
    kink="relu6'(0) = relu6'(6) = 0",
    source="Krizhevsky 2010",
)
_activation(
    "softsign",
    "x/(1 + abs(x))",
    derivatives={"x": "1/(1 + abs(x))**2"},
    source="Bergstra et al. 2009",
)
_activation("square", "x**2", derivatives={"x": "2*x"}, named=False, source="x squared")
_activation(
    "reciprocal",
    "1/x",
    derivatives={"x": "-1/x**2"},
    by_value={"x": "-value**2"},
    named=False,
    domain=((0.2, 3.0),),
    probes=((-1000.0,), (1.0,), (1000.0,)),
    source="1/x",
)
_activation(
    "clip",
    "min(max(x, low), high)",
    arguments=("x", "low", "high"),
    derivatives={
        "x": "(1 - step(low - x))*(1 - step(x - high))",
        "low": "step(low - x)*(1 - step(low - high))",
        "high": "step(max(x, low) - high)",
    },
    named=False,
    kink="clip takes the slope 1 at both edges",
    domain=((-3.0, 3.0), (-2.0, -1.0), (1.0, 2.0)),
    probes=((-1000.0, -1.0, 1.0), (0.0, -1.0, 1.0), (1000.0, -1.0, 1.0)),
    source="clamp to [low, high]",
)
_activation(
    "dropout",
    "x*mask/(1 - p)",
    arguments=("x", "mask", "p"),
    defaults={"p": Fraction(1, 2)},
    derivatives={"x": "mask/(1 - p)", "mask": "x/(1 - p)", "p": "x*mask/(1 - p)**2"},
    named=False,
    domain=((-3.0, 3.0), (0.0, 1.0), (0.1, 0.9)),
    probes=((-1000.0, 1.0, 0.5), (0.0, 0.0, 0.0), (1000.0, 1.0, 0.9)),
    source="Srivastava et al. 2014; mask is an input of zeros and ones, p the share of zeros",
)
_activation(
    "safe_sqrt",
    "where(x > 0, sqrt(x), 0)",
    derivatives={"x": "where(x > 0, 1/(2*sqrt(x)), 0)"},
    accurate={"x": "where(x > 0, 1/(2*sqrt(where(x > 0, x, 1))), 0)"},
    kink="norm'(0) = 0, as the slope of safe_sqrt at 0",
    domain=((0.1, 5.0),),
    probes=((1e-300,), (1.0,), (1000.0,)),
    source="square root with slope 0 at 0, for norms",
)
