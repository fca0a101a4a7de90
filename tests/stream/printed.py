"""Random networks and the forms of their derivatives as they are printed, each text read back."""

from __future__ import annotations

from typing import Any

import numpy as np

from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.entry_derivation import EntryDerivation
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.document.derivation.data import data
from backpropsym.errors import LimitError
from backpropsym.evaluate.printed_data import PrintedData
from backpropsym.formula.tree import size
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import entry_name
from tests.evaluate.printed import spread, steps_of_layers
from tests.stream.compare import LOOSE, Found, comparison, inner_node
from tests.stream.truth import Truth

MOST_PATHS = 20
MOST_PLACES = 3
MOST_PARTS = 3_000
"""Longer formulas of second derivatives take minutes to write and to read."""

OF_ENTRIES = ("paths", "factored", "expanded", "backward", "forward")


@comparison()
def printed_arrays(truth: Truth) -> Found:
    """Index and matrix notation of a number by each leaf."""
    graph, of = truth.case.net.graph, truth.case.output
    right = truth.gradients(truth.case.values)
    values = node_values(truth)
    for name in truth.leaves:
        derivation = TensorDerivation(graph, of, name)
        if 0 < derivation.count <= MOST_PATHS:
            for form in ("index", "matrix"):
                yield from stated(tensor_data(derivation, form), graph, values, right[name])


@comparison()
def printed_jacobians(truth: Truth) -> Found:
    """Index notation of an inner node by each leaf."""
    graph, of = truth.case.net.graph, inner_node(truth)
    leaves = [name for name in truth.leaves if 0 < TensorDerivation(graph, of, name).count <= MOST_PATHS]
    right = truth.gradients(truth.case.values, of, leaves)
    values = node_values(truth)
    for name in leaves:
        yield from stated(tensor_data(TensorDerivation(graph, of, name), "index"), graph, values, right[name])


@comparison()
def printed_entries(truth: Truth) -> Found:
    """Every form of the derivative of a number by an entry of each leaf."""
    if truth.case.net.graph.symbols:
        return
    graph, of = truth.case.net.graph, truth.case.output
    right = truth.gradients(truth.case.values)
    values = node_values(truth)
    for name in truth.leaves:
        position = spread(graph[name].shape, 3)[1 % max(1, np.size(right[name]))] if graph[name].shape else ()
        net = truth.case.net
        derivation = net.derive(of, wrt=name) if graph.scalar else EntryDerivation(graph, (of, ()), (name, position))
        if not 0 < derivation.count <= MOST_PATHS:
            continue
        for form in OF_ENTRIES:
            try:
                printed = data(derivation, form)
            except LimitError:
                continue
            yield from stated(printed, graph, values, right[name][position])


@comparison(tolerance=LOOSE)
def printed_second_derivatives(truth: Truth) -> Found:
    """Every form of a second derivative of a number by two entries."""
    graph, case = truth.case.net.graph, truth.case
    if graph.symbols or not truth.leaves:
        return
    names = [name for name in truth.leaves if name in graph.ancestors(case.output)][:2]
    first, second = names[0], names[-1]
    at, other = spread(graph[first].shape, 3)[0], spread(graph[second].shape, 3)[-1]
    direction = np.zeros(graph[second].shape)
    direction[other] = 1.0
    right = truth.hessian_product(case.values, {second: direction})[first][at]
    derivation = case.net.derive(case.output, wrt=[entry_name(first, at), entry_name(second, other)])
    if not 0 < derivation.count <= MOST_PATHS:
        return
    if sum(size(factor) for term in derivation.terms for factor in term.derivatives) > MOST_PARTS:
        return
    for form in OF_ENTRIES:
        try:
            printed = data(derivation, form)
        except LimitError:
            continue
        for what, got, expected in stated(printed, graph, node_values(truth), right):
            if "definition of" not in what:  # a definition of a first derivative is one of a node of its own
                yield what, got, expected


def node_values(truth: Truth) -> dict[str, Any]:
    """The arrays of all named nodes, and the sizes that symbols stand for."""
    arrays = {name: truth.value(truth.case.values, name) for name, node in truth.graph.nodes.items() if node.named}
    return {**truth.case.sizes, **arrays}


def stated(printed: dict[str, Any], graph: Graph, values: dict[str, Any], right: Any) -> Found:
    """Each statement of printed data, and each definition in it."""
    unknown = steps_of_layers(graph)
    reader = PrintedData(printed, {k: v for k, v in values.items() if k not in unknown}, graph.functions)
    place = f"d{printed['of']}/d{printed['wrt']} as {printed['form']}"
    for name, array in reader.define({name: np.shape(value) for name, value in values.items()}).items():
        yield f"{place}, definition of {name}", array, values.get(name)
    places = spread(np.shape(right), MOST_PLACES)
    wanted = np.array([np.asarray(right)[at] for at in places])
    for statement, found in reader.statements(np.shape(right), places):
        yield f"{place}, {statement}: {printed['expression']}", found, wanted
