"""Gradients of a network of numbers by tangents: one sweep from each parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from backpropsym.errors import LimitError
from backpropsym.formula.tree import Expr
from backpropsym.kernels.ir.program import Program
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from backpropsym.ops.differentiate import partials

MAX_TANGENTS = 30_000_000


def forward_mode(lowering: ArrayLowering, parameters: Sequence[str]) -> Program:
    """Value, and gradients by one tangent a node and parameter.

    Raises
    ------
    LimitError : too many nodes are followed for too many parameters.
    """
    value = lowering.objective()
    if len(lowering.known) * len(parameters) > MAX_TANGENTS:
        raise LimitError(
            f"mode forward would follow {len(lowering.known):,} nodes for each of {len(parameters):,} parameters",
            fix="use mode reverse, which follows them once, or choose fewer parameters",
        )
    backward = lowering.derivatives_from_here()

    @cache
    def local(name: str) -> Mapping[str, Expr]:
        formula = lowering.graph[name].formula
        assert formula is not None, "every node of a network of numbers has a formula"
        return partials(formula, lowering.graph.functions)

    gradients = {name: _gradient(lowering, name, local) for name in parameters}
    return lowering.program(backward, value, gradients)


def _gradient(lowering: ArrayLowering, parameter: str, local: Callable[[str], Mapping[str, Expr]]) -> int:
    """The mean over objects of the tangent of the objective, which starts with 1 at a parameter."""
    graph, values, objective = lowering.graph, lowering.values, lowering.graph.objective
    if parameter not in lowering.known:
        return values.number(0.0)
    tangents = {parameter: values.number(1.0)}
    for name in graph.between(parameter, objective)[1:]:
        values.owner = f"d{name.lstrip('_')}_d{parameter}"
        total = values.number(0.0)
        for parent in graph[name].parents:
            if parent in tangents:
                part = lowering.formulas.times(tangents[parent], local(name)[parent], lowering.known)
                total = values.add(total, part)
        tangents[name] = total
        lowering.symbols.setdefault(total, values.owner)
    return values.mean(tangents[objective])
