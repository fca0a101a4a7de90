"""Networks whose gradients are printed in books and papers: our matrix notation is theirs, and so are the numbers.

The numbers are those of the printed equations, written here in NumPy by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.formula.text import to_text
from backpropsym.graph.graph import Graph, Role

Numbers = Mapping[str, Any]


@dataclass(frozen=True)
class Textbook:
    """A network, its equations as our matrix notation has them, and the printed gradients in numbers."""

    network: str
    equations: dict[str, str]
    gradients: Callable[[Numbers], dict[str, Any]]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


# Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 6.4.
PERCEPTRON = """
output = "o"
loss = "l"
inputs = {x = [3]}
targets = {y = [2]}
parameters = {W1 = [4, 3], b1 = [4], W2 = [5, 4], b2 = [5], W3 = [2, 5], b3 = [2]}
[nodes]
s1 = "W1 @ x + b1"
z1 = "tanh(s1)"
s2 = "W2 @ z1 + b2"
z2 = "tanh(s2)"
o = "W3 @ z2 + b3"
l = "sum((o - y)**2)/2"
"""


def perceptron(at: Numbers) -> dict[str, Any]:
    h1 = np.tanh(at["W1"] @ at["x"] + at["b1"])
    h2 = np.tanh(at["W2"] @ h1 + at["b2"])
    g3 = at["W3"] @ h2 + at["b3"] - at["y"]
    g2 = (at["W3"].T @ g3) * (1 - h2**2)
    g1 = (at["W2"].T @ g2) * (1 - h1**2)
    weights = {"W1": np.outer(g1, at["x"]), "W2": np.outer(g2, h1), "W3": np.outer(g3, h2)}
    return weights | {"b1": g1, "b2": g2, "b3": g3}


# Bishop (2006), Pattern Recognition and Machine Learning, equation 4.109, for one object.
SOFTMAX_REGRESSION = """
output = "o"
loss = "l"
inputs = {x = [3]}
targets = {y = []}
parameters = {W = [4, 3], b = [4]}
[nodes]
o = "W @ x + b"
l = "cross_entropy(o, y)"
"""


def softmax_regression(at: Numbers) -> dict[str, Any]:
    wrong = softmax(at["W"] @ at["x"] + at["b"]) - np.eye(4)[int(at["y"])]
    return {"W": np.outer(wrong, at["x"]), "b": wrong}


# He et al. (2016), Identity Mappings in Deep Residual Networks, equation 5: the gradient also passes beside a block.
RESIDUAL = """
output = "o"
loss = "l"
inputs = {x = [3]}
targets = {y = [4]}
parameters = {U = [4, 3], W = [5, 4], b = [5], V = [4, 5], c = [4]}
[nodes]
h = "U @ x"
s = "W @ h + b"
z = "relu(s)"
o = "h + V @ z + c"
l = "sum((o - y)**2)/2"
"""


def residual(at: Numbers) -> dict[str, Any]:
    h = at["U"] @ at["x"]
    s = at["W"] @ h + at["b"]
    z = np.maximum(s, 0)
    passed = h + at["V"] @ z + at["c"] - at["y"]
    inside = (at["V"].T @ passed) * (s > 0)
    h_adjoint = passed + at["W"].T @ inside
    found = {"U": np.outer(h_adjoint, at["x"]), "W": np.outer(inside, h), "b": inside}
    return found | {"V": np.outer(passed, z), "c": passed}


# Goodfellow, Bengio, Courville (2016), Deep Learning, equations 9.11 and 9.13, with stride 1.
CONVOLUTION = """
output = "o"
loss = "l"
inputs = {x = [2, 5, 6]}
targets = {y = [3]}
parameters = {K = [4, 2, 3, 3], b = [4], V = [3, 48], c = [3]}
[nodes]
s = "conv2d(x, K, bias=b)"
z = "tanh(s)"
o = "V @ flatten(z) + c"
l = "sum((o - y)**2)/2"
"""


def convolution(at: Numbers) -> dict[str, Any]:
    x, kernel = at["x"], at["K"]
    s = np.zeros((4, 3, 4)) + at["b"][:, None, None]
    for i, j, k in np.ndindex(s.shape):
        s[i, j, k] += np.sum(x[:, j : j + 3, k : k + 3] * kernel[i])
    z = np.tanh(s)
    wrong = at["V"] @ z.ravel() + at["c"] - at["y"]
    grad = (at["V"].T @ wrong).reshape(z.shape) * (1 - z**2)
    by_kernel = np.zeros_like(kernel)
    for i, j, k, m in np.ndindex(kernel.shape):
        by_kernel[i, j, k, m] = np.sum(grad[i] * x[j, k : k + 3, m : m + 4])
    return {"K": by_kernel, "b": grad.sum((1, 2)), "V": np.outer(wrong, z.ravel()), "c": wrong}


# Dao et al. (2022), FlashAttention, appendix B.2.
ATTENTION = """
output = "O"
loss = "l"
inputs = {X = [3, 4]}
targets = {Y = [3, 5]}
parameters = {Wq = [4, 2], Wk = [4, 2], Wv = [4, 5]}
[nodes]
Q = "X @ Wq"
K = "X @ Wk"
V = "X @ Wv"
S = "Q @ transpose(K)/2"
P = "softmax(S)"
O = "P @ V"
l = "sum((O - Y)**2)/2"
"""


def attention(at: Numbers) -> dict[str, Any]:
    queries, keys, values = (at["X"] @ at[name] for name in ("Wq", "Wk", "Wv"))
    p = softmax(queries @ keys.T / 2)
    wrong = p @ values - at["Y"]
    dp = wrong @ values.T
    ds = p * (dp - (p * dp).sum(axis=1, keepdims=True))
    return {"Wq": at["X"].T @ (ds @ keys / 2), "Wk": at["X"].T @ (ds.T @ queries / 2), "Wv": at["X"].T @ (p.T @ wrong)}


GATES = {"z": "tanh", "i": "sigmoid", "f": "sigmoid", "o": "sigmoid"}
STEPS = (1, 2, 3)


def _cell(step: int) -> str:
    gates = (
        f's{gate}{step} = "W{gate} @ x{step} + R{gate} @ y{step - 1} + b{gate}"\n'
        f'{gate}{step} = "{name}(s{gate}{step})"\n'
        for gate, name in GATES.items()
    )
    return "".join(gates) + f'c{step} = "z{step}*i{step} + c{step - 1}*f{step}"\ny{step} = "tanh(c{step})*o{step}"\n'


# Greff et al. (2017), LSTM: A Search Space Odyssey, section 2 and appendix A, without peepholes, over three steps.
LSTM = (
    'output = "y3"\nloss = "l"\ninputs = {x1 = [2], x2 = [2], x3 = [2], y0 = [3], c0 = [3]}\ntargets = {t = [3]}\n'
    + f"parameters = {{{', '.join(f'W{g} = [3, 2], R{g} = [3, 3], b{g} = [3]' for g in GATES)}}}\n[nodes]\n"
    + "".join(map(_cell, STEPS))
    + 'l = "sum((y3 - t)**2)/2"\n'
)


def lstm(at: Numbers) -> dict[str, Any]:
    at = dict(at)
    for t in STEPS:
        for gate in GATES:
            s = at[f"W{gate}"] @ at[f"x{t}"] + at[f"R{gate}"] @ at[f"y{t - 1}"] + at[f"b{gate}"]
            at[f"{gate}{t}"] = np.tanh(s) if gate == "z" else sigmoid(s)
        at[f"c{t}"] = at[f"z{t}"] * at[f"i{t}"] + at[f"c{t - 1}"] * at[f"f{t}"]
        at[f"y{t}"] = np.tanh(at[f"c{t}"]) * at[f"o{t}"]
    found: dict[str, Any] = {}
    later, dc_later, f_later = dict.fromkeys(GATES, np.zeros(3)), np.zeros(3), np.zeros(3)
    for t in reversed(STEPS):
        dy = (at["y3"] - at["t"]) * (t == 3) + sum(at[f"R{gate}"].T @ later[gate] for gate in GATES)
        dc = dy * at[f"o{t}"] * (1 - np.tanh(at[f"c{t}"]) ** 2) + dc_later * f_later
        o, i, f, z = (at[f"{gate}{t}"] for gate in "oifz")
        later = {"o": dy * np.tanh(at[f"c{t}"]) * o * (1 - o), "f": dc * at[f"c{t - 1}"] * f * (1 - f)}
        later |= {"i": dc * z * i * (1 - i), "z": dc * i * (1 - z**2)}
        dc_later, f_later = dc, f
        for gate, each in later.items():
            parts = {"W": np.outer(each, at[f"x{t}"]), "R": np.outer(each, at[f"y{t - 1}"]), "b": each}
            for letter, part in parts.items():
                found[f"{letter}{gate}"] = found.get(f"{letter}{gate}", 0) + part
    return found


def _lstm_equations() -> dict[str, str]:
    """Each step from the last one back: the output, the cell, then each gate and what it is computed from."""
    found: dict[str, str] = {}
    for t in reversed(STEPS):
        after = [f"transpose(R{gate}) @ delta_s{gate}{t + 1}" for gate in "ofiz"]
        found[f"y{t}"] = "y3 - t" if t == 3 else " + ".join(after)
        cell = f"entrywise(delta_y{t}, o{t}*tanh_prime(c{t}))"
        found[f"c{t}"] = cell if t == 3 else f"entrywise(delta_c{t + 1}, f{t + 1}) + {cell}"
        found[f"o{t}"] = f"entrywise(delta_y{t}, tanh(c{t}))"
        found[f"f{t}"] = f"entrywise(delta_c{t}, c{t - 1})"
        found[f"i{t}"] = f"entrywise(delta_c{t}, z{t})"
        found[f"z{t}"] = f"entrywise(delta_c{t}, i{t})"
        for gate, name in GATES.items():
            found[f"s{gate}{t}"] = f"entrywise(delta_{gate}{t}, {name}_prime(s{gate}{t}))"
    for gate in GATES:
        found[f"b{gate}"] = " + ".join(f"delta_s{gate}{t}" for t in reversed(STEPS))
        found[f"W{gate}"] = " + ".join(f"outer(delta_s{gate}{t}, x{t})" for t in reversed(STEPS))
        found[f"R{gate}"] = " + ".join(f"outer(delta_s{gate}{t}, y{t - 1})" for t in reversed(STEPS))
    return found


TEXTBOOKS = {
    "perceptron": Textbook(
        PERCEPTRON,
        {
            "o": "o - y",
            "z2": "transpose(W3) @ delta_o",
            "s2": "entrywise(delta_z2, tanh_prime(s2))",
            "z1": "transpose(W2) @ delta_s2",
            "s1": "entrywise(delta_z1, tanh_prime(s1))",
            "W3": "outer(delta_o, z2)",
            "b3": "delta_o",
            "W2": "outer(delta_s2, z1)",
            "b2": "delta_s2",
            "W1": "outer(delta_s1, x)",
            "b1": "delta_s1",
        },
        perceptron,
    ),
    "softmax regression": Textbook(
        SOFTMAX_REGRESSION,
        {"o": "softmax(o) - onehot(y, 4)", "W": "outer(delta_o, x)", "b": "delta_o"},
        softmax_regression,
    ),
    "residual block": Textbook(
        RESIDUAL,
        {
            "o": "o - y",
            "z": "transpose(V) @ delta_o",
            "s": "entrywise(delta_z, relu_prime(s))",
            "h": "delta_o + transpose(W) @ delta_s",
            "V": "outer(delta_o, z)",
            "c": "delta_o",
            "W": "outer(delta_s, h)",
            "b": "delta_s",
            "U": "outer(delta_h, x)",
        },
        residual,
    ),
    "convolution": Textbook(
        CONVOLUTION,
        {
            "o": "o - y",
            "z": "reshape_like(transpose(V) @ delta_o, z)",
            "s": "entrywise(delta_z, tanh_prime(s))",
            "K": 'einsum("ors,crsij->ocij", delta_s, windows(x, (3, 3)))',
            "b": "reshape_like(sum(delta_s, axis=(1, 2), keepdims=1), b)",
            "V": "outer(delta_o, flatten(z))",
            "c": "delta_o",
        },
        convolution,
    ),
    "attention": Textbook(
        ATTENTION,
        {
            "O": "O - Y",
            "V": "transpose(P) @ delta_O",
            "P": "delta_O @ transpose(V)",
            "S": "entrywise(delta_P - sum(entrywise(delta_P, P), axis=1, keepdims=1), P)",
            "Q": "delta_S/2 @ K",
            "K": "transpose(delta_S/2) @ Q",
            "Wq": "transpose(X) @ delta_Q",
            "Wk": "transpose(X) @ delta_K",
            "Wv": "transpose(X) @ delta_V",
        },
        attention,
    ),
    "lstm": Textbook(LSTM, _lstm_equations(), lstm),
}

# By one parameter each, in index notation: entries of the same equations with every sum written out.
INDEX = {
    ("perceptron", "W1"): "Sum(x[j]*(1 - tanh(s1[i])**2)*W2[m,i]*(1 - tanh(s2[m])**2)*W3[k,m]*(o[k] - y[k]), "
    "(k, 0, 1), (m, 0, 4))",
    ("residual block", "U"): "Sum(x[j]*W[m,i]*step(s[m])*V[k,m]*(o[k] - y[k]), (k, 0, 3), (m, 0, 4)) "
    "+ x[j]*(o[i] - y[i])",
    ("convolution", "K"): "Sum(x[j,p + k,q + m]*(1 - tanh(s[i,p,q])**2)*V[n,12*i + 4*p + q]*(o[n] - y[n]), "
    "(n, 0, 2), (p, 0, 2), (q, 0, 3))",
    ("attention", "Wq"): "Sum(X[k,i]*(K[p,j]/2)*P[k,n]*(KroneckerDelta(n, p) - P[k,p])*V[n,m]*(O[k,m] - Y[k,m]), "
    "(k, 0, 2), (m, 0, 4), (n, 0, 2), (p, 0, 2))",
    ("attention", "Wv"): "Sum(X[m,i]*P[k,m]*(O[k,j] - Y[k,j]), (k, 0, 2), (m, 0, 2))",
}


def test_paths_through_time_are_those_of_the_recurrence() -> None:
    """A cell leads to its output and to the next cell; an output to the next cell by three gates, past it by one."""
    by_output, by_cell = [1], [1]
    for _ in STEPS[1:]:
        by_output.append(3 * by_cell[-1] + by_output[-1])
        by_cell.append(by_output[-1] + by_cell[-1])
    net = bp.loads(LSTM)
    assert [net.derive("l", wrt=f"b{gate}").count for gate in "oz"] == [sum(by_output), sum(by_cell)]
    (last,) = [term for term in net.derive("l", wrt="bo").terms if len(term.path) == 5]
    assert to_text(last.summand) == "sigmoid_prime(so3[i])*tanh(c3[i])*(y3[i] - t[i])"


def numbers(graph: Graph) -> dict[str, Any]:
    random = np.random.default_rng(5)
    leaves = graph.names(Role.INPUT, Role.TARGET, Role.PARAMETER)
    return {name: random.normal(size=graph[name].shape) if graph[name].shape else 2 for name in leaves}


@pytest.mark.parametrize("name", TEXTBOOKS)
def test_matrix_notation_is_the_textbooks(name: str) -> None:
    graph = bp.loads(TEXTBOOKS[name].network).graph
    found = matrix_programme(graph, "l", graph.names(Role.PARAMETER))
    assert {each.node: to_text(each.right) for each in found} == TEXTBOOKS[name].equations


@pytest.mark.parametrize(("name", "wrt"), INDEX)
def test_index_notation_is_the_textbooks(name: str, wrt: str) -> None:
    assert bp.loads(TEXTBOOKS[name].network).derive("l", wrt=wrt).expression() == INDEX[name, wrt]


@pytest.mark.parametrize("name", TEXTBOOKS)
def test_the_numbers_are_the_textbooks(name: str) -> None:
    net = bp.loads(TEXTBOOKS[name].network)
    at = numbers(net.graph)
    _, gradients = net.compile()(**at)
    expected = TEXTBOOKS[name].gradients(at)
    assert set(expected) == set(net.parameters)
    for parameter, value in expected.items():
        np.testing.assert_allclose(gradients[parameter], value, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(net.derive("l", wrt=parameter).evaluate(**at), value, rtol=1e-12, atol=1e-12)


def _transformer(blocks: int) -> str:
    """Blocks of attention and a perceptron, each beside a skip link and before a layer norm (Vaswani et al. 2017)."""
    parameters, nodes = [], []
    for i in range(1, blocks + 1):
        parameters += [f"{name}{i} = [8, 8]" for name in ("Wq", "Wk", "Wv", "Wo", "U", "V")]
        parameters += [f"{name}{i} = [8]" for name in ("g", "e", "m", "n")]
        inner = f"attention(x{i - 1} @ Wq{i}, x{i - 1} @ Wk{i}, x{i - 1} @ Wv{i}, heads=2) @ Wo{i}"
        nodes.append(f't{i} = "layer_norm(x{i - 1} + {inner}, g{i}, e{i})"')
        nodes.append(f'x{i} = "layer_norm(t{i} + relu(t{i} @ U{i}) @ V{i}, m{i}, n{i})"')
    head = f"output = 'a'\ninputs = {{x0 = [4, 8]}}\nparameters = {{{', '.join(parameters)}}}\n[nodes]\n"
    return head + "\n".join(nodes) + f"\na = 'mean(x{blocks})'\n"


def test_programmes_of_transformers_grow_by_the_same_for_each_block() -> None:
    graphs = [bp.loads(_transformer(blocks)).graph for blocks in (2, 4, 12)]
    counts = [len(matrix_programme(graph, "a", graph.names(Role.PARAMETER))) for graph in graphs]
    assert (counts[2] - counts[1]) / 8 == (counts[1] - counts[0]) / 2


def test_a_transformer_of_twelve_blocks_passes_its_check() -> None:
    net = bp.loads(_transformer(12))
    at = numbers(net.graph)
    _, gradients = net.compile()(**at)
    # The numeric derivative along one direction, against the gradient by the first block's weights.
    direction = np.random.default_rng(6).normal(size=(8, 8))
    step = 1e-6
    ends = [net.compile()(**{**at, "Wq1": at["Wq1"] + side * step * direction})[0] for side in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(np.sum(gradients["Wq1"] * direction), rel=1e-5, abs=1e-10)
