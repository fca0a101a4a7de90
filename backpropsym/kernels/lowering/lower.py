"""A graph and options to a program: the one door to lowering, for numbers and arrays."""

from __future__ import annotations

from collections.abc import Sequence

from backpropsym.errors import LimitError, NetworkError, NotScalarError
from backpropsym.formula.names import name_problem
from backpropsym.graph.graph import Graph
from backpropsym.kernels.ir.program import Program
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from backpropsym.kernels.lowering.forward_mode import forward_mode
from backpropsym.ops.lowering import ANONYMOUS
from backpropsym.ops.memory_budget import check_memory


def lower(
    graph: Graph, mode: str, parameters: Sequence[str], accuracy: str = "default", batch: bool = True
) -> tuple[ArrayLowering, Program]:
    """What gives the value of a graph's objective and its gradients, and the lowering that holds its values.

    Parameters
    ----------
    mode : "reverse", or "forward" for a network of numbers.
    parameters : by which gradients are taken.
    accuracy : "default" lets derivatives use stored forward values, as in 1 - z**2 for tanh, which loses relative
        accuracy where a function saturates; "full" computes them to full relative accuracy.
    batch : whether inputs and targets have an axis of objects; without it a network of numbers becomes arithmetic
        alone, that of one object.

    Raises
    ------
    AbstractFunctionError : a function has no formula.
    LimitError : too many operations, arrays that are too large, or functions nested too deeply.
    NetworkError : the name of a node cannot stand in a program.
    NotScalarError : the objective has several entries.
    """
    for name in graph.nodes:
        if problem := name_problem(name.removeprefix(ANONYMOUS)):
            raise NetworkError([problem])
    objective = graph.objective
    check_memory(sum(graph.entries[name] for name in graph.ancestors(objective)), f"computing {objective}")
    shape = graph[objective].shape
    if any(size != 1 for size in shape):
        message = f"{objective} has the shape {shape}; a kernel gives gradients of one number"
        raise NotScalarError(message, fix="give the network a loss, or a scalar output")
    lowering = ArrayLowering(graph, accuracy == "default", batch)
    try:
        found = lowering.reverse(parameters) if mode == "reverse" else forward_mode(lowering, parameters)
    except RecursionError:
        raise LimitError(
            "the functions of the network call each other too deeply",
            fix="split their formulas into several nodes",
        ) from None
    return lowering, found
