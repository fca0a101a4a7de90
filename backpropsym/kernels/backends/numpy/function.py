"""The text of a kernel of arrays to a function."""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Collection, Mapping
from typing import Any

from backpropsym.arrays import Given
from backpropsym.errors import ValuesError
from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.checked_call import CheckedCall
from backpropsym.kernels.backends.names import Names
from backpropsym.kernels.backends.numpy.module import ArrayModule
from backpropsym.kernels.backends.task import Results
from backpropsym.kernels.runtime import array_statements
from backpropsym.kernels.runtime.array_arguments import arranged_arrays
from backpropsym.kernels.runtime.array_memory import Memory
from backpropsym.kernels.runtime.array_parts import on_tensors
from backpropsym.kernels.runtime.error_function import erf_array, erfc_array

_numbers = itertools.count(1)


class TensorFunction(CheckedCall):
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
        most: int | None = None,
        joins: Mapping[str, str] | None = None,
        once: Collection[str] = (),
    ) -> None:
        super().__init__(names, graph, arranged_arrays)
        self.joins, self.once = dict(joins or {}), once
        file = f"<backpropsym kernel of arrays {next(_numbers)}>"
        namespace: dict[str, Any] = {**vars(array_statements), "_erf_array": erf_array, "_erfc_array": erfc_array}
        exec(compile(text.head + text.function, file, "exec"), namespace)
        self.arrays = namespace["_arrays"]
        self.memory = Memory(namespace["_workspace"], namespace["_results"], most)
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
        values, sizes = self.checked(given)
        try:
            call = self.memory, self.arrays, values, sizes, self.names.objects
            return on_tensors(*call, self.joins, self.once)
        except IndexError as error:
            raise ValuesError(str(error), fix="give whole numbers that choose entries, which count from zero") from None
