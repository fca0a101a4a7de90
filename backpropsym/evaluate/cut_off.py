"""Derivatives in numbers where a choice cuts off what is infinite: by convention, as kernels have them.

The zero of a branch that is not taken, or of a step, is exact: what is multiplied by it does not exist, however
infinite it is. A zero that was computed is a number like others, and its product with infinity is none. Numbers of
floating point know no difference; here each has a mark that says which zero it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from backpropsym.arrays import Array, Numbers, Numeric, Values
from backpropsym.errors import BackpropsymError
from backpropsym.evaluate.arithmetic import REAL, call, evaluate
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.formula.tree import Add, Call, Div, Expr, Mul, Name, Neg, Number, Pow
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import entry_name, entry_values, unroll
from backpropsym.ops.differentiate import partials
from backpropsym.ops.function_table import FunctionTable

CHOICES = ("step", "KroneckerDelta")
"""Functions whose zero is a choice."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A number, or one an object.

    Attributes
    ----------
    cut : whether a choice has cut it off, in which case it is zero.
    chosen : whether it is computed from numbers and choices alone, so that any zero of it is a choice's.
    """

    value: Numeric
    cut: Array | bool = False
    chosen: bool = False

    def __add__(self, other: Marked) -> Marked:
        return _marked(self.value + other.value, self.cut & np.asarray(other.cut), (self, other))

    def __mul__(self, other: Marked) -> Marked:
        return _marked(self.value * other.value, self.cut | np.asarray(other.cut), (self, other))

    def __neg__(self) -> Marked:
        return replace(self, value=-self.value)


def _marked(value: Numeric, cut: Array | bool, parts: Iterable[Marked]) -> Marked:
    chosen = all(part.chosen for part in parts)
    cut = np.asarray(cut) | (chosen & (np.asarray(value) == 0))
    return Marked(np.where(cut, 0.0, value)[()], cut, chosen)


def marked(expr: Expr, values: Mapping[str, Marked], table: FunctionTable) -> Marked:
    """The number of a formula, zero where a choice cuts it off."""
    match expr:
        case Name(name):
            return values[name]
        case Number(value):
            return Marked(np.float64(float(value)), value == 0, True)
        case Add(terms):
            return reduce(lambda left, right: left + right, (marked(term, values, table) for term in terms))
        case Mul(factors):
            return reduce(lambda left, right: left * right, (marked(factor, values, table) for factor in factors))
        case Neg(operand):
            return -marked(operand, values, table)
        case Div(above, below):
            top, bottom = marked(above, values, table), marked(below, values, table)
            return _marked(top.value / bottom.value, top.cut, (top, bottom))
        case Pow(base, exponent):
            inner = marked(base, values, table)
            return _marked(REAL.power(inner.value, exponent), inner.cut if exponent > 0 else False, (inner,))
        case Call("where", (condition, then, otherwise)):
            holds = evaluate(condition, {name: each.value for name, each in values.items()}, table)
            first, second = marked(then, values, table), marked(otherwise, values, table)
            return Marked(np.where(holds, first.value, second.value)[()], np.where(holds, first.cut, second.cut))
        case Call():
            return _called(expr, values, table)
        case _:
            raise TypeError(f"{type(expr).__name__} has no scalar value")


def _called(expr: Call, values: Mapping[str, Marked], table: FunctionTable) -> Marked:
    bound = {name: marked(argument, values, table) for name, argument in table.bind(expr).items()}
    body = table.numeric(expr.function)
    if body is not None and table[expr.function].primitive is None:
        return marked(body, bound, table)
    value = call(expr.function, tuple(each.value for each in bound.values()), table)
    if expr.function in CHOICES:
        return Marked(value, np.asarray(value) == 0, True)
    return Marked(value)


def derivatives(graph: Graph, values: Values, of: tuple[str, tuple[int, ...]]) -> dict[str, float]:
    """The derivative of an entry by every entry, by its name.

    Parameters
    ----------
    values : an array by node, at least of the leaves, of one object.

    Returns
    -------
    Nothing where the network cannot be written out entry by entry.
    """
    try:
        flat = unroll(graph)
    except BackpropsymError:
        return {}
    end = entry_name(*of)
    leaves = {name: values[name] for name, node in graph.nodes.items() if node.op is None and name in values}
    wanted = flat.ancestors(end)
    numbers = forward(flat, {**entry_values(graph, leaves), **flat.constants}, end)
    with np.errstate(all="ignore"):
        nodes = marked_nodes(flat, {name: numbers[name] for name in wanted})
        found = dict.fromkeys(wanted, Marked(0.0, True))
        found[end] = Marked(1.0)
        for name in reversed(flat.order):
            formula = flat[name].formula
            if name in wanted and formula is not None:
                for parent, partial in partials(formula, flat.functions).items():
                    found[parent] = found[parent] + found[name] * marked(partial, nodes, flat.functions)
    return {name: float(each.value) for name, each in found.items()}


def marked_nodes(graph: Graph, values: Numbers) -> dict[str, Marked]:
    """The values of nodes in a network of scalars; marked where a node's whole formula is a choice."""
    chosen = {
        name for name in values if isinstance(formula := graph[name].formula, Call) and formula.function in CHOICES
    }
    return {
        name: Marked(value, np.asarray(value) == 0, True) if name in chosen else Marked(value)
        for name, value in values.items()
    }
