"""What a backend writes a kernel of: a graph and options, lowered to a program when a printer asks for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.names import Names, kernel_names
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Program
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from backpropsym.kernels.lowering.lower import lower
from backpropsym.kernels.passes.pipeline import improved
from backpropsym.ops.kinds import Shape

Results = tuple[Any, dict[str, Any]]
Run = Callable[..., Results]
"""Called with values by name, it gives the value and the gradients."""


@dataclass(frozen=True)
class Options:
    """What a kernel is compiled with besides its graph, in the order of `compile_kernel`."""

    mode: str
    accuracy: str
    parameters: tuple[str, ...]
    engine: str
    objects_at_once: int | None


class Text(Protocol):
    """What a printer gives: text in parts of its own."""

    @property
    def whole(self) -> str:
        """All of it, which can stand alone."""


def numbers_alone(graph: Graph) -> bool:
    """Whether a network has no arrays, so that a single object is computed by straight lines of Python."""
    return graph.scalar


class ArrayProgram(NamedTuple):
    """A program on arrays after all passes, its values with their shapes, and the shapes of its results."""

    program: Program
    values: ArrayValues
    results: Mapping[str, Shape]


def array_program(lowering: ArrayLowering, program: Program, results: Mapping[str, Shape]) -> ArrayProgram:
    """A lowered program after all passes."""
    return ArrayProgram(*improved(program, lowering.values, results), results)


@dataclass(frozen=True)
class Task:
    """A graph and the options of its kernel; a program is lowered once, when it is first asked for."""

    graph: Graph
    options: Options

    @cached_property
    def names(self) -> Names:
        """What the kernel is called with."""
        return kernel_names(self.graph, self.options.parameters)

    @cached_property
    def object_program(self) -> Program:
        """The program of one object; of a network of numbers it is arithmetic alone. Errors as for `lower`."""
        return self._lowered(batch=False)[1]

    @cached_property
    def batch_program(self) -> Program:
        """The program of a batch as it was lowered. Errors as for `lower`."""
        return self._lowered()[1]

    @cached_property
    def array_program(self) -> ArrayProgram:
        """The program of a batch after all passes. Errors as for `lower`."""
        lowering, program = self._lowered()
        return array_program(lowering, program, {name: lowering.whole(name) for name in program.gradients})

    def _lowered(self, batch: bool = True) -> tuple[ArrayLowering, Program]:
        return lower(self.graph, self.options.mode, self.options.parameters, self.options.accuracy, batch)
