"""The engine of PyTorch: the program of arrays on tensors, whatever the network."""

from __future__ import annotations

import itertools
import linecache
import weakref
from typing import Any

from backpropsym.arrays import Array, Given
from backpropsym.errors import ValuesError
from backpropsym.kernels.backends.checked_call import CheckedCall
from backpropsym.kernels.backends.task import Results, Run, Task
from backpropsym.kernels.backends.torch.module import TorchModule

_numbers = itertools.count(1)


def function(task: Task, text: TorchModule) -> Run:
    """The function of a module."""
    call = _TorchCall(task, text)

    def kernel(**given: Given) -> Results:
        return call.results(given)

    weakref.finalize(kernel, linecache.cache.pop, call.file, None)
    return kernel


class _TorchCall(CheckedCall):
    """The calls of a kernel on tensors; PyTorch is imported by the first one."""

    def __init__(self, task: Task, text: TorchModule) -> None:
        from backpropsym.kernels.runtime import torch_call, torch_statements

        super().__init__(task.names, task.graph, torch_call.arranged_tensors)
        self.file = f"<backpropsym kernel of tensors {next(_numbers)}>"
        namespace: dict[str, Any] = dict(vars(torch_statements))
        exec(compile(text.head + text.function, self.file, "exec"), namespace)
        self.tensors = namespace["_tensors"]
        self.on_torch = torch_call.on_torch
        linecache.cache[self.file] = (len(text.whole), None, text.whole.splitlines(keepends=True), self.file)

    def results(self, given: dict[str, Given]) -> Results:
        """Value and gradients as tensors.

        Raises
        ------
        ValuesError : all mistakes of the call.
        LimitError : with the sizes of these tensors it would hold too many numbers.
        """
        values, sizes = self.checked(given)
        try:
            return self.on_torch(self.tensors, values, sizes)
        except IndexError as error:
            raise ValuesError(str(error), fix="give whole numbers that choose entries, which count from zero") from None

    def as_array(self, value: Any) -> Array:
        """See CheckedCall."""
        array: Array = value.cpu().numpy()
        return array
