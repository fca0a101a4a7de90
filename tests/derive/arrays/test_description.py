"""Shapes, architecture strings and index definitions: what is read, and what is refused with a fix."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import BackpropsymError, NetworkError, NotScalarError, ShapeError, UnknownNameError, ValuesError
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.network import Network, example, load, loads, parse
from backpropsym.spec.architecture import parse_architecture
from backpropsym.spec.toml import parse_network
from backpropsym.story.shown import derive_tensors
from tests.derive.arrays.networks import PERCEPTRON

ARCHITECTURES = {
    "x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy": {"W1": (1000, 784), "W2": (10, 1000)},
    "x[1,28,28] -> conv2d(8, 5) -> relu -> max_pool(2) -> flatten -> dense(10) -> cross_entropy": {
        "W1": (8, 1, 5, 5),
        "b1": (8,),
        "W2": (10, 1152),
    },
    "x[2] -> dense(2, tanh, weight=w, bias=False) -> dense(1) -> mse": {"w": (2, 2), "W2": (1, 2), "b2": (1,)},
    "x[8] -> 2*(dense(8, relu)) -> residual(dense(8, relu) -> dense(8)) -> layer_norm": {"W5": (8,), "b5": (8,)},
    "x[4] -> dense(3) -> prelu -> dense(n) -> softmax": {"W2": (), "W3": ("n", 3)},
    "x[5,4] -> dense(3, gelu) -> rms_norm -> flatten -> dense(2)": {"W1": (3, 4), "W2": (3,), "W3": (2, 15)},
}

REFUSED = {
    "dense(3)": "starts with its input",
    "x[3] -> dens(3)": "did you mean dense?",
    "x[3] -> dense(3, rlu)": "did you mean relu?",
    "x[3] -> dense(3) -> mse -> relu": "nothing follows the loss",
    "x[3] -> dense(0)": "positive",
    "x[3] -> dense(3, foo=2)": "no option foo",
    "x[2] -> residual(dense(3))": "turns (2,) into (3,)",
    "x[2] -> __import__('os')": "a number or a name",
    "x[2] -> dense(2).foo": "not a layer",
    "x[2]": "no layer",
    "x[1,3,3] -> conv2d(2, 5)": "does not fit",
    "y[2] -> dense(1)": "name of the target",
    "x[2] -> dense(2) ->": "not an architecture",
    "x[0] -> dense(2)": "positive whole number",
    "x[2] -> " + "(" * 100: "brackets",
}

MISTAKES = {
    '"out[r]" = "x[r+1, 2]"': "x has 1 axes, and 2 indices",
    '"out[r]" = "sum(x[k], (k, 0, 9))"': "nothing says how far the index r runs",
    '"out[r]" = "sum(x[k]*x[r], (k, 0, 9))"': "x[k] runs from 0 to 9",
    '"out[r]" = "sum(x[i+k], (k, 0, 2))"': "i is not declared",
    '"out[r, c]" = "x[r+c]"': "mixes the free indices r and c",
    '"out[r]" = "x[r] + r"': "stands outside of brackets",
    '"out[lambda]" = "x[r]"': "reserved word",
    "'out[r]' = \"x[r]*tanh('ij')\"": '"ij" cannot stand in a formula of entries',
    "'out[r]' = \"sum('ij', (k, 0, 2))*x[r]\"": '"ij" cannot stand in a formula of entries',
    '"out[r]" = "x[r] + x"': "no indices",
    'out = "x @ x @ x"': "is a scalar",
    'out = "reshape(x, 2, 3)"': "5 entries",
    'out = "sum(x, axis=1)"': "no axis 1",
    'out = "x[5]"': "the index 5 is outside",
    'out = "concat(x, 2*sum(x))"': "cannot join",
    'out = "softmax(sum(x))"': "needs axes",
    'out = "einsum(x)"': "quoted",
    'out = "conv2d(x, x)"': "an image has the axes (channels, h, w)",
}


@pytest.mark.parametrize("text", ARCHITECTURES)
def test_architecture_declares_the_parameters_of_its_layers(text: str) -> None:
    graph = parse_architecture(text)
    for name, shape in ARCHITECTURES[text].items():
        assert graph[name].shape == shape


@pytest.mark.parametrize("text", REFUSED)
def test_architecture_mistakes_say_what_and_where(text: str) -> None:
    with pytest.raises(NetworkError) as caught:
        parse_architecture(text)
    assert REFUSED[text] in str(caught.value)


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_of_shapes_and_indices_have_line_and_caret(line: str) -> None:
    with pytest.raises(BackpropsymError) as caught:
        parse_network(f'inputs = {{x = [5]}}\noutput = "out"\n[nodes]\n{line}\n', "net.toml")
    assert MISTAKES[line] in str(caught.value)
    assert "net.toml:4" in str(caught.value)
    assert "^" in str(caught.value)


def test_shape_error_shows_both_shapes_and_the_fix() -> None:
    with pytest.raises(ShapeError) as caught:
        parse_network(PERCEPTRON.replace("W1 = [4, 3]", "W1 = [3, 4]"), "net.toml")
    message = str(caught.value)
    assert "matmul cannot join W1 (3, 4) and x (3,)" in message
    assert "inner sizes differ: 4 and 3" in message
    assert "transpose(W1) @ x, or declare W1 as [4, 3]" in message


@pytest.mark.parametrize(
    ("left", "right", "inner", "fix"),
    [
        ("[2, 3]", "[4, 5]", "3 and 4", "make the inner sizes equal"),
        ("[2, 3]", "[5, 3]", "3 and 5", r"A @ transpose(B), or declare B as [3, 5]"),
        ("[4, 3]", "[4, 5]", "3 and 4", r"transpose(A) @ B, or declare A as [3, 4]"),
        ("[2, 3]", "[7, 4, 5]", "3 and 4", "make the inner sizes equal"),
        ("[3]", "[4, 5]", "3 and 4", "make the inner sizes equal"),
        ("[2, 3]", "[4]", "3 and 4", "make the inner sizes equal"),
    ],
)
def test_the_inner_sizes_of_a_product_are_the_last_and_the_last_but_one(
    left: str, right: str, inner: str, fix: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        parse_network(f"parameters = {{A = {left}, B = {right}}}\noutput = 'a'\n[nodes]\na = 'sum(A @ B)'\n")
    assert f"inner sizes differ: {inner}\n" in str(caught.value)
    assert f"fix: {fix}" in str(caught.value)


def test_ranges_of_a_filter_count_from_their_smallest_index() -> None:
    text = 'inputs = {x = [5]}\nparameters = {K = ["-1..1"]}\noutput = "a"\n[nodes]\n'
    text += '"o[r]" = "sum(K[i]*x[r+i], (i, -1, 1))"\na = "sum(o*o)"\n'
    graph = parse_network(text)
    assert graph["K"].shape == (3,) and graph["o"].shape == (3,)
    x, filters = np.arange(5.0), np.array([1.0, 10.0, 100.0])
    expected = np.array([filters @ x[r : r + 3] for r in range(3)])
    assert compile_kernel(graph)(x=x, K=filters)[0] == pytest.approx(float(expected @ expected))


def test_entries_are_named_and_bounded() -> None:
    net = parse("x[2] -> dense(2, relu) -> dense(1)")
    derivation = net.derive("s2[0]", wrt="W1[1,0]")
    assert [term.path for term in derivation.terms] == [("W1[1,0]", "s1[1]", "z1[1]", "s2[0]")]
    with pytest.raises(UnknownNameError, match="no entry"):
        net.derive("s2[0]", wrt="W1[2,0]")


def test_one_entry_against_a_whole_tensor_keeps_the_other_side_free() -> None:
    net = parse("x[3] -> dense(4, tanh) -> dense(2)")
    random = np.random.default_rng(0)
    values = {name: random.normal(size=shape) for name, shape in (net.parameters | net.inputs).items()}
    whole = net.derive("s2", wrt="W1").evaluate(**values)
    np.testing.assert_allclose(net.derive("s2[1]", wrt="W1").evaluate(**values), whole[1], rtol=1e-12)
    np.testing.assert_allclose(net.derive("s2", wrt="W1[2,0]").evaluate(**values), whole[:, 2, 0], rtol=1e-12)
    assert net.derive("s2[1]", wrt="W1[2,0]").evaluate(**values) == pytest.approx(whole[1, 2, 0], rel=1e-12)
    assert net.derive("s2[1]", wrt="W1").expression() == "x[j]*(1 - tanh(s1[i])**2)*W2[1,i]"


def test_matrix_notation_of_a_vector_is_refused() -> None:
    with pytest.raises(NotScalarError, match="matrix notation"):
        parse("x[3] -> dense(2)").derive("s1", wrt="W1").latex("matrix")


def test_repeated_letters_read_the_diagonal() -> None:
    text = "parameters = {W = [3, 3], v = [3]}\noutput = 'a'\n[nodes]\nd = \"einsum('ii->i', W)\"\na = 'sum(d*v)'\n"
    weights = np.arange(9.0).reshape(3, 3)
    value, gradients = compile_kernel(parse_network(text))(W=weights, v=np.ones(3))
    assert value == np.trace(weights)
    np.testing.assert_array_equal(gradients["W"], np.eye(3))


def test_sum_over_an_unused_index_counts_it() -> None:
    text = 'parameters = {v = [3]}\noutput = "a"\n[nodes]\n"q[i]" = "mean(v[i], (j, 0, 3)) + sum(v[i], (j, 0, 1))"\n'
    value, gradients = compile_kernel(parse_network(text + 'a = "sum(q)"\n'))(v=np.ones(3))
    assert value == 9.0
    np.testing.assert_array_equal(gradients["v"], [3.0, 3.0, 3.0])


@pytest.mark.parametrize(("target", "fix"), [(2, "0 to 1"), (-1, "0 to 1"), (0.5, "0 to 1")])
def test_classes_are_whole_numbers_within_their_axis(target: float, fix: str) -> None:
    net = parse("x[3] -> dense(2) -> cross_entropy")
    values = {**net.init(0), "x": np.ones(3), "y": target}
    with pytest.raises(ValuesError, match=fix):
        net.derive(wrt="W1").evaluate(**values)
    with pytest.raises(ValuesError, match=fix):
        net.compile()(**values)


def test_ops_over_axes_are_built_in_python() -> None:
    net = Network("built")
    x, y = net.input("x", shape=4), net.target("y")
    weights, bias = net.parameter("W", shape=(3, 4)), net.parameter("b", 3)
    net.output = net.node("o", bp.tanh(weights @ x + bias))
    net.loss = bp.cross_entropy(weights @ x, y) + 0.1 * bp.sum(weights * weights) + bp.max(bias, axis=0)
    net.check().raise_for_failure()


def test_small_network_unrolls_to_the_path_sum_of_the_lecture() -> None:
    net = parse("x[2] -> dense(2, relu, bias=False) -> dense(2, relu, bias=False) -> dense(1, bias=False)")
    found = [term.product for term in net.derive("s3[0]", wrt="W1[0,0]").terms]
    assert found == [
        "x[0]*step(s1[0])*W2[0,0]*step(s2[0])*W3[0,0]",
        "x[0]*step(s1[0])*W2[1,0]*step(s2[1])*W3[0,1]",
    ]
    assert example("lecture").derive("a", wrt="w11").count == len(found)


def test_one_weight_of_a_large_network_costs_little() -> None:
    graph = parse_architecture("x[784] -> dense(1000, relu) -> dense(10) -> cross_entropy")
    derivation = derive_tensors(graph, None, "W1[2,0]")
    assert derivation.count == 10
    assert next(derivation.terms).path == ("W1[2,0]", "s1[2]", "z1[2]", "s2[0]", "loss")


def test_kernel_calls_with_wrong_arrays_are_refused_together() -> None:
    kernel = parse("x[2] -> dense(2, tanh) -> dense(1) -> mse").compile()
    good = {"x": [1.0, 2.0], "y": [0.5], "W1": np.eye(2), "b1": np.zeros(2), "W2": np.ones((1, 2)), "b2": [0.0]}
    with pytest.raises(ValuesError, match="W1 has the shape"):
        kernel(**{**good, "W1": np.eye(3)})
    with pytest.raises(ValuesError, match="no value is given for W2"):
        kernel(**{key: value for key, value in good.items() if key != "W2"})
    with pytest.raises(ValuesError, match="did you mean"):
        kernel(**good, W3=1.0)
    with pytest.raises(ValuesError, match="numbers of objects differ"):
        kernel(**{**good, "x": np.ones((3, 2)), "y": np.ones((2, 1))})


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        ({"x": np.ones(3)}, r"give an array of shape \(2\), or \(objects, 2\)$"),
        ({"W1": np.ones((3, 3))}, r"give an array of shape \(2, 2\)$"),
    ],
    ids=["input", "parameter"],
)
def test_only_what_differs_from_object_to_object_may_have_a_leading_axis(wrong: dict[str, Any], fix: str) -> None:
    net = parse("x[2] -> dense(2, tanh) -> dense(1) -> mse")
    values = {"x": [1.0, 2.0], "y": [0.5], **net.init(seed=0), **wrong}
    with pytest.raises(ValuesError) as caught:
        net.derive(wrt="W1").evaluate(**values)
    assert re.search(fix, str(caught.value))


def test_class_outside_of_its_axis_is_refused() -> None:
    kernel = parse("x[2] -> dense(3) -> cross_entropy").compile()
    with pytest.raises(ValuesError, match="counts from zero"):
        kernel(x=[1.0, 2.0], y=3, W1=np.ones((3, 2)), b1=np.zeros(3))


def test_networks_from_strings_initialise_and_train() -> None:
    net: Network = parse("x[3] -> dense(5, tanh) -> dense(2) -> cross_entropy")
    params, kernel = net.init(seed=0), net.compile()
    random = np.random.default_rng(0)
    x = random.normal(size=(20, 3))
    y = (x[:, 0] > 0).astype(int)
    first, gradients = kernel(x=x, y=y, **params)
    for _ in range(50):
        params = {name: value - 0.5 * gradients[name] for name, value in params.items()}
        value, gradients = kernel(x=x, y=y, **params)
    assert value < first / 2


def test_architecture_is_loaded_by_name_like_a_file() -> None:
    assert load("x[2] -> dense(1)").parameters == {"W1": (1, 2), "b1": (1,)}


def test_sums_over_indices_and_whole_tensors_mix() -> None:
    net = loads(
        """
inputs = {x = [4]}
parameters = {v = [4], K = ["-1..1"]}
output = "a"
[nodes]
"h[i]" = "v[i]*softmax(v)[i] + v[i]*sum(x) + max(v[i], 0.1) + mse(v[i], x[i])"
"g[i]" = "sum(K[j]*h[i+j], (j, -1, 1))"
a = "v @ x + sum(x[i]*v[i], (i, 0, 3)) + sum(g) + sum(K[j], (j, -1, 1))*max(v[i], (i, 0, 3)) + mean(h)"
"""
    )
    net.check().raise_for_failure()
    assert net.derive("a", wrt="K").expression() == "Sum(h[j + i], (j, 0, 1)) + max(v[0], v[1], v[2], v[3])"
    with pytest.raises(BackpropsymError, match="write its indices"):
        parse_network('inputs = {x = [4]}\noutput = "a"\n[nodes]\n"a[i]" = "x[i]*softmax(x)"\n')
