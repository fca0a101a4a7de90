"""Networks for tests of derivations: random scalar DAGs, chains, ladders; and SymPy's derivative of each whole."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from hypothesis import strategies as st

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.formula.tree import Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow
from backpropsym.graph.graph import Graph, Role
from backpropsym.spec.toml import parse_network

KINDS = (
    "{w}*{a} + {v}*{b}",
    "{w}*{a} + {v}*{b} + {w}*{c}",
    "tanh({a})",
    "sin({w}*{a} + {v})",
    "f({a})",
    "g({a}, {b})",
    "sigmoid({a} - {w}*{b})",
    "{a}*{b}",
    "{a}*{a}",
    "{a} + {b}",
    "{a} + tanh({a})*{w}",
    "{a} - {b}*{c}",
    "{a}/(2 + {b}**2)",
    "({w}*{a} - {b})**2",
    "-{a}/3 + {w}",
    "cos({a})*{w} - {v}**3",
    "where({a} > {b}, {a}*{w}, {b})",
    "softplus({w}*{a})*{a}",
)
FUNCTIONS = '[functions]\nf = "x*tanh(x)"\n"g(x, y)" = "sin(x)*y"\n'


@st.composite
def dags(draw: st.DrawFn) -> Graph:
    """Random scalar networks: fan-out, skip links, repeated parents, shared parameters, nodes of several terms."""
    inputs, parameters = ["x1", "x2"], ["w1", "w2", "w3"]
    nodes: dict[str, str] = {}
    for index in range(1, draw(st.integers(1, 6)) + 1):
        earlier = st.sampled_from([*inputs, *nodes, *list(nodes)[-2:] * 2])
        weight = st.sampled_from(parameters)
        kind = draw(st.sampled_from(KINDS))
        nodes[f"n{index}"] = kind.format(
            a=draw(earlier), b=draw(earlier), c=draw(earlier), w=draw(weight), v=draw(weight)
        )
    return network(inputs, parameters, nodes, list(nodes)[-1], FUNCTIONS)


POINTS = st.lists(st.integers(-15, 15), min_size=5, max_size=5, unique=True).map(
    lambda tenths: {name: tenth / 10 + 0.05 for name, tenth in zip(("x1", "x2", "w1", "w2", "w3"), tenths, strict=True)}
)


def network(
    inputs: list[str], parameters: list[str], nodes: Mapping[str, str], output: str, functions: str = ""
) -> Graph:
    """A network from its parts."""
    lines = "\n".join(f'{name} = "{formula}"' for name, formula in nodes.items())
    return parse_network(
        f'inputs = {inputs}\nparameters = {parameters}\noutput = "{output}"\n[nodes]\n{lines}\n{functions}'
    )


def derive(graph: Graph, of: str, wrt: str) -> Derivation:
    return Derivation(LocalDerivatives(graph), of, wrt)


def chain(length: int, step: str = "f({p}*w{i})") -> Graph:
    """Nodes s0, s1, ... one after the other; `step` is a formula of the one before, {p}, and the index, {i}."""
    nodes = {f"s{i}": step.format(p=f"s{i - 1}" if i else "x", i=i) for i in range(length)}
    parameters = [f"w{i}" for i in range(length)] if "w{i}" in step else []
    return network(["x"], parameters, nodes, f"s{length - 1}", '[functions]\nf = "tanh"\n')


def residual(length: int) -> Graph:
    """Blocks r + w*tanh(r), each of two paths."""
    nodes = {"r0": "2*x"}
    for i in range(length):
        nodes |= {f"z{i}": f"tanh(r{i})", f"r{i + 1}": f"r{i} + w{i}*z{i}"}
    return network(["x"], [f"w{i}" for i in range(length)], nodes, f"r{length}")


def layers(width: int, depth: int) -> Graph:
    """Fully connected layers of sums, with one input and one output: width**depth paths from x to a."""
    nodes, before = {}, ["x"]
    for layer in range(1, depth + 1):
        after = [f"h{layer}_{j}" for j in range(width)]
        nodes |= {name: " + ".join(f"w{layer}*{each}" for each in before) for name in after}
        before = after
    nodes["a"] = " + ".join(before)
    return network(["x"], [f"w{layer}" for layer in range(1, depth + 1)], nodes, "a")


def whole(graph: Graph, of: str, wrt: str) -> sp.Expr:
    """The node `of` as one expression in plain SymPy, composed down to the leaves and to `wrt`."""
    known: dict[str, sp.Expr] = {}
    for name in graph.order:
        formula = graph[name].formula
        known[name] = sp.Symbol(name, real=True)
        if formula is not None and name != wrt:
            known[name] = _plain(formula, known)
        if name == of:
            return known[name]
    raise AssertionError(of)


def _plain(expr: Expr, known: Mapping[str, sp.Expr]) -> sp.Expr:
    def plain(part: Expr) -> sp.Expr:
        return _plain(part, known)

    match expr:
        case Name(name):
            return known[name]
        case Number(value):
            return sp.Rational(value.numerator, value.denominator)
        case Add(terms):
            return sp.Add(*map(plain, terms))
        case Mul(factors):
            return sp.Mul(*map(plain, factors))
        case Div(above, below):
            return plain(above) / plain(below)
        case Neg(operand):
            return -plain(operand)
        case Pow(base, exponent):
            return plain(base) ** sp.Rational(exponent.numerator, exponent.denominator)
        case Call("where", (Compare(operator, left, right), then, otherwise)):
            return sp.Piecewise((plain(then), sp.Rel(plain(left), plain(right), operator)), (plain(otherwise), True))
        case Call(function, arguments):
            return PLAIN[function](*map(plain, arguments))
    raise AssertionError(expr)


PLAIN = {
    "tanh": sp.tanh,
    "sin": sp.sin,
    "cos": sp.cos,
    "sigmoid": lambda x: 1 / (1 + sp.exp(-x)),
    "softplus": lambda x: sp.log(1 + sp.exp(x)),
    "f": lambda x: x * sp.tanh(x),
    "g": lambda x, y: sp.sin(x) * y,
}


def leaves(graph: Graph) -> list[str]:
    return [name for name in graph.nodes if graph[name].role is not Role.VALUE]
