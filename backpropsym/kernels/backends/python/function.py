"""The text of a kernel of numbers to a function."""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

from backpropsym.arrays import Given, Numeric
from backpropsym.errors import Problem, ValuesError
from backpropsym.kernels.backends.names import Names
from backpropsym.kernels.backends.python.module import ModuleText
from backpropsym.kernels.backends.task import Results, Run
from backpropsym.kernels.runtime.error_function import erf_array, erfc_array
from backpropsym.kernels.runtime.scalar_runtime import arranged, on_arrays

_numbers = itertools.count(1)


class ScalarFunction:
    """The functions of a module's text; the one on arrays is compiled when it is first needed.

    Parameters
    ----------
    most : the most objects that NumPy computes with together.
    loop : what computes on batches instead of NumPy.
    """

    def __init__(
        self, text: ModuleText, names: Names, most: int | None, loop: Callable[..., Results] | None = None
    ) -> None:
        self.text = text
        self.most = most
        self.loop = loop
        self.names = names
        self.file = f"<backpropsym kernel of numbers {next(_numbers)}>"
        namespace: dict[str, Any] = {"__name__": "backpropsym.kernel", "_general": self.general, "_limits": self.limits}
        exec(compile(text.head + text.scalar, self.file, "exec"), namespace)
        self.function: Run = namespace["kernel"]
        self._show(text.head + text.scalar)
        weakref.finalize(self.function, linecache.cache.pop, self.file, None)

    @cached_property
    def arrays(self) -> Callable[..., Any]:
        """The kernel on NumPy numbers."""
        before = "\n" * (self.text.head + self.text.scalar).count("\n")
        self._show(self.text.whole)
        namespace: dict[str, Any] = {"_erf_array": erf_array, "_erfc_array": erfc_array}
        exec(compile(before + self.text.arrays, self.file, "exec"), namespace)
        return cast(Callable[..., Any], namespace["_arrays"])

    def _show(self, text: str) -> None:
        """Let tracebacks and inspection find the lines."""
        linecache.cache[self.file] = (len(text), None, text.splitlines(keepends=True), self.file)

    def general(self, given: dict[str, Given]) -> Results:
        """A call with more than floats: arrays, integers, mistakes."""
        values = checked(given, self.names)
        if all(isinstance(value, float) for value in values.values()):
            return self.function(**values)
        return on_arrays(self.arrays, values, self.names.objects, self.most) if self.loop is None else self.loop(values)

    def limits(self, given: dict[str, Given]) -> Results:
        """A point where Python raises: NumPy gives inf and nan, as IEEE 754 says."""
        return on_arrays(self.arrays, {name: given[name] for name in self.names.needed}, self.names.objects)


def checked(given: dict[str, Given], names: Names) -> dict[str, Numeric]:
    """What a kernel was called with, as floats and arrays.

    Raises
    ------
    ValuesError : all mistakes of the call.
    """
    values, mistakes = arranged(given, names.objects, names.numbers, names.ignored)
    if mistakes:
        raise ValuesError([Problem(found, fix=fix) for found, fix in mistakes])
    return values
