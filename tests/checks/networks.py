"""Random networks of random kinds, and a small network around any one function."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from backpropsym.formula.tree import Add, Call, Compare, Expr, Mul, Name, Neg, Number, Pow, names
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.kinds import Elementwise
from backpropsym.spec.toml import parse_network

LOSSES = ("mse", "mae", "huber", "log_cosh", "bce_with_logits", "hinge", "poisson")
UNARY = tuple(name for name, function in FUNCTIONS.items() if len(function.required) == 1)
SHAPES = (
    "{w}*{a} + {v}*{b}",
    "{w}*{a} + {v}*{b} + {u}",
    "{f}({a})",
    "{f}({w}*{a} + {u})",
    "{f}({w}*{a} + {v}*{b} - {u}*{c})",
    "{f}({a})*{g}({b})",
    "{a}*{b}",
    "{a}*{a}",
    "{w}*{a}*{b}*{a}",
    "{a}/(1 + {b}**2)",
    "{w}*{a}/{b}",
    "({w}*{a} - {b})/({u} + {c})",
    "{a}**2 - {w}*{b}**3",
    "({w}*{a} + {u})**(-2)",
    "(1 + {a}**2)**(1/2)",
    "(0.5 + {a}**2)**(-3/2)*{w}",
    "{w}*{a} - 2*{b}/(3 + {c}**2) + {f}({a})",
    "{f}({g}({w}*{a}))",
    "max({w}*{a}, {b})",
    "min({a}, {w})",
    "prelu({a}, {w})",
    "clip({w}*{a}, -1, 1.5)",
    "where({a} > {w}, {b}, {v}*{c})",
    "leaky_relu({a} - {u}, 0.2)",
    "sqrt({a}**2 + {b}**2)",
    "exp({w}*{a} - {b}**2/2)",
)


def random_network(seed: int) -> Graph:
    """A network of random functions, depth, skip links, repeated parents and shared parameters."""
    random = np.random.default_rng(seed)
    inputs = [f"x{index}" for index in range(1, int(random.integers(1, 4)) + 1)]
    parameters = [f"w{index}" for index in range(1, int(random.integers(2, 9)) + 1)]
    nodes: dict[str, str] = {}
    for index in range(1, int(random.integers(2, 13)) + 1):
        earlier = [*inputs, *nodes]
        recent = earlier[-3:] if random.random() < 0.7 else earlier
        drawn = {letter: random.choice(recent) for letter in "abc"}
        drawn |= {letter: random.choice(parameters) for letter in "wvu"}
        drawn |= {letter: random.choice(UNARY) for letter in "fg"}
        nodes[f"h{index}"] = str(random.choice(SHAPES)).format(**drawn)
    output = f"h{len(nodes)}"
    loss = str(random.choice(["", f"({output} - y)**2", *(f"{name}({output}, y)" for name in LOSSES)]))
    return parse_network(_file(inputs, parameters, nodes, output, loss))


def _file(inputs: list[str], parameters: list[str], nodes: dict[str, str], output: str, loss: str) -> str:
    lines = [f"inputs = {inputs}", f"parameters = {parameters}", 'targets = ["y"]', f'output = "{output}"']
    lines += [f'loss = "{loss}"'] if loss else []
    return "\n".join([*lines, "[nodes]", *(f'{name} = "{formula}"' for name, formula in nodes.items())])


def network_of(name: str, table: FunctionTable | None = None) -> Graph:
    """(p*z + q - y)**2 with z = the function `name` of as many neurons u0, u1, ... as it has arguments."""
    count = len(FUNCTIONS[name].arguments)
    neurons = [f"u{index}" for index in range(count)]
    nodes = {leaf: Node(leaf, Role.PARAMETER) for leaf in [*(f"w{index}" for index in range(count)), "p", "q"]}
    nodes["y"] = Node("y", Role.TARGET)
    for index, neuron in enumerate(neurons):
        nodes[neuron] = _node(neuron, Mul((Name(f"w{index}"), Number(Fraction(1)))))
    if name == "where":
        condition = Compare(">", Name("u0"), Name("u1"))
        nodes["z"] = _node("z", Call(name, (condition, Name("u1"), Mul((Name("u2"), Name("u2"))))))
    else:
        nodes["z"] = _node("z", Call(name, tuple(map(Name, neurons))))
    nodes["a"] = _node("a", Add((Mul((Name("p"), Name("z"))), Name("q"))))
    nodes["loss"] = _node("loss", Pow(Add((Name("a"), Neg(Name("y")))), Fraction(2)))
    return Graph(nodes, "a", "loss", functions=table or FunctionTable())


def _node(name: str, formula: Expr) -> Node:
    return Node(name, Role.VALUE, (), Elementwise(formula), names(formula))


def dense(widths: list[int], function: str) -> Graph:
    """A fully connected network without biases and its square loss."""
    previous = [f"x{index}" for index in range(widths[0])]
    nodes = {name: Node(name, Role.INPUT) for name in previous} | {"y": Node("y", Role.TARGET)}
    for layer, width in enumerate(widths[1:], start=1):
        current = []
        for unit in range(width):
            terms = []
            for index, source in enumerate(previous):
                weight = f"w{layer}_{index}_{unit}"
                nodes[weight] = Node(weight, Role.PARAMETER)
                terms.append(Mul((Name(weight), Name(source))))
            nodes[f"s{layer}_{unit}"] = _node(f"s{layer}_{unit}", Add(tuple(terms)))
            nodes[f"h{layer}_{unit}"] = _node(f"h{layer}_{unit}", Call(function, (Name(f"s{layer}_{unit}"),)))
            current.append(f"h{layer}_{unit}")
        previous = current
    nodes["loss"] = _node("loss", Pow(Add((Name(previous[0]), Neg(Name("y")))), Fraction(2)))
    return Graph(nodes, previous[0], "loss")


def chain(length: int, function: str) -> Graph:
    """One node after the other, with a parameter in every tenth."""
    nodes = {"x": Node("x", Role.INPUT)}
    previous = "x"
    for index in range(length):
        argument: Expr = Name(previous)
        if index % 10 == 0:
            nodes[f"w{index}"] = Node(f"w{index}", Role.PARAMETER)
            argument = Mul((Name(f"w{index}"), argument))
        previous = f"h{index}"
        nodes[previous] = _node(previous, Call(function, (argument,)))
    return Graph(nodes, previous)
