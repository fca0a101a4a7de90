"""Graph of tensors to a function that gives the value and all gradients, always on arrays."""

from __future__ import annotations

import linecache
import math
import weakref
from collections.abc import Collection, Mapping
from typing import Any

from backpropsym.arrays import Array, Arrays, Given
from backpropsym.errors import NotScalarError, Problem, UnknownNameError, ValuesError
from backpropsym.evaluate.choices import choices, misplaced
from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.numpy.module import ArrayModule, array_module
from backpropsym.kernels.backends.python.module import Names
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from backpropsym.kernels.runtime import array_runtime
from backpropsym.kernels.runtime.error_function import erf_array, erfc_array
from backpropsym.kernels.runtime.scalar_runtime import unknown_names
from backpropsym.ops.memory_budget import check_memory
from backpropsym.ops.size_values import size_value

Results = tuple[float, dict[str, Any]]


def tensor_module(graph: Graph, mode: str, accuracy: str, wanted: tuple[str, ...], names: Names) -> ArrayModule:
    """The module of a network of tensors.

    Raises
    ------
    UnknownNameError : a mode that only networks of scalars have.
    NotScalarError : the objective has several entries.
    """
    if mode != "reverse":
        raise UnknownNameError(f"mode {mode} is for networks of scalars", fix='compile with mode="reverse"')
    shape = graph[graph.objective].shape
    if any(size != 1 for size in shape):
        message = f"{graph.objective} has the shape {shape}; a kernel gives gradients of one number"
        raise NotScalarError(message, fix="give the network a loss, or a scalar output")
    lowering = ArrayLowering(graph, by_value=accuracy == "default")
    return array_module(graph, lowering, lowering.reverse(wanted), names)


class TensorFunction:
    """The function of a module of tensors.

    Parameters
    ----------
    most : the most objects that are computed with at once; by default as many as stay in the cache.
    joins, once : how the results of parts of a batch are joined; see `on_tensors`.
    """

    def __init__(
        self,
        text: ArrayModule,
        names: Names,
        graph: Graph,
        file: str,
        most: int | None = None,
        joins: Mapping[str, str] | None = None,
        once: Collection[str] = (),
    ) -> None:
        self.names = names
        self.joins, self.once = dict(joins or {}), once
        self.graph = graph
        self.shapes = {name: graph[name].shape for name in names.needed}
        self._counted: dict[str, int] = {}
        self.chosen = choices(graph)
        namespace: dict[str, Any] = {**vars(array_runtime), "_erf_array": erf_array, "_erfc_array": erfc_array}
        exec(compile(text.head + text.function, file, "exec"), namespace)
        self.arrays = namespace["_arrays"]
        self.memory = array_runtime.Memory(namespace["_workspace"], namespace["_results"], most)
        linecache.cache[file] = (len(text.whole), None, text.whole.splitlines(keepends=True), file)

        def kernel(**given: Given) -> Results:
            return self.call(given)

        self.function = kernel
        weakref.finalize(kernel, linecache.cache.pop, file, None)

    def call(self, given: dict[str, Given]) -> Results:
        """Value and gradients.

        Raises
        ------
        ValuesError : all mistakes of the call.
        LimitError : with the sizes of these arrays it would hold too many numbers.
        """
        mistakes = unknown_names(given, self.names.needed, self.names.ignored)
        missing = [name for name in self.names.needed if name not in given]
        if missing:
            mistakes.append((f"no value is given for {', '.join(missing[:10])}", f"give {missing[0]}=..."))
        values: dict[str, Array] = {}
        sizes: dict[str, int] = {}
        if not mistakes:
            values, sizes, mistakes = array_runtime.arranged_arrays(given, self.shapes, self.names.objects)
        problems = [Problem(found, fix=fix) for found, fix in mistakes] + self._misplaced(values, sizes)
        if problems:
            raise ValuesError(problems)
        if sizes != self._counted:
            self._count(sizes)
        try:
            call = self.memory, self.arrays, values, sizes, self.names.objects
            return array_runtime.on_tensors(*call, self.joins, self.once)
        except IndexError as error:
            raise ValuesError(str(error), fix="give whole numbers that choose entries, which count from zero") from None

    def _misplaced(self, values: Arrays, sizes: Mapping[str, int]) -> list[Problem]:
        """What is wrong with numbers that choose entries."""
        given = {name: choice.ends(sizes) for name, choice in self.chosen.items() if name in values}
        found = (misplaced(name, values[name], *ends) for name, ends in given.items() if ends is not None)
        return [problem for problem in found if problem is not None]

    def _count(self, sizes: Mapping[str, int]) -> None:
        """Refuse symbolic sizes of which the nodes would be too large, before anything is computed."""
        nodes = self.graph.nodes.values()
        count = sum(math.prod(size_value(size, sizes) or 0 for size in node.shape) for node in nodes)
        check_memory(count, f"computing {self.graph.objective}")
        self._counted = dict(sizes)
