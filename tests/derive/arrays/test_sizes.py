"""Networks of symbolic sizes: shapes follow, kernels take the sizes from their arrays, mistakes are refused."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import NetworkError, ShapeError, ValuesError

CONVOLUTION = """
inputs = {x = ["n"]}
parameters = {K = ["2*d+1"], b = []}
output = "a"
[nodes]
"o[r]" = "sum(K[i]*x[r+i], (i, 0, 2*d)) + b"
"e[r]" = "o[r+1] - o[r]"
a = "sum(o*o)/sqrt(n) + sum(e*tanh(e))"
"""
ATTENTION = """
inputs = {x = ["t", "d"]}
parameters = {Wq = ["2*e", "d"], Wk = ["2*e", "d"], Wv = ["2*e", "d"], Wo = ["d", "2*e"]}
output = "a"
[nodes]
z = "multi_head_attention(x, Wq, Wk, Wv, Wo, heads=2, causal=True)"
a = "sum(z*z)/(t*d)"
"""
LSTM = """
inputs = {x = [3, "d"]}
parameters = {W = ["4*h", "d"], U = ["4*h", "h"], b = ["4*h"]}
output = "a"
[nodes]
z = "lstm(x, W, U, b)"
a = "sum(z*z)"
"""
NETWORKS = {
    "convolution": (CONVOLUTION, {"n": 9, "d": 2}),
    "attention": (ATTENTION, {"t": 3, "d": 4, "e": 3}),
    "lstm": (LSTM, {"d": 2, "h": 3}),
}
REFUSED = {
    'z = "x + k"': ["cannot join (n,) and (2*d + 1,)", "n and 2*d + 1", "fix: make the sizes equal"],
    '"z[r]" = "x[r] + w[r]"': ["runs to n - 1 and to m - 1, which cannot be compared", "fix: declare both"],
    '"z[r]" = "x[2*r]"': ["depends on what n is", "fix: declare the size as a multiple: 2*m"],
    'z = "sum(x[k+1], (k, 0, n-1))"': ["runs from 1 to n", "axis 0 of x runs from 0 to n - 1"],
    'z = "sum(x[k], (k, 0, m-1))"': ["runs to m - 1, and axis 0 of x to n - 1", "fix: let its index run to n - 1"],
    'z = "sum(x[k], (k, 0, a))"': ["the upper limit a is neither a whole number nor a size"],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_kernel_and_derivation_take_the_sizes_from_their_arrays(name: str, tmp_path: Path) -> None:
    text, sizes = NETWORKS[name]
    net = bp.loads(text)
    sized = bp.Network(graph=net.graph.sized(sizes))
    random = np.random.default_rng(0)
    arrays = {key: random.normal(size=shape) for key, shape in {**sized.inputs, **sized.parameters}.items()}
    value, gradients = net.compile()(**arrays)
    expected, known = sized.compile()(**arrays)
    assert value == pytest.approx(expected, rel=1e-13)
    for key, gradient in known.items():
        np.testing.assert_allclose(gradients[key], gradient, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(net.derive(wrt=key).evaluate(**arrays), gradient, rtol=1e-10, atol=1e-12)
    net.check().raise_for_failure()
    file = tmp_path / "kernel.py"
    net.compile().save(file)
    saved = runpy.run_path(str(file))
    assert saved["kernel"](**arrays)[0] == pytest.approx(expected, rel=1e-13)
    assert saved["check_tensors"](saved["kernel"], saved["_SHAPES"], saved["_OBJECTS"])


def test_shapes_follow_from_symbols() -> None:
    graph = bp.loads(CONVOLUTION).graph
    assert graph["K"].shape == ("2*d + 1",)
    assert graph["o"].shape == ("n - 2*d",)
    assert graph["e"].shape == ("n - 2*d - 1",)


def test_strings_and_python_take_the_same_sizes() -> None:
    assert bp.parse("x[2*d + 1] -> dense(3)").parameters["W1"] == (3, "2*d + 1")
    net = bp.Network()
    x = net.input("x", shape="2*d+1")
    net.output = net.node("a", bp.sum(x * x))
    assert net.inputs["x"] == ("2*d + 1",)


@pytest.mark.parametrize("arrays", [{"x": 9, "K": 4}, {"x": 9, "K": 0}])
def test_sizes_without_a_solution_are_refused(arrays: dict[str, int]) -> None:
    given = {name: np.ones(size) for name, size in arrays.items()}
    with pytest.raises(ValuesError, match=r"K has the shape .*\n.*2\*d \+ 1"):
        bp.loads(CONVOLUTION).compile()(**given, b=0.0)


@pytest.mark.parametrize("line", REFUSED)
def test_shapes_that_disagree_are_shown_with_the_fix(line: str) -> None:
    leaves = 'inputs = {x = ["n"], w = ["m"], k = ["2*d+1"], a = []}\noutput = "z"\n[nodes]\n'
    with pytest.raises(ShapeError) as caught:
        bp.loads(leaves + line)
    for part in [*REFUSED[line], "^"]:
        assert part in str(caught.value)


@pytest.mark.parametrize("size", ["n/2", "f(n)", "-", "2.5*n", "0*n"])
def test_what_is_no_size_is_refused(size: str) -> None:
    with pytest.raises(NetworkError, match="is not a size"):
        bp.loads(f'inputs = {{x = ["{size}"]}}\noutput = "x"\n[nodes]\n')


def test_a_size_is_no_node() -> None:
    with pytest.raises(NetworkError, match="n is both an input and a size"):
        bp.loads('inputs = {x = ["n"], n = []}\noutput = "a"\n[nodes]\na = "sum(x)*n"\n')


def test_a_step_of_a_layer_does_not_take_the_name_of_a_node() -> None:
    text = 'inputs = {x = [2, 2]}\nparameters = {W = [2, 2], b = [2]}\noutput = "z"\n[nodes]\n'
    with pytest.raises(ShapeError, match="a step inside z is called z_h1"):
        bp.loads(text + 'z = "rnn(x, W, W, b)"\nz_h1 = "2*z"\n')


SIZES_ALONE = """
inputs = {x = ["n"]}
parameters = {w = [], v = ["2*m"], u = ["m"]}
output = "a"
[nodes]
h = "w*n"
r = "sum(w, (i, 0, m - 1))"
a = "h*r*w"
"""


@pytest.mark.parametrize("objects", [(), (4,)], ids=["one object", "a batch"])
def test_sizes_that_no_array_of_the_computation_has(objects: tuple[int, ...]) -> None:
    """A size is told by an array of that size, whether or not its entries are used."""
    net = bp.loads(SIZES_ALONE)
    kernel, values = bp.compile(net), {"x": np.ones((*objects, 3)), "w": 2.0, "v": np.ones(4), "u": np.ones(2)}
    value, gradients = kernel(**values)
    assert (value, gradients["w"]) == (6 * 2.0**3, 18 * 2.0**2)
    assert kernel.intermediates(values, ["h", "r"]) == {"h": 6.0, "r": 4.0}
    assert kernel.jvp(values, {"w": 1.0}, "h") == {"h": 3.0}
    assert kernel.vjp(values, {"r": 1.0}, "w") == {"w": 2.0}
    assert kernel.jacobian(values, "r", "w") == 2.0
    assert kernel.hvp(values, {"w": 1.0}, "w") == {"w": 36 * 2.0}
    assert net.derive("h", wrt="w").evaluate(**values) == 3.0
    assert net.derive("r", wrt="w").evaluate(**values) == 2.0
    del values["u"], values["v"]
    with pytest.raises(ValuesError, match="no value is given for u"):
        kernel(**values)
