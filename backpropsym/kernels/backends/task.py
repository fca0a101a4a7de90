"""What a backend writes a kernel of: a graph and options, lowered to a program when a printer asks for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from backpropsym.errors import NotScalarError
from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.names import Names, kernel_names
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Program
from backpropsym.kernels.lowering.array_lowering import ArrayLowering
from backpropsym.kernels.lowering.scalar_lowering import lower
from backpropsym.kernels.passes.pipeline import improved
from backpropsym.ops.kinds import Shape
from backpropsym.ops.memory_budget import check_memory

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

    @property
    def arrays(self) -> bool:
        """Whether the network is one of arrays, and not of numbers alone."""
        return not self.graph.scalar

    @cached_property
    def scalar_program(self) -> Program:
        """The program of a network of numbers.

        Raises
        ------
        AbstractFunctionError : a function has no formula.
        LimitError : too many operations.
        """
        return lower(self.graph, self.options.mode, self.options.parameters, self.options.accuracy)

    @cached_property
    def array_program(self) -> ArrayProgram:
        """The program on arrays, which numbers are too, with gradients by one reverse sweep.

        Raises
        ------
        AbstractFunctionError : a function has no formula.
        NotScalarError : the objective has several entries.
        LimitError : the arrays would be too large.
        """
        graph, objective = self.graph, self.graph.objective
        check_memory(sum(graph.entries[name] for name in graph.ancestors(objective)), f"computing {objective}")
        shape = graph[objective].shape
        if any(size != 1 for size in shape):
            message = f"{objective} has the shape {shape}; a kernel gives gradients of one number"
            raise NotScalarError(message, fix="give the network a loss, or a scalar output")
        lowering = ArrayLowering(graph, by_value=self.options.accuracy == "default")
        program = lowering.reverse(self.options.parameters)
        return array_program(lowering, program, {name: lowering.whole(name) for name in program.gradients})
