"""Networks for the tests of kernels, and gradients by numerics that share no code with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from backpropsym.evaluate.arithmetic import COMPLEX
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.formula.tree import Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow, names, number
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.ops.function import Function
from backpropsym.ops.kinds import Elementwise
from backpropsym.spec.toml import parse_network

STEP = 1e-100
SMOOTH = ("tanh", "sigmoid", "sin", "softplus", "gelu", "silu", "atan", "softsign", "mish")
KINKED = ("relu", "abs", "leaky_relu", "hard_tanh", "elu")


def network(text: str, inputs: str = "x", parameters: str = "w", **nodes: str) -> Graph:
    """A network from the rest of its file; `nodes` are formulas, the last one the output."""
    lines = [f"inputs = {inputs.split()}", f"parameters = {parameters.split()}", f'output = "{list(nodes)[-1]}"', text]
    lines += ["[nodes]", *(f'{name} = "{formula}"' for name, formula in nodes.items())]
    return parse_network("\n".join(lines))


def lecture(activation: str = "relu") -> Graph:
    """The network of the lecture."""
    text = f'targets = ["y"]\nloss = "(a - y)**2"\n[functions]\nf = "{activation}"\n'
    parameters = "w11 w12 w21 w22 v11 v12 v21 v22 p11 p21"
    nodes = {
        "s1": "w11*x1 + w21*x2",
        "s2": "w12*x1 + w22*x2",
        "z1": "f(s1)",
        "z2": "f(s2)",
        "u1": "v11*z1 + v21*z2",
        "u2": "v12*z1 + v22*z2",
        "h1": "f(u1)",
        "h2": "f(u2)",
        "a": "p11*h1 + p21*h2",
    }
    return network(text, "x1 x2", parameters, **nodes)


def lecture_values() -> dict[str, float]:
    """An object and parameters for it, away from every kink of relu."""
    given = {"x1": 1.0, "x2": 2.0, "y": 1.0, "p11": 2.0, "p21": -1.0}
    weights = {"w11": 0.5, "w12": -1.0, "w21": 0.25, "w22": 0.75, "v11": 1.0, "v12": -0.5, "v21": 0.5, "v22": 1.5}
    return given | weights


def dense(width: int, layers: int, activation: str = "tanh") -> Graph:
    """A fully connected scalar network with `layers` times width*width links between neurons."""
    nodes = {f"x{i}": Node(f"x{i}", Role.INPUT) for i in range(width)}
    previous = list(nodes)
    formulas: dict[str, Expr] = {}
    for layer in range(layers):
        current = []
        for j in range(width):
            weights = [f"w{layer}_{i}_{j}" for i in range(width)]
            nodes |= {weight: Node(weight, Role.PARAMETER) for weight in weights}
            terms = (Mul((Name(weight), Name(name))) for weight, name in zip(weights, previous, strict=True))
            formulas[f"s{layer}_{j}"] = Add(tuple(terms))
            formulas[f"z{layer}_{j}"] = Call(activation, (Name(f"s{layer}_{j}"),))
            current.append(f"z{layer}_{j}")
        previous = current
    formulas["a"] = Add(tuple(map(Name, previous)))
    return Graph(nodes | _values(formulas), "a")


def chain(length: int) -> Graph:
    """x -> z1 -> z2 -> ..., each z a tanh of a multiple of the one before."""
    nodes = {"x": Node("x", Role.INPUT), "w": Node("w", Role.PARAMETER)}
    formulas: dict[str, Expr] = {"z0": Mul((Name("w"), Name("x")))}
    for index in range(1, length):
        formulas[f"z{index}"] = Call("tanh", (Mul((number(2), Name(f"z{index - 1}"))),))
    return Graph(nodes | _values(formulas), f"z{length - 1}")


def one_function(function: Function) -> Graph:
    """output = function(x1 + p1, x2 + p2, ...), so that d output / d p_i is the partial derivative."""
    count = len(function.arguments)
    sums = [Add((Name(f"x{i}"), Name(f"p{i}"))) for i in range(count)]
    arguments: list[Expr] = list(sums)
    if function.name == "where":
        arguments[0] = Compare(">", sums[0], number(0))
    nodes = {f"x{i}": Node(f"x{i}", Role.INPUT) for i in range(count)}
    nodes |= {f"p{i}": Node(f"p{i}", Role.PARAMETER) for i in range(count)}
    return Graph(nodes | _values({"out": Call(function.name, tuple(arguments))}), "out")


def _values(formulas: Mapping[str, Expr]) -> dict[str, Node]:
    return {name: Node(name, Role.VALUE, (), Elementwise(each), names(each)) for name, each in formulas.items()}


def complex_step(graph: Graph, values: Mapping[str, Any], parameter: str) -> Any:
    """d objective / d parameter at one object or a batch, by a step along the imaginary axis."""
    leaves = {name: np.asarray(value) + 0j for name, value in {**graph.constants, **values}.items()}
    leaves[parameter] = leaves[parameter] + 1j * STEP
    return np.mean(np.imag(forward(graph, leaves, graph.objective, COMPLEX)[graph.objective]) / STEP)


@st.composite
def graphs(draw: st.DrawFn, functions: tuple[str, ...] = SMOOTH) -> Graph:
    """A random network: fan-out, skip links, shared parameters, nodes of several terms, nodes without inputs."""
    inputs = [f"x{i}" for i in range(draw(st.integers(1, 2)))]
    parameters = [f"w{i}" for i in range(draw(st.integers(1, 4)))]
    nodes = {name: Node(name, Role.INPUT) for name in inputs}
    nodes |= {name: Node(name, Role.PARAMETER) for name in parameters}
    nodes["y"] = Node("y", Role.TARGET)
    nodes["c"] = Node("c", Role.CONSTANT)
    known = [*inputs, *parameters, "c"]
    formulas: dict[str, Expr] = {}
    for index in range(draw(st.integers(2, 8))):
        formulas[f"n{index}"] = draw(formula(known, functions))
        known.append(f"n{index}")
    formulas["loss"] = Pow(Add((Name(known[-1]), Neg(Name("y")))), number(2).value)
    return Graph(nodes | _values(formulas), known[-1], "loss", constants={"c": 0.75})


def formula(known: list[str], functions: tuple[str, ...]) -> st.SearchStrategy[Expr]:
    """A formula over some of `known`, bounded in value so that values of deep networks stay moderate."""
    name = st.sampled_from(known).map(Name)
    product = st.tuples(name, name).map(Mul)
    total = st.lists(name | product, min_size=2, max_size=3).map(lambda terms: Add(tuple(terms)))
    bounded = st.builds(lambda inner: Call("tanh", (inner,)), product | total)
    applied = st.builds(lambda f, inner: Call(f, (inner,)), st.sampled_from(functions), name | bounded)
    halved = st.builds(lambda inner: Div(inner, Add((number(2), Call("square", (inner,))))), name | bounded)
    scaled = st.builds(lambda k, inner: Mul((Number(k), inner)), st.fractions(-2, 2, max_denominator=8), applied)
    return st.one_of(applied, bounded, halved, scaled, st.builds(Neg, applied))


def numbers_of(graph: Graph, seed: int) -> dict[str, float]:
    """A random number for every leaf but constants."""
    source = np.random.default_rng(seed)
    roles = (Role.INPUT, Role.TARGET, Role.PARAMETER)
    return {name: float(source.uniform(-1.5, 1.5)) for role in roles for name in graph.names(role)}
