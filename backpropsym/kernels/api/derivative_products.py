"""What a kernel gives besides value and gradients: derivatives by any leaf, products with them, values of nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from backpropsym.arrays import Array, Given, Numeric, Values
from backpropsym.errors import UnknownNameError, ValuesError, did_you_mean
from backpropsym.graph.graph import Graph, Node, Role, Shape
from backpropsym.kernels.api.array_functions import Result, array_function, leaf_names
from backpropsym.kernels.backends.numpy.function import TensorFunction
from backpropsym.kernels.lowering.tangent_lowering import TangentLowering
from backpropsym.kernels.lowering.tangents import tangent_graph, unused_name
from backpropsym.ops.memory_budget import check_memory

Choice = str | Sequence[str] | None
Found = dict[str, Any]
_VALUE = "the objective"
"""The name of a result, which no leaf can have."""
_T = TypeVar("_T")


class Products:
    """The methods of a kernel. Values come as one mapping by name, so that a network may use any name.

    Each method works on one object or on a batch, in the precision of the arrays it is given. It is a batch where any
    input or target has a leading axis of objects. Then values and derivatives of a node that is an input or a target,
    or depends on one, have a row for each object. Derivatives by a leaf have a row for each object where the leaf was
    given with one; by what is shared, a parameter or an input given without that axis, they are added up.
    A function is compiled when it is first asked for, and kept.

    Parameters
    ----------
    parameters : by which derivatives are taken where `wrt` is not given.
    most : the most objects that are computed with at once; by default as many as stay in the cache.
    """

    def __init__(self, graph: Graph, accuracy: str, parameters: tuple[str, ...], most: int | None = None) -> None:
        self.graph = graph
        self.by_value = accuracy == "default"
        self.parameters = parameters
        self.most = most
        self._functions: dict[object, Any] = {}

    def gradients(self, values: Values, wrt: Choice = None) -> tuple[float, Found]:
        """The mean objective, and its derivative by each of `wrt`, which may be inputs, targets and parameters."""
        leaves = self._leaves(wrt)
        found = self._call(self._once(("gradients", leaves), lambda: self._gradients(leaves)), values, leaves)
        return float(np.mean(found.pop(_VALUE))), found

    def per_object(self, values: Values, wrt: Choice = None) -> tuple[Numeric, Found]:
        """The objective of each object, shape (n,), and its derivative by each of `wrt`, shape (n, ...)."""
        leaves = self._leaves(wrt)
        count = math.prod(self._objects(values)) * sum(self.graph.entries[name] for name in leaves)
        check_memory(count, f"the derivatives of {self.graph.objective} of each object")
        found = self._call(self._once(("objects", leaves), lambda: self._per_object(leaves)), values, summed=())
        value, objects = np.ravel(found.pop(_VALUE)), self._objects(values)
        return _plain(np.broadcast_to(value, objects).copy() if objects else value[0]), found

    def intermediates(self, values: Values, of: Choice = None) -> Found:
        """The values of nodes by name; default: of all that a person named and the objective depends on."""
        if of is None:
            needed = self.graph.ancestors(self.graph.objective)
            of = [node.name for node in self.graph.nodes.values() if node.name in needed and node.op and node.named]
        nodes = self._nodes(of)
        return self._call(self._once(("values", nodes), lambda: self._values(nodes)), values, summed=())

    def vjp(self, values: Values, cotangents: Values, wrt: Choice = None) -> Found:
        """For each leaf of `wrt`, the sum over nodes of cotangent times the node's derivative by it.

        Parameters
        ----------
        cotangents : by node, each in the node's shape; with a batch, one an object or one for all.
        """
        return self._vjp(values, cotangents, self._leaves(wrt))

    def jvp(self, values: Values, tangents: Values, of: Choice = None) -> Found:
        """The derivative of each node of `of` (default: the objective, of each object) along a direction.

        Parameters
        ----------
        tangents : the direction: by leaf, each in the leaf's shape. Other leaves stay where they are.
        """
        leaves = self._directions(tangents)
        nodes = self._nodes(self.graph.objective if of is None else of)
        function, called = self._once(("jvp", leaves, nodes), lambda: self._jvp(leaves, nodes))
        return self._call(function, self._joined(values, tangents, called), summed=())

    def hvp(self, values: Values, direction: Values, wrt: Choice = None) -> Found:
        """The Hessian of the mean objective times a direction, by each of `wrt` (default: the parameters).

        Computed as the gradient of the directional derivative: the cost of a few gradients, whatever the size.

        References
        ----------
        Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994.
        """
        leaves, moved = self._leaves(wrt), self._directions(direction)
        function, called = self._once(("hvp", moved, leaves), lambda: self._hvp(moved, leaves))
        return self._call(function, self._joined(values, direction, called), leaves)

    def jacobian(self, values: Values, of: str, wrt: str) -> Any:
        """The derivative of every entry of a node by every entry of a leaf: the node's axes, then the leaf's.

        With a batch, one such array an object. Row by row or column by column, whichever are fewer.

        Raises
        ------
        ValuesError : no value is given for the leaf, or another number is missing or does not fit.
        LimitError : the derivative does not fit into memory.
        """
        (node,), (leaf,) = self._nodes(of), self._leaves(wrt)
        value = self.intermediates(values, node)[node]
        objects = self._objects(values) if node in self.graph.batched else ()
        rows = np.shape(value)[len(objects) :]
        if leaf not in values:
            raise ValuesError(f"no value is given for {leaf}", fix=f"give {leaf}=...")
        given = np.shape(values[leaf])
        columns = given[len(given) - len(self.graph[leaf].shape) :]
        check_memory(math.prod((*objects, *rows, *columns)), f"the Jacobian of {of} by {wrt}")
        if leaf not in self.graph.ancestors(node):
            return _plain(np.zeros((*objects, *rows, *columns), np.result_type(value)))
        if math.prod(rows) <= math.prod(columns):
            parts = [self._vjp(values, {node: each}, (leaf,), summed=not objects)[leaf] for each in _units(rows)]
            return _plain(self._stacked(parts, objects, rows, columns, value))
        parts = [self.jvp(values, {leaf: each}, node)[node] for each in _units(columns)]
        stacked = self._stacked(parts, objects, columns, rows, value)
        axes = range(len(objects), stacked.ndim)
        order = [*range(len(objects)), *axes[len(columns) :], *axes[: len(columns)]]
        return _plain(np.transpose(stacked, order))

    @staticmethod
    def _stacked(
        parts: list[Array], objects: tuple[int, ...], first: tuple[int, ...], second: tuple[int, ...], value: Array
    ) -> Array:
        """Derivatives along unit directions as one array: the axes of objects, of the directions, of the rest."""
        found = np.empty((len(parts), *objects, *second), np.result_type(value))
        for index, part in enumerate(parts):
            found[index] = part
        return np.moveaxis(found, 0, len(objects)).reshape((*objects, *first, *second))

    def _vjp(self, values: Values, cotangents: Values, leaves: tuple[str, ...], summed: bool = True) -> Found:
        nodes = self._nodes(tuple(cotangents))
        key = ("vjp", nodes, leaves, summed)
        function, called = self._once(key, lambda: self._pull(nodes, leaves, summed))
        return self._call(function, self._joined(values, cotangents, called), leaves if summed else ())

    def _gradients(self, leaves: tuple[str, ...]) -> TensorFunction:
        return self._reverse(self.graph, leaves, mean=True)

    def _per_object(self, leaves: tuple[str, ...]) -> TensorFunction:
        return self._reverse(_separate(self.graph, leaves), leaves, mean=False)

    def _reverse(self, graph: Graph, leaves: tuple[str, ...], mean: bool) -> TensorFunction:
        """The objective and its derivatives."""
        objective = graph.objective
        lowering = TangentLowering(graph, self.by_value)
        lowering.forward(objective)
        backward = lowering.derivatives_from_here()
        found = lowering.pull_back({objective: lowering.seed(objective, mean)}, leaves)
        results = {name: Result(position, name, "mean" if mean else "same") for name, position in found.items()}
        results[_VALUE] = Result(lowering.known[objective], objective, "same")
        return array_function(graph, lowering, backward, results, leaf_names(graph, (objective, *leaves)), self.most)

    def _values(self, nodes: tuple[str, ...]) -> TensorFunction:
        lowering = TangentLowering(self.graph, self.by_value)
        lowering.forward(*nodes)
        results = {name: Result(lowering.known[name], name, "same") for name in nodes}
        needed = leaf_names(self.graph, nodes)
        return array_function(self.graph, lowering, len(lowering.values.items), results, needed, self.most)

    def _pull(
        self, nodes: tuple[str, ...], leaves: tuple[str, ...], summed: bool
    ) -> tuple[TensorFunction, dict[str, str]]:
        """The adjoints of leaves, and the names of the cotangents."""
        graph = self.graph if summed else _separate(self.graph, leaves)
        called: dict[str, str] = {}
        extended = dict(graph.nodes)
        for name in nodes:
            called[name] = fresh = unused_name(f"cotangent_{name.lstrip('_')}", extended)
            role = Role.INPUT if name in graph.batched else Role.PARAMETER
            extended[fresh] = Node(fresh, role, graph[name].shape)
        graph = replace(graph, nodes=extended)
        lowering = TangentLowering(graph, self.by_value)
        lowering.forward(*nodes, *called.values())
        backward = lowering.derivatives_from_here()
        found = lowering.pull_back({name: lowering.known[fresh] for name, fresh in called.items()}, leaves)
        results = {name: Result(position, name, "sum") for name, position in found.items()}
        needed = leaf_names(graph, (*nodes, *called.values(), *leaves))
        once = [fresh for fresh in called.values() if graph[fresh].role is Role.PARAMETER]
        return array_function(graph, lowering, backward, results, needed, self.most, once), called

    def _jvp(self, leaves: tuple[str, ...], nodes: tuple[str, ...]) -> tuple[TensorFunction, dict[str, str]]:
        """The tangents of nodes, and the names of those of leaves."""
        graph, names = tangent_graph(self.graph, leaves)
        lowering = TangentLowering(graph, self.by_value, frozenset(graph.nodes) - set(self.graph.nodes))
        moving = [name for name in nodes if name in names]
        lowering.forward(*(names[name] for name in moving), *nodes)
        zero = lowering.values.number(0.0)
        tangents = {name: lowering.known[names[name]] if name in names else zero for name in nodes}
        results = {name: Result(position, name, "same") for name, position in tangents.items()}
        called = {leaf: names[leaf] for leaf in leaves}
        needed = leaf_names(graph, (*(names[name] for name in moving), *nodes, *called.values()))
        return array_function(graph, lowering, len(lowering.values.items), results, needed, self.most), called

    def _hvp(self, moved: tuple[str, ...], leaves: tuple[str, ...]) -> tuple[TensorFunction, dict[str, str]]:
        """Reverse over forward: the adjoints of leaves by the tangent of the objective."""
        graph, names = tangent_graph(self.graph, moved)
        lowering = TangentLowering(graph, self.by_value, frozenset(graph.nodes) - set(self.graph.nodes))
        objective = names.get(graph.objective, graph.objective)
        lowering.forward(objective)
        backward = lowering.derivatives_from_here()
        seeds = {objective: lowering.seed(objective)} if graph.objective in names else {}
        found = lowering.pull_back(seeds, leaves)
        results = {name: Result(position, name, "mean") for name, position in found.items()}
        called = {leaf: names[leaf] for leaf in moved}
        needed = leaf_names(graph, (objective, graph.objective, *leaves, *called.values()))
        return array_function(graph, lowering, backward, results, needed, self.most), called

    def _once(self, key: object, make: Callable[[], _T]) -> _T:
        if key not in self._functions:
            self._functions[key] = make()
        found: _T = self._functions[key]
        return found

    def _call(self, function: TensorFunction, given: Values, summed: Sequence[str]) -> Found:
        """The results of a call: without the axis of objects where none was given, else with a row for each of them.

        Parameters
        ----------
        summed : results that are added up over the objects where a leaf of that name was given without their axis.
        """
        found = function.call(dict(given))[1]
        objects = self._objects(given, function)
        for name, join in function.joins.items():
            if join in ("rows", "rows of a mean"):
                if not objects:
                    found[name] = found[name][0]
                elif name in summed and np.ndim(given[name]) == len(self.graph[name].shape):
                    found[name] = np.sum(found[name], axis=0)
                elif len(found[name]) != objects[0]:
                    found[name] = np.repeat(found[name], objects[0], axis=0)
        return {name: _plain(each) for name, each in found.items()}

    def _objects(self, given: Values, function: TensorFunction | None = None) -> tuple[int, ...]:
        """The shape of the axis of objects: (n,), or () where nothing is given with one.

        Raises
        ------
        ValuesError : numbers of objects differ, or a parameter is given with an axis of objects.
        """
        own = {name: function.shapes[name] for name in function.names.objects} if function else {}
        shapes = self._varying | own
        sizes = {
            name: np.shape(given[name])[0]
            for name in shapes
            if name in given and np.ndim(given[name]) > len(shapes[name])
        }
        for name in sizes:
            if name in self.graph.nodes and self.graph[name].role is Role.PARAMETER:
                found = f"{name} has the shape {np.shape(given[name])}, and it is one for all objects"
                raise ValuesError(found, fix=f"give an array of shape {shapes[name]}")
        if len(set(sizes.values())) > 1:
            found = ", ".join(f"{name} has {size}" for name, size in sizes.items())
            raise ValuesError(f"the numbers of objects differ: {found}", fix="give every batch the same length")
        return tuple(set(sizes.values()))

    @cached_property
    def _varying(self) -> dict[str, Shape]:
        """The shapes of inputs and targets."""
        names = self.graph.names(Role.INPUT, Role.TARGET)
        return {name: self.graph[name].shape for name in names}

    def _joined(self, values: Values, moved: Values, called: Mapping[str, str]) -> dict[str, Given]:
        """Values together with directions under their own names."""
        return {**values, **{called[name]: each for name, each in moved.items()}}

    def _directions(self, tangents: Values) -> tuple[str, ...]:
        if not tangents:
            raise ValuesError("no direction is given", fix="give one array for each leaf that moves")
        return self._leaves(tuple(tangents))

    def _leaves(self, wrt: Choice) -> tuple[str, ...]:
        known = [each.name for each in self.graph.nodes.values() if each.op is None and each.role is not Role.CONSTANT]
        return self.parameters if wrt is None else _chosen("input, target or parameter", wrt, known)

    def _nodes(self, of: str | Sequence[str]) -> tuple[str, ...]:
        return _chosen("node", of, [each.name for each in self.graph.nodes.values() if each.named])


def _chosen(what: str, found: str | Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Names without repeats.

    Raises
    ------
    UnknownNameError : one is not known.
    """
    wanted = (found,) if isinstance(found, str) else tuple(dict.fromkeys(found))
    for name in wanted:
        if name not in known:
            fix = did_you_mean(str(name), known, f"choose from: {', '.join(list(known)[:20])}")
            raise UnknownNameError(f"no {what} is called {name!r}", fix=fix)
    return wanted


def _separate(graph: Graph, leaves: Collection[str]) -> Graph:
    """The graph in which each object has its own copy of `leaves`, so that derivatives by them are not added up."""
    nodes = {
        name: replace(node, role=Role.INPUT) if name in leaves and node.role is Role.PARAMETER else node
        for name, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes)


def _units(shape: tuple[int, ...]) -> Iterator[Array]:
    """For each entry of an array, 1 there and 0 elsewhere; whole numbers, which leave the precision to the values."""
    for position in np.ndindex(shape):
        unit = np.zeros(shape, np.int8)
        unit[position] = 1
        yield unit


def _plain(array: Array) -> Any:
    return float(array) if np.ndim(array) == 0 else array
