"""What a kernel of arrays is called with, checked: names, shapes, numbers that choose entries, memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from backpropsym.arrays import Array, Arrays, Given
from backpropsym.errors import Problem, ValuesError
from backpropsym.evaluate.choices import choices, misplaced
from backpropsym.graph.graph import Graph, Shape
from backpropsym.kernels.backends.names import Names
from backpropsym.kernels.runtime.scalar_runtime import unknown_names
from backpropsym.ops.memory_budget import check_memory
from backpropsym.ops.size_values import size_value

Arranged = tuple[dict[str, Array], dict[str, int], list[tuple[str, str]]]
Arrange = Callable[[dict[str, Given], dict[str, Shape], Sequence[str]], Arranged]


class CheckedCall:
    """The calls of one kernel.

    Parameters
    ----------
    arrange : what brings values by name into the arrays of a backend, given their shapes and the names that may differ
        from object to object. It gives them, the sizes of symbols and of the batch, and mistakes with their fixes.
    """

    def __init__(self, names: Names, graph: Graph, arrange: Arrange) -> None:
        self.names = names
        self.graph = graph
        self.arrange = arrange
        self.shapes = {name: graph[name].shape for name in names.needed}
        self._counted: dict[str, int] = {}
        self._chosen = choices(graph)

    def checked(self, given: dict[str, Given]) -> tuple[dict[str, Array], dict[str, int]]:
        """The arrays of a call, and the sizes of symbols and of the batch.

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
            values, sizes, mistakes = self.arrange(given, self.shapes, self.names.objects)
        problems = [Problem(found, fix=fix) for found, fix in mistakes] + self._misplaced(values, sizes)
        if problems:
            raise ValuesError(problems)
        if sizes != self._counted:
            self._count(sizes)
        return values, sizes

    def _misplaced(self, values: Arrays, sizes: Mapping[str, int]) -> list[Problem]:
        """What is wrong with numbers that choose entries."""
        given = {name: choice.ends(sizes) for name, choice in self._chosen.items() if name in values}
        chosen = [(name, ends) for name, ends in given.items() if ends is not None]
        found = (misplaced(name, self.as_array(values[name]), *ends) for name, ends in chosen)
        return [problem for problem in found if problem is not None]

    def as_array(self, value: Array) -> Array:
        """A value in the form in which it is checked."""
        return value

    def _count(self, sizes: Mapping[str, int]) -> None:
        """Refuse symbolic sizes of which the nodes would be too large, before anything is computed."""
        nodes = self.graph.nodes.values()
        count = sum(math.prod(size_value(size, sizes) or 0 for size in node.shape) for node in nodes)
        check_memory(count, f"computing {self.graph.objective}")
        self._counted = dict(sizes)
