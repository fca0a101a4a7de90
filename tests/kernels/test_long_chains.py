"""Kernels of long networks are compiled with work in proportion to their length, and compute what a loop computes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from tests.work import lines_run

SHORT, LONG = 100, 400

SCALARS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "tanh(w{n}*{h})": ("own", lambda h, w: math.tanh(w * h)),
    "w{n}*{h}": ("own", lambda h, w: w * h),
    "-w{n}*{h}/1.5": ("own", lambda h, w: -w * h / 1.5),
    "{h} - w{n}": ("own", lambda h, w: h - w),
    "{h} + tanh({h})*w{n}": ("own", lambda h, w: h + math.tanh(h) * w),
    "relu({h}) - w": ("shared", lambda h, w: max(h, 0) - w),
    "({h} + x)/w": ("shared", lambda h, w: (h + 1.25) / w),
    "0.5*{h}**2": ("shared", lambda h, w: 0.5 * h**2),
}


def chain(step: str, length: int, shape: list[int], own: bool) -> str:
    """A network whose node n is a step from the node before."""
    names = ["w", *(f"w{n}" for n in range(length) if own)]
    nodes = [f'h{n} = "{step.format(n=n, h=f"h{n - 1}" if n else "x")}"' for n in range(length)]
    return "\n".join(
        [
            f"inputs = {{x = {shape}}}",
            "parameters = {" + ", ".join(f"{name} = {shape}" for name in names) + "}",
            'output = "total"',
            "[nodes]",
            *nodes,
            f'total = "{"sum" if shape else "tanh"}(h{length - 1})"',
            "",
        ]
    )


@pytest.mark.parametrize(
    ("step", "shape"), [("tanh(w{n}*{h})", []), ("tanh({h})", [3]), ("{h}*sum({h})", [3])], ids=["own", "tanh", "sum"]
)
def test_four_times_the_length_is_about_four_times_the_work(step: str, shape: list[int]) -> None:
    """Sixteen times where each node is compared with all before it."""
    nets = [bp.loads(chain(step, length, shape, "{n}" in step)) for length in (SHORT, LONG)]
    bp.compile(nets[0])
    short, long = (lines_run(lambda net=net: bp.compile(net)) for net in nets)  # type: ignore[misc]
    assert long < 6 * short


def test_no_adjoint_is_made_that_no_derivative_needs() -> None:
    """The derivative by the last weight takes one step back, however long the chain is, and that by the first all."""
    made = {}
    for length in (5, 50):
        graph = bp.loads(chain("tanh(w{n}*{h})", length, [3], True)).graph
        for weight in ("w0", f"w{length - 1}"):
            program = ArrayLowering(graph).reverse([weight])
            made[length, weight] = len(program.items) - program.backward
    assert made[5, "w4"] == made[50, "w49"]
    assert made[5, "w0"] < made[50, "w0"]


@pytest.mark.parametrize("step", SCALARS)
def test_a_long_chain_of_numbers_is_what_a_loop_computes(step: str) -> None:
    """Deeper than Python's recursion: value, and the gradient by the first parameter by a central difference."""
    kind, function = SCALARS[step]
    net = bp.loads(chain(step, 1500, [], kind == "own"))
    weights = {name: 1.0 + 1e-3 * math.sin(at) for at, name in enumerate(net.parameters)}
    moved = "w0" if kind == "own" else "w"

    def value(first: float) -> float:
        h = 1.25
        for n in range(1500):
            name = f"w{n}" if kind == "own" else "w"
            h = function(h, first if name == moved else weights[name])
        return math.tanh(h)

    found, gradients = bp.compile(net)(x=1.25, **weights)
    assert math.isclose(found, value(weights[moved]), rel_tol=1e-9, abs_tol=1e-12)
    slope = (value(weights[moved] + 1e-6) - value(weights[moved] - 1e-6)) / 2e-6
    assert math.isclose(gradients[moved], slope, rel_tol=1e-4, abs_tol=1e-6)


def test_means_over_objects_keep_common_factors_outside_at_any_depth() -> None:
    """What is the same for every object is multiplied once, not with each, however many factors there are."""
    net = bp.loads(chain("w{n}*{h}", 1500, [], True).replace("tanh(h1499)", "h1499 + 0"))
    weights = {name: 1.0 + 1e-3 * math.sin(at) for at, name in enumerate(net.parameters)}
    objects = np.array([0.5, 1.5, -3.0])
    value, gradients = bp.compile(net)(x=objects, **weights)
    product = math.prod(weights[f"w{n}"] for n in range(1500))
    assert math.isclose(value, product * objects.mean(), rel_tol=1e-9)
    for name in ("w0", "w700", "w1499"):
        assert math.isclose(gradients[name], value / weights[name], rel_tol=1e-9)
