"""Programs to functions of arrays by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.backends.names import Names
from backpropsym.kernels.backends.numpy.function import TensorFunction
from backpropsym.kernels.backends.numpy.module import array_module
from backpropsym.kernels.backends.task import array_program
from backpropsym.kernels.lowering.array_lowering import ArrayLowering


@dataclass(frozen=True)
class Result:
    """What a function gives.

    Attributes
    ----------
    position : of its value in the program.
    node : the name of a node whose shape it has; with a row an object where that node differs by object.
    join : how those of parts of a batch make one, where they are not rows: "mean", "sum" or "same".
    """

    position: int
    node: str
    join: str


def leaf_names(graph: Graph, targets: tuple[str, ...]) -> Names:
    """What a function that computes `targets` is called with."""
    needed = graph.ancestors(*targets)
    needed |= graph.sizing(needed)
    leaves = [node for node in graph.nodes.values() if node.op is None and node.role is not Role.CONSTANT]
    return Names(
        objects=tuple(leaf.name for leaf in leaves if leaf.name in needed and leaf.role is not Role.PARAMETER),
        numbers=tuple(leaf.name for leaf in leaves if leaf.name in needed and leaf.role is Role.PARAMETER),
        ignored=tuple(leaf.name for leaf in leaves if leaf.name not in needed),
    )


def array_function(
    graph: Graph,
    lowering: ArrayLowering,
    backward: int,
    results: Mapping[str, Result],
    names: Names,
    most: int | None = None,
    once: Collection[str] = (),
) -> TensorFunction:
    """The function that gives `results`; `most` and `once` as for `TensorFunction`."""
    positions = {key: result.position for key, result in results.items()}
    shapes = {key: lowering.whole(result.node) for key, result in results.items()}
    rows = {"mean": "rows of a mean"}
    joins = {
        key: rows.get(result.join, "rows") if lowering.lead(result.node) else result.join
        for key, result in results.items()
    }
    program = lowering.program(backward, lowering.values.number(0.0), positions)
    module = array_module(graph, array_program(lowering, program, shapes), names)
    return TensorFunction(module, names, graph, most, joins, once)
