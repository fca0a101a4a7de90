"""Values, derivatives and conventions at kinks, against PyTorch's autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.formula.tree import Call, Name
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.function_table import FunctionTable

TABLE = FunctionTable()
PEERS: dict[str, Callable[..., Any]] = {
    "identity": lambda x: x * 1,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "prelu": lambda x, slope: functional.prelu(x.reshape(1), slope.reshape(1))[0],
    "elu": functional.elu,
    "celu": functional.celu,
    "selu": functional.selu,
    "sigmoid": torch.sigmoid,
    "softplus": lambda x: functional.softplus(x, threshold=1e9),
    "silu": functional.silu,
    "mish": functional.mish,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "hard_sigmoid": functional.hardsigmoid,
    "hard_tanh": functional.hardtanh,
    "relu6": functional.relu6,
    "softsign": functional.softsign,
    "square": torch.square,
    "reciprocal": torch.reciprocal,
    "clip": lambda x, low, high: torch.clamp(x, low, high),
    "exp": torch.exp,
    "log": torch.log,
    "log1p": torch.log1p,
    "expm1": torch.expm1,
    "sqrt": torch.sqrt,
    "sin": torch.sin,
    "cos": torch.cos,
    "atan": torch.atan,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "abs": torch.abs,
    "sign": torch.sign,
    "KroneckerDelta": lambda i, j: ((i - j).abs() < 0.5).double(),
    "step": lambda x: torch.heaviside(x.detach(), torch.zeros((), dtype=x.dtype)),
    "max": torch.maximum,
    "min": torch.minimum,
    "where": lambda condition, a, b: torch.where(condition > 0, a, b),
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": lambda a, y, delta=1.0: functional.huber_loss(a, y, delta=float(delta)),
    "bce": functional.binary_cross_entropy,
    "bce_with_logits": functional.binary_cross_entropy_with_logits,
    "poisson": lambda a, y: functional.poisson_nll_loss(a, y, log_input=True),
    "hinge": lambda a, y, margin=1.0: functional.relu(margin - y * a),
    "smooth_l1": lambda a, y, beta=1.0: functional.smooth_l1_loss(a, y, beta=float(beta)),
    "kl_div": lambda a, y: functional.kl_div(a, y, reduction="sum"),
    "dropout": lambda x, mask, p=0.5: x * mask / (1 - p),
    "safe_sqrt": torch.sqrt,
    "log_cosh": lambda a, y: torch.log(torch.cosh(a - y)),
    "weighted": lambda weight, x: weight * x,
}
SINGLE = {"hard_sigmoid", "celu"}  # PyTorch keeps 1/6 and 1/alpha of these in single precision
NOT_DIFFERENTIATED = {("step", "x"), ("where", "condition"), ("huber", "delta"), ("elu", "alpha"), ("celu", "alpha")}
NOT_DIFFERENTIATED |= {("leaky_relu", "slope"), ("bce", "target"), ("smooth_l1", "beta")}
KINKS: dict[str, Sequence[tuple[float, ...]]] = {
    "relu": [(0.0,)],
    "leaky_relu": [(0.0, 0.01)],
    "prelu": [(0.0, 0.25)],
    "elu": [(0.0, 1.0), (0.0, 0.5)],
    "celu": [(0.0, 1.0), (0.0, 0.5)],
    "selu": [(0.0,)],
    "hard_sigmoid": [(-3.0,), (3.0,)],
    "hard_tanh": [(-1.0,), (1.0,)],
    "relu6": [(0.0,), (6.0,)],
    "softsign": [(0.0,)],
    "abs": [(0.0,)],
    "sign": [(0.0,)],
    "clip": [(-1.0, -1.0, 2.0), (2.0, -1.0, 2.0)],
    "mae": [(0.5, 0.5)],
    "huber": [(1.5, 0.5, 1.0), (-0.5, 0.5, 1.0), (0.5, 0.5, 1.0)],
    "hinge": [(1.0, 1.0, 1.0), (-0.5, -2.0, 1.0)],
    "smooth_l1": [(1.5, 0.5, 1.0), (-0.5, 0.5, 1.0), (0.5, 0.5, 1.0)],
}


def ours(name: str, at: Sequence[float]) -> tuple[float, dict[str, float]]:
    """Value and derivative by each argument."""
    arguments = FUNCTIONS[name].arguments
    numbers: dict[str, Any] = dict(zip(arguments, map(np.float64, at), strict=True))
    if "condition" in numbers:
        numbers["condition"] = np.bool_(numbers["condition"] > 0)
    tree = tuple(map(Name, arguments))
    derivatives = {
        each: float(evaluate(Call(TABLE.derivative(name, each).name, tree), numbers, TABLE))
        for each in arguments
        if (name, each) not in NOT_DIFFERENTIATED
    }
    return float(evaluate(Call(name, tree), numbers, TABLE)), derivatives


def theirs(name: str, at: Sequence[float]) -> tuple[float, dict[str, float]]:
    """The same by PyTorch; a scalar option that it cannot differentiate is given as a number."""
    arguments = FUNCTIONS[name].arguments
    tensors: list[Any] = []
    for argument, number in zip(arguments, at, strict=True):
        option = (name, argument) in NOT_DIFFERENTIATED and argument in ("alpha", "slope", "delta", "beta")
        tensors.append(number if option else torch.tensor(number, dtype=torch.float64, requires_grad=True))
    value = PEERS[name](*tensors)
    if value.requires_grad:
        value.backward()
    gradients = {
        argument: 0.0 if tensor.grad is None else float(tensor.grad)
        for argument, tensor in zip(arguments, tensors, strict=True)
        if (name, argument) not in NOT_DIFFERENTIATED
    }
    return float(value.detach()), gradients


def assert_same(name: str, at: Sequence[float]) -> None:
    mine, expected = ours(name, at), theirs(name, at)
    tolerance = 1e-6 if name in SINGLE else 1e-11
    assert mine[0] == pytest.approx(expected[0], rel=tolerance, abs=1e-13), f"{name}{tuple(at)}"
    for argument, derivative in expected[1].items():
        found = mine[1][argument]
        assert found == pytest.approx(derivative, rel=tolerance, abs=1e-13), f"d{name}/d{argument} at {tuple(at)}"


def test_every_function_has_a_peer() -> None:
    assert set(PEERS) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_derivatives(name: str) -> None:
    random = np.random.default_rng(5)
    for _ in range(30):
        assert_same(name, [float(random.uniform(*interval)) for interval in FUNCTIONS[name].domain])


@pytest.mark.parametrize(("name", "at"), [(name, at) for name, listed in KINKS.items() for at in listed])
def test_conventions_at_kinks(name: str, at: tuple[float, ...]) -> None:
    assert_same(name, at)


@pytest.mark.parametrize("name", ["max", "min"])
def test_a_tie_goes_to_the_first_of_two_where_pytorch_halves_it(name: str) -> None:
    assert ours(name, (0.5, 0.5))[1] == {"a": 1.0, "b": 0.0}
    assert theirs(name, (0.5, 0.5))[1] == {"a": 0.5, "b": 0.5}
