"""The engine of NumPy: straight lines of Python for one object of numbers, arrays for all else."""

from __future__ import annotations

from dataclasses import dataclass

from backpropsym.kernels.backends.numpy.function import TensorFunction
from backpropsym.kernels.backends.numpy.module import ArrayModule, array_module
from backpropsym.kernels.backends.path_sums import paths_function
from backpropsym.kernels.backends.python.function import ScalarFunction, checked
from backpropsym.kernels.backends.python.module import ModuleText
from backpropsym.kernels.backends.task import Run, Task, numbers_alone
from backpropsym.kernels.lowering.lower import lower


@dataclass(frozen=True)
class PathSums:
    """The text of sums over paths, and what computes them."""

    whole: str
    function: Run


def printed(task: Task) -> ModuleText | ArrayModule | PathSums:
    """The module of a network."""
    graph, options = task.graph, task.options
    if options.mode == "paths":
        lower(graph, "reverse", (), options.accuracy, batch=False)
        function, source = paths_function(graph, options.parameters, task.names, checked)
        return PathSums(source, function)
    return ModuleText(task) if numbers_alone(graph) else array_module(graph, task.array_program, task.names)


def function(task: Task, text: ModuleText | ArrayModule | PathSums) -> Run:
    """The function of a module."""
    match text:
        case PathSums():
            return text.function
        case ModuleText():
            return ScalarFunction(text, task.names, task.options.objects_at_once).function
        case ArrayModule():
            return TensorFunction(text, task.names, task.graph, task.options.objects_at_once).function
