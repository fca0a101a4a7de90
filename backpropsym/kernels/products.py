"""What a kernel gives besides value and gradients: derivatives by any leaf, products with them, values of nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from backpropsym.errors import UnknownNameError, ValuesError, did_you_mean
from backpropsym.graph import Graph, Node, Role
from backpropsym.kernels.array_ops import BATCH, Source
from backpropsym.kernels.product_lower import TangentLowering, array_function, leaf_names
from backpropsym.kernels.tangents import tangent_graph, unused_name
from backpropsym.kernels.tensors import TensorFunction

Arrays = Mapping[str, Any]
Choice = str | Sequence[str] | None
Found = dict[str, Any]
_VALUE = "_value"
_T = TypeVar("_T")


class Products:
    """The methods of a kernel. Values come as one mapping by name, so that a network may use any name.

    Each method works on one object or on a batch, in the precision of the arrays it is given. With a batch, what
    belongs to a leaf or node that differs from object to object has a leading axis of objects; what is shared, such
    as a parameter or an input given without that axis, has none, and its derivative is added up over the objects.
    A function is compiled when it is first asked for, and kept.

    Parameters
    ----------
    parameters : by which derivatives are taken where `wrt` is not given.
    """

    def __init__(self, graph: Graph, accuracy: str, parameters: tuple[str, ...]) -> None:
        self.graph = graph
        self.by_value = accuracy == "default"
        self.parameters = parameters
        self._functions: dict[Any, Any] = {}

    def gradients(self, values: Arrays, wrt: Choice = None) -> tuple[Any, Found]:
        """The mean objective, and its derivative by each of `wrt`, which may be inputs, targets and parameters."""
        leaves = self._leaves(wrt)
        found = self._call(self._once(("gradients", leaves), lambda: self._gradients(leaves)), values)
        return float(np.mean(found.pop(_VALUE))), found

    def per_object(self, values: Arrays, wrt: Choice = None) -> tuple[Any, Found]:
        """The objective of each object, shape (n,), and its derivative by each of `wrt`, shape (n, ...)."""
        leaves = self._leaves(wrt)
        found = self._call(self._once(("objects", leaves), lambda: self._per_object(leaves)), values, summed=False)
        return found.pop(_VALUE), found

    def intermediates(self, values: Arrays, of: Choice = None) -> Found:
        """The values of nodes by name; default: of all that a person named and the objective depends on."""
        if of is None:
            needed = self.graph.ancestors(self.graph.objective)
            of = [node.name for node in self.graph.nodes.values() if node.name in needed and node.op and node.named]
        nodes = self._nodes(of)
        return self._call(self._once(("values", nodes), lambda: self._values(nodes)), values)

    def vjp(self, values: Arrays, cotangents: Arrays, wrt: Choice = None) -> Found:
        """For each leaf of `wrt`, the sum over nodes of cotangent times the node's derivative by it.

        Parameters
        ----------
        cotangents : by node, each in the node's shape; with a batch, one an object or one for all.
        """
        return self._vjp(values, cotangents, self._leaves(wrt))

    def jvp(self, values: Arrays, tangents: Arrays, of: Choice = None) -> Found:
        """The derivative of each node of `of` (default: the objective, of each object) along a direction.

        Parameters
        ----------
        tangents : the direction: by leaf, each in the leaf's shape. Other leaves stay where they are.
        """
        leaves = self._directions(tangents)
        nodes = self._nodes(self.graph.objective if of is None else of)
        function, called = self._once(("jvp", leaves, nodes), lambda: self._jvp(leaves, nodes))
        return self._call(function, self._joined(values, tangents, called))

    def hvp(self, values: Arrays, direction: Arrays, wrt: Choice = None) -> Found:
        """The Hessian of the mean objective times a direction, by each of `wrt` (default: the parameters).

        Computed as the gradient of the directional derivative: the cost of a few gradients, whatever the size.

        References
        ----------
        Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994.
        """
        leaves, moved = self._leaves(wrt), self._directions(direction)
        function, called = self._once(("hvp", moved, leaves), lambda: self._hvp(moved, leaves))
        return self._call(function, self._joined(values, direction, called))

    def jacobian(self, values: Arrays, of: str, wrt: str) -> Any:
        """The derivative of every entry of a node by every entry of a leaf: the node's axes, then the leaf's.

        With a batch, one such array an object. Row by row or column by column, whichever are fewer.
        """
        (node,), (leaf,) = self._nodes(of), self._leaves(wrt)
        value = self.intermediates(values, node)[node]
        objects = self._objects(values) if node in self.graph.batched else ()
        rows = np.shape(value)[len(objects) :]
        given = np.shape(values[leaf])
        columns = given[len(given) - len(self.graph[leaf].shape) :]
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
    def _stacked(parts: list[Any], objects: tuple[int, ...], first: Any, second: Any, value: Any) -> Any:
        """Derivatives along unit directions as one array: the axes of objects, of the directions, of the rest."""
        found = np.empty((len(parts), *objects, *second), np.result_type(value))
        for index, part in enumerate(parts):
            found[index] = part
        return np.moveaxis(found, 0, len(objects)).reshape((*objects, *first, *second))

    def _vjp(self, values: Arrays, cotangents: Arrays, leaves: tuple[str, ...], summed: bool = True) -> Found:
        nodes = self._nodes(tuple(cotangents))
        key = ("vjp", nodes, leaves, summed)
        function, called = self._once(key, lambda: self._pull(nodes, leaves, summed))
        return self._call(function, self._joined(values, cotangents, called), summed)

    def _gradients(self, leaves: tuple[str, ...]) -> TensorFunction:
        return self._reverse(self.graph, leaves, mean=True)

    def _per_object(self, leaves: tuple[str, ...]) -> TensorFunction:
        return self._reverse(_separate(self.graph, leaves), leaves, mean=False)

    def _reverse(self, graph: Graph, leaves: tuple[str, ...], mean: bool) -> TensorFunction:
        """The objective and its derivatives."""
        objective = graph.objective
        lowering = TangentLowering(graph, self.by_value)
        lowering.forward(objective)
        backward = _derivatives_from_here(lowering)
        found = lowering.pull_back({objective: _seed(lowering, objective, mean)}, leaves)
        results = {name: (position, name) for name, position in found.items()}
        results[_VALUE] = lowering.known[objective], objective
        return array_function(graph, lowering, backward, results, leaf_names(graph, (objective, *leaves)))

    def _values(self, nodes: tuple[str, ...]) -> TensorFunction:
        lowering = TangentLowering(self.graph, self.by_value)
        lowering.forward(*nodes)
        results = {name: (lowering.known[name], name) for name in nodes}
        return array_function(self.graph, lowering, len(lowering.values.items), results, leaf_names(self.graph, nodes))

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
        backward = _derivatives_from_here(lowering)
        found = lowering.pull_back({name: lowering.known[fresh] for name, fresh in called.items()}, leaves)
        results = {name: (position, name) for name, position in found.items()}
        names = leaf_names(graph, (*nodes, *called.values(), *leaves))
        return array_function(graph, lowering, backward, results, names), called

    def _jvp(self, leaves: tuple[str, ...], nodes: tuple[str, ...]) -> tuple[TensorFunction, dict[str, str]]:
        """The tangents of nodes, and the names of those of leaves."""
        graph, names = tangent_graph(self.graph, leaves)
        lowering = TangentLowering(graph, self.by_value, frozenset(graph.nodes) - set(self.graph.nodes))
        moving = [name for name in nodes if name in names]
        lowering.forward(*(names[name] for name in moving), *nodes)
        zero = lowering.values.number(0.0)
        results = {name: (lowering.known[names[name]] if name in names else zero, name) for name in nodes}
        called = {leaf: names[leaf] for leaf in leaves}
        needed = leaf_names(graph, (*(names[name] for name in moving), *nodes, *called.values()))
        return array_function(graph, lowering, len(lowering.values.items), results, needed), called

    def _hvp(self, moved: tuple[str, ...], leaves: tuple[str, ...]) -> tuple[TensorFunction, dict[str, str]]:
        """Reverse over forward: the adjoints of leaves by the tangent of the objective."""
        graph, names = tangent_graph(self.graph, moved)
        lowering = TangentLowering(graph, self.by_value, frozenset(graph.nodes) - set(self.graph.nodes))
        objective = names.get(graph.objective, graph.objective)
        lowering.forward(objective)
        backward = _derivatives_from_here(lowering)
        seeds = {objective: _seed(lowering, objective, mean=True)} if graph.objective in names else {}
        found = lowering.pull_back(seeds, leaves)
        results = {name: (position, name) for name, position in found.items()}
        called = {leaf: names[leaf] for leaf in moved}
        needed = leaf_names(graph, (objective, graph.objective, *leaves, *called.values()))
        return array_function(graph, lowering, backward, results, needed), called

    def _once(self, key: Any, make: Callable[[], _T]) -> _T:
        if key not in self._functions:
            self._functions[key] = make()
        found: _T = self._functions[key]
        return found

    def _call(self, function: TensorFunction, given: Arrays, summed: bool = True) -> Found:
        """The results of a call, without the axis of objects where none was given."""
        found = function.call(dict(given))[1]
        if not self._batch(given, function):
            return {key: self._single(function, key, each) for key, each in found.items()}
        shared = [key for key in found if summed and key in given and self._is_shared(key, given)]
        return found | {key: _plain(np.sum(found[key], axis=0)) for key in shared}

    def _batch(self, given: Arrays, function: TensorFunction) -> bool:
        """Whether any array that may differ from object to object was given with an axis of objects."""
        return any(np.ndim(given[name]) > len(function.shapes[name]) for name in function.names.objects)

    def _single(self, function: TensorFunction, key: str, array: Any) -> Any:
        rank = len(self.graph[self.graph.objective if key == _VALUE else key].shape)
        return _plain(array[0]) if np.ndim(array) > rank else array

    def _is_shared(self, name: str, given: Arrays) -> bool:
        node = self.graph[name]
        varies = node.role in (Role.INPUT, Role.TARGET)
        return node.op is None and varies and np.ndim(given[name]) == len(node.shape)

    def _objects(self, values: Arrays) -> tuple[int, ...]:
        """The shape of the axis of objects: (n,), or () where none is given."""
        for name in (*self.graph.names(Role.INPUT), *self.graph.names(Role.TARGET)):
            if name in values and np.ndim(values[name]) > len(self.graph[name].shape):
                return (len(values[name]),)
        return ()

    def _joined(self, values: Arrays, moved: Arrays, called: Mapping[str, str]) -> Found:
        """Values together with directions under their own names."""
        return {**values, **{called[name]: each for name, each in moved.items()}}

    def _directions(self, tangents: Arrays) -> tuple[str, ...]:
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


def _derivatives_from_here(lowering: TangentLowering) -> int:
    lowering.values.derivative = True
    return len(lowering.values.items)


def _seed(lowering: TangentLowering, objective: str, mean: bool) -> int:
    """What one object's objective weighs."""
    if mean and lowering.lead(objective):
        return lowering.values.make(Source((), f"1.0/{BATCH}"))
    return lowering.values.number(1.0)


def _units(shape: tuple[int, ...]) -> list[Any]:
    """For each entry of an array, 1 there and 0 elsewhere; whole numbers, which leave the precision to the values."""
    size = math.prod(shape)
    return list(np.eye(size, dtype=np.int8).reshape((size, *shape)))


def _plain(array: Any) -> Any:
    return float(array) if np.ndim(array) == 0 else array
