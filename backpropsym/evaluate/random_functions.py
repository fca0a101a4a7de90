"""Random smooth functions in the place of abstract ones, so that a derivation with f and f' has numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from backpropsym.formula.algebra import add, mul
from backpropsym.formula.tree import Call, Expr, Name, Number
from backpropsym.graph.graph import Graph
from backpropsym.ops.function import Function

ROUNDS = 3


def abstract_functions(graph: Graph) -> tuple[str, ...]:
    """The abstract functions of a network, in the order declared."""
    return tuple(name for name, function in graph.functions.own.items() if function.abstract)


def concrete(graph: Graph, random: np.random.Generator) -> Graph:
    """The graph with each abstract function replaced by sin(a.x + b) + c.x + d * (product of the x).

    The numbers a, b, c, d are random; the derivative of the stand-in comes from the same table as any other.
    """
    own = dict(graph.functions.own)
    for name in abstract_functions(graph):
        own[name] = _stand_in(own[name], random)
    return replace(graph, functions=graph.functions.with_own(own))


def _stand_in(function: Function, random: np.random.Generator) -> Function:
    arguments: list[Expr] = [Name(name) for name in function.arguments]
    inner = add([*(mul([_number(random), each]) for each in arguments), _number(random)])
    outer: list[Expr] = [Call("sin", (inner,)), *(mul([_number(random), each]) for each in arguments)]
    if len(arguments) > 1:
        outer.append(mul([_number(random), *arguments]))
    domain = ((-3.0, 3.0),) * len(arguments)
    return replace(function, abstract=False, formula=add(outer), domain=domain)


def _number(random: np.random.Generator) -> Number:
    """A number of three decimals between 0.3 and 1.7 in absolute value."""
    return Number(Fraction(int(random.integers(300, 1700)) * int(random.choice([-1, 1])), 1000))
