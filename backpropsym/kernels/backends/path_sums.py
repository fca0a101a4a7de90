"""The slow witness: SymPy's lambdify of the explicit sum over paths, sharing no code with the other modes.

A sum that is not finite is added up again without the terms that a choice cuts off.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from backpropsym.arrays import Array, Given, Numbers, Numeric
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.evaluate.arithmetic import REAL, call
from backpropsym.evaluate.cut_off import marked, marked_nodes
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.names import Names

Checked = Callable[[dict[str, Any], Names], dict[str, Numeric]]
_COMPARISONS = {"where<": np.less, "where<=": np.less_equal, "where>": np.greater, "where>=": np.greater_equal}


def paths_function(
    graph: Graph, parameters: Sequence[str], names: Names, checked: Checked
) -> tuple[Callable[..., tuple[float, dict[str, float]]], str]:
    """A function of the values by name that gives the mean objective and its gradients, and its source.

    Raises
    ------
    LimitError : a gradient has too many paths to be written as one sum.
    """
    local = LocalDerivatives(graph)
    sums = {name: _PathSum(graph, Derivation(local, graph.objective, name)) for name in parameters}

    def kernel(**given: Given) -> tuple[float, dict[str, float]]:
        values = checked({"_unknown": given}, names)
        leaves = {name: value if isinstance(value, np.ndarray) else np.float64(value) for name, value in values.items()}
        with np.errstate(all="ignore"):
            nodes = forward(graph, leaves | dict(graph.constants), graph.objective)
            gradients = {name: float(np.mean(each(nodes))) for name, each in sums.items()}
        return float(np.mean(nodes[graph.objective])), gradients

    return kernel, "\n".join(each.source for each in sums.values())


class _PathSum:
    """The derivative of one node by one node, as a function of the values of all nodes."""

    def __init__(self, graph: Graph, derivation: Derivation) -> None:
        expression = derivation.sympy("paths")
        symbols = sorted(expression.free_symbols, key=str)
        self.names = [symbol.name for symbol in symbols]
        functions = _numeric_functions(graph, expression)
        plain = _renamed(expression, {name: f"f{index}" for index, name in enumerate(functions)})
        numbered = {f"f{index}": function for index, function in enumerate(functions.values())}
        self.function = sp.lambdify(symbols, plain, modules=[numbered, "numpy"], dummify=True)
        self.source = inspect.getsource(self.function)
        self.graph = graph
        self.tree = derivation.tree("paths")

    def __call__(self, nodes: Numbers) -> Numeric:
        """The sum; where it is not finite, without the terms that a choice cuts off."""
        found: Numeric = self.function(*(nodes[name] for name in self.names))
        if np.isfinite(found).all():
            return found
        cut_off = marked(self.tree, marked_nodes(self.graph, nodes), self.graph.functions)
        return np.where(np.isfinite(found), found, cut_off.value)


def _numeric_functions(graph: Graph, expression: sp.Expr) -> dict[str, Callable[..., Numeric]]:
    """What computes each function in `expression`, by its name."""
    functions: dict[str, Callable[..., Numeric]] = {}
    for name in sorted({type(part).__name__ for part in expression.atoms(sp.Function)}):
        if name in _COMPARISONS:
            functions[name] = partial(_where, _COMPARISONS[name])
        else:
            functions[name] = lambda *arguments, name=name: call(name, arguments, graph.functions, REAL)
    return functions


def _where(compare: Callable[..., Array], left: Numeric, right: Numeric, then: Numeric, otherwise: Numeric) -> Array:
    return np.where(compare(left, right), then, otherwise)


def _renamed(expression: sp.Expr, names: dict[str, str]) -> sp.Expr:
    """`expression` with its functions under names that mean nothing to SymPy's printers."""
    if not expression.args:
        return expression
    arguments = [_renamed(part, names) for part in expression.args]
    if isinstance(expression, sp.Function):
        return sp.Function(names[type(expression).__name__])(*arguments)
    return expression.func(*arguments)
