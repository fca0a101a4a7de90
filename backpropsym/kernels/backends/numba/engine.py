"""The engine of Numba: the module of NumPy, with a loop of machine code in the place of its arrays."""

from __future__ import annotations

from backpropsym.kernels.backends.numba.fused_loop import FusedLoop
from backpropsym.kernels.backends.python.function import ScalarFunction
from backpropsym.kernels.backends.python.module import ModuleText
from backpropsym.kernels.backends.task import Run, Task


def printed(task: Task) -> ModuleText:
    """The module of a network of numbers."""
    return ModuleText(task)


def function(task: Task, text: ModuleText) -> Run:
    """The function of a module, which computes batches in a loop."""
    loop = FusedLoop(task.graph, task.object_program, task.names)
    return ScalarFunction(text, task.names, None, loop).function
