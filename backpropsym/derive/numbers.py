"""A graph in numbers: values given, values computed, derivatives accumulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from backpropsym.derive.local import Edge, LocalDerivatives
from backpropsym.errors import ValuesError
from backpropsym.graph import Graph, Role
from backpropsym.ops.arithmetic import REAL, Arithmetic, evaluate


def given_values(graph: Graph, values: Mapping[str, Any], needed: Iterable[str]) -> dict[str, Any]:
    """Numbers for the leaves among `needed`: from `values`, else from the network's own, as float arrays.

    Names in `values` that the graph does not need are ignored.

    Raises
    ------
    ValuesError : numbers are missing, or are not numbers.
    """
    wanted = set(needed)
    leaves = [name for name, node in graph.nodes.items() if name in wanted and node.role is not Role.VALUE]
    pool = {**graph.values, **values, **graph.constants}
    missing = [name for name in leaves if name not in pool]
    if missing:
        example = ", ".join(f"{name} = 1.0" for name in missing[:3])
        raise ValuesError(
            f"numbers are missing for {', '.join(missing[:10])}" + (" and more" if len(missing) > 10 else ""),
            fix=f"give them in a file with --at, as keywords, or in the network's [values]: {example}",
        )
    found = {name: _array(name, pool[name]) for name in leaves}
    batches = {len(value): name for name, value in found.items() if np.ndim(value)}
    if len(batches) > 1:
        raise ValuesError(
            "batches of different lengths: " + ", ".join(f"{name} has {count}" for count, name in batches.items()),
            fix="give each name one number, or one number an object for the same objects",
        )
    return found


def _array(name: str, value: Any) -> Any:
    try:
        array = np.asarray(float(value) if isinstance(value, Real) else value)
    except (TypeError, ValueError, OverflowError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or not array.size:
        raise ValuesError(f"the value of {name} is not a number", fix=f"give {name} = 1.0")
    if array.ndim > 1:
        raise ValuesError(
            f"the value of {name} has the shape {array.shape}",
            fix=f"{name} is a scalar: give a number, or one number an object, shape (batch,)",
        )
    return array.astype(float)[()]


def forward(
    graph: Graph, leaves: Mapping[str, Any], of: str | None = None, arithmetic: Arithmetic = REAL
) -> dict[str, Any]:
    """The value of every node that `of` (or, without it, the whole graph) depends on."""
    wanted = graph.ancestors(of) if of is not None else graph.nodes.keys()
    values = dict(leaves)
    with np.errstate(all="ignore"):
        for name in graph.order:
            formula = graph.nodes[name].formula
            if formula is not None and name in wanted:
                values[name] = evaluate(formula, values, graph.functions, arithmetic)
    return values


def local_numbers(local: LocalDerivatives, links: Iterable[Edge], values: Mapping[str, Any]) -> dict[Edge, Any]:
    """The number of the local derivative on each link."""
    table = local.graph.functions
    with np.errstate(all="ignore"):
        return {link: evaluate(local[link], values, table) for link in links}
