"""What a choice cuts off carries nothing, however many nodes lie between it and what is infinite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.evaluate import differences
from backpropsym.formula.tree import Call, Name
from backpropsym.kernels.lowering.formulas import FormulaLowering
from backpropsym.ops.differentiate import partials
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.function_table import FunctionTable

ARRAYS = {
    "a product behind the choice": 'h = "log(w)"\ny = "W @ h"\nz = "where(c > 0, 1, sum(y))"\na = "z*z + c"',
    "a factor between": 'h = "log(w)"\ny = "2*h"\nz = "where(c > 0, 1, sum(y))"\na = "z*z + sum(W)"',
    "products of entries": 'h = "log(w)"\ny = "h*W[0]"\nz = "where(c > 0, 1, sum(y))"\na = "z*z"',
    "a steep root": 'h = "sqrt(w)"\ny = "W @ h"\nz = "where(c > 0, 1, sum(y))"\na = "z*z"',
    "a row at a time": 'h = "log(w)"\ny = "W @ h"\nz = "where(abs(y) > 5, 1, y)"\na = "sum(z*z)"',
    "a quotient": 'h = "1/w"\ny = "W @ h"\nz = "where(c > 0, 1, sum(y*y))"\na = "z*z"',
    "an entry that is not read": 'h = "log(w)"\nz = "h[1]*W[0, 0]"\na = "z*z"',
    "a part that is not read": 'h = "log(w)"\nz = "h[1:]*W[0, 0]"\na = "sum(z*z)"',
    "rows that are not chosen": 'h = "log(w)"\nz = "max(h)"\na = "z*z + W[1, 1]"',
    "a root below a dead relu": 'h = "sqrt(w)"\ny = "W @ h - 3"\nz = "relu(y)"\na = "sum(z*z)"',
    "what is no number": 't = "tanh(log(w - 3))"\ny = "W @ t"\nz = "where(c > 0, 1, sum(y))"\na = "z*z"',
    "a sigmoid of what is no number": 'h = "log(w)"\ny = "W @ sigmoid(h*w)"\na = "where(c > 0, 1, sum(y))"',
    "shares of infinity": 'h = "1/w"\ny = "W @ softmax(h)"\nz = "where(c > 0, 1, sum(y))"\na = "z*z"',
    "a quotient by zero": 'y = "w/k"\nz = "W @ y"\nu = "where(c > 0, 1, sum(z))"\na = "u*u"\n[constants]\nk = 0.0',
    "one formula": 'a = "sum(relu(sqrt(w) - 2)) + sum(W)"',
    "a row of a choice by rows": 'h = "log(w)"\nz = "where(w > 0, h, 0)"\na = "sum(W @ z)"',
}
SCALARS = {
    "nodes": 'h = "log(w)"\ny = "2*h*v"\nz = "where(c > 0, 1, y)"\na = "z*z"',
    "a dead relu": 'h = "sqrt(w)"\ny = "h*v - 3"\na = "relu(y)"',
    "one formula ": 'a = "where(c > 0, v, log(w)*v)"',
    "a quotient ": 'h = "v/w"\ny = "exp(h)"\na = "where(c > 0, v*v, y)"',
}
MODES = ("reverse", "forward", "paths")
TIES = {
    "a square of a tie": 'a = "relu(sqrt(w))**2*v"',
    "a tie of nodes": 'h = "sqrt(w)"\na = "v*relu(h)"',
    "a step that is a node": 'g = "step(w)"\nh = "sqrt(w)"\na = "g*h*v"',
    "a delta": 'h = "sqrt(w)"\na = "KroneckerDelta(c, 2)*h*v"',
    "a delta in one formula": 'a = "KroneckerDelta(c, 2)*sqrt(w)*v"',
    "the smaller of two": 'h = "1/w"\na = "max(min(h, 1), v)"',
}
WITHOUT_JUMP = {"a row of a choice by rows": "the same without a jump"}
"""Where the value jumps no slope is true; what has the same values and no jump has the slope of the branch."""

ARRAYS_WITHOUT_JUMP = {"the same without a jump": 'h = "log(max(w, 0.5))"\nz = "where(w > 0, h, 0)"\na = "sum(W @ z)"'}
AT = {"w": np.array([0.0, 1.0]), "c": 1.0, "W": np.array([[1.0, 0.5], [-0.5, 2.0]])}
AT_NUMBERS = {"w": 0.0, "c": 1.0, "v": 0.75}


def arrays(name: str) -> bp.Network:
    nodes = (ARRAYS | ARRAYS_WITHOUT_JUMP)[name]
    return bp.loads(f'inputs = {{c = []}}\nparameters = {{w = [2], W = [2, 2]}}\noutput = "a"\n[nodes]\n{nodes}')


def numbers(name: str) -> bp.Network:
    return bp.loads(f'inputs = ["c"]\nparameters = ["w", "v"]\noutput = "a"\n[nodes]\n{SCALARS[name]}')


def truth(net: bp.Network, at: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        found = differences.complex_step(net.graph, at, "a", names)
    assert all(np.isfinite(each).all() for each in found.values())
    return found


def compare(found: dict[str, Any], right: dict[str, Any]) -> None:
    for name, each in right.items():
        np.testing.assert_allclose(found[name], each, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("accuracy", ["default", "full"])
@pytest.mark.parametrize("name", ARRAYS)
def test_of_arrays_what_is_cut_off_is_not_multiplied_in(name: str, accuracy: str) -> None:
    net = arrays(name)
    right = truth(arrays(WITHOUT_JUMP.get(name, name)), AT, ("w", "W"))
    kernel = bp.compile(net, accuracy=accuracy)
    compare(kernel(**AT)[1], right)
    batch = AT | {"c": np.array([1.0, 1.0, 1.0])}
    compare(kernel(**batch)[1], right)
    compare({key: rows[2] for key, rows in kernel.per_object(batch)[1].items()}, right)
    compare(bp.compile(net, objects_at_once=2)(**batch)[1], right)
    compare(kernel.vjp(AT, {"a": 1.0}, ["w", "W"]), right)
    direction = {"w": np.array([1.0, -1.0]), "W": np.array([[1.0, 2.0], [3.0, 4.0]])}
    slope = sum(float(np.sum(right[key] * each)) for key, each in direction.items())
    assert kernel.jvp(AT, direction)["a"] == pytest.approx(slope)


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != "a row of a choice by rows"])
def test_derivations_give_the_same_numbers(name: str) -> None:
    """In the one left out the value jumps, and no slope is finite."""
    net = arrays(name)
    right = truth(net, AT, ("w", "W"))
    with np.errstate(all="ignore"):
        compare({key: net.derive("a", wrt=key).evaluate(**AT) for key in right}, right)


def test_at_the_end_of_a_domain_the_slope_is_that_of_its_side() -> None:
    net = bp.loads('inputs = {}\nparameters = {w = [2]}\noutput = "a"\n[nodes]\nh = "sqrt(w)"\na = "sum(h*h)"')
    np.testing.assert_allclose(net.derive("a", wrt="w").evaluate(w=np.array([0.0, 1.0])), [1.0, 1.0])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCALARS)
def test_of_numbers_what_is_cut_off_is_not_multiplied_in(name: str, mode: str) -> None:
    net = numbers(name)
    right = truth(net, AT_NUMBERS, ("w", "v"))
    kernel = bp.compile(net, mode=mode)
    compare(kernel(**AT_NUMBERS)[1], right)
    compare(kernel(**AT_NUMBERS | {"c": np.array([1.0, 2.0])})[1], right)


@pytest.mark.parametrize("name", TIES)
def test_at_a_tie_the_convention_gives_the_same_number_everywhere(name: str) -> None:
    """The zero of a step cuts off what is infinite, also at the step; both slopes are told beside it."""
    net = bp.loads(f'inputs = ["c"]\nparameters = ["w", "v"]\noutput = "a"\n[nodes]\n{TIES[name]}')
    found = [bp.compile(net, mode=mode)(**AT_NUMBERS)[1]["w"] for mode in MODES]
    found += [net.derive("a", wrt="w").evaluate(**AT_NUMBERS), net.trace(AT_NUMBERS).gradient["w"]]
    assert found == [0.0] * 5


def test_at_a_tie_of_arrays_the_convention_gives_the_same_number_everywhere() -> None:
    nodes = 'h = "sqrt(w)"\na = "sum(relu(h)**2)"'
    net = bp.loads(f'inputs = {{}}\nparameters = {{w = [2]}}\noutput = "a"\n[nodes]\n{nodes}')
    at = {"w": np.array([0.0, 1.0])}
    trace = net.trace(at)
    for found in (bp.compile(net)(**at)[1]["w"], net.derive("a", wrt="w").evaluate(**at), trace.gradient["w"]):
        np.testing.assert_array_equal(found, [0.0, 1.0])
    kink = trace.kinks["w[0]"]
    assert (kink.value, kink.right, kink.neither) == (0.0, pytest.approx(1.0), True)
    assert np.isnan(kink.left)


def test_a_zero_that_was_computed_is_no_choice() -> None:
    """d(sqrt(w)**2)/dw is 1 everywhere; 0 times infinity is no number, and must not become 0."""
    nodes = 'h = "sqrt(w)"\ny = "h*h"\na = "relu(y + x)"'
    net = bp.loads(f'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\n{nodes}')
    for mode in MODES:
        assert np.isnan(bp.compile(net, mode=mode)(w=0.0, x=1.0)[1]["w"])
        assert bp.compile(net, mode=mode)(w=0.0, x=-1.0)[1]["w"] == 0.0


STEEP = ("reciprocal", "safe_sqrt", "log_cosh", "bce", "poisson", "kl_div", "exp", "log", "log1p", "expm1", "sqrt")


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "where"])
def test_what_is_finite_is_known_to_be(name: str) -> None:
    """So that nothing is guarded in the networks that people train, and whatever may be infinite is."""
    table, entry = FunctionTable(), FUNCTIONS[name]
    lowering = FormulaLowering(table, by_value=True)
    known = {key: lowering.values.leaf(key, True) for key in entry.arguments if key not in entry.defaults}
    call = Call(name, tuple(map(Name, known)))
    positions = [lowering.formula(call, known)]
    lowering.values.derivative = True
    one = lowering.values.number(1.0)
    positions += [lowering.times(one, partial, known) for partial in partials(call, table).values()]
    assert all(lowering.values.bounds[each].finite for each in positions) == (name not in STEEP)


LAYERS = ("layer_norm -> dense(4, relu)", "dense(4, silu) -> dense(3, relu)", "rms_norm -> relu")


@pytest.mark.parametrize("layers", LAYERS)
def test_nothing_is_guarded_where_all_is_finite(layers: str) -> None:
    source = bp.compile(bp.parse(f"x[5] -> {layers} -> dense(3) -> cross_entropy")).source
    assert "1e+38" not in source
    assert source.count("= _kept(") == 1
