"""Losses of one scalar prediction and one scalar target."""

from __future__ import annotations

from fractions import Fraction
from typing import Unpack

from backpropsym.ops.function import Facts, Function, define

_PAIR = ("prediction", "target")
_REAL_PAIR = ((-3.0, 3.0), (-3.0, 3.0))


def _loss(name: str, formula: str, **facts: Unpack[Facts]) -> None:
    facts.setdefault("arguments", _PAIR)
    facts.setdefault("domain", _REAL_PAIR)
    facts.setdefault("probes", ((-1000.0, 0.0), (0.0, 0.0), (1000.0, 0.0)))
    facts.setdefault("named", False)
    define(Function(name=name, formula=formula, **facts))


_LOG = "where(abs(prediction) > 0, max(log(where(abs(prediction) > 0, prediction, 1)), -100), -100)"
_LOG_REST = "where(abs(1 - prediction) > 0, log1p(-where(abs(1 - prediction) > 0, prediction, 0)), -100)"
"""log(p) and log(1 - p) of a probability p, at least -100, without an infinite number on the way."""

_loss(
    "mse",
    "(prediction - target)**2",
    derivatives={"prediction": "2*(prediction - target)", "target": "-2*(prediction - target)"},
    source="squared error, Legendre 1805",
)
_loss(
    "mae",
    "abs(prediction - target)",
    derivatives={"prediction": "sign(prediction - target)", "target": "-sign(prediction - target)"},
    kink="mae'(0) = 0",
    source="absolute error, Laplace 1774",
)
_loss(
    "huber",
    "where(abs(prediction - target) <= delta, (prediction - target)**2/2, delta*(abs(prediction - target) - delta/2))",
    arguments=("prediction", "target", "delta"),
    defaults={"delta": Fraction(1)},
    derivatives={
        "prediction": "where(abs(prediction - target) <= delta, prediction - target, delta*sign(prediction - target))",
        "target": "-where(abs(prediction - target) <= delta, prediction - target, delta*sign(prediction - target))",
        "delta": "max(abs(prediction - target) - delta, 0)",
    },
    domain=(*_REAL_PAIR, (0.5, 1.5)),
    source="Huber 1964",
)
_loss(
    "smooth_l1",
    "where(abs(prediction - target) < beta, (prediction - target)**2/(2*beta), abs(prediction - target) - beta/2)",
    arguments=("prediction", "target", "beta"),
    defaults={"beta": Fraction(1)},
    derivatives={
        "prediction": "where(abs(prediction - target) < beta, (prediction - target)/beta, sign(prediction - target))",
        "target": "-where(abs(prediction - target) < beta, (prediction - target)/beta, sign(prediction - target))",
        "beta": "where(abs(prediction - target) < beta, -(prediction - target)**2/(2*beta**2), -1/2)",
    },
    domain=(*_REAL_PAIR, (0.5, 1.5)),
    source="Girshick 2015",
)
_loss(
    "log_cosh",
    "log((exp(prediction - target) + exp(target - prediction))/2)",
    stable="where(abs(prediction - target) < 1, "
    "log1p(expm1(min(abs(prediction - target), 1))**2/(2*exp(min(abs(prediction - target), 1)))), "
    "abs(prediction - target) + log1p(exp(-2*abs(prediction - target))) "
    "- 0.693147180559945309417232121458176568)",
    derivatives={"prediction": "tanh(prediction - target)", "target": "-tanh(prediction - target)"},
    source="Green 1990",
)
_loss(
    "bce",
    "-(target*log(prediction) + (1 - target)*log(1 - prediction))",
    stable=f"-target*{_LOG} - (1 - target)*{_LOG_REST}",
    derivatives={
        "prediction": "(prediction - target)/(prediction*(1 - prediction))",
        "target": "log(1 - prediction) - log(prediction)",
    },
    accurate={
        "prediction": "(prediction - target)"
        "/where(abs(prediction*(1 - prediction)) > 0, prediction*(1 - prediction), 1e-12)",
        "target": f"{_LOG_REST} - {_LOG}",
    },
    named=True,
    kink="bce takes logarithms below -100 as -100; where it divides by 0 in its slope, by 1e-12 as PyTorch",
    clamped=True,
    domain=((0.05, 0.95), (0.0, 1.0)),
    probes=((0.0, 0.0), (0.0, 1.0), (1e-12, 0.0), (0.5, 0.5), (1e-12, 1.0), (1.0, 0.0), (1.0, 1.0)),
    source="binary cross-entropy of a probability, Good 1952",
)
_loss(
    "bce_with_logits",
    "log(1 + exp(prediction)) - prediction*target",
    stable="max(prediction, 0) - prediction*target + log1p(exp(-abs(prediction)))",
    derivatives={"prediction": "sigmoid(prediction) - target", "target": "-prediction"},
    domain=((-3.0, 3.0), (0.0, 1.0)),
    source="binary cross-entropy of a logit, Good 1952",
)
_loss(
    "hinge",
    "max(margin - target*prediction, 0)",
    arguments=("prediction", "target", "margin"),
    defaults={"margin": Fraction(1)},
    derivatives={
        "prediction": "-target*step(margin - target*prediction)",
        "target": "-prediction*step(margin - target*prediction)",
        "margin": "step(margin - target*prediction)",
    },
    kink="hinge has slope 0 where target*prediction = margin",
    domain=(*_REAL_PAIR, (0.5, 1.5)),
    source="Cortes and Vapnik 1995; targets are -1 and 1",
)
_loss(
    "poisson",
    "exp(prediction) - target*prediction",
    derivatives={"prediction": "exp(prediction) - target", "target": "-prediction"},
    probes=((-700.0, 0.0), (0.0, 0.0), (700.0, 0.0)),
    source="Poisson negative log-likelihood of a log rate",
)
_loss(
    "kl_div",
    "target*(log(target) - prediction)",
    stable="target*(log(where(target > 0, target, where(target < 0, target, 1))) - prediction)",
    derivatives={"prediction": "-target", "target": "log(target) + 1 - prediction"},
    domain=((-3.0, 0.0), (0.05, 1.0)),
    probes=((-1000.0, 1e-300), (-1.0, 0.5), (0.0, 1.0)),
    source="Kullback and Leibler 1951; prediction is a logarithm, 0*log(0) = 0",
)
_loss(
    "weighted",
    "weight*x",
    arguments=("weight", "x"),
    stable="where(abs(x) <= 1e38, weight*x, where(abs(weight) > 0, weight*x, weight))",
    derivatives={"weight": "x", "x": "weight"},
    source="a term of an expected value: 0*log(0) = 0",
)
